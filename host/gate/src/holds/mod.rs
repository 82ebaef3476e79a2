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
    /// The key of the row.
    pub row: String,
    /// How much for certain, in the row's unit.
    pub at_least: u64,
    /// How much at the most. Above `at_least` where the rest may be inside the row's usage already.
    pub at_most: u64,
}

/// One hold, as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRecord {
    /// Its name: one that is unique for ever, or the caller's ([`crate::Gate::verify_as`]).
    pub id: String,
    /// What is launched, in words.
    pub launch: String,
    /// The SHA-256 of the launches in full, by which a name stands for one plan; empty where nobody noted it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// What it takes, one amount a row, as far as no usage shows it yet.
    pub amounts: Vec<HeldAmount>,
    /// The projects whose launches it is for, by id: whom to ask how much of its rows is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: u64,
    /// When it was committed; none while the launch is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<u64>,
    /// What was launched, by id, once it is committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
}

/// All that is held, by the row's key.
pub(crate) type Held = BTreeMap<String, Band>;

/// A promise to a launch under way: nobody else who asks this gate gets the same units.
///
/// Say what came of the launch: [`Hold::commit`] or [`Hold::release`]. A hold that is dropped without either goes on, since
/// the launch may well be under way, and ends by itself ([`crate::HoldOptions::time_to_live`]).
///
/// ```
/// use quotagate::Hold;
///
/// /// Launches what was promised.
/// fn launch(hold: Hold, made: Result<Vec<String>, String>) {
///     match made {
///         Ok(instances) => hold.commit(&instances),
///         Err(_) => hold.release(),
///     }
/// }
/// ```
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
