//! Where holds are kept between processes: a file of one event a line, only ever appended to, and rewritten when most of
//! it is over.
//!
//! A hold is in the file before anybody is told of it, so a process that is killed at any point loses none. The last line
//! may be cut short by that; it is of a hold that nobody was told of. What is in the file goes on no longer than a new hold
//! would, so nothing is promised for ever. Only one process at a time has the file. Against a loss of power each rewrite
//! is synced, single lines are left to the operating system.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::ledger::Event;

/// Fewer lines than this are never worth a rewrite.
const FEW_LINES: usize = 256;

/// The open file.
#[derive(Debug)]
pub(crate) struct HoldFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    lines: usize,
    /// Locked as long as it is open.
    _lock: File,
}

/// Why holds cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldFileError {
    /// Another process keeps its holds there.
    #[error("`{}` is in use by another process: give each its own file, or stop the other", .0.display())]
    InUse(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot use `{}` to keep holds: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "line {line} of `{}` is no event of a hold: {source}; if no launch is under way, move the file away",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
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
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = File::create(path.with_extension("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HoldFileError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        // A line that does not end was being written when the process was killed.
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < text.len() {
            tracing::warn!(path = %path.display(), "the last line is cut short; it was promised to nobody");
        }
        let mut events = Vec::new();
        for (number, line) in text
            .get(..whole)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .enumerate()
        {
            if line.is_empty() {
                continue;
            }
            let event =
                serde_json::from_slice(line).map_err(|source| HoldFileError::Malformed {
                    path: path.to_owned(),
                    line: number + 1,
                    source,
                })?;
            events.push(event);
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length).map_err(failed)?;
        let opened = Self {
            path: path.to_owned(),
            file,
            length,
            lines: events.len(),
            _lock: lock,
        };
        Ok((opened, events))
    }

    /// Writes events down. What is written in part is taken back.
    pub(crate) fn append(&mut self, events: &[Event]) -> io::Result<()> {
        let bytes = lines(events)?;
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.lines += events.len();
        Ok(())
    }

    /// Whether most of the file is over.
    pub(crate) const fn is_worth_rewriting(&self, standing: usize) -> bool {
        self.lines > FEW_LINES && self.lines > standing.saturating_mul(4)
    }

    /// Puts these events in the place of all there were: a new file in the place of the old one, or the old one as it was.
    pub(crate) fn rewrite(&mut self, events: &[Event]) -> io::Result<()> {
        let bytes = lines(events)?;
        let beside = self.path.with_extension("new");
        let mut new = File::create(&beside)?;
        new.write_all(&bytes)?;
        new.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.length = bytes.len() as u64;
        self.lines = events.len();
        Ok(())
    }
}

fn lines(events: &[Event]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for event in events {
        serde_json::to_writer(&mut bytes, event)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}
