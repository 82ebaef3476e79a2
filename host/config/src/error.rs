//! Why a configuration cannot be used: which key, which value, where it came from, and what to do.

use std::{io, path::PathBuf};

use crate::config::Origin;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`{}: {source}", path.display(), named(*by_variable))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Whether `QUOTAGATE_CONFIG` names it.
        by_variable: bool,
        /// What the file system says.
        source: io::Error,
    },
    /// The file is no text.
    #[error("{}:{line}: the configuration is not UTF-8 text", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The file is not TOML.
    #[error("{}:{line}: the configuration is not TOML: {reason}", path.display())]
    NotToml {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A key that there is not.
    #[error("{origin}: there is no key `{key}`")]
    UnknownKey {
        /// Its name.
        key: String,
        /// Where it is set.
        origin: Origin,
        /// The names that are most like it, best first, as that place spells them.
        nearest: Vec<String>,
    },
    /// A value that its key cannot have.
    #[error("{origin}: `{key}` cannot be {value}: {why}")]
    Value {
        /// The key.
        key: String,
        /// The value, as it was given.
        value: String,
        /// Where it is set.
        origin: Origin,
        /// What is wrong with it.
        why: Box<ValueError>,
    },
}

/// Why a key cannot have a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The name is that of a table.
    #[error("it is a table of keys")]
    Table,
    /// Something else than a text.
    #[error("it takes a text")]
    NoText {
        /// What the text would be in.
        unit: String,
    },
    /// A variable that is no text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// Neither true nor false.
    #[error("it is neither true nor false")]
    NoSwitch,
    /// No number.
    #[error("it is no number")]
    NoNumber,
    /// No whole number, or one that is too small or too large.
    #[error("it is no whole number from {from}, or too large")]
    NoCount {
        /// The least.
        from: String,
    },
    /// No duration.
    #[error("it is no duration: {0}")]
    NoDuration(humantime::DurationError),
    /// No time at all.
    #[error("it must take some time")]
    NoTime,
    /// More than a year.
    #[error("it is longer than a year")]
    TooLong,
    /// No part.
    #[error("it is not from 0 to 1")]
    NoPart,
    /// No size.
    #[error("it is no size from 1B")]
    NoSize,
    /// None of the words.
    #[error("it is none of {}", words.join(", "))]
    NoWord {
        /// Those that it could be, in quotes.
        words: Vec<String>,
    },
    /// No SHA-256.
    #[error("it is no SHA-256")]
    NoDigest,
    /// What is read less often than it would have to be to stay trusted.
    #[error(
        "what is read every {interval} ({interval_from}) would be trusted for {max_age} ({max_age_from}) alone"
    )]
    AgesBefore {
        /// The interval.
        interval: String,
        /// Where it came from.
        interval_from: Origin,
        /// How long it is trusted.
        max_age: String,
        /// Where that came from.
        max_age_from: Origin,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Unreadable {
                source,
                by_variable: true,
                ..
            } if source.kind() == io::ErrorKind::NotFound => {
                String::from("let QUOTAGATE_CONFIG name a file that is there, or unset it")
            }
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                String::from(
                    "name a file that is there; `quotagate config default` prints one to start from",
                )
            }
            Self::Unreadable { .. } => String::from("make it readable, or name another file"),
            Self::NotText { .. } => String::from("save it as UTF-8"),
            Self::NotToml { .. } => {
                String::from("`quotagate config default` prints a file that is well-formed")
            }
            Self::UnknownKey { nearest, .. } => match nearest.as_slice() {
                [] => String::from("`quotagate config default` prints every key"),
                near => {
                    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
                    format!(
                        "did you mean {}? `quotagate config default` prints every key",
                        near.join(" or ")
                    )
                }
            },
            Self::Value { why, .. } => why.advice(),
        }
    }
}

impl ValueError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        let advice = match self {
            Self::Table => "set the keys in it; `quotagate config default` prints them",
            Self::NoText { unit } => {
                return format!(
                    "put it in quotes, {}",
                    match unit.as_str() {
                        "duration" => "with its unit, as in \"30s\" or \"2m\"",
                        "bytes" => "with its unit, as in \"64MiB\"",
                        _ => "as in \"text\"",
                    }
                );
            }
            Self::NotUtf8 => {
                "give plain text; a path that is none can be named on the command line"
            }
            Self::NoSwitch => "give true or false, without quotes",
            Self::NoNumber => "give a number, without quotes",
            Self::NoCount { .. } => "give a whole number, without quotes",
            Self::NoDuration(_) => {
                "give a number with its unit, as in \"500ms\", \"30s\", \"2m\", \"1h 30m\" or \"1day\""
            }
            Self::NoTime => "give more than \"0s\"",
            Self::TooLong => "give up to \"365days\"",
            Self::NoPart => "give a part, as in 0.1 for a tenth",
            Self::NoSize => {
                "give a whole number with its unit, as in \"64MiB\"; the units are B, KiB, MiB, GiB and TiB"
            }
            Self::NoWord { words } => return format!("give {}", words.join(" or ")),
            Self::NoDigest => {
                "give 64 hexadecimal digits, as `quotagate plugin inspect FILE` prints them, or \"\" for any"
            }
            Self::AgesBefore { .. } => {
                "let `max_age` be as long as `interval` at least; several times as long bridges failures"
            }
        };
        String::from(advice)
    }
}

/// What to say of a file that a variable names.
const fn named(by_variable: bool) -> &'static str {
    if by_variable {
        ", which QUOTAGATE_CONFIG names"
    } else {
        ""
    }
}
