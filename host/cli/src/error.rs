//! What can go wrong, by who is at fault, with the exit code that says so.

use std::{io, path::PathBuf, process::ExitCode};

use nebius_api::world::WorldError;
use nebius_emulator::EmulatorError;
use quotagate::{CallError, GateError, LoadError, QuotaOutcome, SourceReport, SourceState};
use quotagate_config::ConfigError;
use quotagate_nebius::{ConnectError, CredentialsError, RecordedWorldError};

use crate::{catalog::CatalogError, plan::PlanError};

/// How a run ended. Each kind of trouble has one code: a command line or a file that makes no sense is 2, whatever command
/// takes it, and what could not be reached or done is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It fits, or is done.
    Done = 0,
    /// Something failed.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A quota blocks the launch.
    Blocked = 3,
    /// Something needed could not be known.
    Unknown = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// How a judgement ends: with its outcome, but as a failure where no source of the account answered.
    pub(crate) fn of_judgement(outcome: QuotaOutcome, sources: &[SourceReport]) -> Self {
        let is_silent = |source: &SourceReport| source.state == SourceState::Unavailable;
        if !sources.is_empty() && sources.iter().all(is_silent) {
            Self::Failure
        } else {
            outcome.into()
        }
    }
}

impl From<QuotaOutcome> for Exit {
    fn from(outcome: QuotaOutcome) -> Self {
        match outcome {
            QuotaOutcome::Fits => Self::Done,
            QuotaOutcome::Blocked => Self::Blocked,
            QuotaOutcome::Unknown => Self::Unknown,
        }
    }
}

/// Why a command gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// A name that the account does not know.
    #[error("no {kind} `{name}`{place}")]
    UnknownName {
        /// What it should name.
        kind: &'static str,
        /// What was typed.
        name: String,
        /// Where it was looked for, to follow the name.
        place: String,
        /// The nearest names, and where the full list is.
        hint: String,
    },
    /// An option that makes no sense together with others.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A list that the answer needs could not be read, so nothing can be said.
    #[error("cannot tell {what}: {list} could not be read: {why}")]
    Unreadable {
        /// What cannot be told.
        what: String,
        /// The list.
        list: String,
        /// Why it could not be read.
        why: String,
    },
    /// The offers to judge cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The launches to judge together cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// One launch of a plan asks for something that there is not.
    #[error("launch {number} of the plan: {source}")]
    InPlan {
        /// Its place in the plan, from 1.
        number: usize,
        /// What is wrong.
        source: Box<Self>,
    },
    /// What should be diagnosed is no error.
    #[error("there is no launch error in `{file}`: {why}")]
    NoFailure {
        /// Where it was looked for.
        file: String,
        /// What is there instead.
        why: String,
    },
    /// What is configured makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The account cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The recorded account cannot be used.
    #[error(transparent)]
    Recorded(#[from] RecordedWorldError),
    /// The world cannot be written, or the bundled one is damaged.
    #[error(transparent)]
    World(#[from] WorldError),
    /// There is something else where the world should go.
    #[error("`{}` is not empty and holds no world", .0.display())]
    NotAWorld(PathBuf),
    /// A recording would lose lists that are there.
    #[error("nothing was written to `{}`: it holds {}, which could not be read to the end now", directory.display(), lists.join(", "))]
    WouldLose {
        /// The recording.
        directory: PathBuf,
        /// Its files that would be lost.
        lists: Vec<String>,
    },
    /// The plugin cannot be loaded.
    #[error("cannot load the plugin{}", .path.as_ref().map(|path| format!(" `{}`", path.display())).unwrap_or_default())]
    Plugin {
        /// Its file; none for the built-in one.
        path: Option<PathBuf>,
        /// Why.
        source: LoadError,
    },
    /// The gate gave no verdict.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The emulator of the demonstration does not start.
    #[error("cannot start the demonstration")]
    Emulator(#[from] EmulatorError),
    /// The file system refused.
    #[error("cannot {verb} `{}`", path.display())]
    File {
        /// What was tried, such as `read`.
        verb: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The answer has no form as JSON.
    #[error("cannot print the answer as JSON")]
    Json(#[from] serde_json::Error),
    /// The answer cannot be printed.
    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),
    /// Metrics cannot be served.
    #[error("cannot serve metrics at {address}: {reason}")]
    Metrics {
        /// Where.
        address: std::net::SocketAddr,
        /// What is in the way.
        reason: String,
    },
    /// The machine has no resources to run on.
    #[error("cannot start")]
    Start(#[source] io::Error),
}

impl CliError {
    /// The exit code that says who is at fault.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::UnknownName { .. } | Self::Usage { .. } => Exit::Usage,
            Self::Connect(ConnectError::Address(_)) => Exit::Usage,
            Self::Connect(ConnectError::Credentials(error)) => of_credentials(error),
            Self::Gate(GateError::AmbiguousProject { .. }) => Exit::Usage,
            Self::Gate(GateError::Call(CallError::Refused(_))) => Exit::Usage,
            Self::Config(_) | Self::Plan(_) | Self::NoFailure { .. } => Exit::Usage,
            Self::Catalog(
                CatalogError::Malformed { .. }
                | CatalogError::Empty(_)
                | CatalogError::Other { .. },
            ) => Exit::Usage,
            Self::World(error) | Self::Recorded(RecordedWorldError::World(error)) => {
                of_world(error)
            }
            Self::Recorded(RecordedWorldError::RecordedAt { .. }) => Exit::Usage,
            Self::Catalog(CatalogError::Unreadable { source, .. })
            | Self::File {
                verb: "read",
                source,
                ..
            } => of_file(source),
            Self::InPlan { source, .. } => source.exit(),
            _ => Exit::Failure,
        }
    }

    /// What to do about it, where that is not said already.
    pub(crate) fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownName { hint, .. } | Self::Usage { hint, .. } => hint,
            Self::Config(error) => return Some(error.advice()),
            Self::Plan(error) => error.hint(),
            Self::InPlan { source, .. } => match **source {
                Self::Gate(GateError::AmbiguousProject { .. }) => {
                    "name one of them in the `project` of the launch"
                }
                _ => return source.hint(),
            },
            Self::NoFailure { .. } => {
                "give a failed operation, its status or the bare error as JSON, as `nebius ... --format json` prints it, the error as an SDK prints it, or an encoded google.rpc.Status; what a program has at hand goes into --code, --message and --details"
            }
            Self::Unreadable { .. } => {
                "`quotagate doctor` says what can be read and what to do about the rest"
            }
            Self::Gate(GateError::AmbiguousProject { .. }) => "name one of them with --project",
            Self::Gate(GateError::Call(CallError::Refused(_))) => {
                "`quotagate check --help` explains the options"
            }
            Self::Connect(ConnectError::Credentials(CredentialsError::NotFound)) => {
                "a credentials file is named with `--credentials FILE`, a recorded account with `--recorded WORLD`"
            }
            Self::WouldLose { .. } => {
                "record again later, or into a new directory to keep what can be read now"
            }
            Self::NotAWorld(_) => "name a new directory, or write there anyway with --force",
            Self::Plugin {
                source: LoadError::WrongDigest { .. },
                ..
            } => "`quotagate config show` says where the expected one comes from",
            Self::Plugin {
                source: LoadError::OtherContract { .. },
                ..
            } => {
                "build the plugin against the contract of this version, or use the quotagate that it was built for"
            }
            _ => return None,
        };
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }
}

/// A file that was named and is not there is a mistake of whoever named it.
fn of_file(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound => Exit::Usage,
        _ => Exit::Failure,
    }
}

/// So are profiles and files of credentials that are named and not there, or make no sense.
fn of_credentials(error: &CredentialsError) -> Exit {
    match error {
        CredentialsError::Unreadable { source, .. } => of_file(source),
        CredentialsError::Malformed { .. }
        | CredentialsError::NoSuchProfile { .. }
        | CredentialsError::WhichProfile { .. }
        | CredentialsError::Twofold { .. }
        | CredentialsError::Incomplete { .. }
        | CredentialsError::Unsupported { .. } => Exit::Usage,
        _ => Exit::Failure,
    }
}

/// So is a world that holds something else than it should.
const fn of_world(error: &WorldError) -> Exit {
    match error {
        WorldError::Io { .. } => Exit::Failure,
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use quotagate::{ErrorCode, Refusal};

    use super::*;

    #[test]
    fn exit_codes_say_who_is_at_fault() {
        let usage = CliError::Usage {
            message: String::new(),
            hint: String::new(),
        };
        let refused = CliError::Gate(GateError::Call(CallError::Refused(Refusal {
            code: ErrorCode::InvalidLaunch,
            message: String::from("no such disk"),
        })));
        let unreadable = CliError::Unreadable {
            what: String::new(),
            list: String::new(),
            why: String::new(),
        };
        let cases = [
            (usage.exit(), 2),
            (refused.exit(), 2),
            (unreadable.exit(), 1),
            (CliError::NotAWorld(PathBuf::new()).exit(), 1),
            (
                CliError::from(WorldError::NoWorld(PathBuf::new())).exit(),
                2,
            ),
            (CliError::from(CatalogError::Empty(String::new())).exit(), 2),
            (QuotaOutcome::Fits.into(), 0),
            (QuotaOutcome::Blocked.into(), 3),
            (QuotaOutcome::Unknown.into(), 4),
        ];
        for (exit, code) in cases {
            assert_eq!(exit as u8, code);
        }
        assert_eq!(usage.hint(), None);
    }
}
