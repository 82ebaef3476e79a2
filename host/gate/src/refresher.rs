//! Keeps a gate fresh while nobody asks it anything.

use std::{sync::Arc, time::Duration};

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
    /// source is read again when somebody asks after its time has come. Needs a runtime of tokio.
    pub fn keep_fresh(self: &Arc<Self>) -> Refresher {
        let gate = Arc::downgrade(self);
        Refresher(tokio::spawn(async move {
            while let Some(gate) = gate.upgrade() {
                gate.cache.read_due();
                gate.show_metrics();
                let wait = gate.cache.due_in().clamp(SHORTEST, LONGEST);
                drop(gate);
                tokio::time::sleep(wait).await;
            }
        }))
    }

    /// Brings the gauges of metrics up to date; [`Gate::keep_fresh`] does so by itself.
    pub fn show_metrics(&self) {
        let (inventory, holds, now) = self
            .cache
            .with(|state, now| (state.current(now), state.holds(now), now));
        self.gauges.show(&inventory, &holds, now.wall_ms);
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        self.0.abort();
    }
}
