//! From bytes to a plugin: compiled, or taken as code that was compiled before; checked; asked what it is.

use std::sync::Arc;

use quotagate_contract::Descriptor;
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::{
    CompileCache, Limits, LoadError, Loaded, Plugin, PluginEngine, hexadecimal,
    linker::{self, NewNames},
    nothing::nothing,
    offers::NumberedLists,
    slots::Slots,
    warm::WarmInstances,
    world,
};
use crate::{bindings::PluginPre, clock::Clock};

/// How to load a plugin.
#[derive(Clone, Debug, Default)]
pub struct PluginOptions {
    /// What a call may use up.
    pub limits: Limits,
    /// Where compiled code is kept between processes.
    pub cache: CompileCache,
    /// The SHA-256 that the bytes must have, in lower-case hexadecimal digits; none accepts any.
    pub sha256: Option<String>,
    /// What runs the plugin; none is the process's own, which all plugins share that are given none.
    pub engine: Option<PluginEngine>,
}

impl PluginOptions {
    fn digest(&self, bytes: &[u8]) -> Result<String, LoadError> {
        let found = hexadecimal(&Sha256::digest(bytes));
        match &self.sha256 {
            Some(expected) if *expected != found => Err(LoadError::WrongDigest {
                expected: expected.clone(),
                found,
            }),
            _ => Ok(found),
        }
    }

    fn engine(&self) -> Result<PluginEngine, LoadError> {
        let counts_steps = self.limits.fuel.is_some();
        match &self.engine {
            Some(engine) if counts_steps && !engine.counts_steps() => {
                Err(LoadError::StepsNotCounted)
            }
            Some(engine) => Ok(engine.clone()),
            None => PluginEngine::shared(counts_steps),
        }
    }
}

#[cfg(feature = "cranelift")]
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
        let sha256 = options.digest(bytes)?;
        check_preamble(bytes)?;
        let engine = options.engine()?;
        let component = compile(&engine, &options.cache, &sha256, bytes)?;
        link(engine, &component, sha256, bytes.len(), &options.limits)
    }

    /// Compiles a component for this machine and for engines like this one, for [`Plugin::load_precompiled`].
    ///
    /// # Errors
    /// Where the bytes are no component; whether it is a plugin, loading says.
    pub fn precompile(bytes: &[u8], engine: &PluginEngine) -> Result<Vec<u8>, LoadError> {
        check_preamble(bytes)?;
        let code = engine.engine().precompile_component(bytes);
        code.map_err(|error| LoadError::Malformed(error.into()))
    }
}

impl Plugin {
    /// Loads code that [`Plugin::precompile`] made, with the same version of this crate and for the same kind of machine. Its digest
    /// is that of the code. [`PluginOptions::cache`] does not matter.
    ///
    /// # Errors
    /// See [`LoadError`].
    ///
    /// # Safety
    /// The bytes run as they are, outside any sandbox: they MUST be what [`Plugin::precompile`] gave, unchanged. Compare their
    /// digest ([`PluginOptions::sha256`]) where others could have changed them.
    #[allow(
        unsafe_code,
        reason = "code that was compiled before is trusted, which is the caller's to say"
    )]
    pub unsafe fn load_precompiled(
        code: &[u8],
        options: &PluginOptions,
    ) -> Result<Self, LoadError> {
        let sha256 = options.digest(code)?;
        let engine = options.engine()?;
        // SAFETY: the caller vouches for the code.
        let component = unsafe { Component::deserialize(engine.engine(), code) }
            .map_err(|error| LoadError::NotPrecompiled(error.into()))?;
        link(engine, &component, sha256, code.len(), &options.limits)
    }
}

/// Magic, version 13, layer 1: the first bytes of every component.
#[cfg(feature = "cranelift")]
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

#[cfg(feature = "cranelift")]
fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(COMPONENT_PREAMBLE) {
        return Ok(());
    }
    Err(LoadError::NotAComponent {
        core_module: bytes.starts_with(b"\0asm"),
    })
}

#[cfg(feature = "cranelift")]
fn compile(
    engine: &PluginEngine,
    cache: &CompileCache,
    sha256: &str,
    bytes: &[u8],
) -> Result<Component, LoadError> {
    let engine = engine.engine();
    let directory = cache.directory()?;
    #[cfg(feature = "cache")]
    let compiled = match directory {
        Some(directory) => super::cache::load(&directory, engine, sha256, bytes),
        None => Component::new(engine, bytes),
    };
    #[cfg(not(feature = "cache"))]
    let compiled = {
        let _ = (directory, sha256);
        Component::new(engine, bytes)
    };
    compiled.map_err(|error| LoadError::Malformed(error.into()))
}

/// Makes a plugin of compiled code, by asking it what it is.
fn link(
    engine: PluginEngine,
    component: &Component,
    sha256: String,
    size: usize,
    limits: &Limits,
) -> Result<Plugin, LoadError> {
    let runs = engine.engine();
    let imports = world::check(runs, component)?;
    let pre = linker::new(runs)
        .and_then(|mut linker| {
            world::refuse_other_versions(&mut linker, component, runs)?;
            linker.instantiate_pre(component)
        })
        .and_then(PluginPre::new)
        .map_err(|error| LoadError::Unlinkable(error.into()))?;
    let mut loaded = Loaded {
        engine,
        pre,
        descriptor: Descriptor::default(),
        sha256,
        size,
        imports,
        limits: limits.clone(),
        warm: WarmInstances::new(limits.warm_instances),
        slots: Slots::new(limits.concurrent_calls),
        lists: NumberedLists::default(),
        new_names: NewNames::new(),
    };
    let described = loaded.run(
        &nothing(),
        &Clock::system(),
        |gate, store| gate.call_describe(store),
        |descriptor, _| Ok(descriptor.into()),
    );
    loaded.descriptor = described.map_err(LoadError::Describe)?;
    Ok(Plugin(Arc::new(loaded)))
}
