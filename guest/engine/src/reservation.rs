//! Reserved capacity: how many instances of a launch the account's reservations can take.
//!
//! GPUs of a reservation do not count against the ordinary GPU row. An instance is placed whole, on one reservation. What
//! launches of every project take counts against the reservation itself, what those of one project take against the
//! project's share of it too.

use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use core::mem;

use crate::{
    account::{Account, unreadable},
    band::Band,
    ledger::Ledger,
    row::{Bound, about_offer, clamp, headroom},
    usage::Usage,
    vocabulary::{
        Finding, InstanceType, Launch, Policy, QuotaOutcome, Reason, Reservation,
        ReservationChange, ReservationUse, SourceState,
    },
};

/// What reservations can take of one launch.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    /// Instances that fit on what is proven free.
    pub(crate) instances: u64,
    /// Instances that fit where nothing is taken that is not certain. Where [`Self::is_unbounded`], even more may fit.
    instances_at_most: u64,
    /// All GPUs of the matching reservations.
    limit: u64,
    /// GPUs of them that are free by what is promised for certain.
    free: u64,
    /// GPUs of `free` that starts under way may take.
    doubtful: u64,
    /// Why more may be free than is proven, where that is not what starts under way may take.
    pub(crate) uncertain: Option<String>,
    /// Whether no number says how much more.
    pub(crate) is_unbounded: bool,
    /// Announced changes of the reservations that can take part, later than the launch's first day.
    pub(crate) announced: Vec<String>,
    /// Those within it.
    soon: Vec<Change>,
    /// Where the instances go, in the order of use.
    places: Vec<Place>,
}

/// A change of a reservation that comes soon.
#[derive(Debug)]
struct Change {
    /// What the reservation holds until then.
    limit: u64,
    said: String,
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
    /// Whether the ends differ only by what starts under way may take.
    is_measured: bool,
}

impl Free {
    /// What is free where either may be so.
    fn or(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.min(other.at_least),
            at_most: self.at_most.max(other.at_most),
            is_measured: self.is_measured && other.is_measured,
        }
    }
}

/// Within this time, in milliseconds, a change of a reservation concerns a launch of now.
const DAY: u64 = 24 * 3_600_000;

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
                is_unbounded: true,
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
        let is_unbounded = by_fabric.values().any(|cover| cover.is_unbounded);
        let soon = by_fabric
            .values_mut()
            .flat_map(|cover| mem::take(&mut cover.soon));
        let soon: Vec<Change> = soon.collect();
        let in_part = (source.state == SourceState::Incomplete)
            .then(|| String::from("the reservations were read in part"));
        let mut best = Self::best(by_fabric.into_values().collect());
        best.is_unbounded = is_unbounded || contradictory.is_some() || in_part.is_some();
        best.uncertain = uncertain.or(contradictory).or(in_part);
        best.soon = soon;
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
        let change = reservation.next_change.as_ref();
        let change = change.filter(|change| change.limit != Some(reservation.limit));
        let due = change.filter(|change| change.at <= now);
        if let Some(change) = change.filter(|change| change.at > now) {
            let left = change.at - now;
            let said = announced(reservation, change, left);
            if left <= DAY {
                let limit = reservation.limit;
                self.soon.push(Change { limit, said });
            } else {
                self.announced.push(said);
            }
        }
        let taken = ledger.reserved(&reservation.id, project);
        let free_after = |taken| {
            let listed = free(reservation, reservation.limit, taken);
            let Some(change) = due else {
                return listed;
            };
            // It is in force, and the list still shows what was before: either may be so.
            let changed = free(reservation, change.limit?, taken)?;
            Some(listed?.or(changed))
        };
        if let Some(change) = due {
            self.uncertain = Some(overdue(reservation, change, now));
        }
        match free_after(taken) {
            Some(free) => {
                self.free = self.free.saturating_add(free.at_most);
                self.doubtful = self.doubtful.saturating_add(free.at_most - free.at_least);
                if !free.is_measured {
                    self.uncertain = Some(unmeasured(reservation));
                }
                let (at_least, at_most) = (free.at_least / gpus, free.at_most / gpus);
                self.instances = self.instances.saturating_add(at_least);
                self.instances_at_most = self.instances_at_most.saturating_add(at_most);
                // With nothing taken yet it is measured as well.
                let before = free_after((Band::default(), Band::default())).unwrap_or(free);
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
                self.is_unbounded = true;
                self.uncertain
                    .get_or_insert_with(|| unmeasured(reservation));
                self.places
                    .extend(unknown_places(core::iter::once(reservation), gpus));
            }
        }
    }

    /// Instances that may fit, by everything that is not known.
    pub(crate) const fn at_most(&self) -> u64 {
        if self.is_unbounded {
            u64::MAX
        } else {
            self.instances_at_most
        }
    }

    /// How many instances go on the reservations alone.
    pub(crate) const fn bound(&self) -> Bound {
        Bound {
            least: self.instances,
            most: self.at_most(),
        }
    }

    /// What changes within the launch's first day: it is told whatever the verdict.
    pub(crate) fn soon(&self, launch: &Launch) -> impl Iterator<Item = Finding> {
        self.soon.iter().map(|change| {
            let said = change.said.clone();
            let mut finding = about_offer(launch, Reason::ChangesSoon, QuotaOutcome::Fits, said);
            finding.unit = String::from("count");
            // The launch takes nothing by it; so it is one finding of a plan, however many launches it concerns.
            finding.required = None;
            finding.limit = Some(change.limit);
            finding
        })
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
        let is_certain = self.uncertain.is_none();
        let may_be_held = is_certain && short && count <= self.instances_at_most;
        let room = self.instances.min(count);
        let mut words = vec![format!(
            "reservations have room for {room} of {count} instances"
        )];
        words.extend(self.uncertain.clone());
        if may_be_held {
            words.push(self.may_be_held());
        }
        words.extend(self.announced.iter().cloned());
        let bound = if self.is_unbounded {
            Bound::UNKNOWN
        } else {
            self.bound()
        };
        let (reason, outcome, bound) = match (strict, short) {
            (true, true) if may_be_held => (Reason::MayBeHeld, QuotaOutcome::Unknown, bound),
            (true, true) if launch.profile.restart => (
                Reason::ReservationExhausted,
                QuotaOutcome::Unknown,
                Bound::UNKNOWN,
            ),
            (true, true) => {
                let outcome = if count > self.at_most() {
                    QuotaOutcome::Blocked
                } else {
                    QuotaOutcome::Unknown
                };
                (Reason::ReservationExhausted, outcome, bound)
            }
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
        finding.required = Some(required);
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

/// What is announced of a reservation, in words.
fn announced(reservation: &Reservation, change: &ReservationChange, left: u64) -> String {
    format!(
        "reservation {} changes from {} GPUs to {} in {}",
        reservation.id,
        reservation.limit,
        size(change),
        span(left)
    )
}

/// Says that an announced change is due which the list does not show.
fn overdue(reservation: &Reservation, change: &ReservationChange, now: u64) -> String {
    format!(
        "reservation {} was to change from {} GPUs to {} {} ago, and the list does not show it",
        reservation.id,
        reservation.limit,
        size(change),
        span(now.saturating_sub(change.at))
    )
}

fn size(change: &ReservationChange) -> String {
    change.limit.map_or_else(
        || String::from("another size"),
        |limit| format!("{limit} GPUs"),
    )
}

/// A time in words.
fn span(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Says that nothing tells how much of a reservation is used.
fn unmeasured(reservation: &Reservation) -> String {
    let told = [
        Usage::of_reservation(reservation).said(reservation.limit),
        reservation
            .project_limit
            .and_then(|limit| Usage::of_share(reservation).said(limit)),
    ];
    let told = told.into_iter().flatten().next();
    format!(
        "how much of reservation {} is used was not measured{}",
        reservation.id,
        told.map_or_else(String::new, |told| format!(" ({told})"))
    )
}

/// GPUs that are free for the project where the reservation holds `limit`: the smaller of its own and the project's share.
/// None where nothing bounds the usage.
fn free(reservation: &Reservation, limit: u64, (by_all, by_project): (Band, Band)) -> Option<Free> {
    let own = left(
        limit,
        Usage::of_reservation(reservation),
        (reservation.held, reservation.held_at_most),
        by_all,
    )?;
    let Some(limit) = reservation.project_limit else {
        return Some(own);
    };
    let share = left(
        limit,
        Usage::of_share(reservation),
        (reservation.project_held, reservation.project_held_at_most),
        by_project,
    )?;
    Some(Free {
        at_least: own.at_least.min(share.at_least),
        at_most: own.at_most.min(share.at_most),
        is_measured: own.is_measured && share.is_measured,
    })
}

/// What is left of a limit after usage, promises, and what earlier launches of the plan took. Of a usage that was not
/// measured only the least may be known; then what is promised may be inside it.
fn left(
    limit: u64,
    usage: Usage<'_>,
    (held, held_at_most): (u64, u64),
    taken: Band,
) -> Option<Free> {
    let after = |used, held, taken| headroom(limit, used, held).saturating_sub(clamp(taken));
    match usage.measured() {
        Ok(used) => Some(Free {
            at_least: after(used, held_at_most.max(held), taken.at_most),
            at_most: after(used, held, taken.at_least),
            is_measured: true,
        }),
        Err(_) => match usage.at_least(limit) {
            0 => None,
            used => Some(Free {
                at_least: 0,
                at_most: after(used, 0, taken.at_least),
                is_measured: false,
            }),
        },
    }
}
