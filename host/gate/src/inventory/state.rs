//! Everything that changes, behind one lock: what each source answered, what is promised, what failed launches taught. The
//! inventory in force is made of the three together, so whoever judges by one generation knows that nothing changed when
//! it is still in force afterwards. No clock and no lock in here: both are the caller's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Inventory, Listed,
    answer::{Answer, SourceKey, SourceKind},
    entry::Entry,
};
use crate::{
    clock::Moment,
    feedback::{Blocks, measured},
    holds::{Event, Held, HoldFile, HoldRecord, Ledger, Row},
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
    file: Option<HoldFile>,
    current: Arc<Inventory>,
    /// Counts fetches, commits and reports, in the order in which they begin.
    sequence: u64,
    /// When something ends by itself next, on the hand that nobody sets.
    next_end: Option<u64>,
    options: Arc<GateOptions>,
}

/// One source, and who asks it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) entry: Entry,
    /// The fetch under way.
    pub(crate) flight: Option<u64>,
    /// The latest fetch that came back.
    pub(crate) landed: u64,
}

/// What came of asking for a hold.
#[derive(Debug)]
pub(crate) enum Promise {
    /// It stands.
    Made(HoldRecord),
    /// The inventory that it was judged by is no longer in force: judge again.
    Changed,
}

impl State {
    pub(crate) fn new(options: Arc<GateOptions>) -> Self {
        Self {
            slots: BTreeMap::new(),
            ledger: Ledger::default(),
            blocks: Blocks::default(),
            file: None,
            current: Inventory::empty(),
            sequence: 0,
            next_end: None,
            options,
        }
    }

    /// Takes up the holds of an earlier process, and keeps them there from now on.
    pub(crate) fn keep_holds(&mut self, file: HoldFile, events: Vec<Event>, now: Moment) {
        let holds = &self.options.holds;
        for event in events {
            self.ledger
                .replay(event, now, (holds.time_to_live, holds.settle));
        }
        self.file = Some(file);
        self.rewrite();
        self.publish(now);
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
            self.write(&over);
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
        self.slots.entry(key).or_default();
    }

    /// Takes the answer to the fetch of that order in.
    pub(crate) fn landed(
        &mut self,
        key: &SourceKey,
        order: u64,
        answer: Result<Read<Answer>, SourceError>,
        (now, jitter): (Moment, f64),
    ) {
        let Some(slot) = self.slots.get_mut(key).filter(|slot| slot.landed < order) else {
            return;
        };
        let options = &self.options.refresh;
        let is_good = answer.is_ok();
        slot.entry
            .answered(answer, now, options.of(key.kind), options, jitter);
        slot.flight = None;
        slot.landed = order;
        let over = if is_good {
            self.observe(key, order)
        } else {
            Vec::new()
        };
        self.write(&over);
        self.publish(now);
        if is_good {
            let current = Arc::clone(&self.current);
            self.blocks.observe(&current, order);
            self.publish(now);
        }
    }

    /// Lets the holds see what usage the latest answer shows.
    fn observe(&mut self, key: &SourceKey, order: u64) -> Vec<Event> {
        let answer = self.slots.get(key).and_then(|slot| slot.entry.answer());
        let shown: Vec<(Row, u64)> = match answer.as_deref() {
            Some(Answer::Allowances(owned)) => owned
                .rows
                .iter()
                .filter_map(|row| {
                    let usage = measured(row.usage, row.usage_state)?;
                    let row = Row::Allowance {
                        owner: row.owner.clone(),
                        quota: row.name.clone(),
                        region: row.region.clone(),
                    };
                    Some((row, usage))
                })
                .collect(),
            Some(Answer::Reservations(items)) => items
                .iter()
                .filter_map(|item| {
                    let usage = measured(item.usage, item.usage_state)?;
                    Some((
                        Row::Reservation {
                            id: item.id.clone(),
                        },
                        usage,
                    ))
                })
                .collect(),
            _ => Vec::new(),
        };
        let ledger = &mut self.ledger;
        shown
            .into_iter()
            .filter(|(row, _)| ledger.holds_any_of(row))
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|(row, usage)| ledger.observe(&row, usage, order))
            .collect()
    }

    /// Promises, if the inventory of that generation is still in force.
    pub(crate) fn promise(&mut self, generation: u64, record: HoldRecord, now: Moment) -> Promise {
        if self.current(now).generation() != generation {
            return Promise::Changed;
        }
        let current = Arc::clone(&self.current);
        let measured = |row: &Row| current.usage_of(row);
        let time_to_live = self.options.holds.time_to_live;
        let (record, event) = self.ledger.promise(record, measured, now, time_to_live);
        self.write(&[event]);
        self.publish(now);
        Promise::Made(record)
    }

    /// The launch of a hold was made. Says whether there is such a hold.
    pub(crate) fn commit(&mut self, id: &str, instances: &[String], now: Moment) -> bool {
        let order = self.next_order();
        let settle = self.options.holds.settle;
        let event = self.ledger.commit(id, instances, (order, now), settle);
        self.write(event.as_slice());
        self.publish(now);
        event.is_some()
    }

    /// The launch of a hold was not made. Says whether there is such a hold.
    pub(crate) fn release(&mut self, id: &str, now: Moment) -> bool {
        let event = self.ledger.release(id);
        self.write(event.as_slice());
        self.publish(now);
        event.is_some()
    }

    /// The holds that stand.
    pub(crate) fn holds(&mut self, now: Moment) -> Vec<HoldRecord> {
        self.current(now);
        self.ledger.records().cloned().collect()
    }

    /// Learns from a failed launch.
    pub(crate) fn learn(
        &mut self,
        launch: &Launch,
        diagnosis: &Diagnosis,
        now: Moment,
    ) -> Vec<Block> {
        let order = self.next_order();
        let current = self.current(now);
        let options = &self.options.feedback;
        let blocks = self
            .blocks
            .learn(launch, diagnosis, &current, (order, now), options);
        self.publish(now);
        blocks
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

    /// Writes events down. A file that cannot be written costs no launch: the holds stand in this process.
    fn write(&mut self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        if let Some(file) = &mut self.file {
            if let Err(error) = file.append(events) {
                tracing::error!(%error, "cannot write holds down; they would be lost with this process");
            }
            if file.is_worth_rewriting(self.ledger.records().count()) {
                self.rewrite();
            }
        }
    }

    fn rewrite(&mut self) {
        let standing: Vec<Event> = self.ledger.compacted().collect();
        if let Some(file) = &mut self.file
            && let Err(error) = file.rewrite(&standing)
        {
            tracing::error!(%error, "cannot rewrite the file of holds; it goes on growing");
        }
    }
}
