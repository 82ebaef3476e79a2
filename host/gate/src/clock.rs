//! Where "now" comes from: the system, or a test.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A source of instants, in milliseconds since the Unix epoch. Plugins see the same one, through
/// `wasi:clocks/wall-clock`.
///
/// The time of day can be set, back and forth; ages and deadlines therefore also go by a second hand that only ever
/// advances.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> u64 + Send + Sync>,
    steady: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// An instant on both hands of a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since the Unix epoch.
    pub(crate) wall_ms: u64,
    /// Milliseconds since some instant of this process.
    pub(crate) steady_ms: u64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_hands(
            || {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, milliseconds)
            },
            || {
                static START: LazyLock<Instant> = LazyLock::new(Instant::now);
                milliseconds(START.elapsed())
            },
        )
    }

    /// The time of day stands still at an instant, in milliseconds since the Unix epoch, as in a recorded account; the
    /// monotonic clock is the machine's.
    pub fn stopped_at(wall_ms: u64) -> Self {
        Self {
            wall: Arc::new(move || wall_ms),
            ..Self::system()
        }
    }

    /// A clock of one's own, whose time of day is its only hand.
    pub fn from_fn(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let wall: Arc<dyn Fn() -> u64 + Send + Sync> = Arc::new(now_ms);
        Self {
            steady: Arc::clone(&wall),
            wall,
        }
    }

    /// A clock of one's own: the time of day, and milliseconds that only ever advance.
    pub fn from_hands(
        wall_ms: impl Fn() -> u64 + Send + Sync + 'static,
        steady_ms: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            wall: Arc::new(wall_ms),
            steady: Arc::new(steady_ms),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        (self.wall)()
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            wall_ms: (self.wall)(),
            steady_ms: (self.steady)(),
        }
    }
}

impl Moment {
    /// How long ago `then` was, as the hand has it that moved further: a clock that was set back makes nothing young, and
    /// one that stood still while the machine slept does not either.
    pub(crate) fn age_since(self, then: Self) -> Duration {
        let wall = self.wall_ms.saturating_sub(then.wall_ms);
        let steady = self.steady_ms.saturating_sub(then.steady_ms);
        Duration::from_millis(wall.max(steady))
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({})", self.now_ms())
    }
}
