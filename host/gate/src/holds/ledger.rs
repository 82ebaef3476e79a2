//! Every hold that stands, and the events that outlive the process. No clock, no lock, no file: time and order are
//! arguments. When usage shows an amount is the business of each row's queue ([`super::queue`]).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Band, Held, HeldAmount, HoldRecord,
    queue::{Amount, Launch, Queue, Reading},
};
use crate::clock::{Moment, milliseconds};

/// Every hold that stands.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By the place of the promise in the order of promises.
    holds: BTreeMap<u64, Standing>,
    places: HashMap<String, u64>,
    /// Rows of which something is held.
    rows: BTreeMap<String, Queue>,
    promises: u64,
}

#[derive(Debug)]
struct Standing {
    /// Without its amounts, which stand in the queues of these rows.
    record: HoldRecord,
    rows: Vec<String>,
    /// When it ends by itself, on the monotonic clock.
    ends_at_steady_ms: u64,
    /// The place of its commit in the order of commits and fetches.
    committed: Option<u64>,
}

/// A change of the ledger, as it is written down. Whoever replays all of them has the same ledger, number by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Event {
    Promised {
        hold: HoldRecord,
        /// Of rows that nothing was held of before: the usage by others, where it is measured.
        others: Vec<Usage>,
    },
    Committed {
        id: String,
        at: u64,
        instances: Vec<String>,
    },
    /// A reading showed something: these numbers hold of a row from now on.
    Shown {
        row: String,
        usage: u64,
        others: u64,
        fallen: u64,
        /// What changed: what is left of each hold.
        left: Vec<Left>,
    },
    /// Released, ended, or shown in full.
    Over { id: String },
}

/// A row's usage by others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    pub(crate) row: String,
    pub(crate) usage: u64,
}

/// What is left of a hold's amount of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Left {
    id: String,
    at_least: u64,
    at_most: u64,
    visible: u64,
}

/// How long holds stand by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lives {
    /// One that nobody committed or released.
    pub(crate) time_to_live: Duration,
    /// One that was committed and that no usage shows.
    pub(crate) settle: Duration,
}

/// An instant, and its place in the order of commits and fetches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) order: u64,
    pub(crate) now: Moment,
}

impl Event {
    fn shown(row: &str, reading: Reading, left: Vec<Left>) -> Self {
        Self::Shown {
            row: row.to_owned(),
            usage: reading.usage,
            others: reading.others,
            fallen: reading.fallen,
            left,
        }
    }
}

impl Left {
    fn of(hold: &Standing, Amount { band, visible }: Amount) -> Self {
        Self {
            id: hold.record.id.clone(),
            at_least: band.at_least,
            at_most: band.at_most,
            visible,
        }
    }
}

impl Ledger {
    /// Writes a hold down; amounts of the same row are added up. `usage` is what a row shows now, where it is measured.
    pub(crate) fn promise(
        &mut self,
        mut hold: HoldRecord,
        usage: impl Fn(&str) -> Option<u64>,
        now: Moment,
        time_to_live: Duration,
    ) -> (HoldRecord, Event) {
        let mut by_row: BTreeMap<String, Band> = BTreeMap::new();
        for amount in hold.amounts.drain(..) {
            let sum = by_row.entry(amount.row).or_default();
            *sum = sum.plus(Band {
                at_least: amount.at_least.min(amount.at_most),
                at_most: amount.at_most,
            });
        }
        by_row.retain(|_, band| !band.is_zero());
        let others = by_row
            .keys()
            .filter(|row| !self.rows.contains_key(row.as_str()))
            .filter_map(|row| {
                let usage = usage(row)?;
                Some(Usage {
                    row: row.clone(),
                    usage,
                })
            })
            .collect();
        hold.amounts = by_row
            .into_iter()
            .map(|(row, band)| HeldAmount {
                row,
                at_least: band.at_least,
                at_most: band.at_most,
            })
            .collect();
        let event = Event::Promised {
            hold: hold.clone(),
            others,
        };
        self.enter(event.clone(), now, time_to_live);
        (hold, event)
    }

    /// Enters a promise.
    fn enter(&mut self, promised: Event, now: Moment, left: Duration) {
        let Event::Promised { mut hold, others } = promised else {
            return;
        };
        self.release(&hold.id);
        for Usage { row, usage } in others {
            let queue = self.rows.entry(row).or_default();
            queue.set_reading(Reading::first(usage));
        }
        self.promises += 1;
        let place = self.promises;
        let mut rows = Vec::with_capacity(hold.amounts.len());
        for amount in hold.amounts.drain(..) {
            let band = Band {
                at_least: amount.at_least.min(amount.at_most),
                at_most: amount.at_most,
            };
            if band.is_zero() {
                continue;
            }
            let queue = self.rows.entry(amount.row.clone()).or_default();
            queue.push(place, band);
            rows.push(amount.row);
        }
        self.places.insert(hold.id.clone(), place);
        self.holds.insert(
            place,
            Standing {
                record: hold,
                rows,
                ends_at_steady_ms: now.steady_ms.saturating_add(milliseconds(left)),
                committed: None,
            },
        );
    }

    /// The launch was made. `at` is the place of this commit among fetches: only usage that was asked for later counts.
    /// None where there is no such hold, and where it was committed before: that changes nothing.
    pub(crate) fn commit(
        &mut self,
        id: &str,
        instances: &[String],
        at: At,
        settle: Duration,
    ) -> Option<Event> {
        let place = self.places.get(id)?;
        let standing = self.holds.get_mut(place)?;
        if standing.committed.is_some() {
            return None;
        }
        if standing.rows.is_empty() {
            return self.release(id);
        }
        standing.record.committed_at = Some(at.now.wall_ms);
        standing.record.instances = instances.to_vec();
        standing.committed = Some(at.order);
        standing.ends_at_steady_ms = at.now.steady_ms.saturating_add(milliseconds(settle));
        // It did not end, so whatever fell was not it.
        let Self { holds, rows, .. } = self;
        for row in holds.get(place).into_iter().flat_map(|hold| &hold.rows) {
            if let Some(queue) = rows.get_mut(row) {
                queue.settle_fallen(|place| {
                    holds
                        .get(&place)
                        .is_some_and(|hold| hold.committed.is_none())
                });
            }
        }
        Some(Event::Committed {
            id: id.to_owned(),
            at: at.now.wall_ms,
            instances: instances.to_vec(),
        })
    }

    /// Whether there is such a hold.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The launch was not made. None where there is no such hold.
    pub(crate) fn release(&mut self, id: &str) -> Option<Event> {
        let place = self.places.remove(id)?;
        let gone = self.holds.remove(&place)?;
        for row in gone.rows {
            self.take_out(&row, place);
        }
        Some(Event::Over { id: id.to_owned() })
    }

    fn take_out(&mut self, row: &str, place: u64) {
        let Some(queue) = self.rows.get_mut(row) else {
            return;
        };
        queue.remove(place);
        if queue.is_empty() {
            self.rows.remove(row);
        }
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

    /// When the next hold ends by itself, on the monotonic clock.
    pub(crate) fn next_end(&self) -> Option<u64> {
        self.holds
            .values()
            .map(|standing| standing.ends_at_steady_ms)
            .min()
    }

    /// Takes in a row's usage that was asked for at `order`; gives what changed.
    pub(crate) fn observe(&mut self, row: &str, usage: u64, order: u64) -> Vec<Event> {
        let Self { holds, rows, .. } = self;
        let Some(queue) = rows.get(row) else {
            return Vec::new();
        };
        let (reading, changed) = queue.observe(usage, |place| match holds.get(&place) {
            Some(hold) if hold.committed.is_some_and(|commit| commit < order) => Launch::Shows,
            Some(hold) if hold.committed.is_some() => Launch::Made,
            _ => Launch::UnderWay,
        });
        let left: Vec<Left> = changed
            .into_iter()
            .filter_map(|(place, amount)| Some(Left::of(holds.get(&place)?, amount)))
            .collect();
        if left.is_empty() && queue.reading() == Some(reading) {
            return Vec::new();
        }
        let shown = Event::shown(row, reading, left);
        let mut events = vec![shown.clone()];
        events.extend(self.show(shown));
        events
    }

    /// Enters what a reading showed; gives the holds that are over because of it.
    fn show(&mut self, shown: Event) -> Vec<Event> {
        let Event::Shown {
            row,
            usage,
            others,
            fallen,
            left,
        } = shown
        else {
            return Vec::new();
        };
        let Some(queue) = self.rows.get_mut(&row) else {
            return Vec::new();
        };
        queue.set_reading(Reading {
            usage,
            others: others.min(usage),
            fallen,
        });
        let mut shown_in_full = Vec::new();
        for left in left {
            let Some(place) = self.places.get(&left.id) else {
                continue;
            };
            queue.set(
                *place,
                Amount {
                    band: Band {
                        at_least: left.at_least.min(left.at_most),
                        at_most: left.at_most,
                    },
                    visible: left.visible.min(left.at_most),
                },
            );
            if left.at_most == 0 {
                shown_in_full.push(left.id);
            }
        }
        let mut over = Vec::new();
        for id in shown_in_full {
            let Some(place) = self.places.get(&id).copied() else {
                continue;
            };
            self.take_out(&row, place);
            if let Some(standing) = self.holds.get_mut(&place) {
                standing.rows.retain(|other| *other != row);
                if standing.rows.is_empty() {
                    over.extend(self.release(&id));
                }
            }
        }
        over
    }

    /// What is held of every row.
    pub(crate) fn held(&self) -> Held {
        let held = self.rows.iter().map(|(row, queue)| (row, queue.held()));
        held.filter(|(_, band)| !band.is_zero())
            .map(|(row, band)| (row.clone(), band))
            .collect()
    }

    /// The holds that stand, in the order in which they were promised.
    pub(crate) fn records(&self) -> impl Iterator<Item = HoldRecord> + '_ {
        let holds = self.holds.iter();
        holds.map(|(place, standing)| self.record_of(*place, standing))
    }

    fn record_of(&self, place: u64, standing: &Standing) -> HoldRecord {
        let amounts = standing.rows.iter().filter_map(|row| {
            let Band { at_least, at_most } = self.rows.get(row)?.of(place)?;
            Some(HeldAmount {
                row: row.clone(),
                at_least,
                at_most,
            })
        });
        HoldRecord {
            amounts: amounts.collect(),
            ..standing.record.clone()
        }
    }

    /// How many events the short form has.
    pub(crate) fn len(&self) -> usize {
        let measured = self.rows.values().filter(|row| row.reading().is_some());
        self.holds.len() + measured.count()
    }

    /// Takes up what was written down in an earlier process. No hold goes on for longer than a new one would, whatever
    /// the clock says.
    pub(crate) fn replay(&mut self, event: Event, now: Moment, lives: Lives) {
        let left = |since: u64, whole: Duration| {
            whole.saturating_sub(Duration::from_millis(now.wall_ms.saturating_sub(since)))
        };
        match event {
            Event::Promised { mut hold, others } => {
                let committed = hold
                    .committed_at
                    .take()
                    .map(|at| (at, std::mem::take(&mut hold.instances)));
                let (id, made_at) = (hold.id.clone(), hold.made_at);
                let promised = Event::Promised { hold, others };
                self.enter(promised, now, left(made_at, lives.time_to_live));
                if let Some((at, instances)) = committed {
                    self.replay(Event::Committed { id, at, instances }, now, lives);
                }
            }
            Event::Committed { id, at, instances } => {
                // Whatever this process reads was asked for later.
                let entered = At { order: 0, now };
                self.commit(&id, &instances, entered, left(at, lives.settle));
                let place = self.places.get(&id);
                if let Some(standing) = place.and_then(|place| self.holds.get_mut(place)) {
                    standing.record.committed_at = Some(at);
                }
            }
            Event::Shown { .. } => {
                self.show(event);
            }
            Event::Over { id } => {
                self.release(&id);
            }
        }
    }

    /// The least that whoever replays it has the same ledger from.
    pub(crate) fn compacted(&self) -> Vec<Event> {
        let promised = self.records().map(|hold| Event::Promised {
            hold,
            others: Vec::new(),
        });
        let shown = self.rows.iter().filter_map(|(row, queue)| {
            let left = queue
                .visible()
                .filter_map(|(place, amount)| Some(Left::of(self.holds.get(&place)?, amount)));
            Some(Event::shown(row, queue.reading()?, left.collect()))
        });
        promised.chain(shown).collect()
    }

    /// The hold of that name.
    pub(crate) fn record(&self, id: &str) -> Option<HoldRecord> {
        let place = self.places.get(id)?;
        Some(self.record_of(*place, self.holds.get(place)?))
    }

    /// Each row of which something is held, with the projects of the launches that hold it.
    pub(crate) fn rows(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut rows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for hold in self.holds.values() {
            for row in &hold.rows {
                let projects = rows.entry(row).or_default();
                projects.extend(hold.record.projects.iter().map(String::as_str));
            }
        }
        rows
    }

    /// Whether something is held of a row.
    pub(crate) fn holds(&self, row: &str) -> bool {
        self.rows.contains_key(row)
    }
}
