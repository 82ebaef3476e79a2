//! Idle instances between calls: bounded, of one plugin, and only such as never failed.

use std::sync::{Mutex, PoisonError};

use super::instance::Instance;

pub(super) struct WarmInstances {
    // A plain mutex: it is held for a push or a pop, never during a call.
    idle: Mutex<Vec<Instance>>,
    most: usize,
}

impl WarmInstances {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            most,
        }
    }

    /// The instance that was used last, whose index is most likely to be of the generation asked about.
    pub(super) fn take(&self) -> Option<Instance> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    /// Keeps an instance that served a call to its end; drops it where there are enough.
    pub(super) fn give_back(&self, instance: Instance) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push(instance);
        }
    }
}
