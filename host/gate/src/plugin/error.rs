//! What can go wrong with a plugin, by who is at fault.

use std::error::Error as StdError;

use quotagate_contract::{ErrorCode, Refusal};
use wasmtime::Trap;

use super::{
    Contradiction, Limits,
    linker::OwnersLoop,
    meter::{Exceeded, Resource},
    names::NamesFull,
};

type Source = Box<dyn StdError + Send + Sync>;

/// Why a plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are something else.
    #[error(
        "not a WebAssembly component{}",
        if *core_module { ": a core module, which `wasm-tools component new` could turn into one" } else { "" }
    )]
    NotAComponent {
        /// Whether they are WebAssembly, but not a component.
        core_module: bool,
    },
    /// The bytes start like a component and go wrong later.
    #[error("the component is malformed")]
    Malformed(#[source] Source),
    /// The bytes are not compiled code, or code for another engine.
    #[error("the compiled code is not for this engine")]
    NotPrecompiled(#[source] Source),
    /// The bytes are not those that were pinned.
    #[error("the component's SHA-256 is {found}, not {expected} as pinned")]
    WrongDigest {
        /// What was pinned.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// It is a component, but of another world.
    #[error("the component is no quotagate plugin: it does not export quotagate:plugin/gate")]
    OtherWorld,
    /// It is a plugin of another version of the contract.
    #[error(
        "the plugin speaks version {found} of the contract, this host {}",
        super::CONTRACT_VERSION
    )]
    OtherContract {
        /// The version it speaks.
        found: String,
    },
    /// It asks for more than a plugin may have.
    #[error("the plugin asks for {}, which a plugin is not given", .0.join(", "))]
    ForeignImports(Vec<String>),
    /// It does not fit the contract that it claims.
    #[error("the plugin does not fit the contract that it claims")]
    Unlinkable(#[source] Source),
    /// It cannot even say what it is.
    #[error("the plugin does not say what it is")]
    Describe(#[source] CallError),
    /// The runtime cannot be set up on this machine.
    #[error("cannot set up the plugin runtime")]
    Engine(#[source] Source),
    /// Steps are to be bounded ([`Limits::fuel`]), and the engine that was passed in does not count them.
    #[error("the plugin's steps are to be bounded, and its engine does not count steps")]
    StepsNotCounted,
    /// The directory for compiled code cannot be used.
    #[error("cannot keep compiled plugins there")]
    Cache(#[source] Source),
    /// The thread that ends endless loops cannot be started.
    #[error("cannot start the thread that bounds a plugin's time")]
    Ticker(#[source] std::io::Error),
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The plugin refused the request: the caller asked for something that makes no sense.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The plugin ran into a bug of its own.
    #[error("the plugin trapped: {trap}")]
    Trapped {
        /// How.
        trap: String,
        /// Where.
        #[source]
        source: Source,
    },
    /// The plugin did not end in time.
    #[error("the plugin did not answer within {} ms", limit.as_millis())]
    TimedOut {
        /// [`Limits::time`].
        limit: std::time::Duration,
    },
    /// The plugin took more steps than it may.
    #[error("the plugin did not answer within {limit} steps")]
    OutOfFuel {
        /// [`Limits::fuel`].
        limit: u64,
    },
    /// The plugin asked for more memory than it may have.
    #[error("the plugin needs more than {limit} bytes of memory")]
    OutOfMemory {
        /// [`Limits::memory`].
        limit: usize,
    },
    /// The plugin was stopped at the boundary: it hit one of the other limits ([`Limits::host_call_bytes`],
    /// [`Limits::handles`], [`Limits::table_elements`]), or passed what the contract does not allow.
    #[error("the plugin was stopped at a limit of the sandbox")]
    LimitHit(#[source] Source),
    /// As many calls as may run at a time did, and none ended in time.
    #[error("{calls} calls of the plugin were under way, and none ended within {} ms", waited.as_millis())]
    Busy {
        /// [`Limits::concurrent_calls`].
        calls: usize,
        /// [`Limits::time`].
        waited: std::time::Duration,
    },
    /// The runtime ended while the plugin computed.
    #[error("the call was interrupted: the runtime that it ran on has ended")]
    Interrupted(#[source] Source),
    /// More names were asked for or shown than a process keeps: of quotas, rows, types, regions.
    #[error("too many different names for one process")]
    TooManyNames(#[source] Source),
    /// The account's owners make no chain: one of them stands in it twice.
    #[error("the owners of project {project} make no chain: {owner} is among them twice")]
    OwnersLoop {
        /// The project.
        project: String,
        /// The owner that stands in its chain twice.
        owner: String,
    },
    /// The answer does not fit the question.
    #[error("the plugin answered {answered} verdicts to {asked} offers")]
    WrongLength {
        /// Offers asked about.
        asked: usize,
        /// Verdicts given.
        answered: usize,
    },
    /// The answer cannot be true by the contract's own words.
    #[error("the plugin contradicts itself in {} {}: {what}", what.part(), index + 1)]
    Contradictory {
        /// Which part of the answer, from zero: a verdict (zero for that on a plan), a finding, a take, and so on.
        index: usize,
        /// How.
        what: Contradiction,
    },
    /// The text is not of the form that the contract gives it.
    #[error("the plugin's text is not what the contract says")]
    WrongShape(#[source] Source),
}

impl CallError {
    /// The contract's code, where the plugin itself refused.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }

    /// The name under which metrics and logs show it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Trapped { .. } => "trapped",
            Self::TimedOut { .. } => "timed_out",
            Self::OutOfFuel { .. } => "out_of_fuel",
            Self::LimitHit(_) => "limit_hit",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::WrongLength { .. } => "wrong_length",
            Self::Contradictory { .. } => "contradictory",
            Self::WrongShape(_) => "wrong_shape",
            Self::Busy { .. } => "busy",
            Self::Interrupted(_) => "interrupted",
            Self::TooManyNames(_) => "too_many_names",
            Self::OwnersLoop { .. } => "owners_loop",
        }
    }

    /// A contradiction in the part of an answer that has this index.
    pub(super) const fn at(index: usize, what: Contradiction) -> Self {
        Self::Contradictory { index, what }
    }

    /// Sorts an error of the runtime by its type; never by its text.
    pub(super) fn classify(error: wasmtime::Error, limits: &Limits) -> Self {
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::Interrupt => Self::TimedOut { limit: limits.time },
                Trap::OutOfFuel => Self::OutOfFuel {
                    limit: limits.fuel.unwrap_or_default(),
                },
                trap => Self::Trapped {
                    trap: trap.to_string(),
                    source: error.into(),
                },
            };
        }
        if let Some(OwnersLoop { project, owner }) = error.downcast_ref::<OwnersLoop>() {
            return Self::OwnersLoop {
                project: project.clone(),
                owner: owner.clone(),
            };
        }
        if error.is::<NamesFull>() {
            return Self::TooManyNames(error.into());
        }
        match error.downcast_ref::<Exceeded>() {
            Some(&Exceeded {
                resource: Resource::Memory,
                limit,
                ..
            }) => Self::OutOfMemory { limit },
            _ => Self::LimitHit(error.into()),
        }
    }
}

impl From<NamesFull> for CallError {
    fn from(full: NamesFull) -> Self {
        Self::TooManyNames(full.into())
    }
}

/// Whether a call ended because its instance asked for more memory than it may have.
pub(super) fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    let exceeded = error.downcast_ref::<Exceeded>();
    exceeded.is_some_and(|exceeded| exceeded.resource == Resource::Memory)
}
