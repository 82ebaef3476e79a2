//! Where holds are kept between processes: a file of one event a line, appended to, and replaced by a shorter one when most
//! of it is over.
//!
//! A line is written whole or not at all, before anybody is told of the hold, so a process that is killed at any point
//! loses none; the last line may be cut short by that, and is of a hold that nobody was told of. One process at a time has
//! the file: it is locked, and so is another one beside it, since the file itself is replaced by new ones. Only its owner
//! can read it. Appended lines are left to the operating system; each replacement is synced.
//!
//! Nothing is appended to a file that others have cut, deleted or replaced: it has to be replaced whole.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    HoldFileError,
    ledger::Event,
    lines::{header, lines, parse},
    owned::{Owned, beside, folder_of, remove_leftovers, sync_folder, temporary},
};

/// No file of holds comes near this: whatever is longer is something else.
pub(super) const LONGEST: u64 = 256 << 20;

/// The open file.
#[derive(Debug)]
pub(crate) struct HoldFile {
    /// From the root on, whatever folder the process goes to.
    path: PathBuf,
    data: Owned,
    /// Bytes of whole lines.
    length: u64,
    /// As long as it may get.
    longest: u64,
    lock: Owned,
}

/// Why events were not appended. All that stands may be written in the place of the file all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAppended {
    /// Others cut the file, deleted it, or put something else in its place.
    #[error("the file of holds is not as it was left")]
    NotAsKnown,
    /// It would be refused at the next start.
    #[error("the file of holds would be too long")]
    TooLong,
    /// The file system refuses.
    #[error("cannot append to the file of holds")]
    Io(#[from] io::Error),
}

impl HoldFile {
    /// Opens or makes the file; gives what is in it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Event>), HoldFileError> {
        let failed = |source| HoldFileError::Io {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(failed)?;
        let path = path.as_path();
        fs::create_dir_all(folder_of(path)).map_err(failed)?;
        let lock = Owned::open(&beside(path, ".lock"), path)?;
        let data = Owned::open(path, path)?;
        if let Err(error) = remove_leftovers(path) {
            tracing::warn!(%error, path = %path.display(), "cannot look for temporary files of killed processes");
        }
        if data.file.metadata().map_err(failed)?.len() > LONGEST {
            return Err(HoldFileError::TooLong(path.to_owned()));
        }
        let mut text = Vec::new();
        (&data.file).read_to_end(&mut text).map_err(failed)?;
        let (events, whole) = parse(path, &text)?;
        data.file.set_len(whole as u64).map_err(failed)?;
        let mut opened = Self {
            path: path.to_owned(),
            data,
            length: whole as u64,
            longest: LONGEST,
            lock,
        };
        if whole == 0 {
            opened.write_at_end(&header()).map_err(failed)?;
        }
        Ok((opened, events))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes events down: all of them, or none.
    pub(crate) fn append(&mut self, events: &[Event]) -> Result<(), NotAppended> {
        let bytes = lines(events)?;
        if self.data.length_there()? != Some(self.length) {
            return Err(NotAppended::NotAsKnown);
        }
        if self.length.saturating_add(bytes.len() as u64) > self.longest {
            return Err(NotAppended::TooLong);
        }
        Ok(self.write_at_end(&bytes)?)
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = &mut self.data.file;
        file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = file.write_all(bytes) {
            // Where this fails too, the file is not as long as known, and nothing is appended to it any more.
            let _taken_back = file.set_len(self.length);
            return Err(error);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Puts these events in the place of all there were: a new file in the place of the old one, or the old one as it was.
    pub(crate) fn replace(&mut self, events: &[Event]) -> Result<(), HoldFileError> {
        let path = self.path.as_path();
        let failed = |source| HoldFileError::Io {
            path: path.to_owned(),
            source,
        };
        let mut bytes = header();
        bytes.extend(lines(events).map_err(failed)?);
        if bytes.len() as u64 > self.longest {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let folder = folder_of(path);
        fs::create_dir_all(folder).map_err(failed)?;
        if !self.lock.is_there() {
            self.lock = Owned::open(&beside(path, ".lock"), path)?;
        }
        // Whoever has locked another file at this path keeps it. A link or the like is replaced, and not followed.
        let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        let _other = if is_file && !self.data.is_there() {
            Some(Owned::open(path, path)?)
        } else {
            None
        };
        let mut new = temporary(path).map_err(failed)?;
        new.write_all(&bytes).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        let (file, name) = new.into_parts();
        let new = Owned::lock(file, path, path)?;
        name.persist(path).map_err(|error| failed(error.error))?;
        self.length = bytes.len() as u64;
        // The new file is there, whatever comes of this.
        if let Err(error) = sync_folder(folder) {
            tracing::warn!(%error, path = %path.display(), "a loss of power now may bring back an older file of holds");
        }
        self.data = new;
        Ok(())
    }

    /// Fills sooner than any real one.
    #[cfg(test)]
    pub(crate) const fn fill_at(&mut self, longest: u64) {
        self.longest = longest;
    }
}
