//! Where holds are kept between processes: a file of one event a line, appended to, and replaced by a shorter one when most
//! of it is over.
//!
//! The first line says which format it is. A line is written whole or not at all, before anybody is told of the hold, so a
//! process that is killed at any point loses none; the last line may be cut short by that, and is of a hold that nobody
//! was told of. One process at a time has the file: its lock lies beside it. Only its owner can read it. Appended lines are
//! left to the operating system; each replacement is synced.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::ledger::Event;

/// The format of the lines. A file of another one is refused.
const FORMAT: u32 = 2;
/// No file of holds comes near this: whatever is longer is something else.
const LONGEST: u64 = 256 << 20;

/// The open file.
#[derive(Debug)]
pub(crate) struct HoldFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// Locked as long as it is open.
    _lock: File,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    quotagate_holds: u32,
}

/// Why holds cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldFileError {
    /// Another process keeps its holds there.
    #[error("`{}` is in use by another process: give each its own file, or stop the other", .0.display())]
    InUse(PathBuf),
    /// The file or its lock is a link, a directory or a device.
    #[error("`{}` is not an ordinary file: holds are kept in one, and no link is followed to it", .0.display())]
    NotAFile(PathBuf),
    /// The file is far too long.
    #[error("`{}` is longer than any file of holds ({} MiB): give another file", .0.display(), LONGEST >> 20)]
    TooLong(PathBuf),
    /// The file cannot be read or written: no permission, no space, no such folder.
    #[error("cannot keep holds in `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: io::Error,
    },
    /// Another version of quotagate wrote it.
    #[error(
        "`{}` holds lines of format {found}, and this version reads format {FORMAT}: holds end by themselves within \
         minutes; then move the file away",
        path.display()
    )]
    OtherFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It holds something else.
    #[error(
        "line {line} of `{}` is no event of a hold; if no launch is under way, move the file away",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl HoldFile {
    /// Opens or makes the file; gives what is in it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Event>), HoldFileError> {
        let failed = |source| HoldFileError::Io {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(folder_of(path)).map_err(failed)?;
        let lock = open_own(&beside(path, ".lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HoldFileError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let file = open_own(path)?;
        if file.metadata().map_err(failed)?.len() > LONGEST {
            return Err(HoldFileError::TooLong(path.to_owned()));
        }
        let mut text = Vec::new();
        (&file).read_to_end(&mut text).map_err(failed)?;
        let (events, whole) = parse(path, &text)?;
        file.set_len(whole as u64).map_err(failed)?;
        let mut opened = Self {
            path: path.to_owned(),
            file,
            length: whole as u64,
            _lock: lock,
        };
        if whole == 0 {
            opened.append_bytes(&header()).map_err(failed)?;
        }
        Ok((opened, events))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes events down: all of them, or none.
    pub(crate) fn append(&mut self, events: &[Event]) -> io::Result<()> {
        self.append_bytes(&lines(events)?)
    }

    fn append_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        // What an earlier failure left behind must go first, or the next line would continue it.
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(bytes) {
            // Where this fails too, the next call tries again before it writes anything.
            let _taken_back = self.file.set_len(self.length);
            return Err(error);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Puts these events in the place of all there were: a new file in the place of the old one, or the old one as it was.
    pub(crate) fn replace(&mut self, events: &[Event]) -> io::Result<()> {
        let mut bytes = header();
        bytes.extend(lines(events)?);
        let folder = folder_of(&self.path);
        // A name that nobody can guess, made anew, mode 0600, gone again where anything fails.
        let mut new = tempfile::Builder::new()
            .prefix(".holds-")
            .tempfile_in(folder)?;
        new.write_all(&bytes)?;
        new.as_file().sync_all()?;
        self.file = new.persist(&self.path).map_err(|error| error.error)?;
        self.length = bytes.len() as u64;
        sync_folder(folder)
    }
}

/// Reads the whole lines; gives their events and their length.
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<Event>, usize), HoldFileError> {
    // A line that does not end was being written when the process was killed.
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < text.len() {
        tracing::warn!(path = %path.display(), "the last line is cut short; it was promised to nobody");
    }
    let malformed = |line, source| HoldFileError::Malformed {
        path: path.to_owned(),
        line,
        source,
    };
    let mut events = Vec::new();
    let whole_lines = text.get(..whole).unwrap_or_default();
    let lines = whole_lines.split(|byte| *byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        if number == 0 {
            let found = match serde_json::from_slice::<Header>(line) {
                Ok(header) => header.quotagate_holds,
                // The first format began with its first event.
                Err(_) if is_of_first_format(line) => 1,
                Err(source) => return Err(malformed(1, source)),
            };
            if found != FORMAT {
                return Err(HoldFileError::OtherFormat {
                    path: path.to_owned(),
                    found,
                });
            }
            continue;
        }
        let event = serde_json::from_slice(line).map_err(|source| malformed(number + 1, source))?;
        events.push(event);
    }
    Ok((events, whole))
}

fn is_of_first_format(line: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    value.is_some_and(|value| {
        ["promised", "committed", "over"]
            .iter()
            .any(|name| value.get(name).is_some())
    })
}

fn header() -> Vec<u8> {
    format!("{{\"quotagate_holds\":{FORMAT}}}\n").into_bytes()
}

fn lines(events: &[Event]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for event in events {
        serde_json::to_writer(&mut bytes, event)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file beside another one, whatever that one's name ends in.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file of ours to read and to write, or makes it: an ordinary file, by no link, that nobody else may read.
fn open_own(path: &Path) -> Result<File, HoldFileError> {
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

/// Makes a rename outlast a loss of power.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
