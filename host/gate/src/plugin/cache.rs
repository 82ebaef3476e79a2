//! Compiled code in files, between processes.
//!
//! A file is mapped, not read, so that loading takes less than a millisecond. Whoever can write such a file can run code in this
//! process; so it is taken only from a directory, and only as a file, that nobody else can write to.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[cfg(feature = "cache")]
use std::{
    hash::{Hash, Hasher},
    io::Write as _,
    time::SystemTime,
};

#[cfg(feature = "cache")]
use sha2::{Digest, Sha256};
#[cfg(feature = "cache")]
use wasmtime::{Engine, component::Component};

use super::LoadError;

/// Where compiled code is kept between processes. Whoever can write there can run code in this process, so nothing is kept
/// unless it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompileCache {
    /// Nowhere: compile every time.
    #[default]
    Off,
    /// `quotagate/plugins` in the user's cache directory, which is made for the user alone.
    Default,
    /// A directory that nobody else can write to.
    At(PathBuf),
}

impl CompileCache {
    /// The directory in use; none where there is no cache, because it is off or the user has no place for one.
    ///
    /// # Errors
    /// When the directory that was asked for cannot be used: somebody else can write to it, or nobody can.
    pub fn directory(&self) -> Result<Option<PathBuf>, LoadError> {
        match self {
            Self::Off => Ok(None),
            Self::Default => Ok(own_directory()),
            Self::At(directory) => {
                let made = make_private(directory).and_then(|()| check_ours(directory, true));
                made.map_err(|error| LoadError::Cache(error.into()))?;
                Ok(Some(directory.clone()))
            }
        }
    }
}

/// The directory of our own below the user's cache directory; none where there is no place for one, or one that others can
/// write to. No home, or one that cannot be written: slower, but nothing is lost.
fn own_directory() -> Option<PathBuf> {
    let folder = |name| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let caches = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(caches)))?;
    let directory = cache.join("quotagate").join("plugins");
    let made = make_private(&directory)
        .and_then(|()| check_ours(&directory, true))
        .and_then(|()| close(&directory));
    match made {
        Ok(()) => Some(directory),
        Err(error) => {
            tracing::debug!(%error, directory = %directory.display(), "no cache for compiled plugins");
            None
        }
    }
}

/// Makes a directory that its owner alone can use, where there is none.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Lets nobody else into a directory of ours, however it was made.
fn close(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(
        directory,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Checks that a directory or a file is no link, and that nobody but this user, or the superuser, can write to it.
fn check_ours(path: &Path, is_directory: bool) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() != is_directory || found.is_symlink() {
        let wanted = if is_directory { "directory" } else { "file" };
        return Err(io::Error::other(format!(
            "{} is no {wanted}",
            path.display()
        )));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mine = rustix::process::geteuid().as_raw();
        if found.uid() != mine && found.uid() != 0 {
            let message = format!("{} is another user's", path.display());
            return Err(io::Error::other(message));
        }
        if found.mode() & 0o022 != 0 {
            let message = format!("{} can be written to by others", path.display());
            return Err(io::Error::other(message));
        }
    }
    Ok(())
}

/// How many components' code is kept; of more, that which was made last.
#[cfg(feature = "cache")]
const MOST_FILES: usize = 32;
#[cfg(feature = "cache")]
const EXTENSION: &str = "cwasm";

/// Takes a component's code from the directory, or compiles it and leaves it there. `sha256` is the component's.
///
/// What stands in the way of the directory only costs time.
///
/// # Errors
/// Where the bytes cannot be compiled.
#[cfg(feature = "cache")]
pub(super) fn load(
    directory: &Path,
    engine: &Engine,
    sha256: &str,
    bytes: &[u8],
) -> wasmtime::Result<Component> {
    let path = directory.join(file_name(engine, sha256));
    if let Some(component) = take(engine, &path) {
        return Ok(component);
    }
    let component = Component::new(engine, bytes)?;
    let kept = component
        .serialize()
        .map_err(io::Error::other)
        .and_then(|code| keep(directory, &path, &code));
    if let Err(error) = kept {
        tracing::debug!(%error, path = %path.display(), "compiled code could not be kept");
    }
    Ok(component)
}

/// Names what decides whether code fits: the component, the compiler's version, the machine it is for, and its settings, which
/// is what the engine's hash stands for.
#[cfg(feature = "cache")]
fn file_name(engine: &Engine, sha256: &str) -> String {
    /// Feeds a digest with what would be hashed.
    struct Fed(Sha256);
    impl Hasher for Fed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut fed = Fed(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut fed);
    let settings = super::hexadecimal(&fed.0.finalize());
    format!("{sha256}-{settings}.{EXTENSION}")
}

#[cfg(feature = "cache")]
fn take(engine: &Engine, path: &Path) -> Option<Component> {
    match check_ours(path, false) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "compiled code is not taken from there");
            return None;
        }
    }
    #[allow(
        unsafe_code,
        reason = "mapping compiled code: nobody else can write the file, and we replace it only whole"
    )]
    // SAFETY: the code was made by `Component::serialize`, since nobody but this user can have written it, and the file is
    // never changed in place.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component
        .inspect_err(|error| {
            tracing::debug!(%error, path = %path.display(), "compiled code is not of this engine");
        })
        .ok()
}

/// Writes code so that others see the whole file or none, for this user alone.
#[cfg(feature = "cache")]
fn keep(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    // Made with the mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".making-")
        .tempfile_in(directory)?;
    file.write_all(code)?;
    // Else a machine that stops may leave a whole name of half a file.
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    remove_oldest(directory, MOST_FILES)
}

#[cfg(feature = "cache")]
fn remove_oldest(directory: &Path, most: usize) -> io::Result<()> {
    let mut made: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
        {
            let modified = fs::symlink_metadata(&path)?.modified()?;
            made.push((modified, path));
        }
    }
    made.sort_unstable();
    let superfluous = made.len().saturating_sub(most);
    for (_, path) in made.into_iter().take(superfluous) {
        // Somebody else may remove it at the same time; a mapping of it outlives its name.
        let _removed = fs::remove_file(path);
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_is_made_for_its_owner_alone() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("deep").join("plugins");
        let cache = CompileCache::At(directory.clone());
        assert_eq!(cache.directory().unwrap(), Some(directory.clone()));
        let mode = fs::metadata(directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_others_can_write_to_or_that_is_a_link_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let open = base.path().join("open");
        fs::create_dir(&open).unwrap();
        set_mode(&open, 0o777);
        let error = CompileCache::At(open.clone()).directory().unwrap_err();
        assert!(matches!(error, LoadError::Cache(_)), "{error:?}");
        set_mode(&open, 0o755);
        CompileCache::At(open.clone()).directory().unwrap();
        let link = base.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        CompileCache::At(link).directory().unwrap_err();
    }

    #[cfg(feature = "cache")]
    #[test]
    fn code_is_kept_whole_for_its_owner_and_only_so_much_of_it() {
        let base = tempfile::tempdir().unwrap();
        for name in 0..4 {
            let path = base.path().join(format!("{name}.{EXTENSION}"));
            keep(base.path(), &path, b"code").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"code");
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            check_ours(&path, false).unwrap();
            set_mode(&path, 0o620);
            check_ours(&path, false).unwrap_err();
        }
        remove_oldest(base.path(), 2).unwrap();
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 2);
    }
}
