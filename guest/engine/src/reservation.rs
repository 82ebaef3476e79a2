//! Reserved capacity: how many instances of a launch the account's reservations can take.
//!
//! GPUs of a reservation do not count against the ordinary GPU row. An instance is placed whole, on one reservation. What
//! launches of every project take counts against the reservation itself, what those of one project take against the
//! project's share of it too.

use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};

use crate::{
    account::{Account, unreadable},
    band::Band,
    ledger::Ledger,
    row::{Bound, about_offer, clamp, headroom, measured_usage},
    vocabulary::{
        Finding, InstanceType, Launch, Policy, QuotaOutcome, Reason, Reservation, ReservationUse,
        SourceState, UsageState,
    },
};

/// What reservations can take of one launch.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    /// Instances that fit on what is proven free.
    pub(crate) instances: u64,
    /// Instances that fit where nothing is taken that is not certain. Where [`Self::uncertain`] says so, even more may fit.
    instances_at_most: u64,
    /// All GPUs of the matching reservations.
    limit: u64,
    /// GPUs of them that are free by what is promised for certain.
    free: u64,
    /// GPUs of `free` that starts under way may take.
    doubtful: u64,
    /// Why more may be free than the numbers say.
    pub(crate) uncertain: Option<String>,
    /// Announced changes of the reservations that can take part.
    pub(crate) announced: Vec<String>,
    /// Where the instances go, in the order of use.
    places: Vec<Place>,
}

/// What one reservation has free for whole instances, in GPUs.
#[derive(Debug)]
struct Place {
    reservation: String,
    /// What is taken of it for certain where enough is asked; less than is proven free where the launch may go elsewhere.
    at_least: u64,
    /// May be free.
    at_most: u64,
    /// Free before the plan.
    before: Band,
}

/// GPUs of one reservation that are free.
struct Free {
    at_least: u64,
    at_most: u64,
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
        let gpus = u64::from(instance_type.gpus).max(1);
        if let Some((_, why)) = unreadable(source, now, policy) {
            let matching = account.reservations.items.iter();
            let matching = matching.filter(|known| matches(known, launch, instance_type));
            return Self {
                uncertain: Some(format!("the reservations could not be read: {why}")),
                places: unknown_places(matching, gpus),
                ..Self::default()
            };
        }
        let mut by_fabric: BTreeMap<&str, Self> = BTreeMap::new();
        let mut contradictory = None;
        let mut doubted: Vec<&Reservation> = Vec::new();
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
                doubted.push(reservation);
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
            by_fabric.entry(fabric).or_default().add(
                reservation,
                gpus,
                &account.project,
                ledger,
                now,
            );
        }
        let uncertain = by_fabric.values().find_map(|cover| cover.uncertain.clone());
        let mut best = Self::best(by_fabric.into_values().collect());
        best.uncertain = uncertain.or(contradictory).or_else(|| {
            (source.state == SourceState::Incomplete)
                .then(|| String::from("the reservations were read in part"))
        });
        best.places
            .extend(unknown_places(doubted.into_iter(), gpus));
        if best.uncertain.is_some() {
            best.nowhere_for_certain();
        }
        best
    }

    /// The fabric with the most room for a launch that needs one. Where it is not certain which that is, the launch may go on
    /// any of them.
    fn best(mut fabrics: Vec<Self>) -> Self {
        let is_certain = |fabric: &Self| {
            fabric.uncertain.is_none() && fabric.instances == fabric.instances_at_most
        };
        let is_clear = fabrics.len() < 2 || fabrics.iter().all(is_certain);
        let at_most = fabrics.iter().map(|fabric| fabric.instances_at_most).max();
        fabrics.sort_by_key(|fabric| (fabric.instances, fabric.instances_at_most));
        let mut best = fabrics.pop().unwrap_or_default();
        best.instances_at_most = at_most.unwrap_or(0);
        if !is_clear {
            let others = fabrics.into_iter().flat_map(|fabric| fabric.places);
            best.places.extend(others);
            best.nowhere_for_certain();
        }
        best
    }

    /// Says that no reservation is sure to be the one that the launch goes on.
    fn nowhere_for_certain(&mut self) {
        for place in &mut self.places {
            place.at_least = 0;
            place.before.at_least = 0;
        }
    }

    fn add(
        &mut self,
        reservation: &Reservation,
        gpus: u64,
        project: &str,
        ledger: &Ledger,
        now: u64,
    ) {
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
        let (by_all, by_project) = ledger.reserved(&reservation.id, project);
        match free(reservation, by_all, by_project) {
            Some(free) => {
                self.free = self.free.saturating_add(free.at_most);
                self.doubtful = self.doubtful.saturating_add(free.at_most - free.at_least);
                let (at_least, at_most) = (free.at_least / gpus, free.at_most / gpus);
                self.instances = self.instances.saturating_add(at_least);
                self.instances_at_most = self.instances_at_most.saturating_add(at_most);
                // With nothing taken yet it is measured as well.
                let before = free_before(reservation).unwrap_or(free);
                self.places.push(Place {
                    reservation: reservation.id.clone(),
                    before: Band {
                        at_least: (before.at_least / gpus * gpus).into(),
                        at_most: (before.at_most / gpus * gpus).into(),
                    },
                    at_least: at_least * gpus,
                    at_most: at_most * gpus,
                });
            }
            None => {
                self.uncertain = Some(format!(
                    "how much of reservation {} is used was not measured",
                    reservation.id
                ));
                self.places
                    .extend(unknown_places(core::iter::once(reservation), gpus));
            }
        }
    }

    /// Instances that may fit, by everything that is not known.
    pub(crate) const fn at_most(&self) -> u64 {
        match self.uncertain {
            Some(_) => u64::MAX,
            None => self.instances_at_most,
        }
    }

    /// How many instances go on the reservations alone.
    pub(crate) const fn bound(&self) -> Bound {
        Bound {
            least: self.instances,
            most: self.at_most(),
        }
    }

    /// What starts under way may take, in words.
    pub(crate) fn may_be_held(&self) -> String {
        format!(
            "starts under way may take {} GPUs of the reserved capacity, or have them inside its usage already",
            self.doubtful
        )
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
        if !strict && self.instances_at_most == 0 {
            return None;
        }
        let count = u64::from(launch.count);
        let short = count > self.instances;
        let proven = self.uncertain.is_none();
        let may_be_held = proven && short && count <= self.instances_at_most;
        let room = self.instances.min(count);
        let mut words = vec![format!(
            "reservations have room for {room} of {count} instances"
        )];
        words.extend(self.uncertain.clone());
        if may_be_held {
            words.push(self.may_be_held());
        }
        words.extend(self.announced.iter().cloned());
        let bound = if proven { self.bound() } else { Bound::UNKNOWN };
        let (reason, outcome, bound) = match (strict, short) {
            (true, true) if may_be_held => (Reason::MayBeHeld, QuotaOutcome::Unknown, bound),
            (true, true) if proven && !launch.profile.restart => {
                (Reason::ReservationExhausted, QuotaOutcome::Blocked, bound)
            }
            (true, true) => (
                Reason::ReservationExhausted,
                QuotaOutcome::Unknown,
                Bound::UNKNOWN,
            ),
            (true, false) if launch.profile.restart => (
                Reason::Fits,
                QuotaOutcome::Fits,
                Bound {
                    most: u64::MAX,
                    ..bound
                },
            ),
            (true, false) => (Reason::Fits, QuotaOutcome::Fits, bound),
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

    /// Takes what goes on them of a launch, so that the next one in a plan finds it gone. Each takes what those before it leave:
    /// at least what it has for certain after all that they may have, at most what it may have after what they have for
    /// certain. Of a restart nothing is certain. The host is told without an order, since the cloud may begin anywhere.
    pub(crate) fn take(&self, launch: &Launch, gpus: u32, project: &str, ledger: &mut Ledger) {
        let asked = u64::from(launch.count).saturating_mul(gpus.into());
        let (mut least, mut most) = (asked, asked);
        for place in &self.places {
            let at_most = u128::from(most.min(place.at_most));
            let at_least = u128::from(least.min(place.at_least));
            least = least.saturating_sub(place.at_most);
            most = most.saturating_sub(place.at_least);
            let taken = if launch.profile.restart {
                Band::up_to(at_most)
            } else {
                Band { at_least, at_most }
            };
            ledger.reserve(&place.reservation, project, taken);
        }
        let places = self.places.iter();
        let places = places.map(|place| (place.reservation.as_str(), place.before));
        let asked = if launch.profile.restart {
            Band::up_to(asked.into())
        } else {
            Band::exactly(asked.into())
        };
        ledger.ask(project, places, asked);
    }
}

/// Reservations of which nobody knows what is free: a launch may take all that they are.
fn unknown_places<'a>(
    reservations: impl Iterator<Item = &'a Reservation>,
    gpus: u64,
) -> Vec<Place> {
    let mut largest: BTreeMap<&str, u64> = BTreeMap::new();
    for reservation in reservations {
        let most = largest.entry(&reservation.id).or_default();
        *most = reservation.limit.max(*most);
    }
    let places = largest.into_iter().map(|(id, limit)| Place {
        reservation: id.into(),
        at_least: 0,
        at_most: limit / gpus * gpus,
        before: Band::up_to((limit / gpus * gpus).into()),
    });
    places.collect()
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

/// GPUs that are free for the project: the smaller of the reservation's own and the project's share. None where the usage is
/// not measured.
fn free(reservation: &Reservation, by_all: Band, by_project: Band) -> Option<Free> {
    let own = left(
        (reservation.limit, reservation.usage),
        reservation.usage_state,
        (reservation.held, reservation.held_at_most),
        by_all,
    )?;
    let Some(limit) = reservation.project_limit else {
        return Some(own);
    };
    let share = left(
        (limit, reservation.project_usage),
        reservation.project_usage_state,
        (reservation.project_held, reservation.project_held_at_most),
        by_project,
    )?;
    Some(Free {
        at_least: own.at_least.min(share.at_least),
        at_most: own.at_most.min(share.at_most),
    })
}

/// The same before the plan took anything.
fn free_before(reservation: &Reservation) -> Option<Free> {
    free(reservation, Band::default(), Band::default())
}

/// What is left of a limit after usage, promises, and what earlier launches of the plan took.
fn left(
    (limit, usage): (u64, u64),
    usage_state: UsageState,
    (held, held_at_most): (u64, u64),
    taken: Band,
) -> Option<Free> {
    let used = measured_usage(usage, usage_state).ok()?;
    let after = |held, taken| headroom(limit, used, held).saturating_sub(clamp(taken));
    Some(Free {
        at_least: after(held_at_most.max(held), taken.at_most),
        at_most: after(held, taken.at_least),
    })
}
