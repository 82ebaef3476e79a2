//! One token for everybody. While it is good it is handed out at once, and renewed in the background when it is due;
//! without one that is good, one caller makes it and the others wait.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use super::token::{MakeToken, Token};
use crate::{clock::Clock, error::CallError};

/// After a failed renewal a token that is still good is used for this long before the next attempt.
const PAUSE: Duration = Duration::from_secs(10);

/// Keeps the token of one maker.
#[derive(Debug)]
pub(super) struct TokenCache {
    maker: Box<dyn MakeToken>,
    clock: Clock,
    held: RwLock<Held>,
    /// Whoever has it makes the token.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    current: Option<Current>,
    /// How often a token was asked of the maker, and answered.
    answers: u64,
    /// The latest answer, if it was an error.
    failure: Option<CallError>,
}

#[derive(Clone, Debug)]
struct Current {
    token: Arc<Token>,
    made_at: SystemTime,
    renew_after: Option<Duration>,
    expires_after: Option<Duration>,
    /// When renewing it failed.
    failed_at: Option<SystemTime>,
}

impl TokenCache {
    pub(super) fn new(maker: impl MakeToken + 'static, clock: Clock) -> Self {
        Self {
            maker: Box::new(maker),
            clock,
            held: RwLock::default(),
            turn: Arc::default(),
        }
    }

    /// The token: at once if there is one that is good, else made. Everybody who waits for the same one gets the outcome.
    /// One that is good but due is renewed in the background, which needs a runtime of tokio.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Arc<Token>, CallError> {
        let before = self.held();
        let now = self.clock.now();
        if let Some(token) = before.good(now) {
            if before.is_due(now) {
                self.renew_in_the_background();
            }
            return Ok(token);
        }
        let _turn = self.turn.lock().await;
        let held = self.held();
        let now = self.clock.now();
        if let Some(token) = held.good(now) {
            return Ok(token);
        }
        if let (true, Some(failure)) = (held.answers != before.answers, held.failure) {
            return Err(failure);
        }
        self.make(now).await
    }

    /// Renews the token, unless somebody does so already. Every maker gives up in time.
    fn renew_in_the_background(self: &Arc<Self>) {
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else {
            return;
        };
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let now = cache.clock.now();
            // Somebody may have just done so.
            if cache.held().is_due(now)
                && let Err(error) = cache.make(now).await
            {
                tracing::warn!(%error, "cannot renew the access token; using the old one, which is still good");
            }
            drop(turn);
        });
    }

    /// Another token than the refused one: the one that somebody made meanwhile, or a new one. None where the maker has
    /// no other.
    pub(super) async fn renewed(&self, refused: &Token) -> Result<Option<Arc<Token>>, CallError> {
        if !self.maker.can_renew() {
            return Ok(None);
        }
        let before = self.held();
        let _turn = self.turn.lock().await;
        let held = self.held();
        if let Some(current) = held
            .current
            .filter(|held| held.token.number != refused.number)
        {
            return Ok(Some(current.token).filter(|token| !token.equals(refused)));
        }
        if let (true, Some(failure)) = (held.answers != before.answers, held.failure) {
            return Err(failure);
        }
        let token = self.make(self.clock.now()).await?;
        Ok(Some(token).filter(|token| !token.equals(refused)))
    }

    async fn make(&self, now: SystemTime) -> Result<Arc<Token>, CallError> {
        let made = self.maker.make(now).await;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.answers += 1;
        match made {
            Ok(fresh) => {
                let token = Arc::new(Token::new(fresh.secret, held.answers));
                held.failure = None;
                held.current = Some(Current {
                    token: Arc::clone(&token),
                    made_at: now,
                    renew_after: fresh.renew_after,
                    expires_after: fresh.expires_after,
                    failed_at: None,
                });
                Ok(token)
            }
            Err(error) => {
                held.failure = Some(error.clone());
                if let Some(current) = &mut held.current {
                    current.failed_at = Some(now);
                }
                Err(error)
            }
        }
    }

    fn held(&self) -> Held {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Held {
    /// The token, if it has not expired.
    fn good(&self, now: SystemTime) -> Option<Arc<Token>> {
        let current = self.current.as_ref()?;
        let is_expired = has_passed(current.made_at, current.expires_after, now);
        (!is_expired).then(|| Arc::clone(&current.token))
    }

    /// Whether the token is to be renewed now.
    fn is_due(&self, now: SystemTime) -> bool {
        self.current.as_ref().is_some_and(|current| {
            let is_paused = current
                .failed_at
                .is_some_and(|failed_at| !has_passed(failed_at, Some(PAUSE), now));
            !is_paused && has_passed(current.made_at, current.renew_after, now)
        })
    }
}

/// Whether so long has passed; a clock that was set back counts as if it had.
fn has_passed(since: SystemTime, wait: Option<Duration>, now: SystemTime) -> bool {
    wait.is_some_and(|wait| {
        now.duration_since(since)
            .map_or(true, |passed| passed >= wait)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    };

    use async_trait::async_trait;
    use futures::future::join_all;

    use super::*;
    use crate::credentials::token::Fresh;

    /// Makes the tokens `token-1`, `token-2`, ..., good for 100 s, or fails.
    #[derive(Clone, Debug, Default)]
    struct Mint {
        made: Arc<AtomicU64>,
        failing: Arc<Mutex<bool>>,
    }

    #[async_trait]
    impl MakeToken for Mint {
        async fn make(&self, _now: SystemTime) -> Result<Fresh, CallError> {
            let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
            // Others get their turn, as they do while the cloud is asked.
            tokio::task::yield_now().await;
            if *self.failing.lock().unwrap() {
                return Err(CallError::NoTenant("the mint".to_owned()));
            }
            Ok(Fresh {
                secret: format!("token-{number}").into(),
                renew_after: Some(Duration::from_secs(90)),
                expires_after: Some(Duration::from_secs(100)),
            })
        }

        fn can_renew(&self) -> bool {
            true
        }
    }

    struct Bench {
        mint: Mint,
        cache: Arc<TokenCache>,
        seconds: Arc<AtomicU64>,
    }

    fn bench() -> Bench {
        let seconds = Arc::new(AtomicU64::new(1_000));
        let hand = Arc::clone(&seconds);
        let clock = Clock::new(move || {
            SystemTime::UNIX_EPOCH + Duration::from_secs(hand.load(Ordering::SeqCst))
        });
        let mint = Mint::default();
        Bench {
            cache: Arc::new(TokenCache::new(mint.clone(), clock)),
            mint,
            seconds,
        }
    }

    impl Bench {
        fn pass(&self, seconds: u64) {
            self.seconds.fetch_add(seconds, Ordering::SeqCst);
        }

        fn fail(&self, failing: bool) {
            *self.mint.failing.lock().unwrap() = failing;
        }

        fn made(&self) -> u64 {
            self.mint.made.load(Ordering::SeqCst)
        }

        async fn number(&self) -> Option<u64> {
            self.cache.token().await.ok().map(|token| token.number)
        }

        /// Waits for what goes on in the background.
        async fn settle(&self) {
            while self.cache.turn.try_lock().is_err() {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_token_is_renewed_at_nine_tenths_of_its_life() {
        let bench = bench();
        assert_eq!(bench.number().await, Some(1));
        bench.pass(89);
        assert_eq!(bench.number().await, Some(1));
        bench.pass(1);
        assert_eq!(bench.number().await, Some(1), "nobody waits");
        bench.settle().await;
        assert_eq!(bench.number().await, Some(2));
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn many_callers_of_a_token_that_is_due_cause_one_renewal_and_wait_for_none() {
        let bench = bench();
        assert_eq!(bench.number().await, Some(1));
        bench.pass(95);
        let tokens = join_all((0..100).map(|_| bench.number())).await;
        assert!(tokens.iter().all(|number| *number == Some(1)));
        assert_eq!(bench.made(), 1, "it is made while nobody waits");
        bench.settle().await;
        let tokens = join_all((0..100).map(|_| bench.number())).await;
        assert!(tokens.iter().all(|number| *number == Some(2)));
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn a_refused_caller_gets_what_the_background_makes() {
        let bench = bench();
        let refused = bench.cache.token().await.unwrap();
        bench.pass(95);
        assert_eq!(bench.number().await, Some(1));
        let renewed = bench.cache.renewed(&refused).await.unwrap();
        assert_eq!(renewed.unwrap().number, 2);
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn a_token_that_has_expired_is_waited_for() {
        let bench = bench();
        assert_eq!(bench.number().await, Some(1));
        bench.pass(100);
        let tokens = join_all((0..100).map(|_| bench.number())).await;
        assert!(tokens.iter().all(|number| *number == Some(2)));
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn many_callers_cause_one_exchange() {
        let bench = bench();
        let tokens = join_all((0..100).map(|_| bench.cache.token())).await;
        assert!(
            tokens
                .iter()
                .all(|token| token.as_ref().unwrap().number == 1)
        );
        assert_eq!(bench.made(), 1);
    }

    #[tokio::test]
    async fn many_refused_callers_cause_one_exchange() {
        let bench = bench();
        let refused = bench.cache.token().await.unwrap();
        let tokens = join_all((0..100).map(|_| bench.cache.renewed(&refused))).await;
        assert!(
            tokens
                .iter()
                .all(|token| token.as_ref().unwrap().as_ref().unwrap().number == 2)
        );
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn those_who_wait_share_a_failure_and_the_next_tries_again() {
        let bench = bench();
        bench.fail(true);
        let tokens = join_all((0..100).map(|_| bench.cache.token())).await;
        assert!(tokens.iter().all(Result::is_err));
        assert_eq!(bench.made(), 1);
        bench.fail(false);
        assert_eq!(bench.number().await, Some(2));
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_renewed_is_used_until_it_expires() {
        let bench = bench();
        assert_eq!(bench.number().await, Some(1));
        bench.fail(true);
        bench.pass(90);
        for _ in 0..2 {
            assert_eq!(bench.number().await, Some(1));
            bench.settle().await;
            assert_eq!(bench.made(), 2, "the next try has to wait");
        }
        bench.pass(10);
        assert_eq!(bench.number().await, None);
        bench.fail(false);
        assert_eq!(bench.number().await, Some(4));
    }

    #[tokio::test]
    async fn a_caller_who_gives_up_leaves_the_turn_to_the_next() {
        let bench = bench();
        {
            let given_up = bench.cache.token();
            futures::pin_mut!(given_up);
            assert!(futures::poll!(given_up.as_mut()).is_pending());
        }
        assert_eq!(bench.number().await, Some(1));
        assert_eq!(bench.made(), 2);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_renews() {
        let bench = bench();
        assert_eq!(bench.number().await, Some(1));
        bench.seconds.store(10, Ordering::SeqCst);
        assert_eq!(bench.number().await, Some(2));
        assert_eq!(bench.number().await, Some(2));
    }
}
