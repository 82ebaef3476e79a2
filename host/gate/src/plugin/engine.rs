//! The engine that plugins of a process share: which proposals are on, and the clock that ends endless loops.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use wasmtime::{Config, Engine};

use super::LoadError;

/// What runs plugins: one for a process will do. It keeps a thread that bounds the time of calls, which ends with the last
/// plugin on it.
///
/// Plugins that are loaded without one share the process's own.
#[derive(Clone)]
pub struct PluginEngine(Arc<Running>);

struct Running {
    engine: Engine,
    counts_steps: bool,
    /// The ticker ends when this is dropped.
    _ticker: Sender<()>,
}

/// How often the epoch advances: the grain of [`super::Limits::time`].
const TICK: Duration = Duration::from_millis(5);

impl PluginEngine {
    /// An engine whose plugins are bounded by time.
    ///
    /// # Errors
    /// Where this machine cannot run plugins.
    pub fn new() -> Result<Self, LoadError> {
        Self::with_steps(false)
    }

    /// An engine that counts steps too, which makes calls slower: for plugins with a [`super::Limits::fuel`].
    ///
    /// # Errors
    /// Where this machine cannot run plugins.
    pub fn counting_steps() -> Result<Self, LoadError> {
        Self::with_steps(true)
    }

    /// The one that is shared by all plugins of this process that were given none.
    pub(super) fn shared(counts_steps: bool) -> Result<Self, LoadError> {
        static SHARED: [Mutex<Weak<Running>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
        let [plain, counting] = &SHARED;
        let shared = if counts_steps { counting } else { plain };
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(Self(running));
        }
        let engine = Self::with_steps(counts_steps)?;
        *shared = Arc::downgrade(&engine.0);
        Ok(engine)
    }

    fn with_steps(counts_steps: bool) -> Result<Self, LoadError> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.consume_fuel(counts_steps);
        // What the contract does not need is off: a smaller surface, and surprises end at load time.
        config.wasm_memory64(false);
        config.wasm_multi_memory(false);
        config.wasm_relaxed_simd(false);
        config.wasm_tail_call(false);
        let engine = Engine::new(&config).map_err(|error| LoadError::Engine(error.into()))?;
        let ticker = start_ticker(engine.clone()).map_err(LoadError::Ticker)?;
        Ok(Self(Arc::new(Running {
            engine,
            counts_steps,
            _ticker: ticker,
        })))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn counts_steps(&self) -> bool {
        self.0.counts_steps
    }
}

impl fmt::Debug for PluginEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PluginEngine")
            .field("counts_steps", &self.0.counts_steps)
            .finish_non_exhaustive()
    }
}

/// Starts the thread that advances the epoch until the sender is dropped. A thread of its own, so that a blocked executor
/// cannot stop the clock.
fn start_ticker(engine: Engine) -> io::Result<Sender<()>> {
    let (running, ended) = mpsc::channel();
    thread::Builder::new()
        .name(String::from("quotagate-epoch"))
        .spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        })?;
    Ok(running)
}

/// Ticks that a call may see: one more than fit the time, since the first may come at once.
pub(super) fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks)
        .unwrap_or(u64::MAX / 2)
        .saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_without_an_engine_of_their_own_share_one_as_long_as_there_are_any() {
        let one = PluginEngine::shared(false).unwrap();
        let other = PluginEngine::shared(false).unwrap();
        assert!(Arc::ptr_eq(&one.0, &other.0));
        let counting = PluginEngine::shared(true).unwrap();
        assert!(counting.counts_steps() && !one.counts_steps());
        assert!(!Arc::ptr_eq(&one.0, &counting.0));
    }

    #[test]
    fn a_call_of_any_length_has_a_last_tick() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert_eq!(ticks(Duration::from_millis(11)), 4);
        assert!(ticks(Duration::MAX) > u64::MAX / 4);
    }
}
