//! Holds: amounts promised to launches under way, subtracted from every later verdict until the cloud's usage shows them.
//!
//! `Ledger` says what is held and when that is over, `HoldFile` keeps it between processes.

mod error;
mod file;
mod ledger;
mod lines;
mod owned;
mod queue;
mod writer;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::error::HoldFileError;
pub(crate) use self::{
    file::HoldFile,
    ledger::{At, Event, Ledger, Lives},
    writer::{HoldWriter, Keeper, Written},
};
use crate::inventory::Cache;

/// Something that can be promised: a quota row, a reservation, or a project's share of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Row {
    /// The row of one quota in one region.
    Allowance {
        /// The project whose row it is, by id; none for the tenant's.
        project: Option<String>,
        /// The quota's name.
        quota: String,
        /// Where.
        region: String,
    },
    /// A whole reservation, counted in GPUs.
    Reservation {
        /// The reservation, by id.
        id: String,
    },
    /// What one project may take of a reservation, counted in GPUs.
    Share {
        /// The reservation, by id.
        reservation: String,
        /// The project, by id.
        project: String,
    },
}

/// An amount that is known from both sides. The two ends differ where the amount may be inside the row's usage already,
/// as that of a start of stopped instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) at_least: u64,
    pub(crate) at_most: u64,
}

impl Band {
    pub(crate) const ZERO: Self = Self {
        at_least: 0,
        at_most: 0,
    };

    pub(crate) const fn is_zero(self) -> bool {
        self.at_most == 0
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }
}

/// What a hold takes of one row, as far as no usage shows it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldAmount {
    /// Of what.
    pub row: Row,
    /// How much for certain, in the row's unit.
    pub at_least: u64,
    /// How much at the most. Above `at_least` where the rest may be inside the row's usage already.
    pub at_most: u64,
}

/// One hold, as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRecord {
    /// Its name, unique for ever.
    pub id: String,
    /// What is launched, in words.
    pub launch: String,
    /// What it takes, one amount a row, as far as no usage shows it yet.
    pub amounts: Vec<HeldAmount>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: u64,
    /// When it was committed; none while the launch is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<u64>,
    /// What was launched, by id, once it is committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
}

/// All that is held, by row. Rows are found without making a key of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    by_quota: BTreeMap<String, BTreeMap<(Option<String>, String), Band>>,
    reservations: BTreeMap<String, Band>,
    shares: BTreeMap<String, BTreeMap<String, Band>>,
}

impl Held {
    pub(crate) fn add(&mut self, row: &Row, band: Band) {
        if band.is_zero() {
            return;
        }
        let sum = match row {
            Row::Allowance {
                project,
                quota,
                region,
            } => self
                .by_quota
                .entry(quota.clone())
                .or_default()
                .entry((project.clone(), region.clone()))
                .or_default(),
            Row::Reservation { id } => self.reservations.entry(id.clone()).or_default(),
            Row::Share {
                reservation,
                project,
            } => self
                .shares
                .entry(reservation.clone())
                .or_default()
                .entry(project.clone())
                .or_default(),
        };
        *sum = sum.plus(band);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_quota.is_empty() && self.reservations.is_empty() && self.shares.is_empty()
    }

    /// What is held of the row of a project, or of the tenant.
    pub(crate) fn of_allowance(&self, project: Option<&str>, quota: &str, region: &str) -> Band {
        let Some(rows) = self.by_quota.get(quota) else {
            return Band::ZERO;
        };
        let of_this = |(owner, place): &(Option<String>, String)| {
            owner.as_deref() == project && place == region
        };
        rows.iter()
            .find_map(|(row, band)| of_this(row).then_some(*band))
            .unwrap_or_default()
    }

    /// What is held of a whole reservation, by anybody.
    pub(crate) fn of_reservation(&self, id: &str) -> Band {
        self.reservations.get(id).copied().unwrap_or_default()
    }

    /// What a project holds of a reservation.
    pub(crate) fn of_share(&self, reservation: &str, project: &str) -> Band {
        let shares = self.shares.get(reservation);
        shares
            .and_then(|shares| shares.get(project))
            .copied()
            .unwrap_or_default()
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
