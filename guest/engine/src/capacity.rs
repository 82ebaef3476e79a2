//! Advice on free hardware, read with care: it speaks of one moment, reserves nothing, and never changes the quota outcome.

use alloc::{format, string::String};
use core::fmt;

use crate::{
    account::{Account, unreadable},
    vocabulary::{
        Capacity, CapacityLevel, CapacityOutcome, Freshness, Lane, Launch, Lifecycle, Policy,
        QuotaOutcome, Reason, ReservationUse,
    },
};

/// What the advice comes to for one launch.
pub(crate) struct Advice {
    pub(crate) outcome: CapacityOutcome,
    /// Why, where there is something to say.
    pub(crate) said: Option<(Reason, String)>,
}

impl Advice {
    /// `wanted` counts the instances of the type on that lane, with those that a plan placed before.
    pub(crate) fn on(
        account: &Account,
        launch: &Launch,
        (lane, wanted): (Lane, u64),
        quota: QuotaOutcome,
        now: u64,
        policy: &Policy,
    ) -> Self {
        if let Some((_, why)) = unreadable(&account.capacities_source, now, policy) {
            return Self::nothing(policy, || {
                format!("the advice on capacity could not be read: {why}")
            });
        }
        let mut rows = account
            .capacities(&launch.offer.region, &launch.offer.instance_type)
            .filter(|row| row.lane == lane && on_fabric(row, launch))
            .peekable();
        if rows.peek().is_none() {
            return Self::nothing(policy, || {
                String::from("the cloud gives no advice on this type here")
            });
        }
        let mut fresh = rows.filter(|row| row.freshness == Freshness::Fresh);
        let Some(first) = fresh.next() else {
            return Self::nothing(policy, || {
                String::from("the cloud's advice on this type is not fresh")
            });
        };
        let (mut best, mut total) = (first, u64::from(first.available));
        for row in fresh {
            total = total.saturating_add(row.available.into());
            if (row.available, grade(row)) > (best.available, grade(best)) {
                best = row;
            }
        }
        Self::from_best(best, (total, wanted), launch, quota, policy)
    }

    fn from_best(
        best: &Capacity,
        (total, wanted): (u64, u64),
        launch: &Launch,
        quota: QuotaOutcome,
        policy: &Policy,
    ) -> Self {
        let place = Place(best.fabric.as_deref());
        let available = u64::from(best.available);
        if available == 0 && best.level == CapacityLevel::LimitReached {
            let word = match quota {
                QuotaOutcome::Fits => "although the rows have room",
                QuotaOutcome::Blocked | QuotaOutcome::Unknown => "which says nothing of hardware",
            };
            return Self {
                outcome: CapacityOutcome::Unknown,
                said: Some((
                    Reason::LimitReached,
                    format!(
                        "the cloud's advice says that the account's own limit is reached{place}, {word}"
                    ),
                )),
            };
        }
        if available >= wanted {
            return Self {
                outcome: CapacityOutcome::Likely,
                said: policy.explain.then(|| {
                    let risk = match best.level {
                        CapacityLevel::Low => ", with a high risk of finding none",
                        _ => "",
                    };
                    let room = format!("the cloud sees room for {available} now{place}{risk}");
                    (Reason::NotDecisive, room)
                }),
            };
        }
        // Several fabrics may serve instances that need not share one, but their numbers share one clip, so a sum that
        // reaches proves nothing, while a sum that does not reach is enough to doubt.
        let together = launch.profile.new_cluster || launch.profile.fabric.is_some();
        if !together && total >= wanted {
            return Self::nothing(policy, || {
                format!(
                    "the cloud sees room for {available} now{place}, and for {total} over all fabrics"
                )
            });
        }
        Self {
            outcome: CapacityOutcome::Unlikely,
            said: Some((
                Reason::NoCapacity,
                if available == 0 {
                    format!("the cloud sees no free hardware{place} now")
                } else {
                    format!("the cloud sees room for {available} of {wanted}{place} now")
                },
            )),
        }
    }

    /// Nothing usable, and why, where somebody asks.
    fn nothing(policy: &Policy, why: impl FnOnce() -> String) -> Self {
        Self {
            outcome: CapacityOutcome::Unknown,
            said: policy.explain.then(|| (Reason::CapacityUnknown, why())),
        }
    }
}

/// The kinds of launch that advice must speak of, each with the instances that it is asked for: where reservations take
/// `on_reserved` of them, the rest needs hardware of the ordinary kind.
pub(crate) fn lanes(launch: &Launch, on_reserved: u64) -> impl Iterator<Item = (Lane, u64)> {
    let count = u64::from(launch.count);
    let (lane, reserved) = match (launch.offer.lifecycle, launch.profile.reservation) {
        (Lifecycle::Preemptible, _) => (Lane::Preemptible, 0),
        (Lifecycle::OnDemand, ReservationUse::Strict) => (Lane::Reserved, 0),
        (Lifecycle::OnDemand, ReservationUse::Auto) => (Lane::OnDemand, on_reserved.min(count)),
        (Lifecycle::OnDemand, ReservationUse::Forbid) => (Lane::OnDemand, 0),
    };
    [(Lane::Reserved, reserved), (lane, count - reserved)]
        .into_iter()
        .filter(|(_, instances)| *instances > 0)
}

/// The outcome of two kinds of launch together: either without hardware is enough to miss it.
pub(crate) const fn worse(one: CapacityOutcome, other: CapacityOutcome) -> CapacityOutcome {
    match (one, other) {
        (CapacityOutcome::Unlikely, _) | (_, CapacityOutcome::Unlikely) => {
            CapacityOutcome::Unlikely
        }
        (CapacityOutcome::Unknown, _) | (_, CapacityOutcome::Unknown) => CapacityOutcome::Unknown,
        (CapacityOutcome::Likely, CapacityOutcome::Likely) => CapacityOutcome::Likely,
    }
}

fn on_fabric(row: &Capacity, launch: &Launch) -> bool {
    match &launch.profile.fabric {
        Some(fabric) => row.fabric.as_ref() == Some(fabric),
        None => true,
    }
}

/// Among fabrics with as much room, the one that the cloud grades best; a fabric without hardware says more than one
/// whose limit is reached.
const fn grade(row: &Capacity) -> u8 {
    match row.level {
        CapacityLevel::High => 4,
        CapacityLevel::Medium => 3,
        CapacityLevel::Low => 2,
        CapacityLevel::Unknown => 1,
        CapacityLevel::LimitReached => 0,
    }
}

/// The fabric that advice speaks of, where it names one.
struct Place<'a>(Option<&'a str>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(fabric) => write!(formatter, " on fabric {fabric}"),
            None => Ok(()),
        }
    }
}
