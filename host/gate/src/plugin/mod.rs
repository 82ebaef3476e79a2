//! The plugin runtime: loads a component, bounds it, calls it, and takes its answers for what they are: input from outside.
//!
//! An instance stays warm between calls, with its index of the rows, so it reads nothing again within a generation of the inventory.
//! A plugin is trusted with nothing: it can ask for the inventory and the time, and each resource it can use up has a limit in
//! [`Limits`]. What crosses with every call is numbers, for which `names` keeps the names.

mod answer;
mod cache;
mod calls;
mod contradiction;
mod convert;
mod engine;
mod error;
mod instance;
mod limits;
mod linker;
mod load;
mod meter;
mod names;
mod nothing;
mod offers;
mod seen;
pub(crate) mod shown;
mod slots;
#[cfg(test)]
mod tests;
mod unknown;
mod warm;
mod world;

use std::{fmt, sync::Arc};

use quotagate_contract::Descriptor;

pub use self::{
    cache::CompileCache,
    contradiction::Contradiction,
    engine::PluginEngine,
    error::{CallError, LoadError},
    limits::Limits,
    load::PluginOptions,
    unknown::unknown_verdicts,
};
pub(crate) use self::{calls::AssessCall, shown::Shown, unknown::unknown_admission};
use self::{
    linker::{NewNames, State},
    offers::NumberedLists,
    slots::Slots,
    warm::WarmInstances,
};
use crate::bindings::PluginPre;

/// The version of the contract that this host speaks.
pub const CONTRACT_VERSION: &str = quotagate_contract::VERSION;

/// A loaded plugin, ready to be called. Cheap to share: clones are the same plugin.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    /// What runs it, and bounds its time as long as it is there.
    engine: PluginEngine,
    pre: PluginPre<State>,
    descriptor: Descriptor,
    sha256: String,
    size: usize,
    imports: Vec<String>,
    limits: Limits,
    warm: WarmInstances,
    slots: Slots,
    lists: NumberedLists,
    new_names: Arc<NewNames>,
}

impl Plugin {
    /// The same plugin under other limits, with instances and turns of its own; the code is compiled once. Steps can be counted
    /// only where they were from the beginning ([`Limits::fuel`]).
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        Self(Arc::new(self.0.under(limits)))
    }

    /// What the plugin says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// SHA-256 of the bytes that it was loaded from, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Their size in bytes.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// What it imports, by full name.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }
}

impl Loaded {
    fn under(&self, limits: Limits) -> Self {
        Self {
            engine: self.engine.clone(),
            pre: self.pre.clone(),
            descriptor: self.descriptor.clone(),
            sha256: self.sha256.clone(),
            size: self.size,
            imports: self.imports.clone(),
            warm: WarmInstances::new(limits.warm_instances),
            slots: Slots::new(limits.concurrent_calls),
            lists: NumberedLists::default(),
            new_names: Arc::clone(&self.new_names),
            limits,
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plugin")
            .field("cloud", &self.0.descriptor.cloud)
            .field("version", &self.0.descriptor.version)
            .field("sha256", &self.0.sha256)
            .field("engine", &self.0.engine)
            .finish_non_exhaustive()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
