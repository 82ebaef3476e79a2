//! Writes holds down on a thread of its own, so that nobody who asks for a list waits for a disk.
//!
//! Events reach the file in the order in which they were sent. Whoever must not go on before an event is written waits for
//! its [`Written`]. What is still to be written when the gate goes away is written first.
//!
//! The thread replays what it writes, so it always knows what stands, and no lock is needed to replace the file by that.

use std::{io, path::PathBuf, sync::mpsc, thread, time::Duration};

use tokio::sync::oneshot;

use super::{
    HoldFile, HoldFileError,
    file::NotAppended,
    ledger::{Event, Ledger, Lives},
};
use crate::clock::Moment;

#[cfg(test)]
mod tests;

/// Fewer lines than this are never worth a replacement of the file.
const FEW_LINES: usize = 256;
/// A gate that goes away waits so long for its last lines. A disk takes them within milliseconds; one that takes longer than
/// this hangs, and would keep the whole process from ending.
const LAST_LINES_WAIT: Duration = Duration::from_secs(5);

/// Comes back when events are in the file, or says why they are not.
#[derive(Debug)]
pub(crate) struct Written {
    path: PathBuf,
    outcome: oneshot::Receiver<Result<(), HoldFileError>>,
}

/// The sending side.
#[derive(Debug)]
pub(crate) struct HoldWriter {
    path: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    /// Never says anything, and closes when the thread has closed the file.
    ended: mpsc::Receiver<()>,
}

/// What is to be written.
struct Job {
    events: Vec<Event>,
    written: oneshot::Sender<Result<(), HoldFileError>>,
}

/// The writing side.
pub(crate) struct Keeper {
    file: HoldFile,
    /// What stands after all that was sent, whether it could be written or not.
    ledger: Ledger,
    /// Lines in the file.
    lines: usize,
    /// Fewer are not worth a replacement. Rises where a replacement fails, so that the next event does not try again.
    worth_shortening: usize,
    /// Whether lines are missing in the file, because it could not be written.
    is_incomplete: bool,
}

impl Written {
    /// Waits, but no longer than that.
    pub(crate) async fn within(self, wait: Duration) -> Result<(), HoldFileError> {
        let source = match tokio::time::timeout(wait, self.outcome).await {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(_)) => io::Error::other("the thread that writes holds has ended"),
            Err(_) => io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the disk did not take a hold within {wait:?}"),
            ),
        };
        Err(HoldFileError::Io {
            path: self.path,
            source,
        })
    }
}

impl HoldWriter {
    /// Starts the thread.
    pub(crate) fn start(mut keeper: Keeper) -> Result<Self, HoldFileError> {
        let path = keeper.file.path().to_owned();
        let (jobs, todo) = mpsc::channel::<Job>();
        let (ends, ended) = mpsc::channel();
        thread::Builder::new()
            .name(String::from("quotagate-holds"))
            .spawn(move || {
                while let Ok(job) = todo.recv() {
                    let outcome = keeper.write(job.events);
                    // Nobody waits for what only ends a hold.
                    let _told = job.written.send(outcome);
                }
                // Leaves the file as it should be where others changed it since the last event; a failure is in the log.
                let _mended = keeper.write(Vec::new());
                drop(keeper);
                drop(ends);
            })
            .map_err(|source| HoldFileError::Io {
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            path,
            jobs: Some(jobs),
            ended,
        })
    }

    /// Has events written.
    pub(crate) fn write(&self, events: Vec<Event>) -> Written {
        let (written, outcome) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // Where the thread is gone, the receiver learns of it.
            let _sent = jobs.send(Job { events, written });
        }
        Written {
            path: self.path.clone(),
            outcome,
        }
    }
}

impl Drop for HoldWriter {
    fn drop(&mut self) {
        self.jobs = None;
        let ended = self.ended.recv_timeout(LAST_LINES_WAIT);
        if ended == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::error!(path = %self.path.display(), "the disk hangs: the last holds may not be written down");
        }
    }
}

impl Keeper {
    /// Keeps what stands in the file, which has so many lines.
    pub(crate) fn new(file: HoldFile, standing: Vec<Event>, lines: usize) -> Self {
        let mut keeper = Self {
            file,
            ledger: Ledger::default(),
            lines,
            worth_shortening: FEW_LINES,
            is_incomplete: false,
        };
        keeper.replay(standing);
        keeper.shorten();
        keeper
    }

    fn replay(&mut self, events: Vec<Event>) {
        // Nothing ends by itself here: whoever sends says when something is over.
        let (now, lives) = (
            Moment::default(),
            Lives {
                time_to_live: Duration::MAX,
                settle: Duration::MAX,
            },
        );
        for event in events {
            self.ledger.replay(event, now, lives);
        }
    }

    /// Writes events down, or says why they are not written.
    fn write(&mut self, events: Vec<Event>) -> Result<(), HoldFileError> {
        let appended = if self.is_incomplete {
            None
        } else {
            Some(self.file.append(&events))
        };
        let added = events.len();
        self.replay(events);
        let failed = match appended {
            Some(Ok(())) => {
                self.lines = self.lines.saturating_add(added);
                if self.is_long() {
                    self.shorten();
                }
                return Ok(());
            }
            Some(Err(failed)) => Some(failed),
            None => None,
        };
        let outcome = self.replace();
        self.is_incomplete = outcome.is_err();
        let path = self.file.path();
        let outcome = outcome.map_err(|error| match failed {
            Some(NotAppended::TooLong) => HoldFileError::Full {
                path: path.to_owned(),
                source: Box::new(error),
            },
            Some(NotAppended::Io(source)) => HoldFileError::Io {
                path: path.to_owned(),
                source,
            },
            Some(NotAppended::NotAsKnown) | None => error,
        });
        if let Err(error) = &outcome {
            tracing::error!(error = error as &dyn std::error::Error, path = %path.display(), "cannot write holds down");
        }
        outcome
    }

    /// Whether most of the file is over.
    fn is_long(&self) -> bool {
        self.lines > self.worth_shortening && self.lines > self.ledger.len().saturating_mul(4)
    }

    /// Replaces the file by its short form. Nothing is lost where that fails.
    fn shorten(&mut self) {
        if let Err(error) = self.replace() {
            self.worth_shortening = self.lines.saturating_mul(2).max(FEW_LINES);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                path = %self.file.path().display(),
                "cannot shorten the file of holds"
            );
        }
    }

    fn replace(&mut self) -> Result<(), HoldFileError> {
        let short = self.ledger.compacted();
        self.file.replace(&short)?;
        self.lines = short.len();
        self.worth_shortening = FEW_LINES;
        Ok(())
    }
}
