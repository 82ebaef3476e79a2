//! Writes holds down on a thread of its own, so that nobody who asks for a list waits for a disk.
//!
//! Events reach the file in the order in which they were sent. Whoever must not go on before an event is written waits for
//! its [`Written`]. What is still to be written when the gate goes away is written first.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::oneshot;

use super::{HoldFile, HoldFileError, ledger::Event};

/// Comes back when events are in the file, or says why they are not.
pub(crate) type Written = oneshot::Receiver<io::Result<()>>;

/// Fewer lines than this are never worth a replacement of the file.
const FEW_LINES: usize = 256;

/// The sending side.
#[derive(Debug)]
pub(crate) struct HoldWriter {
    path: PathBuf,
    /// Lines in the file.
    lines: usize,
    /// Whether lines are missing in the file, because it could not be written.
    is_incomplete: Arc<AtomicBool>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What is to be written.
struct Job {
    events: Vec<Event>,
    /// What stands after these events, where it is to take the place of the file.
    standing: Option<Vec<Event>>,
    written: oneshot::Sender<io::Result<()>>,
}

impl HoldWriter {
    /// Starts the thread. `lines` is how many the file has.
    pub(crate) fn start(file: HoldFile, lines: usize) -> Result<Self, HoldFileError> {
        let path = file.path().to_owned();
        let is_incomplete = Arc::new(AtomicBool::new(false));
        let (jobs, todo) = mpsc::channel();
        let noted = Arc::clone(&is_incomplete);
        let thread = thread::Builder::new()
            .name(String::from("quotagate-holds"))
            .spawn(move || write_all(file, &todo, &noted))
            .map_err(|source| HoldFileError::Io {
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            path,
            lines,
            is_incomplete,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Has events written. So many holds stand after them, and `short` is their short form: it takes the place of the file
    /// where most of that is over, or where lines are missing in it.
    pub(crate) fn write(
        &mut self,
        events: Vec<Event>,
        standing: usize,
        short: impl FnOnce() -> Vec<Event>,
    ) -> Written {
        self.lines = self.lines.saturating_add(events.len());
        let is_long = self.lines > FEW_LINES && self.lines > standing.saturating_mul(4);
        let standing = (is_long || self.is_incomplete.load(Ordering::Relaxed)).then(|| {
            let short = short();
            self.lines = short.len();
            short
        });
        let (written, receiver) = oneshot::channel();
        let job = Job {
            events,
            standing,
            written,
        };
        if let Some(jobs) = &self.jobs {
            // Where the thread is gone, the receiver learns of it.
            let _sent = jobs.send(job);
        }
        receiver
    }

    /// Where the file lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for HoldWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn write_all(mut file: HoldFile, todo: &mpsc::Receiver<Job>, is_incomplete: &AtomicBool) {
    while let Ok(job) = todo.recv() {
        let mut outcome = file.append(&job.events);
        if let Some(standing) = &job.standing {
            match file.replace(standing) {
                Ok(()) => {
                    is_incomplete.store(false, Ordering::Relaxed);
                    outcome = Ok(());
                }
                Err(error) => {
                    tracing::warn!(%error, path = %file.path().display(), "cannot shorten the file of holds");
                }
            }
        }
        if let Err(error) = &outcome {
            is_incomplete.store(true, Ordering::Relaxed);
            tracing::error!(%error, path = %file.path().display(), "cannot write holds down");
        }
        // Nobody waits for what only ends a hold.
        let _told = job.written.send(outcome);
    }
}
