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
    reserved: BTreeMap<ReservedKey, Band>,
    pools: BTreeMap<PoolKey, Pool>,
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

/// Launches of a project that may go on the same reservations.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PoolKey {
    project: String,
    reservations: Vec<String>,
}

/// What they ask for, and what each reservation had free before the plan, in GPUs. The cloud may use the reservations in any
/// order.
#[derive(Debug)]
struct Pool {
    asked: Band,
    free: Vec<Band>,
}

impl Pool {
    /// What is taken of each reservation: at least what none of the others can take.
    fn taken(&self) -> impl Iterator<Item = Band> + '_ {
        let all: u128 = self
            .free
            .iter()
            .fold(0, |sum: u128, free| sum.saturating_add(free.at_most));
        self.free.iter().map(move |free| {
            let elsewhere = all.saturating_sub(free.at_most);
            Band {
                at_least: self
                    .asked
                    .at_least
                    .saturating_sub(elsewhere)
                    .min(free.at_least),
                at_most: self.asked.at_most.min(free.at_most),
            }
        })
    }
}

/// What is taken of one row.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    amount: Band,
    /// Whether the tenant or a project has the row, or may have it.
    may_exist: bool,
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
            .fold(Band::default(), |sum, (_, taken)| sum.plus(taken.amount))
    }

    /// Takes what `count` instances of a launch draw from a quota.
    pub(crate) fn take(&mut self, sum: &Sum<'_>, drawn: Drawn<'_>, count: Band) {
        let amount = sum.each.times(count).plus(sum.once);
        if amount.at_most > 0 {
            let key = RowKey {
                quota: sum.quota.clone().into_owned(),
                project: drawn.project.into(),
                region: drawn.region.into(),
            };
            let taken = self.rows.entry(key).or_default();
            taken.amount = taken.amount.plus(amount);
            taken.may_exist |= drawn.may_exist;
        }
    }

    /// GPUs taken of a reservation: by launches of every project, and by those of one.
    pub(crate) fn reserved(&self, reservation: &str, project: &str) -> (Band, Band) {
        let mut sums = (Band::default(), Band::default());
        for (key, taken) in &self.reserved {
            if key.reservation == reservation {
                sums.0 = sums.0.plus(*taken);
                if key.project == project {
                    sums.1 = sums.1.plus(*taken);
                }
            }
        }
        sums
    }

    /// Takes GPUs of a reservation for a launch of a project, as the launches that follow in the plan find it.
    pub(crate) fn reserve(&mut self, reservation: &str, project: &str, taken: Band) {
        if taken.at_most > 0 {
            let key = ReservedKey {
                reservation: reservation.into(),
                project: project.into(),
            };
            let sum = self.reserved.entry(key).or_default();
            *sum = sum.plus(taken);
        }
    }

    /// Asks for GPUs of any of these reservations, each with what it had free before the plan; for the host to hold.
    pub(crate) fn ask<'p>(
        &mut self,
        project: &str,
        places: impl Iterator<Item = (&'p str, Band)>,
        asked: Band,
    ) {
        let mut places: Vec<(&str, Band)> = places.filter(|(_, free)| free.at_most > 0).collect();
        if places.is_empty() || asked.at_most == 0 {
            return;
        }
        places.sort_unstable_by_key(|(reservation, _)| *reservation);
        let key = PoolKey {
            project: project.into(),
            reservations: places.iter().map(|(id, _)| String::from(*id)).collect(),
        };
        let free = places.into_iter().map(|(_, free)| free);
        match self.pools.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Pool {
                    asked,
                    free: free.collect(),
                });
            }
            Entry::Occupied(mut entry) => {
                let pool = entry.get_mut();
                pool.asked = pool.asked.plus(asked);
                // Instances of another size leave other parts of it free.
                for (known, free) in pool.free.iter_mut().zip(free) {
                    known.at_least = known.at_least.min(free.at_least);
                    known.at_most = known.at_most.max(free.at_most);
                }
            }
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
            .filter(|(_, taken)| taken.may_exist)
            .map(|(key, taken)| HeldDemand {
                quota: key.quota.clone(),
                project: key.project.clone(),
                region: key.region.clone(),
                at_least: clamp(taken.amount.at_least),
                at_most: clamp(taken.amount.at_most),
            })
            .collect()
    }

    /// Everything taken of reservations, for the host to hold.
    pub(crate) fn reserved_demands(&self) -> Vec<ReservedDemand> {
        let mut sums: BTreeMap<(&str, &str), Band> = BTreeMap::new();
        for (key, pool) in &self.pools {
            for (reservation, taken) in key.reservations.iter().zip(pool.taken()) {
                let sum = sums.entry((reservation, &key.project)).or_default();
                *sum = sum.plus(taken);
            }
        }
        sums.into_iter()
            .map(|((reservation, project), taken)| ReservedDemand {
                reservation: reservation.into(),
                project: project.into(),
                at_least: clamp(taken.at_least),
                at_most: clamp(taken.at_most),
            })
            .collect()
    }
}
