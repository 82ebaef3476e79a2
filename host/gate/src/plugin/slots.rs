//! How many calls run at a time: those beyond wait for their turn, for a while.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

pub(super) struct Slots {
    free: Mutex<usize>,
    returned: Condvar,
}

/// The right to run one call; given back where it goes out of scope.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count.max(1)),
            returned: Condvar::new(),
        }
    }

    /// Waits for a turn; none where none came within `patience`.
    pub(super) fn take(&self, patience: Duration) -> Option<Slot<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) = self
            .returned
            .wait_timeout_while(free, patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        // The last to look may have found one as its patience ended.
        *free = free.checked_sub(1)?;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_add(1);
        self.0.returned.notify_one();
    }
}
