//! Files that only this process has: ordinary ones, reached by no link, locked, and for nobody else to read.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::HoldFileError;

/// How many letters at random a temporary file's name has.
const AT_RANDOM: usize = 6;
/// What it ends in.
const NEW: &str = ".new";

/// A file that is open, and locked as long as it is.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) file: File,
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from every other one: its device and its number there. Where a system has no such numbers, nothing
/// does, and presence and length have to do.
type Identity = (u64, u64);

impl Owned {
    /// Opens or makes the file at `path`, and locks it. It belongs to the file of holds at `holds`.
    pub(super) fn open(path: &Path, holds: &Path) -> Result<Self, HoldFileError> {
        let owned = Self::lock(open_ordinary(path)?, path, holds)?;
        match owned.length_there() {
            Ok(Some(_)) => Ok(owned),
            // Another process put its own in the place of this one just now.
            Ok(None) => Err(HoldFileError::InUse(holds.to_owned())),
            Err(source) => Err(HoldFileError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Locks a file that lies at `path`, or soon will.
    pub(super) fn lock(file: File, path: &Path, holds: &Path) -> Result<Self, HoldFileError> {
        let failed = |source| HoldFileError::Io {
            path: path.to_owned(),
            source,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HoldFileError::InUse(holds.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let identity = identity(&file.metadata().map_err(failed)?);
        Ok(Self {
            file,
            path: path.to_owned(),
            identity,
        })
    }

    /// How long it is, if its path still leads to it: nobody deleted it, or put something else there.
    pub(super) fn length_there(&self) -> io::Result<Option<u64>> {
        let found = match fs::symlink_metadata(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_this = found.is_file() && identity(&found) == self.identity;
        Ok(is_this.then_some(found.len()))
    }

    /// Whether its path is known to lead to it still.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.length_there(), Ok(Some(_)))
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
const fn identity(_found: &Metadata) -> Identity {
    (0, 0)
}

/// Opens a file to read and to write, or makes it: an ordinary file, by no link, that nobody else may read.
fn open_ordinary(path: &Path) -> Result<File, HoldFileError> {
    let not_a_file = || HoldFileError::NotAFile(path.to_owned());
    let failed = |source| HoldFileError::Io {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait for its other end.
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(not_a_file()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let no_links = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK);
        options
            .mode(0o600)
            .custom_flags(no_links.bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| {
        // A link that was put there in between.
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
        if is_link { not_a_file() } else { failed(error) }
    })?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(not_a_file());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if found.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))
                .map_err(failed)?;
        }
    }
    Ok(file)
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file beside another one, whatever that one's name ends in.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a file beside another one, to take its place: under a name that nobody can guess, mode 0600, gone again where
/// anything fails.
pub(super) fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(&temporary_prefix(path))
        .rand_bytes(AT_RANDOM)
        .suffix(NEW)
        .tempfile_in(folder_of(path))
}

fn temporary_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Removes the temporary files of processes that were killed while they made one for this file. Whoever calls this has the
/// lock, so nobody makes one now.
pub(super) fn remove_leftovers(path: &Path) -> io::Result<()> {
    let prefix = temporary_prefix(path);
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        if is_temporary(&entry.file_name(), &prefix) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.strip_prefix(prefix.as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(NEW.as_bytes()))
        .is_some_and(|random| {
            random.len() == AT_RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        })
}

/// Makes a rename outlast a loss of power.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
