//! Holds: amounts promised to launches under way, subtracted from every later verdict until the cloud's usage shows them.

mod file;
mod ledger;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::file::HoldFileError;
pub(crate) use self::{
    file::HoldFile,
    ledger::{Event, Ledger},
};
use crate::inventory::Cache;

/// Something that can be promised: a quota row, or a reservation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// One owner's row of one quota in one region.
    Allowance {
        /// The tenant or project, by id.
        owner: String,
        /// The quota's name.
        quota: String,
        /// Where.
        region: String,
    },
    /// Reserved capacity, counted in GPUs.
    Reservation {
        /// The reservation, by id.
        id: String,
    },
}

/// What a hold takes of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAmount {
    /// Of what.
    pub row: Row,
    /// How much, in the row's unit.
    pub amount: u64,
    /// The row's usage from which on it shows this amount: what was used when it was promised, with all that was promised
    /// before; none where the usage is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<u64>,
}

/// One hold, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// Its name, unique for ever.
    pub id: String,
    /// What is launched, in words.
    pub launch: String,
    /// What it takes, as far as no usage shows it yet.
    pub amounts: Vec<HeldAmount>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: u64,
    /// When it was committed; none while the launch is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<u64>,
    /// What was launched, by id, once it is committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
}

/// All that is held, by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held(Vec<(Row, u64)>);

impl Held {
    pub(crate) fn add(&mut self, row: &Row, amount: u64) {
        match self.0.iter_mut().find(|(known, _)| known == row) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => self.0.push((row.clone(), amount)),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, row: &Row) -> u64 {
        let mut rows = self.0.iter();
        rows.find_map(|(known, sum)| (known == row).then_some(*sum))
            .unwrap_or(0)
    }

    /// [`Held::of`] a quota row, without making a key of it.
    pub(crate) fn of_allowance(&self, owner: &str, quota: &str, region: &str) -> u64 {
        let of_this = |row: &Row| {
            matches!(row, Row::Allowance { owner: its_owner, quota: its_quota, region: its_region }
                if its_quota == quota && its_region == region && its_owner == owner)
        };
        let mut rows = self.0.iter();
        rows.find_map(|(row, sum)| of_this(row).then_some(*sum))
            .unwrap_or(0)
    }
}

/// A promise to a launch under way: nobody else who asks this gate gets the same units.
///
/// Say what came of the launch: [`Hold::commit`] or [`Hold::release`]. A hold that is dropped without either goes on, since
/// the launch may well be under way, and ends by itself ([`crate::HoldOptions::time_to_live`]).
#[must_use = "say what comes of the launch, or the hold stands until it ends by itself"]
pub struct Hold {
    record: HoldRecord,
    cache: Arc<Cache>,
}

impl Hold {
    pub(crate) const fn new(record: HoldRecord, cache: Arc<Cache>) -> Self {
        Self { record, cache }
    }

    /// Its name, under which [`crate::Gate::commit`] and [`crate::Gate::release`] find it, also in a later process.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What it takes.
    pub fn amounts(&self) -> &[HeldAmount] {
        &self.record.amounts
    }

    /// The launch succeeded and made these instances: holds on until usage that was read from now on shows them.
    pub fn commit(self, instances: &[String]) {
        self.cache.commit(&self.record.id, instances);
    }

    /// The launch failed, or will not be made: the units are free again at once.
    pub fn release(self) {
        self.cache.release(&self.record.id);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(formatter)
    }
}
