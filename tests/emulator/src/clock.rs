//! The emulator's own clock, so that tokens expire and usage shows when a test says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Tells the time to the emulator. Clones share one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    stopped_at: Option<SystemTime>,
    advanced_nanoseconds: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that runs with the system's.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `time` until it is advanced.
    #[must_use]
    pub fn stopped_at(time: SystemTime) -> Self {
        Self {
            stopped_at: Some(time),
            ..Self::default()
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.advanced_nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The time it is.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let base = self.stopped_at.unwrap_or_else(SystemTime::now);
        base + Duration::from_nanos(self.advanced_nanoseconds.load(Ordering::Relaxed))
    }
}
