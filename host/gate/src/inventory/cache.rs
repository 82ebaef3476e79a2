//! Reads the sources of an account: in the background, each in its own rhythm, one question at a time for each. Whoever
//! asks is answered from memory; only the very first question waits, and only so long.
//!
//! A cache library would bring eviction, which nobody needs for some dozens of entries, and lacks what matters here: serving
//! what is old while it is read again, per-source waits after failures, and snapshots that are consistent with holds.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, timeout, timeout_at},
};
use tracing::Instrument as _;

use super::{
    Inventory, State,
    answer::{Answer, SourceKey, SourceKind, ask},
    entry::Entry,
};
use crate::{
    clock::{Clock, Moment},
    holds::{HoldFile, HoldFileError},
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
    // Held for microseconds, never while something is awaited.
    state: Mutex<State>,
    /// Changes with every answer that arrived.
    landings: watch::Sender<u64>,
    /// When the first question came: whoever asks while it is answered waits no longer than it does.
    first_asked: Mutex<Option<Instant>>,
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
            state.keep_holds(file, events, clock.moment());
        }
        Ok(Arc::new(Self {
            source,
            clock,
            projects,
            options,
            state: Mutex::new(state),
            landings: watch::Sender::new(0),
            first_asked: Mutex::new(None),
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

    /// What is known now. Starts reading what is due, and waits for nothing but the first answers of all.
    pub(crate) async fn inventory(self: &Arc<Self>) -> Arc<Inventory> {
        self.read_due();
        let inventory = self.with(|state, now| state.current(now));
        if self.with(|state, _| state.slots.values().all(|slot| slot.entry.is_known())) {
            return inventory;
        }
        let first = *self
            .first_asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Instant::now);
        let until = first + self.options.refresh.first_wait;
        self.wait(until, |state| {
            state.slots.values().all(|slot| slot.entry.is_known())
        })
        .await;
        self.with(|state, now| state.current(now))
    }

    /// Takes up what another source knew: what is as old as it says, and used until it is read again.
    pub(crate) async fn warm_up(self: &Arc<Self>, recorded: &dyn Source) {
        let take = async |key: SourceKey| {
            if let Ok(read) = ask(recorded, &key).await {
                self.with(|state, now| {
                    let slot = state.slots.entry(key).or_default();
                    if !slot.entry.is_known() {
                        slot.entry = Entry::warm(read, now);
                    }
                    state.publish(now);
                });
            }
        };
        for key in SourceKey::all_of_tenant() {
            take(key).await;
        }
        if matches!(self.projects, Projects::All) {
            let account = self.with(|state, now| state.current(now));
            let projects = account.account().projects.iter();
            let keys = projects.flat_map(|project| SourceKey::all_of_project(&project.id));
            self.with(|state, _| keys.for_each(|key| state.want(key)));
        }
        let keys: Vec<SourceKey> = self.with(|state, _| state.slots.keys().cloned().collect());
        for key in keys.into_iter().filter(|key| key.project.is_some()) {
            take(key).await;
        }
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
        self.fly(started);
    }

    /// Starts reading these sources now, unless they are to be left alone; waits for nothing.
    pub(crate) fn read_soon(self: &Arc<Self>, keys: &[SourceKey]) {
        let started = self.with(|state, now| {
            let refresh = &self.options.refresh;
            let open = keys.iter().filter(|key| {
                let slot = state.slots.get(key);
                slot.is_some_and(|slot| slot.entry.closed_by(now, refresh).is_none())
            });
            let open: Vec<SourceKey> = open.cloned().collect();
            let started = open.into_iter().filter_map(|key| start(state, key));
            started.collect::<Vec<_>>()
        });
        self.fly(started);
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
    /// read again. A fetch that was under way before is not enough: what it says may be older than the question.
    pub(crate) async fn read_again(
        self: &Arc<Self>,
        keys: Option<&[SourceKey]>,
        wait: Duration,
    ) -> Unread {
        let since = self.with(|state, _| {
            for key in keys.unwrap_or_default() {
                state.want(key.clone());
            }
            state.order()
        });
        let is_wanted = |key: &SourceKey| keys.is_none_or(|keys| keys.contains(key));
        let refresh = &self.options.refresh;
        let until = Instant::now() + wait;
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
            self.fly(started);
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
    fn fly(self: &Arc<Self>, started: Vec<(SourceKey, u64)>) {
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
            // Nothing is kept alive for an answer that nobody is left to want.
            let (cache, source) = (Arc::downgrade(self), Arc::clone(&self.source));
            let give_up = self.options.refresh.give_up;
            let fetch = async move {
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
                telemetry::fetched(&key, begun.elapsed(), answer.as_ref().err());
                if let Some(cache) = cache.upgrade() {
                    cache.land(&key, order, answer);
                }
            };
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
        self.with(|state, now| {
            state.landed(key, order, answer, (now, jitter));
            if key.kind == SourceKind::Account && matches!(self.projects, Projects::All) {
                follow_projects(state, is_whole, now);
            }
        });
        if key.kind == SourceKind::Account {
            self.read_due();
        }
        self.landings.send_modify(|count| *count += 1);
    }
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
