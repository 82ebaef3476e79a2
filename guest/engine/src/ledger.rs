//! What launches judged earlier in a plan have taken, so that the next one finds it gone.

use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    vec::Vec,
};

use crate::{band::Band, reader::Number, target::LedgerKey};

/// Amounts taken so far, for a plan; a launch that is judged alone needs no book.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_kept: bool,
    rows: BTreeMap<LedgerKey, Band>,
    /// By reservation and project.
    reserved: BTreeMap<(Number, Number), Band>,
    pools: BTreeMap<PoolKey, Pool>,
    placed: BTreeMap<Placement, u64>,
}

/// Instances of one type in one region under one lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placement {
    pub(crate) region: Number,
    pub(crate) instance_type: Number,
    pub(crate) lifecycle: Number,
}

/// Launches of a project that may go on the same reservations.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PoolKey {
    project: Number,
    reservations: Vec<PoolMember>,
}

/// A reservation in a pool, with the project's share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolMember {
    pub(crate) reservation: Number,
    /// Zero where the project's share is not limited.
    pub(crate) share: Number,
}

/// What they ask for, and what each reservation had free before the plan, in its unit. The cloud may use the reservations in any
/// order.
#[derive(Debug)]
struct Pool {
    asked: Band,
    free: Vec<Band>,
}

/// What one reservation had free before the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contribution {
    pub(crate) member: PoolMember,
    pub(crate) free: Band,
}

/// What is taken of one reservation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReservationTaken {
    /// By launches of every project.
    pub(crate) by_all: Band,
    /// By those of one.
    pub(crate) by_project: Band,
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

    /// Taken of a row so far.
    pub(crate) fn taken(&self, row: &LedgerKey) -> Band {
        if self.rows.is_empty() {
            return Band::default();
        }
        self.rows.get(row).copied().unwrap_or_default()
    }

    /// Takes an amount of a row.
    pub(crate) fn take(&mut self, row: &LedgerKey, amount: Band) {
        if amount.at_most > 0 {
            let taken = self.rows.entry(row.clone()).or_default();
            *taken = taken.plus(amount);
        }
    }

    /// Taken of a reservation.
    pub(crate) fn reserved(&self, reservation: Number, project: Number) -> ReservationTaken {
        let mut sums = ReservationTaken::default();
        let of_reservation = self
            .reserved
            .range((reservation, 0)..=(reservation, Number::MAX));
        for ((_, by), taken) in of_reservation {
            sums.by_all = sums.by_all.plus(*taken);
            if *by == project {
                sums.by_project = sums.by_project.plus(*taken);
            }
        }
        sums
    }

    /// Takes of a reservation for a launch of a project, as the launches that follow in the plan find it.
    pub(crate) fn reserve(&mut self, reservation: Number, project: Number, taken: Band) {
        if taken.at_most > 0 {
            let sum = self.reserved.entry((reservation, project)).or_default();
            *sum = sum.plus(taken);
        }
    }

    /// Asks for capacity of any of these reservations, for the host to hold.
    pub(crate) fn ask(
        &mut self,
        project: Number,
        contributions: impl Iterator<Item = Contribution>,
        asked: Band,
    ) {
        let mut places: Vec<Contribution> = contributions
            .filter(|contribution| contribution.free.at_most > 0)
            .collect();
        if places.is_empty() || asked.at_most == 0 {
            return;
        }
        places.sort_unstable_by_key(|contribution| contribution.member);
        let key = PoolKey {
            project,
            reservations: places.iter().map(|place| place.member).collect(),
        };
        let free = places.into_iter().map(|place| place.free);
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

    /// Instances placed there so far.
    pub(crate) fn placed(&self, place: Placement) -> u64 {
        if self.placed.is_empty() {
            return 0;
        }
        self.placed.get(&place).copied().unwrap_or(0)
    }

    /// Places instances.
    pub(crate) fn place(&mut self, place: Placement, count: u64) {
        let placed = self.placed.entry(place).or_default();
        *placed = placed.saturating_add(count);
    }

    /// Everything taken, by row, for the host to hold: of quotas, of reservations, and of projects' shares of them.
    pub(crate) fn takes(&self) -> BTreeMap<Number, Band> {
        let mut sums: BTreeMap<Number, Band> = BTreeMap::new();
        let mut add = |row: Number, taken: Band| {
            if row != 0 && taken.at_most > 0 {
                let sum = sums.entry(row).or_default();
                *sum = sum.plus(taken);
            }
        };
        for (key, taken) in &self.rows {
            if let LedgerKey::Row(row) = key {
                add(*row, *taken);
            }
        }
        for (key, pool) in &self.pools {
            for (member, taken) in key.reservations.iter().zip(pool.taken()) {
                add(member.reservation, taken);
                add(member.share, taken);
            }
        }
        sums
    }
}
