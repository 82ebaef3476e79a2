//! What is known of one source: its last good answer, its failures since, and when to ask again. Time is an argument.

use std::{sync::Arc, time::Duration};

use quotagate_contract::SourceState;

use super::{Answered, Status};
use crate::{
    clock::{Moment, milliseconds},
    options::{Freshness, RefreshOptions},
    source::{Read, SourceError, SourceErrorKind},
};

/// A cloud that asks to be left alone for longer than this is asked again after it: no answer ends a source.
const LONGEST_HINT: Duration = Duration::from_secs(3600);

/// One source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    good: Option<Good>,
    failures: Option<Failures>,
    /// When it was last asked, and how long to wait since then.
    asked: Option<(Moment, Duration)>,
    /// Whether the good answer is what it said when it was last asked.
    is_latest: bool,
    /// Whether the latest fetch went away without an answer.
    is_cut_off: bool,
    /// Whether the cloud said that it has no such list, and nothing said since that it may have one now.
    is_unsupported: bool,
}

/// What can be shown of a source at some time.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) answer: Option<Arc<Answered>>,
    /// When it was read in this process, and how old it was then.
    pub(crate) read: Option<(Moment, Duration)>,
    pub(crate) status: Status,
}

/// The last answer that holds something.
#[derive(Clone, Debug)]
struct Good {
    answer: Arc<Answered>,
    /// Why there may be more.
    interrupted_by: Option<SourceError>,
    /// When the cloud said so, as it is shown to people and plugins.
    fetched_at: u64,
    /// When the cloud was asked for it.
    asked_at: u64,
    read: Moment,
    /// How old it was when it was read.
    age_then: Duration,
}

impl Good {
    fn age(&self, now: Moment) -> Duration {
        now.age_since(self.read).saturating_add(self.age_then)
    }
}

/// What went wrong since.
#[derive(Clone, Debug)]
struct Failures {
    latest: SourceError,
    at: Moment,
    in_a_row: u32,
}

impl Entry {
    /// An answer from before this process, asked for at `recorded_at`.
    pub(crate) fn warm(read: Read<Answered>, recorded_at: u64, now: Moment) -> Self {
        Self {
            good: Some(Good {
                answer: Arc::new(read.value),
                interrupted_by: read.interrupted_by,
                fetched_at: recorded_at,
                asked_at: recorded_at,
                read: now,
                age_then: Duration::from_millis(now.wall_ms.saturating_sub(recorded_at)),
            }),
            ..Self::default()
        }
    }

    /// Whether all that is known is from before this process.
    pub(crate) const fn is_warm(&self) -> bool {
        self.asked.is_none() && self.good.is_some()
    }

    /// The latest fetch went away without an answer: its task was dropped. Nothing is known of the source that was not
    /// known before, and it is due: somebody wanted it read.
    pub(crate) const fn cut_off(&mut self) {
        self.is_cut_off = true;
    }

    /// Takes the answer in of a question that was asked at `asked_at`. `jitter` is drawn from -1 to 1.
    pub(crate) fn answered(
        &mut self,
        answer: Result<Read<Answered>, SourceError>,
        asked_at: u64,
        now: Moment,
        freshness: Freshness,
        options: &RefreshOptions,
        jitter: f64,
    ) {
        self.is_latest = false;
        self.is_cut_off = false;
        self.is_unsupported = false;
        let trouble = match answer {
            Ok(read) => self.take(read, asked_at, now, freshness),
            Err(error) if error.kind == SourceErrorKind::Unsupported => {
                self.is_unsupported = true;
                self.is_latest = true;
                self.good = None;
                self.failures = Some(Failures {
                    latest: error,
                    at: now,
                    in_a_row: 0,
                });
                self.asked = Some((now, freshness.interval));
                return;
            }
            Err(error) => Some(error),
        };
        let wait = match trouble {
            None => {
                self.failures = None;
                freshness.interval
            }
            Some(error) => self.failed(error, now, freshness, options),
        };
        let stretched = wait.as_secs_f64() * (options.jitter.clamp(0.0, 1.0)).mul_add(jitter, 1.0);
        let hint = self
            .failures
            .as_ref()
            .and_then(|failures| failures.latest.retry_after)
            .unwrap_or_default();
        // What the cloud asked for is never cut short, up to what is believed of it.
        let wait = Duration::try_from_secs_f64(stretched)
            .unwrap_or(wait)
            .max(hint.min(LONGEST_HINT));
        self.asked = Some((now, wait));
    }

    /// Keeps what was read. A part of a list does not replace the whole of it while that can be trusted: then, and
    /// wherever there is less than everything, the trouble is handed back.
    fn take(
        &mut self,
        read: Read<Answered>,
        asked_at: u64,
        now: Moment,
        freshness: Freshness,
    ) -> Option<SourceError> {
        let trouble = read.interrupted_by.clone();
        let whole = self.good.as_ref().is_some_and(|good| {
            good.interrupted_by.is_none() && good.age(now) <= freshness.max_age
        });
        if trouble.is_none() || !whole {
            // The same again stays the same: nobody derives it anew.
            let answer = match &self.good {
                Some(good) if good.answer.answer == read.value.answer => Arc::clone(&good.answer),
                _ => Arc::new(read.value),
            };
            self.good = Some(Good {
                answer,
                interrupted_by: read.interrupted_by,
                fetched_at: read.recorded_at.unwrap_or(now.wall_ms),
                asked_at: read.recorded_at.unwrap_or(asked_at),
                read: now,
                age_then: Duration::ZERO,
            });
            self.is_latest = true;
        }
        trouble
    }

    fn failed(
        &mut self,
        error: SourceError,
        now: Moment,
        freshness: Freshness,
        options: &RefreshOptions,
    ) -> Duration {
        let in_a_row = self
            .failures
            .as_ref()
            .map_or(1, |failures| failures.in_a_row.saturating_add(1));
        self.failures = Some(Failures {
            latest: error,
            at: now,
            in_a_row,
        });
        let doublings = (in_a_row - 1).min(16);
        options
            .first_retry
            .saturating_mul(1 << doublings)
            .min(freshness.interval)
    }

    /// Whether the source was ever asked, or is known from before, and the latest fetch was not cut off. Whoever asks
    /// waits for a source that is not known.
    pub(crate) const fn is_known(&self) -> bool {
        !self.is_cut_off && (self.asked.is_some() || self.good.is_some())
    }

    /// Whether the latest fetch went away without an answer.
    pub(crate) const fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Whether it is time to ask again.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.due_in(now).is_zero()
    }

    /// How long until it is time to ask again.
    pub(crate) fn due_in(&self, now: Moment) -> Duration {
        if self.is_unsupported && !self.is_cut_off {
            return Duration::MAX;
        }
        match self.asked {
            Some((asked, wait)) if !self.is_cut_off => wait.saturating_sub(now.age_since(asked)),
            _ => Duration::ZERO,
        }
    }

    /// How long ago it was last asked.
    pub(crate) fn asked_ago(&self, now: Moment) -> Duration {
        self.asked
            .map_or(Duration::MAX, |(asked, _)| now.age_since(asked))
    }

    /// Why the source must not be asked before it is due: it has failed too often, or the cloud asked to be left alone.
    pub(crate) fn closed_by(&self, now: Moment, options: &RefreshOptions) -> Option<&SourceError> {
        let failures = self.failures.as_ref()?;
        if self.is_unsupported {
            return Some(&failures.latest);
        }
        let throttled = failures.latest.kind == SourceErrorKind::RateLimited
            || failures.latest.retry_after.is_some();
        let open = throttled || failures.in_a_row >= options.failures_to_open;
        (open && !self.is_due(now)).then_some(&failures.latest)
    }

    /// Whether the latest question was answered, and the answer is what it is listed with.
    pub(crate) const fn is_latest(&self) -> bool {
        self.is_latest
    }

    /// What the latest question failed with, if it failed.
    pub(crate) fn failure(&self) -> Option<&SourceError> {
        self.failures.as_ref().map(|failures| &failures.latest)
    }

    /// The last good answer, of whatever age.
    pub(crate) fn answer(&self) -> Option<&Answered> {
        self.good.as_ref().map(|good| &*good.answer)
    }

    /// Whether the last good answer is everything there was.
    pub(crate) fn is_whole(&self) -> bool {
        let good = self.good.as_ref();
        good.is_some_and(|good| good.interrupted_by.is_none())
    }

    /// Whether the cloud said that it has no such list.
    pub(crate) const fn is_unsupported(&self) -> bool {
        self.is_unsupported
    }

    /// The account was read: the cloud may have the list by now.
    pub(crate) fn may_be_supported(&mut self) {
        if self.is_unsupported {
            self.is_unsupported = false;
            self.asked = self.asked.map(|(at, _)| (at, Duration::ZERO));
        }
    }

    /// The instants, on both hands, after which the last good answer is too old to be trusted.
    pub(crate) fn ages_after(&self, max_age: Duration) -> Option<Moment> {
        let good = self.good.as_ref()?;
        let left = milliseconds(max_age.saturating_sub(good.age_then));
        Some(Moment {
            wall_ms: good.read.wall_ms.saturating_add(left),
            steady_ms: good.read.steady_ms.saturating_add(left),
        })
    }

    /// What can be shown of it now.
    pub(crate) fn shown(&self, now: Moment, max_age: Duration) -> Shown {
        let Some(good) = &self.good else {
            return Shown::nothing(match &self.failures {
                Some(failures) => failures.status(),
                None if self.is_cut_off => {
                    Status::unread("reading it was cut off: the runtime that it ran on has ended")
                }
                None if self.asked.is_some() => Status::unread("it was not answered yet"),
                None => Status::unread("it is being read for the first time"),
            });
        };
        let age = good.age(now);
        if age > max_age {
            let why = match &self.failures {
                Some(failures) => format!("; since then: {}", failures.latest),
                None => String::new(),
            };
            return Shown::nothing(Status {
                state: SourceState::Unavailable,
                fetched_at: good.fetched_at,
                asked_at: good.asked_at,
                detail: Some(format!(
                    "last read {} s ago, which is more than the {} s that it is trusted for{why}",
                    age.as_secs(),
                    max_age.as_secs()
                )),
            });
        }
        let detail = match (&good.interrupted_by, &self.failures) {
            (Some(error), _) => Some(error.message.clone()),
            (None, Some(failures)) => Some(format!("reading it again failed: {}", failures.latest)),
            (None, None) => None,
        };
        Shown {
            answer: Some(Arc::clone(&good.answer)),
            read: Some((good.read, good.age_then)),
            status: Status {
                state: match good.interrupted_by {
                    Some(_) => SourceState::Incomplete,
                    None => SourceState::Complete,
                },
                fetched_at: good.fetched_at,
                asked_at: good.asked_at,
                detail,
            },
        }
    }
}

impl Shown {
    pub(crate) const fn nothing(status: Status) -> Self {
        Self {
            answer: None,
            read: None,
            status,
        }
    }
}

impl Failures {
    fn status(&self) -> Status {
        Status {
            state: match self.latest.kind {
                SourceErrorKind::Denied => SourceState::Denied,
                SourceErrorKind::Unsupported => SourceState::Unsupported,
                _ => SourceState::Unavailable,
            },
            fetched_at: self.at.wall_ms,
            asked_at: 0,
            detail: Some(self.latest.message.clone()),
        }
    }
}
