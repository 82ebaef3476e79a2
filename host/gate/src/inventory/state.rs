//! Everything that changes, behind one lock: what each source answered, what is promised, what failed launches taught. The
//! inventory in force is made of the three together, so whoever judges by one generation knows that nothing changed when
//! it is still in force afterwards. No clock, no lock, no file and no plugin in here: all four are the caller's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quotagate_contract::{Feed, Lesson, Owner, Take};

use super::{Answered, Inventory, Listed, Reading, Readings, Replacement, Wanted, entry::Entry};
use crate::{
    clock::Moment,
    feedback::Lessons,
    holds::{At, Event, HoldRecord, HoldWriter, Ledger, Lives, Written},
    options::GateOptions,
    source::{Account, Answer, Read, SourceError, SourceId},
};

/// The hands of a clock that was not set differ by no more than this.
const STEADY_MS: u64 = 1_000;

/// The state of one account.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) slots: BTreeMap<String, Slot>,
    ledger: Ledger,
    lessons: Lessons,
    writer: Option<HoldWriter>,
    /// What each row that something is held of rests on, or that a lesson speaks of, where the plugin has said so.
    rests_on: BTreeMap<String, Arc<[String]>>,
    /// Holds that were given to somebody besides their makers.
    shared: BTreeSet<String>,
    /// The outermost owners that warm answers are of.
    warm_owners: BTreeSet<String>,
    /// The regions that somebody asked about.
    regions: BTreeSet<String>,
    current: Arc<Inventory>,
    /// Counts fetches, promises, commits and reports, in the order in which they begin.
    sequence: u64,
    /// When something ends by itself next, on the monotonic clock.
    next_end: Option<u64>,
    /// No answer that is listed becomes too old before both hands are past this.
    ages_after: Moment,
    /// When sources were told their ages for the last time.
    told: Option<Moment>,
    /// Whether everything was known at some time.
    was_known: bool,
    /// Nothing more is read or promised.
    pub(crate) is_closed: bool,
    options: Arc<GateOptions>,
}

/// One source, and who asks it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: Arc<SourceId>,
    pub(crate) entry: Entry,
    /// The fetch under way.
    pub(crate) flight: Option<Flight>,
    /// The latest fetch that came back.
    pub(crate) landed: u64,
    /// The fetch that brought the answer in force.
    pub(crate) answered: u64,
    /// Whether it is of a project that was not there at first: no question waits for it.
    pub(crate) comes_late: bool,
    /// Whether it is to be read once more as soon as the fetch under way is back, which was asked too early.
    pub(crate) is_wanted_again: bool,
}

/// A fetch under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Its place in the order of everything.
    pub(crate) order: u64,
    /// When it began, in milliseconds since the Unix epoch.
    pub(crate) asked_at: u64,
}

/// What came of asking for a hold.
#[derive(Debug)]
pub(crate) enum Promise {
    /// It stands. Nobody may be told of it before it is written down, where holds are kept in a file.
    Made(HoldRecord, Option<Written>),
    /// A hold of that name stands already.
    Standing,
    /// The inventory that it was judged by is no longer in force: judge again.
    Changed,
    /// The gate was closed.
    Closed,
}

/// Why what was recorded is not taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WarmUpError {
    /// It does not say when it was recorded.
    #[error("it does not say when {0} was recorded, so nothing says how far it can be trusted")]
    Undated(String),
    /// It is of another account.
    #[error("it is of {recorded}, and the account is {account}")]
    OtherAccount {
        /// Whose it is, by id; empty where it does not say.
        recorded: String,
        /// The account, by id.
        account: String,
    },
}

/// A source as it was when its answer arrived: what the answer makes of it is worked out without the lock.
#[derive(Debug)]
pub(crate) struct Before {
    id: Arc<SourceId>,
    entry: Entry,
    listed: Option<Listed>,
    flight: Flight,
    options: Arc<GateOptions>,
}

/// What an answer makes of its source.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    key: String,
    order: u64,
    entry: Entry,
    replacement: Replacement,
    ages_after: Option<Moment>,
    /// Whether the answer is in force from now on. Another one says nothing new: what is in force is from an earlier fetch.
    is_in_force: bool,
}

/// What an account would be with an answer, and the rows to be read in it.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) wanted: Wanted,
    /// What it was made from.
    base: u64,
}

/// The sources that there are, by an account that was just read.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    pub(crate) sources: Vec<SourceId>,
    /// Whether the account was read to its end: then there are no others.
    pub(crate) is_whole: bool,
}

impl Before {
    /// Takes the answer in. `jitter` is drawn from -1 to 1.
    pub(crate) fn answered(
        self,
        answer: Result<Read<Answered>, SourceError>,
        now: Moment,
        jitter: f64,
    ) -> Landed {
        let (mut entry, refresh) = (self.entry, &self.options.refresh);
        let freshness = refresh.of(self.id.feed);
        entry.answered(
            answer,
            self.flight.asked_at,
            now,
            freshness,
            refresh,
            jitter,
        );
        let shown = entry.shown(now, freshness.max_age);
        let ages_after = shown
            .answer
            .as_ref()
            .and_then(|_| entry.ages_after(freshness.max_age));
        Landed {
            key: self.id.key.clone(),
            order: self.flight.order,
            is_in_force: entry.is_latest(),
            replacement: Replacement::new(self.listed.as_ref(), Listed::new(self.id, shown)),
            ages_after,
            entry,
        }
    }
}

impl Landed {
    /// The whole account, where that is what was answered and is in force.
    pub(crate) fn account(&self) -> Option<(&Account, bool)> {
        match self.entry.answer().map(|answered| &answered.answer) {
            Some(Answer::Account(account)) if self.is_in_force => {
                Some((account, self.entry.is_whole()))
            }
            _ => None,
        }
    }
}

impl State {
    /// The state of an account of which nothing is known; only one project of it is judged, where one is named.
    pub(crate) fn new(options: Arc<GateOptions>, only: Option<&str>) -> Self {
        Self {
            slots: BTreeMap::new(),
            ledger: Ledger::default(),
            lessons: Lessons::default(),
            writer: None,
            rests_on: BTreeMap::new(),
            shared: BTreeSet::new(),
            warm_owners: BTreeSet::new(),
            regions: BTreeSet::new(),
            current: Arc::new(Inventory::empty(only)),
            sequence: 0,
            next_end: None,
            ages_after: Moment {
                wall_ms: u64::MAX,
                steady_ms: u64::MAX,
            },
            told: None,
            was_known: false,
            is_closed: false,
            options,
        }
    }

    /// Takes up the holds of an earlier process; gives the short form of what stands.
    pub(crate) fn take_up(&mut self, events: Vec<Event>, now: Moment) -> Vec<Event> {
        let holds = &self.options.holds;
        let lives = Lives {
            time_to_live: holds.time_to_live,
            settle: holds.settle,
        };
        for event in events {
            self.ledger.replay(event, now, lives);
        }
        self.publish_promises(now);
        self.ledger.compacted()
    }

    /// Has holds written down from now on.
    pub(crate) fn keep_holds(&mut self, writer: HoldWriter) {
        self.writer = Some(writer);
    }

    /// Reads and promises nothing more; gives the writer of holds, whose end writes the last lines.
    pub(crate) fn close(&mut self) -> Option<HoldWriter> {
        self.is_closed = true;
        self.writer.take()
    }

    /// The inventory in force now.
    pub(crate) fn current(&mut self, now: Moment) -> Arc<Inventory> {
        if self.next_end.is_some_and(|end| end <= now.steady_ms) {
            let over = self.ledger.expire(now);
            self.write(over);
            self.publish_promises(now);
        }
        let (wall, steady) = (self.ages_after.wall_ms, self.ages_after.steady_ms);
        if now.wall_ms > wall || now.steady_ms > steady {
            self.publish_aged(now);
        }
        let told = *self.told.get_or_insert(now);
        let by_wall = now.wall_ms.saturating_sub(told.wall_ms);
        if now.steady_ms.saturating_sub(told.steady_ms) > by_wall.saturating_add(STEADY_MS) {
            self.told = Some(now);
            Arc::make_mut(&mut self.current).tell_ages(now);
        }
        Arc::clone(&self.current)
    }

    /// The place of whatever begins now in the order of everything.
    pub(crate) const fn next_order(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(crate) const fn order(&self) -> u64 {
        self.sequence
    }

    /// Makes room for a source that is to be read, or is another one's now.
    pub(crate) fn want(&mut self, id: SourceId, now: Moment) {
        let comes_late = self.was_known;
        let key = id.key.clone();
        match self.slots.get_mut(&key) {
            Some(slot) if *slot.id == id => return,
            Some(slot) => slot.id = Arc::new(id),
            None => {
                self.slots.insert(
                    key.clone(),
                    Slot {
                        id: Arc::new(id),
                        entry: Entry::default(),
                        flight: None,
                        landed: 0,
                        answered: 0,
                        comes_late,
                        is_wanted_again: false,
                    },
                );
            }
        }
        self.publish(&key, now);
    }

    /// The sources of these regions are read from now on.
    pub(crate) fn ask_about<'a>(&mut self, regions: impl IntoIterator<Item = &'a str>) {
        for region in regions {
            if !self.regions.contains(region) {
                self.regions.insert(region.to_owned());
            }
        }
    }

    /// Whether a source is read: one of a region that nobody asked about is not.
    pub(crate) fn is_asked_about(&self, slot: &Slot) -> bool {
        let region = slot.id.place.region.as_ref();
        region.is_none_or(|region| self.regions.contains(region))
    }

    /// Begins a fetch, unless one is under way.
    pub(crate) fn start(&mut self, key: &str, now: Moment) -> Option<Flight> {
        if self.is_closed {
            return None;
        }
        let order = self.next_order();
        let slot = self.slots.get_mut(key)?;
        if slot.flight.is_some() {
            return None;
        }
        let flight = Flight {
            order,
            asked_at: now.wall_ms,
        };
        slot.flight = Some(flight);
        slot.flight
    }

    /// The source that the fetch of that order was for. None where it is of a source that was forgotten meanwhile, and says
    /// nothing.
    pub(crate) fn before_landing(&self, key: &str, order: u64) -> Option<Before> {
        let slot = self.slots.get(key)?;
        Some(Before {
            id: Arc::clone(&slot.id),
            entry: slot.entry.clone(),
            listed: self.current.lists().get(key).cloned(),
            flight: slot.flight.filter(|flight| flight.order == order)?,
            options: Arc::clone(&self.options),
        })
    }

    /// The inventory as it would be with an answer.
    pub(crate) fn candidate(&self, landed: &Landed, now: Moment) -> Candidate {
        let wanted = self.wanted_by(landed, now);
        let inventory = if wanted.is_empty() {
            Arc::clone(&self.current)
        } else {
            let mut candidate = Inventory::clone(&self.current);
            let slot = self.slots.get(&landed.key);
            let replacement = landed.replacement.clone();
            candidate.replace(match slot {
                Some(slot) => replacement.of(&slot.id),
                None => replacement,
            });
            Arc::new(candidate)
        };
        Candidate {
            inventory,
            wanted,
            base: self.current.answers_generation(),
        }
    }

    /// Whether what was read in a candidate is all that is to be read before its answer counts, and still holds.
    pub(crate) fn is_enough(&self, landed: &Landed, candidate: &Candidate, now: Moment) -> bool {
        let wanted = self.wanted_by(landed, now);
        let is_read = |(project, rows): (&String, &BTreeSet<String>)| {
            let read = candidate.wanted.get(project);
            read.is_some_and(|read| rows.is_subset(read))
        };
        let is_the_same = self.current.answers_generation() == candidate.base;
        wanted.is_empty() || (is_the_same && wanted.iter().all(is_read))
    }

    /// The rows that are to be read before an answer counts: those of holds and lessons that rest on its source, or on nobody
    /// knows what.
    fn wanted_by(&self, landed: &Landed, now: Moment) -> Wanted {
        if landed.is_in_force {
            self.wanted(&landed.key, now)
        } else {
            Wanted::new()
        }
    }

    fn wanted(&self, key: &str, now: Moment) -> Wanted {
        let mut wanted = Wanted::new();
        let Some(slot) = self.slots.get(key) else {
            return wanted;
        };
        let chains = self.current.chains();
        let owner = slot.id.owner.as_deref();
        let brings_usage = matches!(
            slot.id.feed,
            Feed::Rows | Feed::Holdings | Feed::Reservations
        );
        let may_bring = |project: &str| {
            brings_usage && owner.is_none_or(|owner| owner == project || !chains.is_project(owner))
        };
        let mut want = |row: &str, project: &str| {
            let is_wanted = match self.rests_on.get(row) {
                Some(sources) => sources.iter().any(|source| source == key),
                None => may_bring(project),
            };
            if is_wanted {
                let rows = wanted.entry(project.to_owned()).or_default();
                rows.insert(row.to_owned());
            }
        };
        for (row, projects) in self.ledger.rows() {
            projects.into_iter().for_each(|project| want(row, project));
        }
        self.lessons
            .rows(now)
            .for_each(|(row, project)| want(row, project));
        wanted
    }

    /// Takes an answer in, with what was read of rows by it; says whether it is the one that was waited for.
    pub(crate) fn land(
        &mut self,
        landed: Landed,
        readings: Readings,
        followed: Option<Followed>,
        now: Moment,
    ) -> bool {
        let Landed {
            key,
            order,
            entry,
            replacement,
            ages_after,
            is_in_force,
        } = landed;
        let slot = self.slots.get_mut(&key);
        let is_waited_for =
            |slot: &&mut Slot| slot.flight.is_some_and(|flight| flight.order == order);
        let Some(slot) = slot.filter(is_waited_for) else {
            return false;
        };
        slot.entry = entry;
        slot.flight = None;
        slot.landed = order;
        let feed = slot.id.feed;
        let replacement = replacement.of(&slot.id);
        if is_in_force {
            slot.answered = order;
        }
        Arc::make_mut(&mut self.current).replace(replacement);
        self.note_age(ages_after);
        if is_in_force && feed == Feed::Account {
            self.account_landed(followed, now);
        }
        self.take_readings(readings);
        self.publish_promises(now);
        true
    }

    /// Takes readings of the inventory in force in, where it is the one that was read; says whether it is.
    pub(crate) fn read_late(&mut self, base: u64, readings: Readings, now: Moment) -> bool {
        let is_the_same = self.current.answers_generation() == base;
        if is_the_same {
            self.take_readings(readings);
            self.publish_promises(now);
        }
        is_the_same
    }

    /// Says whose the one project is that is judged, as far as it is known without the account.
    pub(crate) fn name(&mut self, owners: Vec<Owner>) {
        Arc::make_mut(&mut self.current).name(owners);
    }

    /// The account was read: drops what is of another one, and reads the sources that there are now, and no others.
    fn account_landed(&mut self, followed: Option<Followed>, now: Moment) {
        self.drop_what_is_of_another_account(now);
        for slot in self.slots.values_mut() {
            slot.entry.may_be_supported();
        }
        let Some(Followed { sources, is_whole }) = followed else {
            return;
        };
        let keys: BTreeSet<String> = sources.iter().map(|id| id.key.clone()).collect();
        for id in sources {
            self.want(id, now);
        }
        if is_whole {
            self.slots.retain(|key, _| keys.contains(key));
            let lists = self.current.lists().keys();
            let gone: Vec<Arc<str>> = lists
                .filter(|key| !keys.contains(&***key))
                .cloned()
                .collect();
            if !gone.is_empty() {
                let current = Arc::make_mut(&mut self.current);
                gone.iter().for_each(|key| current.remove(key));
            }
        }
    }

    /// Lets holds and lessons see what was read of their rows.
    fn take_readings(&mut self, readings: Readings) {
        let mut over = Vec::new();
        for (
            row,
            Reading {
                usage,
                headroom,
                rests_on,
            },
        ) in readings
        {
            let asked = self.asked_at(&rests_on);
            if let Some(usage) = usage {
                over.extend(self.ledger.observe(&row, usage, asked));
            }
            self.lessons.observe(&row, headroom, asked);
            self.rests_on.insert(row, rests_on);
        }
        self.lessons.end_contradicted();
        self.write(over);
    }

    /// The earliest of the fetches that brought what is in force of these sources, in the order of everything.
    fn asked_at(&self, sources: &[String]) -> u64 {
        let orders = sources
            .iter()
            .map(|key| self.slots.get(key).map_or(0, |slot| slot.answered));
        orders.min().unwrap_or(0)
    }

    /// Nobody could say in time how these rows stand: whatever is read next says it.
    pub(crate) fn not_read(&mut self, wanted: &Wanted) {
        for row in wanted.values().flatten() {
            self.rests_on.remove(row);
        }
    }

    /// The fetch of that order will never come back: the source is as it was before, and due.
    pub(crate) fn cut_off(&mut self, key: &str, order: u64, now: Moment) {
        let slot = self.slots.get_mut(key);
        let is_it = |slot: &&mut Slot| slot.flight.is_some_and(|flight| flight.order == order);
        if let Some(slot) = slot.filter(is_it) {
            slot.flight = None;
            slot.entry.cut_off();
            self.publish(key, now);
        }
    }

    /// The hold of that name.
    pub(crate) fn hold(&mut self, id: &str, now: Moment) -> Option<HoldRecord> {
        self.current(now);
        self.ledger.record(id)
    }

    /// Gives a standing hold to somebody who asks for it by its name, if it still stands and nothing changed since the judgement by
    /// that generation.
    pub(crate) fn tell(&mut self, generation: u64, id: &str, now: Moment) -> Option<HoldRecord> {
        let is_the_same = self.current(now).generation() == generation;
        let standing = self.ledger.record(id).filter(|_| is_the_same)?;
        let ledger = &self.ledger;
        self.shared.retain(|told| ledger.record(told).is_some());
        self.shared.insert(id.to_owned());
        Some(standing)
    }

    /// Whether somebody was given a hold by its name.
    pub(crate) fn is_shared(&self, id: &str) -> bool {
        self.shared.contains(id)
    }

    /// Whether the usage of a row is to be read before something is promised of it: of rows that something is held of, it
    /// was.
    pub(crate) fn is_unread(&self, row: &str) -> bool {
        !self.ledger.holds(row) || !self.rests_on.contains_key(row)
    }

    /// Promises, if the inventory of that generation is still in force. `readings` are of the inventory that the launch was
    /// judged by: usage that was not believed there is no measure of what others use.
    pub(crate) fn promise(
        &mut self,
        generation: u64,
        record: HoldRecord,
        readings: &Readings,
        now: Moment,
    ) -> Promise {
        if self.is_closed {
            return Promise::Closed;
        }
        if self.ledger.has(&record.id) {
            return Promise::Standing;
        }
        if self.current(now).generation() != generation {
            return Promise::Changed;
        }
        let usage = |row: &str| readings.get(row).and_then(|reading| reading.usage);
        let time_to_live = self.options.holds.time_to_live;
        let (record, event) = self.ledger.promise(record, usage, now, time_to_live);
        for (row, reading) in readings {
            self.rests_on
                .insert(row.clone(), Arc::clone(&reading.rests_on));
        }
        let written = self.write(vec![event]);
        self.publish_promises(now);
        Promise::Made(record, written)
    }

    /// The launch of a hold was made. Says whether there is such a hold.
    pub(crate) fn commit(&mut self, id: &str, instances: &[String], now: Moment) -> bool {
        let at = At {
            order: self.next_order(),
            now,
        };
        let settle = self.options.holds.settle;
        let is_known = self.ledger.has(id);
        let event = self.ledger.commit(id, instances, at, settle);
        self.write(event.into_iter().collect());
        self.publish_promises(now);
        is_known
    }

    /// The launch of a hold was not made. Says whether there is such a hold.
    pub(crate) fn release(&mut self, id: &str, now: Moment) -> bool {
        let event = self.ledger.release(id);
        let is_known = event.is_some();
        self.write(event.into_iter().collect());
        self.publish_promises(now);
        is_known
    }

    /// The holds that stand.
    pub(crate) fn holds(&mut self, now: Moment) -> Vec<HoldRecord> {
        self.current(now);
        self.ledger.records().collect()
    }

    /// Learns from a launch that failed in a project; `readings` are of the lessons' rows.
    pub(crate) fn learn(
        &mut self,
        lessons: Vec<Lesson>,
        project: &str,
        readings: &Readings,
        now: Moment,
    ) -> Vec<Lesson> {
        let at = At {
            order: self.next_order(),
            now,
        };
        for (row, reading) in readings {
            self.rests_on
                .insert(row.clone(), Arc::clone(&reading.rests_on));
        }
        let options = &self.options.feedback;
        let lessons = self.lessons.learn(lessons, project, readings, at, options);
        self.publish_promises(now);
        lessons
    }

    /// Takes up what was recorded of an account: it is used until each source was read.
    pub(crate) fn warm_up(
        &mut self,
        owners: BTreeSet<String>,
        recorded: Vec<(SourceId, Read<Answer>, u64)>,
        now: Moment,
    ) -> Result<(), WarmUpError> {
        let known = self.account().and_then(Account::outermost);
        let is_known = known.is_some();
        if let Some(known) = known.filter(|known| !owners.contains(&known.id)) {
            return Err(WarmUpError::OtherAccount {
                recorded: owners.first().cloned().unwrap_or_default(),
                account: known.id.clone(),
            });
        }
        self.warm_owners = owners;
        for (id, read, recorded_at) in recorded {
            let key = id.key.clone();
            if is_known && !self.slots.contains_key(&key) {
                // Of a project that the account no longer has.
                continue;
            }
            if !self.slots.contains_key(&key) {
                self.want(id, now);
            }
            if let Some(slot) = self.slots.get_mut(&key)
                && !slot.entry.is_known()
            {
                slot.entry = Entry::warm(read.map(Answered::new), recorded_at, now);
            }
            self.publish(&key, now);
        }
        Ok(())
    }

    /// The account, as it was read last, of whatever age.
    fn account(&self) -> Option<&Account> {
        let mut answers = self.slots.values().filter_map(|slot| slot.entry.answer());
        answers.find_map(|answered| match &answered.answer {
            Answer::Account(account) => Some(account),
            _ => None,
        })
    }

    /// Drops what was recorded where the account turns out to be another one.
    fn drop_what_is_of_another_account(&mut self, now: Moment) {
        let outermost = self.account().and_then(Account::outermost);
        let Some(account) = outermost.map(|owner| owner.id.clone()) else {
            return;
        };
        if self.warm_owners.contains(&account) {
            return;
        }
        let warm = self
            .slots
            .iter_mut()
            .filter(|(_, slot)| slot.entry.is_warm());
        let mut dropped = Vec::new();
        for (key, slot) in warm {
            slot.entry = Entry::default();
            dropped.push(key.clone());
        }
        if !dropped.is_empty() {
            tracing::warn!(
                recorded = self.warm_owners.first(),
                account,
                "what was recorded is of another account, and no longer used"
            );
        }
        for key in dropped {
            self.publish(&key, now);
        }
    }

    /// Whether everything is known that a question waits for: what the account had when it was first read, and what was cut
    /// off since.
    pub(crate) fn is_known(&self) -> bool {
        self.is_closed
            || self.slots.values().all(|slot| {
                slot.entry.is_known()
                    || !self.is_asked_about(slot)
                    || (slot.comes_late && !slot.entry.is_cut_off())
            })
    }

    /// Everything was known once: no question waits for what comes later.
    pub(crate) const fn was_known(&mut self) {
        self.was_known = true;
    }

    /// Puts in force what is known of one source now.
    fn publish(&mut self, key: &str, now: Moment) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        let max_age = self.options.refresh.of(slot.id.feed).max_age;
        let shown = slot.entry.shown(now, max_age);
        let ages_after = shown
            .answer
            .as_ref()
            .and_then(|_| slot.entry.ages_after(max_age));
        let listed = Listed::new(Arc::clone(&slot.id), shown);
        let replacement = Replacement::new(self.current.lists().get(key), listed);
        Arc::make_mut(&mut self.current).replace(replacement);
        self.note_age(ages_after);
    }

    fn note_age(&mut self, ages_after: Option<Moment>) {
        if let Some(ages_after) = ages_after {
            let known = &mut self.ages_after;
            known.wall_ms = known.wall_ms.min(ages_after.wall_ms);
            known.steady_ms = known.steady_ms.min(ages_after.steady_ms);
        }
    }

    /// Takes what is too old to be trusted out of force.
    fn publish_aged(&mut self, now: Moment) {
        self.ages_after = Moment {
            wall_ms: u64::MAX,
            steady_ms: u64::MAX,
        };
        let mut aged = Vec::new();
        for (key, slot) in &self.slots {
            let max_age = self.options.refresh.of(slot.id.feed).max_age;
            let Some(ages_after) = slot.entry.ages_after(max_age) else {
                continue;
            };
            if now.wall_ms > ages_after.wall_ms || now.steady_ms > ages_after.steady_ms {
                let listed = self.current.lists().get(key.as_str());
                let is_listed = listed.is_some_and(|listed| listed.answer.is_some());
                aged.extend(is_listed.then(|| key.clone()));
            } else {
                let known = &mut self.ages_after;
                known.wall_ms = known.wall_ms.min(ages_after.wall_ms);
                known.steady_ms = known.steady_ms.min(ages_after.steady_ms);
            }
        }
        for key in aged {
            self.publish(&key, now);
        }
    }

    /// Puts in force what is held now and what failed launches taught.
    fn publish_promises(&mut self, now: Moment) {
        let held = self.ledger.held().into_iter().map(|(row, band)| Take {
            row,
            at_least: band.at_least,
            at_most: band.at_most,
        });
        let (held, lessons): (Vec<Take>, _) = (held.collect(), self.lessons.standing(now));
        if *self.current.held() != *held || *self.current.lessons() != *lessons {
            Arc::make_mut(&mut self.current).promise(held, lessons);
        }
        self.next_end = match (self.ledger.next_end(), self.lessons.next_end(now)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let Self {
            rests_on,
            ledger,
            lessons,
            ..
        } = self;
        rests_on.retain(|row, _| ledger.holds(row) || lessons.speak_of(row));
    }

    /// Has events written down, if holds are kept anywhere.
    fn write(&self, events: Vec<Event>) -> Option<Written> {
        let writer = self.writer.as_ref().filter(|_| !events.is_empty())?;
        Some(writer.write(events))
    }
}
