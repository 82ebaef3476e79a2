//! What launches judged earlier in a plan have taken, so that the next one finds it gone.

use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    string::String,
    vec::Vec,
};

use crate::{
    band::Band,
    demand::Sum,
    row::clamp,
    vocabulary::{HeldDemand, Lane, Offer, ReservedDemand, Scope},
};

/// Amounts taken so far, for a plan; a launch that is judged alone needs no book.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_kept: bool,
    rows: BTreeMap<RowKey, Taken>,
    reserved: BTreeMap<ReservedKey, Taken>,
    placed: BTreeMap<(String, String, u8), u64>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    quota: String,
    project: String,
    region: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ReservedKey {
    reservation: String,
    project: String,
}

/// What is taken of one row or reservation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// For the launches that follow in the plan. Where reserved capacity may cover what it is not proven to cover, neither
    /// the row nor the reservation gives it for certain.
    pub(crate) judged: Band,
    /// For the host to hold: there, what reserved capacity is not proven to cover counts against the row.
    pub(crate) told: Band,
}

impl Taken {
    const fn plus(self, other: Self) -> Self {
        Self {
            judged: self.judged.plus(other.judged),
            told: self.told.plus(other.told),
        }
    }
}

/// The row that a launch draws on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn<'a> {
    pub(crate) project: &'a str,
    pub(crate) region: &'a str,
    /// Whether the tenant or the project has the row, or may have it: the host holds nothing of a row that is not there.
    pub(crate) may_exist: bool,
}

impl Ledger {
    /// A book for launches that are judged together.
    pub(crate) fn kept() -> Self {
        Self {
            is_kept: true,
            ..Self::default()
        }
    }

    /// Whether anything is entered at all.
    pub(crate) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Taken of a quota: in every project where the tenant's row counts, in one where the project's does.
    pub(crate) fn taken(&self, scope: Scope, project: &str, region: &str, quota: &str) -> Band {
        self.rows
            .iter()
            .filter(|(key, _)| {
                key.quota == quota
                    && key.region == region
                    && (scope == Scope::Tenant || key.project == project)
            })
            .fold(Band::default(), |sum, (_, taken)| sum.plus(taken.judged))
    }

    /// Takes what `count` instances of a launch draw from a quota.
    pub(crate) fn take(&mut self, sum: &Sum<'_>, drawn: Drawn<'_>, count: Band) {
        let of = |count: Band| sum.each.times(count).plus(sum.once);
        let taken = Taken {
            judged: of(count),
            told: if drawn.may_exist {
                of(Band::exactly(count.at_most))
            } else {
                Band::default()
            },
        };
        if taken.judged.at_most > 0 {
            let key = RowKey {
                quota: sum.quota.clone().into_owned(),
                project: drawn.project.into(),
                region: drawn.region.into(),
            };
            enter(self.rows.entry(key), taken);
        }
    }

    /// GPUs taken of a reservation: by launches of every project, and by those of one.
    pub(crate) fn reserved(&self, reservation: &str, project: &str) -> (Band, Band) {
        let mut sums = (Band::default(), Band::default());
        for (key, taken) in &self.reserved {
            if key.reservation == reservation {
                sums.0 = sums.0.plus(taken.judged);
                if key.project == project {
                    sums.1 = sums.1.plus(taken.judged);
                }
            }
        }
        sums
    }

    /// Takes GPUs of a reservation for a launch of a project.
    pub(crate) fn reserve(&mut self, reservation: &str, project: &str, taken: Taken) {
        if taken.judged.at_most > 0 {
            let key = ReservedKey {
                reservation: reservation.into(),
                project: project.into(),
            };
            enter(self.reserved.entry(key), taken);
        }
    }

    /// Instances of a type placed in a region on one lane.
    pub(crate) fn placed(&self, offer: &Offer, lane: Lane) -> u64 {
        if self.placed.is_empty() {
            return 0;
        }
        let key = (
            offer.region.clone(),
            offer.instance_type.clone(),
            lane as u8,
        );
        self.placed.get(&key).copied().unwrap_or(0)
    }

    /// Places instances.
    pub(crate) fn place(&mut self, offer: &Offer, lane: Lane, count: u64) {
        let key = (
            offer.region.clone(),
            offer.instance_type.clone(),
            lane as u8,
        );
        let placed = self.placed.entry(key).or_default();
        *placed = placed.saturating_add(count);
    }

    /// Everything taken of quotas, for the host to hold.
    pub(crate) fn demands(&self) -> Vec<HeldDemand> {
        self.rows
            .iter()
            .filter(|(_, taken)| taken.told.at_most > 0)
            .map(|(key, taken)| HeldDemand {
                quota: key.quota.clone(),
                project: key.project.clone(),
                region: key.region.clone(),
                at_least: clamp(taken.told.at_least),
                at_most: clamp(taken.told.at_most),
            })
            .collect()
    }

    /// Everything taken of reservations, for the host to hold.
    pub(crate) fn reserved_demands(&self) -> Vec<ReservedDemand> {
        self.reserved
            .iter()
            .filter(|(_, taken)| taken.told.at_most > 0)
            .map(|(key, taken)| ReservedDemand {
                reservation: key.reservation.clone(),
                project: key.project.clone(),
                at_least: clamp(taken.told.at_least),
                at_most: clamp(taken.told.at_most),
            })
            .collect()
    }
}

fn enter<K: Ord>(entry: Entry<'_, K, Taken>, more: Taken) {
    let taken = entry.or_default();
    *taken = taken.plus(more);
}
