//! Why a world could not be read or written: the file, the field, what was found, and what to give.

use std::path::{Path, PathBuf};

use crate::text::NotJson;

/// Why a world could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The directory is not there, or holds nothing of a world.
    #[error("no world at `{}`: a world has the folders `tenant` and `projects`", .0.display())]
    NoWorld(PathBuf),
    /// A file is not JSON.
    #[error("`{}` {what}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: NotJson,
    },
    /// A file is not the JSON that the official CLI prints.
    #[error("`{}` is malformed{}: {source}; give what {} prints", path.display(), at(field), command(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The field, such as `items[3].spec.limit`; empty where it is none.
        field: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A file is JSON but holds neither a list nor an error.
    #[error("`{}` holds neither `items` nor an `error`, but {}; give what {} prints", path.display(), named(fields), command(path))]
    NotAList {
        /// The file.
        path: PathBuf,
        /// The fields that it holds.
        fields: Vec<String>,
    },
    /// A file is too large.
    #[error("`{}` is larger than {} MiB, and no list is", .0.display(), LARGEST >> 20)]
    TooLarge(PathBuf),
    /// A project's id cannot be the name of a folder.
    #[error("the project id `{0}` cannot name a folder")]
    ProjectId(String),
    /// The file system refused.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// More than the longest list that a cloud hands out.
pub(super) const LARGEST: u64 = 512 << 20;

/// How many fields an error lists.
const LISTED: usize = 8;

fn at(field: &str) -> String {
    match field {
        "" | "." => String::new(),
        field => format!(" at `{field}`"),
    }
}

fn named(fields: &[String]) -> String {
    let shown = fields.iter().take(LISTED);
    let shown: Vec<_> = shown
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    let more = if fields.len() > LISTED {
        " and more"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

/// The command whose output a file holds.
fn command(path: &Path) -> &'static str {
    let below_project = path.iter().any(|part| part == "projects");
    match path.file_name().and_then(|name| name.to_str()) {
        Some("tenant.json") => "`nebius iam tenant get --format json`",
        Some("projects.json") => "`nebius iam project list --format json`",
        Some("allowances.json") if below_project => {
            "`nebius quotas quota-allowance list --parent-id PROJECT --format json`"
        }
        Some("allowances.json") => {
            "`nebius quotas quota-allowance list --parent-id TENANT --format json`"
        }
        Some("platforms.json") => "`nebius compute platform list --format json`",
        Some("resource-advice.json") => "`nebius capacity resource-advice list --format json`",
        Some("capacity-block-groups.json") => {
            "`nebius capacity capacity-block-group list --format json`"
        }
        Some("capacity-allowances.json") => {
            "`nebius capacity capacity-allowance list --format json`"
        }
        _ => "`quotagate record`",
    }
}
