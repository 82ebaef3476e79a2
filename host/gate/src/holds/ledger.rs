//! The book of holds: what is promised, and when a promise is over. No clock, no lock, no file: time and order are
//! arguments, and what has to outlive the process comes back as events.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Held, HeldAmount, HoldRecord, Row};
use crate::clock::{Moment, milliseconds};

/// Every hold that stands.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    holds: BTreeMap<String, Standing>,
    /// For rows with holds: the least usage seen since, with what has shown since on top.
    floor: BTreeMap<Row, u64>,
}

#[derive(Debug)]
struct Standing {
    record: HoldRecord,
    /// When it ends by itself, on the hand that nobody sets.
    ends_at_steady_ms: u64,
    /// The place of its commit in the order of commits and fetches.
    committed: Option<u64>,
}

/// A change of the book, as it is written down. Whoever replays all of them has the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Promised(HoldRecord),
    Committed {
        id: String,
        at: u64,
        instances: Vec<String>,
    },
    /// Released, ended, or shown in full.
    Over {
        id: String,
    },
}

impl Ledger {
    /// Writes a hold down. `measured` is the usage that a row shows now, where it is measured.
    pub(crate) fn promise(
        &mut self,
        mut record: HoldRecord,
        measured: impl Fn(&Row) -> Option<u64>,
        now: Moment,
        time_to_live: Duration,
    ) -> (HoldRecord, Event) {
        for amount in &mut record.amounts {
            let Some(usage) = measured(&amount.row) else {
                continue;
            };
            // Whatever rises counts as the earliest hold that it is enough for, so this one shows on top of the others.
            let before: u64 = self
                .amounts_of(&amount.row)
                .filter(|earlier| earlier.shown_at.is_some_and(|shown_at| shown_at > usage))
                .fold(0, |sum, earlier| sum.saturating_add(earlier.amount));
            amount.shown_at = Some(usage.saturating_add(before).saturating_add(amount.amount));
            let floor = self.floor.entry(amount.row.clone()).or_insert(usage);
            *floor = usage.min(*floor);
        }
        self.stand(record.clone(), now, time_to_live);
        (record.clone(), Event::Promised(record))
    }

    fn stand(&mut self, record: HoldRecord, now: Moment, left: Duration) {
        let standing = Standing {
            ends_at_steady_ms: now.steady_ms.saturating_add(milliseconds(left)),
            committed: None,
            record,
        };
        self.holds.insert(standing.record.id.clone(), standing);
    }

    /// The launch was made. `order` is the place of this commit among fetches: only usage that was asked for later counts.
    /// None where there is no such hold.
    pub(crate) fn commit(
        &mut self,
        id: &str,
        instances: &[String],
        (order, now): (u64, Moment),
        settle: Duration,
    ) -> Option<Event> {
        let standing = self.holds.get_mut(id)?;
        if standing.record.amounts.is_empty() {
            return self.release(id);
        }
        standing.record.committed_at = Some(now.wall_ms);
        standing.record.instances = instances.to_vec();
        standing.committed = Some(order);
        standing.ends_at_steady_ms = now.steady_ms.saturating_add(milliseconds(settle));
        Some(Event::Committed {
            id: id.to_owned(),
            at: now.wall_ms,
            instances: instances.to_vec(),
        })
    }

    /// The launch was not made. None where there is no such hold.
    pub(crate) fn release(&mut self, id: &str) -> Option<Event> {
        let gone = self.holds.remove(id)?;
        for amount in gone.record.amounts {
            // Later holds were to be shown on top of this one, which never will be.
            if let Some(shown_at) = amount.shown_at {
                self.lower(&amount.row, amount.amount, Some(shown_at));
            }
        }
        self.forget_floors();
        Some(Event::Over { id: id.to_owned() })
    }

    /// Ends what ends by itself.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<Event> {
        let ended: Vec<String> = self
            .holds
            .values()
            .filter(|standing| standing.ends_at_steady_ms <= now.steady_ms)
            .map(|standing| standing.record.id.clone())
            .collect();
        ended.iter().filter_map(|id| self.release(id)).collect()
    }

    /// When the next hold ends by itself, on the hand that nobody sets.
    pub(crate) fn next_end(&self) -> Option<u64> {
        self.holds
            .values()
            .map(|standing| standing.ends_at_steady_ms)
            .min()
    }

    /// Takes in usage that was asked for at `order`. Committed holds that it shows are over: first those that were promised
    /// first. Where usage fell, something else ended, and the rest has to rise less far to be shown.
    pub(crate) fn observe(&mut self, row: &Row, usage: u64, order: u64) -> Vec<Event> {
        let floor = self.floor.entry(row.clone()).or_insert(usage);
        let fell = floor.saturating_sub(usage);
        *floor = usage.min(*floor);
        if fell > 0 {
            self.lower(row, fell, None);
        }
        let (mut over, mut shown) = (Vec::new(), 0_u64);
        for standing in self.holds.values_mut() {
            if standing
                .committed
                .is_none_or(|committed| committed >= order)
            {
                continue;
            }
            standing.record.amounts.retain(|amount| {
                let is_shown = amount.row == *row && amount.shown_at.is_some_and(|at| at <= usage);
                shown = shown.saturating_add(if is_shown { amount.amount } else { 0 });
                !is_shown
            });
            if standing.record.amounts.is_empty() {
                over.push(standing.record.id.clone());
            }
        }
        if let Some(floor) = self.floor.get_mut(row) {
            *floor = floor.saturating_add(shown);
        }
        over.iter().for_each(|id| {
            self.holds.remove(id);
        });
        self.forget_floors();
        over.into_iter().map(|id| Event::Over { id }).collect()
    }

    /// What is held of every row.
    pub(crate) fn held(&self) -> Held {
        let mut held = Held::default();
        for amount in self.holds.values().flat_map(|hold| &hold.record.amounts) {
            held.add(&amount.row, amount.amount);
        }
        held
    }

    /// The holds that stand, and how long each goes on by itself.
    pub(crate) fn records(&self) -> impl Iterator<Item = &HoldRecord> {
        self.holds.values().map(|standing| &standing.record)
    }

    /// Takes up what was written down in an earlier process. No hold goes on for longer than a new one would, whatever
    /// the clock says.
    pub(crate) fn replay(
        &mut self,
        event: Event,
        now: Moment,
        (time_to_live, settle): (Duration, Duration),
    ) {
        let left = |since: u64, whole: Duration| {
            whole.saturating_sub(Duration::from_millis(now.wall_ms.saturating_sub(since)))
        };
        match event {
            Event::Promised(mut record) => {
                let since = record.committed_at.unwrap_or(record.made_at);
                let whole = match record.committed_at {
                    Some(_) => settle,
                    None => time_to_live,
                };
                record.amounts.retain(|amount| amount.amount > 0);
                let (id, is_committed) = (record.id.clone(), record.committed_at.is_some());
                self.stand(record, now, left(since, whole));
                if let Some(standing) = self.holds.get_mut(&id).filter(|_| is_committed) {
                    standing.committed = Some(0);
                }
            }
            Event::Committed { id, at, instances } => {
                self.commit(&id, &instances, (0, now), left(at, settle));
                if let Some(standing) = self.holds.get_mut(&id) {
                    standing.record.committed_at = Some(at);
                }
            }
            Event::Over { id } => {
                self.release(&id);
            }
        }
    }

    /// The least that whoever replays it gets the same book from.
    pub(crate) fn compacted(&self) -> impl Iterator<Item = Event> {
        self.records().cloned().map(Event::Promised)
    }

    /// Whether anything is held of a row.
    pub(crate) fn holds_any_of(&self, row: &Row) -> bool {
        self.amounts_of(row).next().is_some()
    }

    fn amounts_of<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a HeldAmount> {
        let holds = self.holds.values();
        holds
            .flat_map(|hold| &hold.record.amounts)
            .filter(move |amount| amount.row == *row)
    }

    /// Lets the holds of a row be shown by that much less usage; of those alone that were to be shown after `after`, where
    /// that is given.
    fn lower(&mut self, row: &Row, by: u64, after: Option<u64>) {
        for standing in self.holds.values_mut() {
            for amount in &mut standing.record.amounts {
                if amount.row == *row {
                    amount.shown_at = amount.shown_at.map(|shown_at| {
                        if after.is_none_or(|after| shown_at > after) {
                            shown_at.saturating_sub(by)
                        } else {
                            shown_at
                        }
                    });
                }
            }
        }
    }

    fn forget_floors(&mut self) {
        let Self { holds, floor } = self;
        floor.retain(|row, _| {
            holds
                .values()
                .any(|hold| hold.record.amounts.iter().any(|amount| amount.row == *row))
        });
    }
}
