//! Keeps a gate fresh while nobody asks it anything.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::gate::Gate;

/// Sleeps no shorter: a source that is always due cannot keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(50);
/// Sleeps no longer: clocks can be set, and what is shown should not be older.
const LONGEST: Duration = Duration::from_secs(5);

/// Reads what is due, as long as it lives. See [`Gate::keep_fresh`].
#[must_use = "it ends when it is dropped"]
#[derive(Debug)]
pub struct Refresher(JoinHandle<()>);

impl Gate {
    /// Reads each source when its time comes, and keeps the metrics up to date, whether anybody asks or not. Without it, a
    /// source is read again when somebody asks after its time has come. It ends when the last gate of its kind goes away or is
    /// closed. Needs a runtime of tokio.
    pub fn keep_fresh(&self) -> Refresher {
        let gate = self.downgrade();
        Refresher(tokio::spawn(async move {
            while let Some(gate) = Self::upgrade(&gate) {
                if gate.cache().is_closed() {
                    break;
                }
                gate.cache().read_due();
                gate.show_metrics().await;
                let wait = gate.cache().due_in().clamp(SHORTEST, LONGEST);
                drop(gate);
                tokio::time::sleep(wait).await;
            }
        }))
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        self.0.abort();
    }
}
