//! The plugin runtime: loads a component, bounds it, calls it.
//!
//! A call takes a warm instance where one is idle, else a fresh one (some 50 us), and gives it back only after it
//! succeeded: a trap, a host error, a limit that was hit or an answer that cannot be true poisons the whole store, so the
//! store goes out of scope on every such path. A warm instance still has its index of the rows, so it reads nothing again within a generation of the
//! inventory. A plugin is trusted with nothing: it can ask for the inventory and the time, and each resource it can use up
//! has a limit in [`Limits`].

mod answer;
mod engine;
mod error;
mod limits;
mod linker;
mod meter;
mod slots;
mod unknown;
mod warm;

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};
use wasmtime::{
    Store,
    component::{Component, HasSelf},
};

pub(crate) use self::unknown::unknown_admission;
pub use self::{
    answer::Contradiction,
    engine::CompileCache,
    error::{CallError, LoadError},
    limits::Limits,
    unknown::unknown_verdicts,
};
use self::{
    answer::{
        check_admission, check_admission_text, check_diagnosis, check_diagnosis_text,
        check_verdicts, check_verdicts_text,
    },
    error::is_out_of_memory,
    linker::State,
    slots::Slots,
    warm::{Instance, WarmInstances},
};
use crate::{
    bindings::PluginPre,
    clock::Clock,
    inventory::Inventory,
    types::{
        Admission, Descriptor, Diagnosis, Failure, Launch, Offer, Policy, Profile, Refusal, Verdict,
    },
};

/// The version of the contract that this host speaks.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// A loaded plugin, ready to be called. Cheap to share: clones are the same plugin.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    pre: PluginPre<State>,
    descriptor: Descriptor,
    sha256: String,
    size: usize,
    imports: Vec<String>,
    limits: Limits,
    warm: WarmInstances,
    slots: Slots,
}

/// How to load a plugin.
#[derive(Clone, Debug, Default)]
pub struct PluginOptions {
    /// What a call may use up.
    pub limits: Limits,
    /// Where compiled code is kept between processes.
    pub cache: CompileCache,
    /// The SHA-256 that the bytes must have, in lower-case hexadecimal digits; none accepts any.
    pub sha256: Option<String>,
}

impl Plugin {
    /// Loads a component with the default options.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_with(bytes, &PluginOptions::default())
    }

    /// Loads a component: compiles it, or takes the compiled code from the cache, checks that it speaks this contract and
    /// asks for nothing else, and asks it what it is.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_with(bytes: &[u8], options: &PluginOptions) -> Result<Self, LoadError> {
        let sha256 = hexadecimal(&Sha256::digest(bytes));
        if let Some(expected) = options
            .sha256
            .as_ref()
            .filter(|expected| **expected != sha256)
        {
            return Err(LoadError::WrongDigest {
                expected: expected.clone(),
                found: sha256,
            });
        }
        if !bytes.starts_with(COMPONENT_PREAMBLE) {
            return Err(LoadError::NotAComponent {
                core_module: bytes.starts_with(b"\0asm"),
            });
        }
        let engine = engine::new(&options.cache, options.limits.fuel.is_some())?;
        let component =
            Component::new(&engine, bytes).map_err(|error| LoadError::Malformed(error.into()))?;
        let imports = linker::check_world(&engine, &component)?;
        let pre = linker::new(&engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(PluginPre::new)
            .map_err(|error| LoadError::Unlinkable(error.into()))?;
        engine::start_ticker(&engine).map_err(LoadError::Ticker)?;
        let mut loaded = Loaded {
            pre,
            descriptor: Descriptor::unknown(),
            sha256,
            size: bytes.len(),
            imports,
            limits: options.limits.clone(),
            warm: WarmInstances::new(options.limits.warm_instances),
            slots: Slots::new(options.limits.concurrent_calls),
        };
        loaded.descriptor = loaded
            .call(Inventory::empty(), &Clock::system(), |plugin, store| {
                plugin.quotagate_plugin_gate().call_describe(store)
            })
            .map_err(LoadError::Describe)?;
        Ok(Self(Arc::new(loaded)))
    }

    /// The same plugin under other limits, with instances and turns of its own; the code is compiled once. Steps can be counted only where they were from the
    /// beginning ([`Limits::fuel`]).
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        let loaded = &self.0;
        Self(Arc::new(Loaded {
            pre: loaded.pre.clone(),
            descriptor: loaded.descriptor.clone(),
            sha256: loaded.sha256.clone(),
            size: loaded.size,
            imports: loaded.imports.clone(),
            warm: WarmInstances::new(limits.warm_instances),
            slots: Slots::new(limits.concurrent_calls),
            limits,
        }))
    }

    /// What the plugin says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// What it imports, by full name.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// Judges each offer alone; see `assess` in `wit/gate.wit`. A verdict that contradicts itself is no answer.
    ///
    /// # Errors
    /// See [`CallError`]; a shortage is a verdict, never an error. [`unknown_verdicts`] makes verdicts of it.
    pub fn assess(
        &self,
        inventory: &Arc<Inventory>,
        clock: &Clock,
        offers: &[Offer],
        count: u32,
        profile: &Profile,
        policy: &Policy,
    ) -> Result<Vec<Verdict>, CallError> {
        self.0.call_checked(
            inventory,
            clock,
            |plugin, store| {
                plugin
                    .quotagate_plugin_gate()
                    .call_assess(store, offers, count, profile, *policy)
            },
            |verdicts| check_verdicts(verdicts, offers.len(), count, policy.strictness),
        )
    }

    /// Judges launches together; see `admit` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`]; a shortage is a verdict, never an error.
    pub fn admit(
        &self,
        inventory: &Arc<Inventory>,
        clock: &Clock,
        plan: &[Launch],
        policy: &Policy,
    ) -> Result<Admission, CallError> {
        self.0.call_checked(
            inventory,
            clock,
            |plugin, store| {
                plugin
                    .quotagate_plugin_gate()
                    .call_admit(store, plan, *policy)
            },
            |admission| check_admission(admission, plan, policy.strictness, inventory),
        )
    }

    /// Says what a launch error means; see `diagnose` in `wit/gate.wit`.
    ///
    /// # Errors
    /// See [`CallError`]; an error that is not understood is a diagnosis too.
    pub fn diagnose(&self, failure: &Failure) -> Result<Diagnosis, CallError> {
        self.0.run(
            Inventory::empty(),
            &Clock::system(),
            |plugin, store| plugin.quotagate_plugin_gate().call_diagnose(store, failure),
            check_diagnosis,
        )
    }

    /// [`Plugin::diagnose`] of a text as the cloud's own tools print it; gives the diagnosis as JSON. Only the outer shape of the
    /// text is checked.
    ///
    /// # Errors
    /// When the text holds no launch error, and see [`CallError`].
    pub fn diagnose_json(&self, error: &str) -> Result<String, CallError> {
        self.0.call_checked(
            &Inventory::empty(),
            &Clock::system(),
            |plugin, store| {
                plugin
                    .quotagate_plugin_gate()
                    .call_diagnose_json(store, error)
            },
            |answer| check_diagnosis_text(answer),
        )
    }

    /// The JSON twin of [`Plugin::admit`]; see `admit-json` in `wit/gate.wit`. Only the outer shape of the text is checked: what
    /// stands in it is the plugin's own word, for hosts that check it themselves.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn admit_json(
        &self,
        inventory: &Arc<Inventory>,
        clock: &Clock,
        request: &str,
    ) -> Result<String, CallError> {
        self.0.call_checked(
            inventory,
            clock,
            |plugin, store| {
                plugin
                    .quotagate_plugin_gate()
                    .call_admit_json(store, request)
            },
            |answer| check_admission_text(answer),
        )
    }

    /// The JSON twin of [`Plugin::assess`]; see `assess-json` in `wit/gate.wit`. Only the outer shape of the text is checked,
    /// and that it has a verdict for each offer: what stands in it is the plugin's own word.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn assess_json(
        &self,
        inventory: &Arc<Inventory>,
        clock: &Clock,
        request: &str,
    ) -> Result<String, CallError> {
        self.0.call_checked(
            inventory,
            clock,
            |plugin, store| {
                plugin
                    .quotagate_plugin_gate()
                    .call_assess_json(store, request)
            },
            |answer| check_verdicts_text(request, answer),
        )
    }
}

impl Loaded {
    /// One call whose answer is taken as it is.
    fn call<T>(
        &self,
        inventory: Arc<Inventory>,
        clock: &Clock,
        call: impl Fn(&crate::bindings::Plugin, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        self.run(inventory, clock, call, |_| Ok(()))
    }

    /// One call whose answer, where it is no refusal, must be `sound`.
    fn call_checked<T>(
        &self,
        inventory: &Arc<Inventory>,
        clock: &Clock,
        call: impl Fn(
            &crate::bindings::Plugin,
            &mut Store<State>,
        ) -> wasmtime::Result<Result<T, Refusal>>,
        sound: impl FnOnce(&T) -> Result<(), CallError>,
    ) -> Result<T, CallError> {
        self.run(Arc::clone(inventory), clock, call, |answer| {
            answer.as_ref().map_or(Ok(()), sound)
        })?
        .map_err(CallError::Refused)
    }

    /// One call in its turn, on a warm instance or a fresh one. An instance that failed goes out of scope here.
    ///
    /// What a warm instance keeps of earlier calls may be what fills its memory: where it runs out, the call is made once
    /// more, on a fresh one and with the whole time again.
    fn run<T>(
        &self,
        inventory: Arc<Inventory>,
        clock: &Clock,
        call: impl Fn(&crate::bindings::Plugin, &mut Store<State>) -> wasmtime::Result<T>,
        sound: impl FnOnce(&T) -> Result<(), CallError>,
    ) -> Result<T, CallError> {
        let limits = &self.limits;
        let _turn = self.slots.take(limits.time).ok_or(CallError::Busy {
            calls: limits.concurrent_calls.max(1),
            waited: limits.time,
        })?;
        let state = || State::new(Arc::clone(&inventory), clock.clone(), limits);
        let on = |mut instance: Instance| {
            limits.start_call(&mut instance.store)?;
            let answer = call(&instance.plugin, &mut instance.store)?;
            Ok((answer, instance))
        };
        let fresh = || self.instance(state()).and_then(on);
        let called = match self.warm.take() {
            Some(mut warm) => {
                warm.store.data_mut().serve(state());
                match on(warm) {
                    Err(error) if is_out_of_memory(&error) => fresh(),
                    called => called,
                }
            }
            None => fresh(),
        };
        let (answer, instance) = called.map_err(|error| CallError::classify(error, limits))?;
        sound(&answer)?;
        self.warm.give_back(instance);
        Ok(answer)
    }

    fn instance(&self, state: State) -> wasmtime::Result<Instance> {
        let mut store = Store::new(self.pre.engine(), state);
        self.limits.apply(&mut store);
        // Instantiation runs code too.
        self.limits.start_call(&mut store)?;
        let plugin = self.pre.instantiate(&mut store)?;
        Ok(Instance { store, plugin })
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plugin")
            .field("cloud", &self.0.descriptor.cloud)
            .field("version", &self.0.descriptor.version)
            .field("sha256", &self.0.sha256)
            .finish_non_exhaustive()
    }
}

/// Magic, version 13, layer 1: the first bytes of every component.
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The host's side of the contract, for [`linker`].
type Host = HasSelf<State>;
