//! Everything that changes, behind one lock: what each source answered, what is promised, what failed launches taught. The
//! inventory in force is made of the three together, so whoever judges by one generation knows that nothing changed when
//! it is still in force afterwards. No clock, no lock and no file in here: all three are the caller's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Inventory, Listed,
    answer::{Answer, SourceKey, SourceKind},
    entry::Entry,
    usage::usages,
};
use crate::{
    clock::Moment,
    feedback::Blocks,
    holds::{At, Event, Held, HoldRecord, HoldWriter, Ledger, Lives, Row, Written},
    options::GateOptions,
    source::{Read, SourceError},
    types::{Block, Diagnosis, Launch},
};

/// The state of one account.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) slots: BTreeMap<SourceKey, Slot>,
    ledger: Ledger,
    blocks: Blocks,
    writer: Option<HoldWriter>,
    /// The tenant that warm answers are of.
    warm_tenant: String,
    current: Arc<Inventory>,
    /// Counts fetches, promises, commits and reports, in the order in which they begin.
    sequence: u64,
    /// When something ends by itself next, on the monotonic clock.
    next_end: Option<u64>,
    /// Whether everything was known at some time.
    was_known: bool,
    options: Arc<GateOptions>,
}

/// One source, and who asks it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) entry: Entry,
    /// The fetch under way, by its place in the order of everything.
    pub(crate) flight: Option<u64>,
    /// The latest fetch that came back.
    pub(crate) landed: u64,
    /// The fetch that brought the answer in force.
    pub(crate) answered: u64,
    /// Whether it is of a project that was not there at first: no question waits for it.
    pub(crate) comes_late: bool,
    /// Whether it is to be read once more as soon as the fetch under way is back, which was asked too early.
    pub(crate) is_wanted_again: bool,
}

/// What came of asking for a hold.
#[derive(Debug)]
pub(crate) enum Promise {
    /// It stands. Nobody may be told of it before it is written down, where holds are kept in a file.
    Made(HoldRecord, Option<Written>),
    /// The inventory that it was judged by is no longer in force: judge again.
    Changed,
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

impl State {
    pub(crate) fn new(options: Arc<GateOptions>) -> Self {
        Self {
            slots: BTreeMap::new(),
            ledger: Ledger::default(),
            blocks: Blocks::default(),
            writer: None,
            warm_tenant: String::new(),
            current: Inventory::empty(),
            sequence: 0,
            next_end: None,
            was_known: false,
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
        self.publish(now);
        self.ledger.compacted()
    }

    /// Has holds written down from now on.
    pub(crate) fn keep_holds(&mut self, writer: HoldWriter) {
        self.writer = Some(writer);
    }

    /// The inventory in force now.
    pub(crate) fn current(&mut self, now: Moment) -> Arc<Inventory> {
        let ended = self.next_end.is_some_and(|end| end <= now.steady_ms);
        let aged = self.slots.iter().any(|(key, slot)| {
            let is_listed = self
                .current
                .lists()
                .get(key)
                .is_some_and(|listed| listed.answer.is_some());
            is_listed
                && slot
                    .entry
                    .has_aged(now, self.options.refresh.of(key.kind).max_age)
        });
        if ended || aged {
            let over = self.ledger.expire(now);
            self.write(over);
            self.publish(now);
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

    /// Makes room for a source that is to be read.
    pub(crate) fn want(&mut self, key: SourceKey) {
        let comes_late = self.was_known;
        self.slots.entry(key).or_insert_with(|| Slot {
            comes_late,
            ..Slot::default()
        });
    }

    /// Takes the answer to the fetch of that order in; says whether it is the one that was waited for. Another one is of a
    /// source that was forgotten meanwhile, and says nothing.
    pub(crate) fn landed(
        &mut self,
        key: &SourceKey,
        order: u64,
        answer: Result<Read<Answer>, SourceError>,
        (now, jitter): (Moment, f64),
    ) -> bool {
        let slot = self.slots.get_mut(key);
        let Some(slot) = slot.filter(|slot| slot.flight == Some(order)) else {
            return false;
        };
        let options = &self.options.refresh;
        slot.entry
            .answered(answer, now, options.of(key.kind), options, jitter);
        slot.flight = None;
        slot.landed = order;
        // An answer that was not taken in says nothing new: what is in force is from an earlier fetch.
        let is_in_force = slot.entry.is_latest();
        if is_in_force {
            slot.answered = order;
            if key.kind == SourceKind::Account {
                self.drop_what_is_of_another_tenant();
            }
            let over = self.observe(key, order);
            self.write(over);
        }
        self.publish(now);
        if is_in_force && self.blocks.any_stand(now) {
            let Self {
                blocks,
                slots,
                current,
                ..
            } = self;
            let asked_at = |key: &SourceKey| slots.get(key).map_or(0, |slot| slot.answered);
            blocks.observe(current, asked_at);
            self.publish(now);
        }
        true
    }

    /// The fetch of that order will never come back: the source is as it was before, and due.
    pub(crate) fn cut_off(&mut self, key: &SourceKey, order: u64, now: Moment) {
        let slot = self.slots.get_mut(key);
        if let Some(slot) = slot.filter(|slot| slot.flight == Some(order)) {
            slot.flight = None;
            slot.entry.cut_off();
            self.publish(now);
        }
    }

    /// Lets the holds see what usage the latest answer shows.
    fn observe(&mut self, key: &SourceKey, order: u64) -> Vec<Event> {
        let answer = self.slots.get(key).and_then(|slot| slot.entry.answer());
        let Some(answer) = answer else {
            return Vec::new();
        };
        let ledger = &mut self.ledger;
        let usages = usages(&answer, key.project.as_deref(), &ledger.rows());
        usages
            .into_iter()
            .flat_map(|(row, usage)| ledger.observe(&row, usage, order))
            .collect()
    }

    /// Promises, if the inventory of that generation is still in force. `judged` is what the launch was judged by: usage
    /// that was not believed there is no measure of what others use.
    pub(crate) fn promise(
        &mut self,
        generation: u64,
        record: HoldRecord,
        judged: &Inventory,
        now: Moment,
    ) -> Promise {
        if self.current(now).generation() != generation {
            return Promise::Changed;
        }
        let rows: Vec<Row> = record.amounts.iter().map(|held| held.row.clone()).collect();
        let usages = judged.usages(&rows);
        let usage = |row: &Row| usages.get(row).copied();
        let time_to_live = self.options.holds.time_to_live;
        let (record, event) = self.ledger.promise(record, usage, now, time_to_live);
        let written = self.write(vec![event]);
        self.publish(now);
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
        self.publish(now);
        is_known
    }

    /// The launch of a hold was not made. Says whether there is such a hold.
    pub(crate) fn release(&mut self, id: &str, now: Moment) -> bool {
        let event = self.ledger.release(id);
        let is_known = event.is_some();
        self.write(event.into_iter().collect());
        self.publish(now);
        is_known
    }

    /// The holds that stand.
    pub(crate) fn holds(&mut self, now: Moment) -> Vec<HoldRecord> {
        self.current(now);
        self.ledger.records().collect()
    }

    /// Learns from a failed launch.
    pub(crate) fn learn(
        &mut self,
        launch: &Launch,
        diagnosis: &Diagnosis,
        now: Moment,
    ) -> Vec<Block> {
        let at = At {
            order: self.next_order(),
            now,
        };
        let current = self.current(now);
        let options = &self.options.feedback;
        let blocks = self.blocks.learn(launch, diagnosis, &current, at, options);
        self.publish(now);
        blocks
    }

    /// Takes up what was recorded of a tenant: it is used until each source was read.
    pub(crate) fn warm_up(
        &mut self,
        tenant: &str,
        recorded: Vec<(SourceKey, Read<Answer>, u64)>,
        now: Moment,
    ) -> Result<(), WarmUpError> {
        let account = self.slots.get(&SourceKey::tenant(SourceKind::Account));
        let known = account.and_then(|slot| slot.entry.answer());
        let known = match known.as_deref() {
            Some(Answer::Account(known)) => Some(&known.tenant),
            _ => None,
        };
        if let Some(known) = known.filter(|known| *known != tenant) {
            return Err(WarmUpError::OtherAccount {
                recorded: tenant.to_owned(),
                account: known.clone(),
            });
        }
        tenant.clone_into(&mut self.warm_tenant);
        for (key, read, recorded_at) in recorded {
            if known.is_some() && !self.slots.contains_key(&key) {
                // A project that the account no longer has.
                continue;
            }
            let slot = self.slots.entry(key).or_default();
            if !slot.entry.is_known() {
                slot.entry = Entry::warm(read, recorded_at, now);
            }
        }
        self.publish(now);
        Ok(())
    }

    /// Drops what was recorded where the account turns out to be another one.
    fn drop_what_is_of_another_tenant(&mut self) {
        let account = self.slots.get(&SourceKey::tenant(SourceKind::Account));
        let answer = account.and_then(|slot| slot.entry.answer());
        if let Some(Answer::Account(account)) = answer.as_deref()
            && account.tenant != self.warm_tenant
        {
            let warm = self.slots.values_mut().filter(|slot| slot.entry.is_warm());
            let mut dropped = 0;
            for slot in warm {
                slot.entry = Entry::default();
                dropped += 1;
            }
            if dropped > 0 {
                tracing::warn!(
                    recorded = self.warm_tenant,
                    account = account.tenant,
                    "what was recorded is of another account, and no longer used"
                );
            }
        }
    }

    /// Whether everything is known that a question waits for: what the account had when it was first read, and what was cut
    /// off since.
    pub(crate) fn is_known(&self) -> bool {
        self.slots
            .values()
            .all(|slot| slot.entry.is_known() || (slot.comes_late && !slot.entry.is_cut_off()))
    }

    /// Everything was known once: no question waits for what comes later.
    pub(crate) const fn was_known(&mut self) {
        self.was_known = true;
    }

    /// Puts what is known now in force: under another generation, if plugins would be told anything else than before.
    pub(crate) fn publish(&mut self, now: Moment) {
        let lists: BTreeMap<SourceKey, Listed> = self
            .slots
            .iter()
            .map(|(key, slot)| {
                let max_age = self.options.refresh.of(key.kind).max_age;
                (key.clone(), slot.entry.listed(now, max_age))
            })
            .collect();
        let (held, blocks): (Held, _) = (self.ledger.held(), self.blocks.standing(now));
        self.current = Arc::new(if self.current.says_the_same(&lists, &held, &blocks) {
            self.current.confirmed(lists)
        } else {
            Inventory::changed(lists, Arc::new(held), Arc::new(blocks))
        });
        self.next_end = match (self.ledger.next_end(), self.blocks.next_end(now)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// The projects whose sources are read.
    pub(crate) fn projects(&self) -> Vec<String> {
        let keys = self
            .slots
            .keys()
            .filter(|key| key.kind == SourceKind::InstanceTypes);
        keys.filter_map(|key| key.project.clone()).collect()
    }

    /// Reads nothing of these projects any more.
    pub(crate) fn forget_projects(&mut self, gone: &[String], now: Moment) {
        if gone.is_empty() {
            return;
        }
        self.slots
            .retain(|key, _| key.project.as_ref().is_none_or(|id| !gone.contains(id)));
        self.publish(now);
    }

    /// Has events written down, if holds are kept anywhere.
    fn write(&self, events: Vec<Event>) -> Option<Written> {
        let writer = self.writer.as_ref().filter(|_| !events.is_empty())?;
        Some(writer.write(events))
    }
}
