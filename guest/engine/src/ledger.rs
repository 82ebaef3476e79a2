//! What launches judged earlier in a plan have taken, so that the next one finds it gone.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    demand::Demand,
    row::clamp,
    vocabulary::{HeldDemand, Lane, Offer, ReservedDemand, Scope},
};

/// Amounts taken so far, for a plan; a launch that is judged alone needs no book.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_kept: bool,
    rows: BTreeMap<RowKey, u128>,
    reserved: BTreeMap<String, u64>,
    placed: BTreeMap<(String, String, u8), u64>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    quota: String,
    project: String,
    region: String,
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
    pub(crate) fn taken(&self, scope: Scope, project: &str, region: &str, quota: &str) -> u128 {
        self.rows
            .iter()
            .filter(|(key, _)| {
                key.quota == quota
                    && key.region == region
                    && (scope == Scope::Tenant || key.project == project)
            })
            .fold(0, |sum: u128, (_, amount)| sum.saturating_add(*amount))
    }

    /// Takes what `count` instances of a launch draw from a quota.
    pub(crate) fn take(&mut self, demand: &Demand<'_>, project: &str, region: &str, count: u64) {
        let amount = demand
            .each
            .saturating_mul(count.into())
            .saturating_add(demand.once);
        if amount > 0 {
            let key = RowKey {
                quota: demand.quota.clone().into_owned(),
                project: project.into(),
                region: region.into(),
            };
            let taken = self.rows.entry(key).or_default();
            *taken = taken.saturating_add(amount);
        }
    }

    /// GPUs taken of a reservation.
    pub(crate) fn reserved(&self, reservation: &str) -> u64 {
        self.reserved.get(reservation).copied().unwrap_or(0)
    }

    /// Takes GPUs of a reservation.
    pub(crate) fn reserve(&mut self, reservation: &str, gpus: u64) {
        let taken = self.reserved.entry(reservation.into()).or_default();
        *taken = taken.saturating_add(gpus);
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
    pub(crate) fn place(&mut self, offer: &Offer, lane: Lane, count: u32) {
        let key = (
            offer.region.clone(),
            offer.instance_type.clone(),
            lane as u8,
        );
        let placed = self.placed.entry(key).or_default();
        *placed = placed.saturating_add(count.into());
    }

    /// Everything taken of quotas, for the host to hold.
    pub(crate) fn demands(&self) -> Vec<HeldDemand> {
        self.rows
            .iter()
            .map(|(key, amount)| HeldDemand {
                quota: key.quota.clone(),
                project: key.project.clone(),
                region: key.region.clone(),
                amount: clamp(*amount),
            })
            .collect()
    }

    /// Everything taken of reservations, for the host to hold.
    pub(crate) fn reserved_demands(&self) -> Vec<ReservedDemand> {
        self.reserved
            .iter()
            .map(|(reservation, amount)| ReservedDemand {
                reservation: reservation.clone(),
                amount: *amount,
            })
            .collect()
    }
}
