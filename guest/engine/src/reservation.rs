//! Reserved capacity: how many instances of a launch the account's reservations can take (nebius.md 4.9, design.md
//! "Reservation").
//!
//! GPUs of a reservation do not count against the ordinary GPU row. An instance is placed whole, on one reservation.

use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};

use crate::{
    account::{Account, unreadable},
    ledger::Ledger,
    row::{Bound, about_offer, headroom, measured_usage},
    vocabulary::{
        Finding, InstanceType, Launch, Policy, QuotaOutcome, Reason, Reservation, ReservationUse,
        SourceState,
    },
};

/// What reservations can take of one launch.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    /// Instances that fit on what is proven free.
    pub(crate) instances: u64,
    /// All GPUs of the matching reservations.
    pub(crate) limit: u64,
    /// GPUs of them that are proven free.
    pub(crate) free: u64,
    /// Why more may be free than is proven.
    pub(crate) uncertain: Option<String>,
    /// Announced changes of the reservations that can take part.
    pub(crate) announced: Vec<String>,
    /// Where the instances go: reservation and GPUs free for whole instances, in the order of use.
    places: Vec<(String, u64)>,
}

impl Cover {
    /// Finds what can take instances of `instance_type`.
    pub(crate) fn of(
        account: &Account,
        launch: &Launch,
        instance_type: &InstanceType,
        ledger: &Ledger,
        now: u64,
        policy: &Policy,
    ) -> Self {
        let source = &account.reservations.source;
        if let Some((_, why)) = unreadable(source, now, policy) {
            return Self {
                uncertain: Some(format!("the reservations could not be read: {why}")),
                ..Self::default()
            };
        }
        let gpus = u64::from(instance_type.gpus).max(1);
        let mut by_fabric: BTreeMap<&str, Self> = BTreeMap::new();
        let mut contradictory = None;
        let one_fabric = launch.profile.new_cluster && launch.profile.fabric.is_none();
        let items = &account.reservations.items;
        for (index, reservation) in items.iter().enumerate() {
            if !matches(reservation, launch, instance_type) {
                continue;
            }
            // Listed more than once, it is there once; where the copies differ, nothing is proven of it.
            let mut copies = items
                .iter()
                .enumerate()
                .filter(|(_, other)| other.id == reservation.id);
            if copies.clone().any(|(_, copy)| copy != reservation) {
                contradictory = Some(format!(
                    "reservation {} is listed more than once, with different numbers",
                    reservation.id
                ));
                continue;
            }
            if copies.next().is_some_and(|(first, _)| first != index) {
                continue;
            }
            // Without a cluster the fabrics add up, so they share one entry.
            let fabric = match (&reservation.fabric, one_fabric) {
                (Some(fabric), true) => fabric.as_str(),
                _ => "",
            };
            by_fabric
                .entry(fabric)
                .or_default()
                .add(reservation, gpus, ledger, now);
        }
        let uncertain = by_fabric.values().find_map(|cover| cover.uncertain.clone());
        let mut best = by_fabric
            .into_values()
            .max_by_key(|cover| cover.instances)
            .unwrap_or_default();
        best.uncertain = uncertain.or(contradictory).or_else(|| {
            (source.state == SourceState::Incomplete)
                .then(|| String::from("the reservations were read in part"))
        });
        best
    }

    fn add(&mut self, reservation: &Reservation, gpus: u64, ledger: &Ledger, now: u64) {
        let taken = ledger.reserved(&reservation.id);
        self.limit = self.limit.saturating_add(reservation.limit);
        if let Some(change) = &reservation.next_change {
            let to = change.limit.map_or_else(
                || String::from("another size"),
                |limit| format!("{limit} GPUs"),
            );
            let hours = change.at.saturating_sub(now) / 3_600_000;
            self.announced.push(format!(
                "reservation {} changes from {} GPUs to {to} in {} d {} h",
                reservation.id,
                reservation.limit,
                hours / 24,
                hours % 24
            ));
        }
        match free(reservation) {
            Some(free) => {
                let free = free.saturating_sub(taken);
                self.free = self.free.saturating_add(free);
                self.instances = self.instances.saturating_add(free / gpus);
                self.places
                    .push((reservation.id.clone(), free / gpus * gpus));
            }
            None => {
                self.uncertain = Some(format!(
                    "how much of reservation {} is used was not measured",
                    reservation.id
                ));
            }
        }
    }

    /// What the reservations do for the launch: it decides for one that insists on them, and says how many more would fit
    /// where they take every instance (`behind` is how many the GPU rows let through besides). None where they do nothing.
    pub(crate) fn finding(
        &self,
        launch: &Launch,
        instance_type: &InstanceType,
        behind: Bound,
    ) -> Option<(Finding, Bound)> {
        let strict = launch.profile.reservation == ReservationUse::Strict;
        if !strict && self.instances == 0 {
            return None;
        }
        let count = u64::from(launch.count);
        let short = count > self.instances;
        let proven = self.uncertain.is_none();
        let room = self.instances.min(count);
        let mut words = vec![format!(
            "reservations have room for {room} of {count} instances"
        )];
        words.extend(self.uncertain.clone());
        words.extend(self.announced.iter().cloned());
        let (reason, outcome, bound) = match (strict, short) {
            (true, true) if proven && !launch.profile.restart => (
                Reason::ReservationExhausted,
                QuotaOutcome::Blocked,
                Bound {
                    most: self.instances,
                    exact: true,
                },
            ),
            (true, true) => (
                Reason::ReservationExhausted,
                QuotaOutcome::Unknown,
                Bound::UNKNOWN,
            ),
            (true, false) if proven => (
                Reason::Fits,
                QuotaOutcome::Fits,
                Bound {
                    most: self.instances,
                    exact: true,
                },
            ),
            (true, false) => (Reason::Fits, QuotaOutcome::Fits, Bound::UNKNOWN),
            (false, true) => (Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED),
            (false, false) => (Reason::Fits, QuotaOutcome::Fits, behind),
        };
        let required = count.saturating_mul(instance_type.gpus.into());
        let mut finding = about_offer(launch, reason, outcome, words.join("; "));
        finding.unit = String::from("count");
        finding.required = required;
        finding.limit = Some(self.limit);
        finding.headroom = Some(self.free);
        finding.shortfall = Some(required.saturating_sub(self.free))
            .filter(|shortfall| *shortfall > 0 && reason == Reason::ReservationExhausted);
        Some((finding, bound))
    }

    /// Takes `instances` of them for a launch, so that the next one in a plan finds them gone.
    pub(crate) fn take(&self, instances: u64, gpus: u32, ledger: &mut Ledger) {
        let mut left = instances.saturating_mul(gpus.into());
        for (id, free) in &self.places {
            let here = left.min(*free);
            if here > 0 {
                ledger.reserve(id, here);
                left -= here;
            }
        }
    }
}

fn matches(reservation: &Reservation, launch: &Launch, instance_type: &InstanceType) -> bool {
    let fabric_fits = match &launch.profile.fabric {
        Some(fabric) => reservation.fabric.as_ref() == Some(fabric),
        None => true,
    };
    reservation.active
        && fabric_fits
        && reservation.region == launch.offer.region
        && reservation.family == instance_type.family
}

/// GPUs that are proven free for the project: the smaller of the reservation's own and the project's share.
fn free(reservation: &Reservation) -> Option<u64> {
    let used = measured_usage(reservation.usage, reservation.usage_state).ok()?;
    let own = headroom(reservation.limit, used, reservation.held);
    let Some(limit) = reservation.project_limit else {
        return Some(own);
    };
    let used = measured_usage(reservation.project_usage, reservation.project_usage_state).ok()?;
    Some(own.min(headroom(limit, used, reservation.held)))
}
