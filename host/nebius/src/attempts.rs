//! The attempts of one call: how often, and the waits between them.

use std::{iter, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder, Retryable as _};
use tokio::time::Instant;

use crate::{error::CallError, options::Retries};

/// What is left of the attempts of a call and of its time. Everything that the call needs draws on the same.
pub(crate) struct Attempts {
    waits: iter::Map<ExponentialBackoff, fn(Duration) -> Duration>,
    until: Instant,
}

impl Attempts {
    pub(crate) fn new(retries: &Retries, until: Instant) -> Self {
        let again = retries.attempts.saturating_sub(1);
        let waits = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(retries.first_wait.min(retries.longest_wait))
            .with_max_delay(retries.longest_wait)
            .with_max_times(usize::try_from(again).unwrap_or(usize::MAX));
        Self {
            waits: waits.build().map(any_part),
            until,
        }
    }

    /// Tries, and again while the failure may pass, and the wait ends before the deadline; else the last failure. Counts
    /// every try.
    pub(crate) async fn make<T, Try>(
        &mut self,
        tries: &mut u32,
        mut attempt: impl FnMut() -> Try,
    ) -> Result<T, CallError>
    where
        Try: Future<Output = Result<T, CallError>>,
    {
        let until = self.until;
        let counted = || {
            *tries = tries.saturating_add(1);
            attempt()
        };
        counted
            .retry(&mut self.waits)
            .when(CallError::may_pass)
            .adjust(|error, wait| {
                // What the cloud asks for, and the wait on top: those who were told the same do not come back together.
                let wait = wait?.saturating_add(error.retry_after().unwrap_or_default());
                let left = until.saturating_duration_since(Instant::now());
                (wait < left).then_some(wait)
            })
            .notify(|_, wait| tracing::info!(?wait, "asking again"))
            .await
    }
}

/// Full jitter. The library's own adds to the wait instead, up to its double.
fn any_part(wait: Duration) -> Duration {
    wait.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::status::Refusal;

    const RETRIES: Retries = Retries {
        attempts: 8,
        first_wait: Duration::from_millis(100),
        longest_wait: Duration::from_secs(1),
    };

    fn late() -> CallError {
        CallError::Late {
            asked: "test".to_owned(),
            host: "here".to_owned(),
            waited: Duration::ZERO,
        }
    }

    fn busy(pushback: &str) -> CallError {
        let mut status = Status::new(Code::Unavailable, "busy");
        let pushback = pushback.parse().unwrap();
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", pushback);
        CallError::Refused {
            asked: "test".to_owned(),
            host: "here".to_owned(),
            refusal: Box::new(Refusal::of(&status)),
            remedy: String::new(),
        }
    }

    /// How often it is tried, and how long that takes, if it always fails so.
    async fn exhaust(
        retries: Retries,
        time: Duration,
        error: impl Fn() -> CallError,
    ) -> (u32, Duration) {
        let (mut tries, start) = (0, Instant::now());
        let mut attempts = Attempts::new(&retries, start + time);
        let outcome: Result<(), _> = attempts.make(&mut tries, async || Err(error())).await;
        assert_eq!(outcome.unwrap_err().to_string(), error().to_string());
        (tries, start.elapsed())
    }

    #[test]
    fn waits_double_up_to_the_longest_and_any_part_of_them_is_waited() {
        for _ in 0..100 {
            let waits: Vec<_> = Attempts::new(&RETRIES, Instant::now()).waits.collect();
            let most = [100, 200, 400, 800, 1_000, 1_000, 1_000].map(Duration::from_millis);
            assert_eq!(waits.len(), most.len());
            assert!(waits.iter().zip(most).all(|(wait, most)| *wait <= most));
        }
        let retries = Retries {
            first_wait: Duration::MAX,
            ..RETRIES
        };
        let mut waits = Attempts::new(&retries, Instant::now()).waits;
        assert!(waits.all(|wait| wait <= RETRIES.longest_wait));
        for attempts in [0, 1] {
            let retries = Retries {
                attempts,
                ..RETRIES
            };
            assert_eq!(Attempts::new(&retries, Instant::now()).waits.count(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_pass_is_tried_once_and_the_rest_as_often_as_allowed() {
        let minute = Duration::from_secs(60);
        let denied = || CallError::NoTenant("a test".to_owned());
        assert_eq!(exhaust(RETRIES, minute, denied).await, (1, Duration::ZERO));
        let (tries, elapsed) = exhaust(Retries::default(), minute, late).await;
        assert_eq!(tries, 3);
        assert!(elapsed <= Duration::from_millis(302), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_that_comes_after_the_deadline() {
        let retries = Retries {
            attempts: u32::MAX,
            ..RETRIES
        };
        let time = Duration::from_secs(10);
        let (tries, elapsed) = exhaust(retries, time, late).await;
        assert!(tries > 10 && elapsed <= time, "{tries} in {elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_cloud_is_left_alone_for_as_long_as_it_asks_or_for_good() {
        let minute = Duration::from_secs(60);
        let (tries, elapsed) = exhaust(Retries::default(), minute, || busy("10000")).await;
        assert_eq!(tries, 3);
        assert!(elapsed >= Duration::from_secs(20), "{elapsed:?}");
        for longer in ["60000", "18446744073709551615", "-1", "soon"] {
            let outcome = exhaust(RETRIES, minute, || busy(longer)).await;
            assert_eq!(outcome, (1, Duration::ZERO), "{longer}");
        }
        assert_eq!(busy("60000").retry_after(), Some(minute));
        assert_eq!(busy("-1").retry_after(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn all_steps_of_a_call_draw_on_the_same_attempts() {
        let mut attempts = Attempts::new(&RETRIES, Instant::now() + Duration::from_secs(60));
        let (mut first, mut second) = (0, 0);
        let failed: Result<(), _> = attempts.make(&mut first, async || Err(late())).await;
        assert!(failed.is_err());
        let failed: Result<(), _> = attempts.make(&mut second, async || Err(late())).await;
        assert!(failed.is_err());
        assert_eq!((first, second), (8, 1));
    }
}
