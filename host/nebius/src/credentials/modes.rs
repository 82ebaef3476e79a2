//! Who else may read a file that holds a secret.

use std::path::Path;

/// What to say of a file that others than its owner may read.
#[cfg(unix)]
pub(super) fn complaint(what: &str, path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "{what} `{}` is open to others than its owner (mode {mode:04o}): run `chmod 600` on it",
            path.display()
        )
    })
}

/// Where files have no mode, nothing is known.
#[cfg(not(unix))]
pub(super) fn complaint(_what: &str, _path: &Path) -> Option<String> {
    None
}
