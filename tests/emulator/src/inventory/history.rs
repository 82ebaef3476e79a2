//! The sums as they were: what readers see while usage lags.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::Tally;

/// Sums with the time from which they held, oldest first.
#[derive(Default)]
pub(crate) struct History(VecDeque<(SystemTime, Arc<Tally>)>);

impl History {
    /// The sums at `now` are these. What no reader that trails by `lag` can still see is forgotten.
    pub(crate) fn record(&mut self, now: SystemTime, tally: Tally, lag: Duration) {
        let oldest_seen = now.checked_sub(lag).unwrap_or(SystemTime::UNIX_EPOCH);
        while self
            .0
            .get(1)
            .is_some_and(|(since, _)| *since <= oldest_seen)
        {
            self.0.pop_front();
        }
        if self.0.back().is_none_or(|(_, last)| **last != tally) {
            self.0.push_back((now, Arc::new(tally)));
        }
    }

    /// The sums that held `lag` before `now`.
    pub(crate) fn seen(&self, now: SystemTime, lag: Duration) -> Arc<Tally> {
        let at = now.checked_sub(lag).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut newest_first = self.0.iter().rev();
        newest_first
            .find(|(since, _)| *since <= at)
            .map(|(_, tally)| Arc::clone(tally))
            .unwrap_or_default()
    }
}
