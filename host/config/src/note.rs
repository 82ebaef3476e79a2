//! What a configuration was not taken from: said to people, and no reason to stop.

use std::{fmt, path::PathBuf};

/// Something that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A variable that looks like one of ours and is none.
    Variable {
        /// Its name.
        name: String,
        /// The names that are most like it, best first.
        nearest: Vec<String>,
    },
    /// A key that the file of a working directory cannot set.
    Untrusted {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The variable that can set it.
        variable: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, nearest } => {
                write!(
                    formatter,
                    "the variable {name} is ignored: quotagate has none of this name"
                )?;
                if !nearest.is_empty() {
                    write!(formatter, "; did you mean {}?", nearest.join(" or "))?;
                }
                Ok(())
            }
            Self::Untrusted {
                key,
                path,
                line,
                variable,
            } => write!(
                formatter,
                "{}:{line}: `{key}` is ignored: the file of a working directory cannot choose what judges, its limits, or where holds are kept; set it in your own file, with --config FILE or in {variable}",
                path.display()
            ),
        }
    }
}
