//! Reads the sources of an account: in the background, each in its own rhythm, one question at a time for each. Whoever
//! asks is answered from memory; only the very first question waits, and only so long.
//!
//! A cache library would bring eviction, which nobody needs for some dozens of entries, and lacks what matters here: serving
//! what is old while it is read again, per-source waits after failures, and snapshots that are consistent with holds.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::FutureExt as _;
use quotagate_contract::{Feed, Owner};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    time::{Instant, timeout, timeout_at},
};
use tracing::Instrument as _;

use super::{
    Answered, AskStandings, Followed, Inventory, Readings, State, Wanted, read,
    state::{Flight, Slot, WarmUpError},
};
use crate::{
    clock::{Clock, Moment},
    holds::{HoldFile, HoldFileError, HoldWriter, Keeper},
    options::{GateOptions, RefreshOptions},
    source::{Account, Answer, Read, Source, SourceError, SourceErrorKind, SourceId},
    telemetry,
};

/// So often is it tried to read rows in an inventory that does not change meanwhile.
const TRIES: u32 = 4;
/// How often its rows are read after that. Each time somebody else lands in between, so it ends when they have.
const LATE_TRIES: u32 = 1_000;

/// Which projects of an account are read.
#[derive(Clone, Debug)]
pub(crate) enum Projects {
    All,
    One(String),
}

/// The sources of one account, and everything that is known of it.
pub(crate) struct Cache {
    source: Arc<dyn Source>,
    /// Says how rows stand that something is held of.
    plugin: Arc<dyn AskStandings>,
    clock: Clock,
    projects: Projects,
    options: Arc<GateOptions>,
    // A std mutex, since it is held for microseconds: never while something is awaited, written to a file, or asked of a
    // plugin.
    state: Mutex<State>,
    /// Whoever has one may ask the source.
    turns: Arc<Semaphore>,
    /// Changes with every answer that arrived.
    landings: watch::Sender<u64>,
    /// When somebody first waited for sources that are not known: whoever asks meanwhile waits no longer than that.
    waited_since: Mutex<Option<Instant>>,
}

/// What could not be read again, and why.
pub(crate) type Unread = Vec<(String, String)>;

/// What came of asking a source.
struct Fetched {
    read: Read<Answered>,
    /// Where that was the account: the sources that there are by it.
    sources: Option<Vec<SourceId>>,
}

impl Cache {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        plugin: Arc<dyn AskStandings>,
        clock: Clock,
        projects: Projects,
        options: Arc<GateOptions>,
    ) -> Result<Arc<Self>, HoldFileError> {
        let only = match &projects {
            Projects::One(project) => Some(project.as_str()),
            Projects::All => None,
        };
        let mut state = State::new(Arc::clone(&options), only);
        state.name(projects.owners(&*source));
        let now = clock.moment();
        for id in projects.sources(&*source, None) {
            state.want(id, now);
        }
        if let Some(path) = &options.holds.file {
            let (file, events) = HoldFile::open(path)?;
            let lines = events.len();
            let standing = state.take_up(events, clock.moment());
            state.keep_holds(HoldWriter::start(Keeper::new(file, standing, lines))?);
        }
        let turns = options.refresh.concurrent.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Arc::new(Self {
            source,
            plugin,
            clock,
            projects,
            options,
            state: Mutex::new(state),
            turns: Arc::new(Semaphore::new(turns)),
            landings: watch::Sender::new(0),
            waited_since: Mutex::new(None),
        }))
    }

    pub(crate) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs on what is known; the lock is held meanwhile.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&mut State, Moment) -> T) -> T {
        let now = self.clock.moment();
        run(&mut self.state(), now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now. Starts reading what is due, and waits only for sources that are not known: before they were read
    /// for the first time, and after the last fetch of one was cut off. Sources of these regions are read from now on.
    pub(crate) async fn inventory<'a>(
        self: &Arc<Self>,
        regions: impl IntoIterator<Item = &'a str>,
    ) -> Arc<Inventory> {
        self.with(|state, _| state.ask_about(regions));
        self.read_due();
        let (inventory, is_known) = self.with(|state, now| {
            let is_known = state.is_known();
            if is_known {
                state.was_known();
            }
            (state.current(now), is_known)
        });
        let since = {
            let mut waited_since = self
                .waited_since
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if is_known {
                *waited_since = None;
                return inventory;
            }
            *waited_since.get_or_insert_with(Instant::now)
        };
        self.wait(
            after(since, self.options.refresh.first_wait),
            State::is_known,
        )
        .await;
        self.with(|state, now| state.current(now))
    }

    /// Takes up what another source knew: what is as old as it says, and used until it is read again.
    pub(crate) async fn warm_up(
        self: &Arc<Self>,
        recorded: &dyn Source,
    ) -> Result<(), WarmUpError> {
        let mut ids = self.projects.sources(recorded, None);
        let mut taken: Vec<(SourceId, Read<Answer>, u64)> = Vec::new();
        let mut account = None;
        while let Some(id) = ids.pop() {
            if taken.iter().any(|(other, ..)| other.key == id.key) {
                continue;
            }
            let Ok(read) = recorded.ask(&id).await else {
                continue;
            };
            let Some(recorded_at) = read.recorded_at else {
                return Err(WarmUpError::Undated(id.key));
            };
            if let Answer::Account(listed) = &read.value {
                account = Some(listed.clone());
                let now_there = self.projects.sources(recorded, Some(listed));
                ids.extend(now_there.into_iter().filter(|other| other.key != id.key));
            }
            taken.push((id, read, recorded_at));
        }
        let owners = match &account {
            Some(account) => {
                let outermost = account.projects.iter().filter_map(|chain| chain.first());
                outermost.map(|owner| owner.id.clone()).collect()
            }
            // Rows say whose they are.
            None => {
                let rows = taken.iter().filter_map(|(_, read, _)| match &read.value {
                    Answer::Rows(rows) => Some(rows),
                    _ => None,
                });
                rows.flatten().map(|row| row.owner.clone()).collect()
            }
        };
        self.with(|state, now| state.warm_up(owners, taken, now))
    }

    /// Starts reading every source whose time has come.
    pub(crate) fn read_due(self: &Arc<Self>) {
        let started = self.with(|state, now| {
            let is_due = |(_, slot): &(&String, &Slot)| {
                slot.flight.is_none() && slot.entry.is_due(now) && state.is_asked_about(slot)
            };
            let due: Vec<String> = state
                .slots
                .iter()
                .filter(is_due)
                .map(|(key, _)| key.clone())
                .collect();
            start_all(state, due, now)
        });
        self.fetch(started);
    }

    /// Starts reading these sources now, unless they are to be left alone; waits for nothing. One that is being read is
    /// read once more afterwards: what comes back may have been asked before whatever made somebody want it.
    pub(crate) fn read_soon(self: &Arc<Self>, keys: &[String]) {
        let started = self.with(|state, now| {
            let refresh = &self.options.refresh;
            let mut wanted = Vec::new();
            for key in keys {
                let Some(slot) = state.slots.get_mut(key) else {
                    continue;
                };
                if slot.flight.is_some() {
                    slot.is_wanted_again = true;
                } else if slot.entry.closed_by(now, refresh).is_none() {
                    wanted.push(key.clone());
                }
            }
            start_all(state, wanted, now)
        });
        self.fetch(started);
    }

    /// How long until a source is due.
    pub(crate) fn due_in(&self) -> Duration {
        self.with(|state, now| {
            let slots = state.slots.values();
            let waits = slots.map(|slot| match slot.flight {
                None if state.is_asked_about(slot) => slot.entry.due_in(now),
                _ => Duration::MAX,
            });
            waits.min().unwrap_or(Duration::MAX)
        })
    }

    /// Reads sources again, whatever their age, and waits for the answers until `wait` has passed; gives what could not be
    /// read again. A fetch that was under way before is not enough: what it says may be older than the question. Keys that
    /// are no sources of the account are passed over: whoever names a project cannot have it read. So are sources that the
    /// cloud does not have.
    pub(crate) async fn read_again(
        self: &Arc<Self>,
        keys: Option<&[String]>,
        wait: Duration,
    ) -> Unread {
        let since = self.with(|state, _| state.order());
        let is_wanted = |state: &State, key: &String, slot: &Slot| match keys {
            None => state.is_asked_about(slot),
            Some(keys) => keys.contains(key),
        };
        let refresh = &self.options.refresh;
        let until = after(Instant::now(), wait);
        let mut landings = self.landings.subscribe();
        loop {
            landings.borrow_and_update();
            let (started, is_done) = self.with(|state, now| {
                let is_old = |(key, slot): &(&String, &Slot)| {
                    is_wanted(state, key, slot)
                        && slot.landed <= since
                        && slot.entry.closed_by(now, refresh).is_none()
                };
                let old: Vec<String> = state
                    .slots
                    .iter()
                    .filter(is_old)
                    .map(|(key, _)| key.clone())
                    .collect();
                let is_done = old.is_empty() || state.is_closed;
                (start_all(state, old, now), is_done)
            });
            self.fetch(started);
            if is_done || !matches!(timeout_at(until, landings.changed()).await, Ok(Ok(()))) {
                break;
            }
        }
        self.with(|state, now| {
            let slots = state.slots.iter();
            slots
                .filter(|(key, slot)| is_wanted(state, key, slot) && !slot.entry.is_unsupported())
                .filter_map(|(key, slot)| {
                    let reason = why_unread(slot, since, (now, wait), refresh)?;
                    Some((key.clone(), reason))
                })
                .collect()
        })
    }

    /// The sources that list projects, where they were asked longer ago than the wait after a failure, and may be asked again:
    /// so often, and not more often, may somebody's question have them read.
    pub(crate) fn old_accounts(&self) -> Vec<String> {
        let refresh = &self.options.refresh;
        self.with(|state, now| {
            let slots = state.slots.iter();
            let is_old = |(_, slot): &(&String, &Slot)| {
                slot.id.feed == Feed::Account
                    && slot.entry.asked_ago(now) >= refresh.first_retry
                    && slot.entry.closed_by(now, refresh).is_none()
            };
            slots.filter(is_old).map(|(key, _)| key.clone()).collect()
        })
    }

    pub(crate) fn commit(&self, id: &str, instances: &[String]) -> bool {
        self.with(|state, now| state.commit(id, instances, now))
    }

    pub(crate) fn release(&self, id: &str) -> bool {
        self.with(|state, now| state.release(id, now))
    }

    /// Releases a hold whose maker went away, unless somebody else was given it meanwhile.
    pub(crate) fn release_unshared(&self, id: &str) {
        self.with(|state, now| {
            if !state.is_shared(id) {
                state.release(id, now);
            }
        });
    }

    /// Reads and promises nothing more, and writes down what is still to be written. Blocks while it does.
    pub(crate) fn close(&self) {
        let writer = self.with(|state, _| state.close());
        self.turns.close();
        self.landings.send_modify(|count| *count += 1);
        drop(writer);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.with(|state, _| state.is_closed)
    }

    /// Waits until a state is reached, or time is up.
    async fn wait(&self, until: Instant, is_reached: impl Fn(&State) -> bool) {
        let mut landings = self.landings.subscribe();
        loop {
            landings.borrow_and_update();
            if is_reached(&self.state())
                || !matches!(timeout_at(until, landings.changed()).await, Ok(Ok(())))
            {
                return;
            }
        }
    }

    /// Fetches in the background. A caller that goes away ends nothing: others may be waiting for the same answer.
    fn fetch(self: &Arc<Self>, started: Vec<Started>) {
        if started.is_empty() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            for Started { id, flight } in started {
                let error = "reading needs a runtime of tokio, and there is none here";
                let error = SourceError::new(SourceErrorKind::Invalid, error.to_owned());
                self.fail(&id.key, flight.order, error);
            }
            return;
        };
        for Started { id, flight } in started {
            let span = tracing::info_span!(
                "quotagate.fetch",
                cloud.provider = self.source.cloud(),
                source = id.kind,
                owner = id.owner,
            );
            // A fetch does not keep the cache alive.
            let under_way = UnderWay {
                cache: Arc::downgrade(self),
                key: Some(id.key.clone()),
                order: flight.order,
            };
            let fetch = fetch(
                Arc::clone(&self.source),
                self.projects.clone(),
                id,
                Arc::clone(&self.turns),
                under_way,
                self.options.refresh.give_up,
            );
            runtime.spawn(fetch.instrument(span));
        }
    }

    /// A source could not be asked at all.
    fn fail(self: &Arc<Self>, key: &str, order: u64, error: SourceError) {
        self.with(|state, now| {
            if let Some(before) = state.before_landing(key, order) {
                let landed = before.answered(Err(error), now, 0.0);
                state.land(landed, Readings::new(), None, now);
            }
        });
        self.landings.send_modify(|count| *count += 1);
    }

    /// Reads rows of an answer that is in force already: their holds stand until then.
    async fn read_late(&self, wanted: &Wanted) {
        for _ in 0..LATE_TRIES {
            let inventory = self.with(|state, now| state.current(now));
            let readings = read(&*self.plugin, &inventory, wanted).await;
            let base = inventory.answers_generation();
            if self.with(|state, now| state.read_late(base, readings, now)) {
                break;
            }
        }
    }

    /// Takes an answer in. What it shows of rows that something is held of, or that a lesson speaks of, the plugin says before
    /// the answer is in force, so that both are in one step; the lock is not held meanwhile.
    async fn land(self: &Arc<Self>, key: &str, order: u64, answer: Result<Fetched, SourceError>) {
        let jitter = fastrand::f64().mul_add(2.0, -1.0);
        let now = self.clock.moment();
        let Some(before) = self.with(|state, _| state.before_landing(key, order)) else {
            return;
        };
        let (answer, sources) = match answer {
            Ok(Fetched { read, sources }) => (Ok(read), sources),
            Err(error) => (Err(error), None),
        };
        let landed = before.answered(answer, now, jitter);
        let followed = landed.account().zip(sources);
        let followed = followed.map(|((_, is_whole), sources)| Followed { sources, is_whole });
        let mut tries = 0;
        loop {
            tries += 1;
            let candidate = self.with(|state, now| state.candidate(&landed, now));
            let wanted = &candidate.wanted;
            let readings = if wanted.is_empty() {
                Readings::new()
            } else {
                read(&*self.plugin, &candidate.inventory, wanted).await
            };
            let is_in_time = self.with(|state, now| {
                if state.is_enough(&landed, &candidate, now) {
                    state.land(landed.clone(), readings, followed.clone(), now);
                    return Some(true);
                }
                if tries < TRIES {
                    return None;
                }
                // Others landed each time. Holds stand on until their rows are read below.
                state.land(landed.clone(), Readings::new(), followed.clone(), now);
                state.not_read(&candidate.wanted);
                Some(false)
            });
            match is_in_time {
                None => {}
                Some(true) => break,
                Some(false) => {
                    self.read_late(&candidate.wanted).await;
                    break;
                }
            }
        }
        let again = self.with(|state, now| {
            let slot = state.slots.get_mut(key)?;
            let is_wanted = std::mem::take(&mut slot.is_wanted_again);
            let is_open = slot.entry.closed_by(now, &self.options.refresh).is_none();
            let is_account = slot.id.feed == Feed::Account;
            let wanted = (is_wanted && is_open).then(|| key.to_owned());
            Some((start_all(state, wanted, now), is_account))
        });
        if let Some((again, is_account)) = again {
            self.fetch(again);
            if is_account {
                let owners = self.projects.owners(&*self.source);
                self.with(|state, _| state.name(owners));
                self.read_due();
            }
        }
        self.landings.send_modify(|count| *count += 1);
    }
}

impl Projects {
    /// The owners of the one project, as far as they are known without the account; nobody for every project.
    fn owners(&self, source: &dyn Source) -> Vec<Owner> {
        match self {
            Self::One(project) => source.chain(project),
            Self::All => Vec::new(),
        }
    }

    /// The sources that there are, as far as they concern these projects.
    fn sources(&self, source: &dyn Source, account: Option<&Account>) -> Vec<SourceId> {
        let Self::One(project) = self else {
            return source.sources(account);
        };
        let mut chains = account.map_or(&[][..], |account| &account.projects).iter();
        let chain = chains.find(|chain| chain.last().is_some_and(|owner| owner.id == *project));
        let alone = || {
            vec![Owner {
                id: project.clone(),
                ..Owner::default()
            }]
        };
        let account = Account {
            projects: vec![chain.cloned().unwrap_or_else(alone)],
            places: account.map_or_else(Vec::new, |account| account.places.clone()),
        };
        source.sources(Some(&account))
    }
}

/// A fetch that was begun.
struct Started {
    id: Arc<SourceId>,
    flight: Flight,
}

fn start_all(
    state: &mut State,
    keys: impl IntoIterator<Item = String>,
    now: Moment,
) -> Vec<Started> {
    let start = |key: String| {
        let flight = state.start(&key, now)?;
        let id = Arc::clone(&state.slots.get(&key)?.id);
        Some(Started { id, flight })
    };
    keys.into_iter().filter_map(start).collect()
}

/// A fetch under way. Where its task is dropped before the answer is taken in, because its runtime has ended, the source
/// is as it was before.
struct UnderWay {
    cache: Weak<Cache>,
    /// None once the answer was taken in.
    key: Option<String>,
    order: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(key) = self.key.take()
            && let Some(cache) = self.cache.upgrade()
        {
            tracing::warn!(source = %key, "reading was cut off: the runtime that it ran on has ended");
            cache.with(|state, now| state.cut_off(&key, self.order, now));
            cache.landings.send_modify(|count| *count += 1);
        }
    }
}

/// Waits for its turn, asks a source one question, and has the answer taken in.
async fn fetch(
    source: Arc<dyn Source>,
    projects: Projects,
    id: Arc<SourceId>,
    turns: Arc<Semaphore>,
    mut under_way: UnderWay,
    give_up: Duration,
) {
    // It fails once the gate was closed.
    let Ok(turn) = turns.acquire().await else {
        return;
    };
    if under_way.cache.strong_count() == 0 {
        return;
    }
    let begun = Instant::now();
    let asked = AssertUnwindSafe(ask(&*source, &projects, &id)).catch_unwind();
    let answer = match timeout(give_up, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(SourceError::new(
            SourceErrorKind::Invalid,
            format!("reading {} ran into a bug: the source panicked", id.key),
        )),
        Err(_) => Err(SourceError::new(
            SourceErrorKind::Unavailable,
            format!("{} was not answered within {give_up:?}", id.key),
        )),
    };
    drop(turn);
    telemetry::fetched(&id, begun.elapsed(), answer.as_ref().err());
    if let Some(cache) = under_way.cache.upgrade() {
        cache.land(&id.key, under_way.order, answer).await;
    }
    under_way.key = None;
}

/// Asks one source, and where that was the account, which sources there are by it.
async fn ask(
    source: &dyn Source,
    projects: &Projects,
    id: &SourceId,
) -> Result<Fetched, SourceError> {
    let read = source.ask(id).await?;
    let sources = match &read.value {
        Answer::Account(account) => Some(projects.sources(source, Some(account))),
        _ => None,
    };
    let read = read.map(Answered::new);
    if read.value.feed() != id.feed {
        return Err(SourceError::new(
            SourceErrorKind::Invalid,
            format!(
                "{} was to bring {}, and brought {}",
                id.key,
                id.feed,
                read.value.feed()
            ),
        ));
    }
    Ok(Fetched { read, sources })
}

/// An instant so much later; one that never comes where there is none.
fn after(instant: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);
    instant.checked_add(wait).unwrap_or_else(|| instant + NEVER)
}

fn why_unread(
    slot: &Slot,
    since: u64,
    (now, wait): (Moment, Duration),
    refresh: &RefreshOptions,
) -> Option<String> {
    if slot.landed > since {
        if slot.entry.is_latest() {
            return None;
        }
        let failure = slot.entry.failure();
        return Some(failure.map_or_else(String::new, |error| error.message.clone()));
    }
    Some(match slot.entry.closed_by(now, refresh) {
        Some(error) => format!(
            "it is left alone for another {} s, since it has failed: {error}",
            slot.entry.due_in(now).as_secs()
        ),
        None => format!("it was not answered within {wait:?}"),
    })
}
