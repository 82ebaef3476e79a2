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
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    time::{Instant, timeout, timeout_at},
};
use tracing::Instrument as _;

use super::{
    Inventory, State,
    answer::{Answer, SourceKey, SourceKind, ask},
    state::WarmUpError,
};
use crate::{
    clock::{Clock, Moment},
    holds::{HoldFile, HoldFileError, HoldWriter, Keeper},
    options::{GateOptions, RefreshOptions},
    source::{Read, Source, SourceError, SourceErrorKind},
    telemetry,
};

/// Which projects of an account are read.
#[derive(Clone, Debug)]
pub(crate) enum Projects {
    All,
    One(String),
}

/// The sources of one account, and everything that is known of it.
pub(crate) struct Cache {
    source: Arc<dyn Source>,
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
pub(crate) type Unread = Vec<(SourceKey, String)>;

impl Cache {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        clock: Clock,
        projects: Projects,
        options: Arc<GateOptions>,
    ) -> Result<Arc<Self>, HoldFileError> {
        let mut state = State::new(Arc::clone(&options));
        SourceKey::all_of_tenant().for_each(|key| state.want(key));
        if let Projects::One(project) = &projects {
            SourceKey::all_of_project(project).for_each(|key| state.want(key));
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
    /// for the first time, and after the last fetch of one was cut off.
    pub(crate) async fn inventory(self: &Arc<Self>) -> Arc<Inventory> {
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
        let mut keys: Vec<SourceKey> = SourceKey::all_of_tenant().collect();
        let mut taken = Vec::new();
        let mut tenant = String::new();
        let mut projects: Vec<String> = match &self.projects {
            Projects::One(project) => vec![project.clone()],
            Projects::All => Vec::new(),
        };
        let mut next = 0;
        while let Some(key) = keys.get(next).cloned() {
            next += 1;
            let Ok(read) = ask(recorded, &key).await else {
                continue;
            };
            let Some(recorded_at) = read.recorded_at else {
                return Err(WarmUpError::Undated(key.to_string()));
            };
            match &read.value {
                Answer::Account(account) => {
                    tenant.clone_from(&account.tenant);
                    if matches!(self.projects, Projects::All) {
                        let listed = account.projects.iter();
                        projects = listed.map(|project| project.id.clone()).collect();
                    }
                }
                Answer::Allowances(owned) if key.project.is_none() && tenant.is_empty() => {
                    tenant.clone_from(&owned.owner);
                }
                _ => {}
            }
            taken.push((key, read, recorded_at));
            if next == SourceKind::OF_TENANT.len() {
                keys.extend(projects.iter().flat_map(|id| SourceKey::all_of_project(id)));
            }
        }
        self.with(|state, now| state.warm_up(&tenant, taken, now))
    }

    /// Starts reading every source whose time has come.
    pub(crate) fn read_due(self: &Arc<Self>) {
        let started = self.with(|state, now| {
            let due: Vec<SourceKey> = state
                .slots
                .iter()
                .filter(|(_, slot)| slot.flight.is_none() && slot.entry.is_due(now))
                .map(|(key, _)| key.clone())
                .collect();
            due.into_iter()
                .filter_map(|key| start(state, key))
                .collect::<Vec<_>>()
        });
        self.fetch(started);
    }

    /// Starts reading these sources now, unless they are to be left alone; waits for nothing. One that is being read is
    /// read once more afterwards: what comes back may have been asked before whatever made somebody want it.
    pub(crate) fn read_soon(self: &Arc<Self>, keys: &[SourceKey]) {
        let started = self.with(|state, now| {
            let refresh = &self.options.refresh;
            let mut started = Vec::new();
            for key in keys {
                let Some(slot) = state.slots.get_mut(key) else {
                    continue;
                };
                if slot.flight.is_some() {
                    slot.is_wanted_again = true;
                } else if slot.entry.closed_by(now, refresh).is_none() {
                    started.extend(start(state, key.clone()));
                }
            }
            started
        });
        self.fetch(started);
    }

    /// How long until a source is due.
    pub(crate) fn due_in(&self) -> Duration {
        self.with(|state, now| {
            let slots = state.slots.values();
            let waits = slots.map(|slot| match slot.flight {
                Some(_) => Duration::MAX,
                None => slot.entry.due_in(now),
            });
            waits.min().unwrap_or(Duration::MAX)
        })
    }

    /// Reads sources again, whatever their age, and waits for the answers until `wait` has passed; gives what could not be
    /// read again. A fetch that was under way before is not enough: what it says may be older than the question. Keys that
    /// are no sources of the account are passed over: whoever names a project cannot have it read.
    pub(crate) async fn read_again(
        self: &Arc<Self>,
        keys: Option<&[SourceKey]>,
        wait: Duration,
    ) -> Unread {
        let since = self.with(|state, _| state.order());
        let is_wanted = |key: &SourceKey| keys.is_none_or(|keys| keys.contains(key));
        let refresh = &self.options.refresh;
        let until = after(Instant::now(), wait);
        let mut landings = self.landings.subscribe();
        loop {
            landings.borrow_and_update();
            let (started, is_done) = self.with(|state, now| {
                let old: Vec<SourceKey> = state
                    .slots
                    .iter()
                    .filter(|(key, slot)| {
                        is_wanted(key)
                            && slot.landed <= since
                            && slot.entry.closed_by(now, refresh).is_none()
                    })
                    .map(|(key, _)| key.clone())
                    .collect();
                let is_done = old.is_empty();
                let started = old.into_iter().filter_map(|key| start(state, key));
                (started.collect::<Vec<_>>(), is_done)
            });
            self.fetch(started);
            if is_done || !matches!(timeout_at(until, landings.changed()).await, Ok(Ok(()))) {
                break;
            }
        }
        self.with(|state, now| {
            let wanted = state.slots.iter().filter(|(key, _)| is_wanted(key));
            wanted
                .filter_map(|(key, slot)| {
                    let reason = why_unread(slot, since, (now, wait), refresh)?;
                    Some((key.clone(), reason))
                })
                .collect()
        })
    }

    /// Whether a source was asked longer ago than the wait after a failure, and may be asked again: so often, and not more
    /// often, may somebody's question have it read.
    pub(crate) fn is_older_than_a_retry(&self, key: &SourceKey) -> bool {
        let refresh = &self.options.refresh;
        self.with(|state, now| {
            state.slots.get(key).is_some_and(|slot| {
                slot.entry.asked_ago(now) >= refresh.first_retry
                    && slot.entry.closed_by(now, refresh).is_none()
            })
        })
    }

    pub(crate) fn commit(&self, id: &str, instances: &[String]) -> bool {
        self.with(|state, now| state.commit(id, instances, now))
    }

    pub(crate) fn release(&self, id: &str) -> bool {
        self.with(|state, now| state.release(id, now))
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
    fn fetch(self: &Arc<Self>, started: Vec<(SourceKey, u64)>) {
        if started.is_empty() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            for (key, order) in started {
                let error = "reading needs a runtime of tokio, and there is none here";
                self.land(
                    &key,
                    order,
                    Err(SourceError::new(SourceErrorKind::Invalid, error.to_owned())),
                );
            }
            return;
        };
        for (key, order) in started {
            let span = tracing::info_span!(
                "quotagate.fetch",
                cloud.provider = self.source.cloud(),
                source = key.kind.as_str(),
                project = key.project,
            );
            // A fetch does not keep the cache alive.
            let under_way = UnderWay {
                cache: Arc::downgrade(self),
                key: Some(key),
                order,
            };
            let fetch = fetch(
                Arc::clone(&self.source),
                Arc::clone(&self.turns),
                under_way,
                self.options.refresh.give_up,
            );
            runtime.spawn(fetch.instrument(span));
        }
    }

    fn land(
        self: &Arc<Self>,
        key: &SourceKey,
        order: u64,
        answer: Result<Read<Answer>, SourceError>,
    ) {
        let is_whole = matches!(&answer, Ok(read) if read.interrupted_by.is_none());
        let jitter = fastrand::f64().mul_add(2.0, -1.0);
        let again = self.with(|state, now| {
            let is_taken = state.landed(key, order, answer, (now, jitter));
            if !is_taken {
                return None;
            }
            if key.kind == SourceKind::Account && matches!(self.projects, Projects::All) {
                follow_projects(state, is_whole, now);
            }
            let slot = state.slots.get_mut(key)?;
            let is_wanted = std::mem::take(&mut slot.is_wanted_again);
            let is_open = slot.entry.closed_by(now, &self.options.refresh).is_none();
            if is_wanted && is_open {
                start(state, key.clone())
            } else {
                None
            }
        });
        self.fetch(again.into_iter().collect());
        if key.kind == SourceKind::Account {
            self.read_due();
        }
        self.landings.send_modify(|count| *count += 1);
    }
}

/// A fetch under way. Where its task is dropped before the answer is taken in, because its runtime has ended, the source
/// is as it was before.
struct UnderWay {
    cache: Weak<Cache>,
    /// None once the answer was taken in.
    key: Option<SourceKey>,
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
    turns: Arc<Semaphore>,
    mut under_way: UnderWay,
    give_up: Duration,
) {
    // It fails only once it is closed, which nobody does.
    let turn = turns.acquire().await;
    if under_way.cache.strong_count() == 0 {
        return;
    }
    let Some(key) = under_way.key.clone() else {
        return;
    };
    let begun = Instant::now();
    let asked = AssertUnwindSafe(ask(&*source, &key)).catch_unwind();
    let answer = match timeout(give_up, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(SourceError::new(
            SourceErrorKind::Invalid,
            format!("reading {key} ran into a bug: the source panicked"),
        )),
        Err(_) => Err(SourceError::new(
            SourceErrorKind::Unavailable,
            format!("{key} was not answered within {give_up:?}"),
        )),
    };
    drop(turn);
    telemetry::fetched(&key, begun.elapsed(), answer.as_ref().err());
    if let Some(cache) = under_way.cache.upgrade() {
        cache.land(&key, under_way.order, answer);
    }
    under_way.key = None;
}

/// An instant so much later; one that never comes where there is none.
fn after(instant: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);
    instant.checked_add(wait).unwrap_or_else(|| instant + NEVER)
}

/// Begins a fetch, unless one is under way.
fn start(state: &mut State, key: SourceKey) -> Option<(SourceKey, u64)> {
    let order = state.next_order();
    let slot = state.slots.get_mut(&key)?;
    if slot.flight.is_some() {
        return None;
    }
    slot.flight = Some(order);
    Some((key, order))
}

/// Reads the projects that the account has, and no others.
fn follow_projects(state: &mut State, is_whole: bool, now: Moment) {
    let current = state.current(now);
    let listed: Vec<&str> = current
        .account()
        .projects
        .iter()
        .map(|project| project.id.as_str())
        .collect();
    for project in &listed {
        SourceKey::all_of_project(project).for_each(|key| state.want(key));
    }
    if is_whole {
        let mut gone = state.projects();
        gone.retain(|project| !listed.contains(&project.as_str()));
        state.forget_projects(&gone, now);
    }
    state.publish(now);
}

fn why_unread(
    slot: &super::state::Slot,
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
