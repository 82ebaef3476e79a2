//! Reserved capacity: how many instances of a launch the account's reservations can take.
//!
//! What a reservation covers does not count against the ordinary row. An instance is placed whole, on one reservation. What
//! launches of every project take counts against the reservation itself, what those of one project take against the
//! project's share of it too.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::mem;

use quotagate_contract::{Limit, RowState};

use crate::{
    amount::Bound,
    band::Band,
    cloud::Serves,
    compile::{Compiled, Serving},
    context::{KnownReservation, ReadRow, RegionContext},
    ledger::{Contribution, Ledger, PoolMember, ReservationTaken},
    reader::{Held, Number},
    reservation_words::{announced, by_default, name_of, overdue, span, unit_of, unmeasured},
    row::Room,
    sources::{ListReading, Readability, Sources},
};

/// What reservations can take of one launch.
#[derive(Debug, Default)]
pub(crate) struct ReservationCover {
    /// Instances that fit on what is proven free.
    pub(crate) instances: u64,
    /// Instances that fit where nothing is taken that is not certain. Where [`Self::is_unbounded`], even more may fit.
    pub(crate) instances_at_most: u64,
    /// What all matching reservations are, in their unit.
    pub(crate) limit: u64,
    /// What of them is free by what is promised for certain.
    pub(crate) free: u64,
    /// What of `free` starts under way may take.
    pub(crate) doubtful: u64,
    /// Why more may be free than is proven, where that is not what starts under way may take.
    pub(crate) uncertain: Option<String>,
    /// Whether no number says how much more.
    pub(crate) is_unbounded: bool,
    /// Announced changes of the reservations that can take part, later than the launch's first day.
    pub(crate) announced: Vec<String>,
    /// Those within it.
    pub(crate) soon: Vec<SoonChange>,
    /// What one instance takes, in the reservations' unit.
    pub(crate) each: u64,
    /// The unit, in words.
    pub(crate) unit: &'static str,
    /// Where the instances go, in the order of use.
    places: Vec<PlaceFree>,
}

/// A change of a reservation that comes soon.
#[derive(Debug)]
pub(crate) struct SoonChange {
    /// What the reservation holds until then.
    pub(crate) limit: u64,
    pub(crate) said: String,
}

/// What one reservation has free for whole instances, in its unit.
#[derive(Debug)]
struct PlaceFree {
    member: PoolMember,
    /// What is taken of it for certain where enough is asked; less than is proven free where the launch may go elsewhere.
    at_least: u64,
    /// May be free.
    at_most: u64,
    /// Free before the plan.
    before: Band,
    /// Whether a launch must name it.
    is_targeted: bool,
}

/// What of one reservation is free.
#[derive(Clone, Copy)]
struct Free {
    at_least: u64,
    at_most: u64,
    /// Whether the ends differ only by what starts under way may take.
    is_measured: bool,
}

impl Free {
    const NOTHING: Self = Self {
        at_least: 0,
        at_most: 0,
        is_measured: true,
    };

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
/// A reservation that ends within this time, in milliseconds, may no longer serve.
const ENDING: u64 = 30 * 60_000;

/// What a cover is looked for with.
pub(crate) struct CoverQuestion<'a> {
    pub(crate) context: &'a RegionContext,
    pub(crate) sources: Sources<'a>,
    /// How far the reservations were read.
    pub(crate) list: Readability,
    pub(crate) compiled: &'a Compiled,
    /// The zone that the launch names; zero for none.
    pub(crate) zone: Number,
    /// Whether all instances must share a zone.
    pub(crate) together: bool,
    pub(crate) reservation_key: Option<&'a str>,
    pub(crate) project: Number,
    pub(crate) held: &'a [Held],
    /// Whether what is held counts towards a proven exhaustion.
    pub(crate) held_proves_shortage: bool,
    pub(crate) words: bool,
    pub(crate) restart: bool,
    pub(crate) count: u32,
}

/// A reservation that can take part, and how.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    known: &'a KnownReservation,
    serves: Serves,
    /// Whether it ends so soon that it may no longer serve.
    is_ending: bool,
}

impl<'a> CoverQuestion<'a> {
    fn word(&self, words: impl FnOnce() -> String) -> String {
        if self.words { words() } else { String::new() }
    }

    /// The reservations that serve the launch now, as asked.
    fn candidates(&self) -> impl Iterator<Item = Candidate<'a>> + '_ {
        let now = self.sources.now;
        self.compiled.serving.iter().filter_map(move |serving| {
            let Serving { index, serves } = *serving;
            let known = self.context.reservations.get(index)?;
            let reservation = &known.reservation;
            let is_named = self.reservation_key == Some(reservation.row.key.as_str());
            let may_go_there = match self.reservation_key {
                Some(_) => is_named,
                None => !reservation.targeted,
            };
            // One of no zone serves launches in each.
            let is_there = self.zone == 0 || known.zone == 0 || known.zone == self.zone;
            let has_begun = reservation.begins.is_none_or(|begins| begins <= now);
            let has_ended = reservation.ends.is_some_and(|ends| ends <= now);
            (may_go_there && is_there && has_begun && !has_ended).then(|| Candidate {
                known,
                serves,
                is_ending: reservation.ends.is_some_and(|ends| ends - now <= ENDING),
            })
        })
    }

    fn held(&self, row: Number) -> Held {
        held_of(self.held, row)
    }

    /// Finds what can take instances.
    pub(crate) fn cover(&self, ledger: &Ledger) -> ReservationCover {
        let candidates: Vec<Candidate<'_>> = self.candidates().collect();
        let sizes = || candidates.iter().map(|candidate| candidate.serves.each);
        let usual = self
            .compiled
            .instance_type
            .as_ref()
            .map_or(0, |known| known.gpus);
        let each = sizes().max().unwrap_or(u64::from(usual)).max(1);
        let unit = candidates
            .first()
            .map_or("", |candidate| unit_of(candidate.known));
        if self.list.reading.unreadable().is_some() && self.list.reading != ListReading::Unsupported
        {
            return ReservationCover {
                uncertain: Some(self.word(|| {
                    let why = self.sources.why(self.list);
                    format!("the reservations could not be read: {why}")
                })),
                is_unbounded: true,
                places: unknown_places(candidates.iter()),
                each,
                unit,
                ..ReservationCover::default()
            };
        }
        let mut by_zone: BTreeMap<&str, ReservationCover> = BTreeMap::new();
        let mut contradictory = None;
        let mut doubted: Vec<Candidate<'_>> = Vec::new();
        let is_one_zone = self.together && self.zone == 0;
        let all = &self.context.reservations;
        for (index, candidate) in candidates.iter().enumerate() {
            let known = candidate.known;
            // Listed more than once, it is there once; where the copies differ, nothing is proven of it.
            let mut copies = all.iter().filter(|other| other.number == known.number);
            if copies.any(|copy| copy.reservation != known.reservation) {
                contradictory = Some(self.word(|| {
                    let id = name_of(known);
                    format!("reservation {id} is listed more than once, with different numbers")
                }));
                doubted.push(*candidate);
                continue;
            }
            let first = candidates
                .iter()
                .position(|other| other.known.number == known.number);
            if first != Some(index) {
                continue;
            }
            // Unless the instances share a zone the zones add up, so they share one entry.
            let zone = match (&known.reservation.row.place.zone, is_one_zone) {
                (Some(zone), true) => zone.as_str(),
                _ => "",
            };
            self.add(by_zone.entry(zone).or_default(), *candidate, ledger);
        }
        let uncertain = by_zone.values().find_map(|cover| cover.uncertain.clone());
        let is_unbounded = by_zone.values().any(|cover| cover.is_unbounded);
        let soon = by_zone
            .values_mut()
            .flat_map(|cover| mem::take(&mut cover.soon));
        let soon: Vec<SoonChange> = soon.collect();
        let in_part = (self.list.reading == ListReading::InPart)
            .then(|| String::from("the reservations were read in part"));
        let mut best = ReservationCover::best(by_zone.into_values().collect());
        best.is_unbounded = is_unbounded || contradictory.is_some() || in_part.is_some();
        best.uncertain = uncertain.or(contradictory).or(in_part);
        best.soon = soon;
        best.places.extend(unknown_places(doubted.iter()));
        (best.each, best.unit) = (each, unit);
        let are_alike = sizes().all(|size| size == each);
        if best.uncertain.is_some() || !are_alike {
            best.nowhere_for_certain();
        }
        best
    }

    fn add(&self, cover: &mut ReservationCover, candidate: Candidate<'_>, ledger: &Ledger) {
        let Candidate { known, serves, .. } = candidate;
        let now = self.sources.now;
        let each = serves.each.max(1);
        let limit = known.own.numbers.limit.number();
        let size = limit.unwrap_or(0);
        cover.limit = cover.limit.saturating_add(size);
        let change = known.reservation.next;
        let change = change.filter(|change| change.amount != limit);
        let due = change.filter(|change| change.at <= now);
        if let Some(change) = change.filter(|change| change.at > now) {
            let left = change.at - now;
            let said = self.word(|| announced(known, &change, left));
            if left <= DAY {
                cover.soon.push(SoonChange { limit: size, said });
            } else {
                cover.announced.push(said);
            }
        }
        let taken = ledger.reserved(known.number, self.project);
        let free_after = |taken| {
            let listed = self.free(known, limit, taken);
            let Some(change) = due else {
                return listed;
            };
            // It is in force, and the list still shows what was before: either may be so.
            let changed = self.free(known, change.amount, taken)?;
            Some(listed?.or(changed))
        };
        if let Some(change) = due {
            cover.uncertain = Some(self.word(|| overdue(known, &change, now)));
        }
        let is_sure = serves.is_certain && !candidate.is_ending && !known.reservation.share_unread;
        let free = free_after(taken).map(|free| Free {
            at_least: if is_sure { free.at_least } else { 0 },
            ..free
        });
        if !is_sure && free.is_none_or(|free| free.at_most >= each) {
            cover.uncertain = Some(self.word(|| self.doubt(&candidate)));
        }
        match free {
            Some(free) => {
                cover.free = cover.free.saturating_add(free.at_most);
                cover.doubtful = cover.doubtful.saturating_add(free.at_most - free.at_least);
                if !free.is_measured {
                    cover.uncertain = Some(self.word(|| unmeasured(known)));
                }
                if known.is_by_default() {
                    cover.is_unbounded = true;
                    let by_default = self.word(|| by_default(known));
                    cover.uncertain.get_or_insert(by_default);
                }
                let (at_least, at_most) = (free.at_least / each, free.at_most / each);
                cover.instances = cover.instances.saturating_add(at_least);
                cover.instances_at_most = cover.instances_at_most.saturating_add(at_most);
                // With nothing taken yet it is measured as well.
                let before = free_after(ReservationTaken::default()).unwrap_or(free);
                let before_at_least = if is_sure { before.at_least } else { 0 };
                cover.places.push(PlaceFree {
                    member: member_of(known),
                    before: Band {
                        at_least: (before_at_least / each * each).into(),
                        at_most: (before.at_most / each * each).into(),
                    },
                    at_least: at_least * each,
                    at_most: at_most * each,
                    is_targeted: candidate.known.reservation.targeted
                        || self.reservation_key.is_some(),
                });
            }
            None => {
                cover.is_unbounded = true;
                let unmeasured = self.word(|| unmeasured(known));
                cover.uncertain.get_or_insert(unmeasured);
                cover.places.extend(unknown_places([candidate].iter()));
            }
        }
    }

    /// Why it is not certain that a reservation serves the launch, in words.
    fn doubt(&self, candidate: &Candidate<'_>) -> String {
        let known = candidate.known;
        let name = name_of(known);
        if !candidate.serves.is_certain {
            format!("a launch as asked may not be placed on reservation {name}")
        } else if candidate.is_ending {
            let ends = known.reservation.ends.unwrap_or(self.sources.now);
            let left = span(ends.saturating_sub(self.sources.now));
            format!("reservation {name} ends in {left}, and may no longer serve")
        } else {
            format!("the project's share of reservation {name} was not read")
        }
    }

    /// What is free for the project where the reservation holds `limit`: the smaller of its own and the project's share, nothing
    /// where one of them is suspended. None where nothing bounds what is free.
    fn free(
        &self,
        known: &KnownReservation,
        limit: Option<u64>,
        taken: ReservationTaken,
    ) -> Option<Free> {
        if known.is_suspended() {
            return Some(Free::NOTHING);
        }
        let own = self.left(&known.own, limit?, known.number, taken.by_all)?;
        let Some(share) = &known.share else {
            return Some(own);
        };
        let share_limit = share.numbers.limit.number()?;
        let share = self.left(share, share_limit, known.share_number, taken.by_project)?;
        Some(Free {
            at_least: own.at_least.min(share.at_least),
            at_most: own.at_most.min(share.at_most),
            is_measured: own.is_measured && share.is_measured,
        })
    }

    /// What is left of a limit after usage, promises, and what earlier launches of the plan took. None where nothing is known: the
    /// numbers of a row that is not in force prove nothing.
    fn left(&self, row: &ReadRow, limit: u64, number: Number, taken: Band) -> Option<Free> {
        let numbers = &row.numbers;
        if numbers.state != RowState::InForce {
            return None;
        }
        let is_measured = numbers.doubt.is_none();
        if !is_measured && numbers.used_at_least == 0 && numbers.used_at_most.is_none() {
            return None;
        }
        let room =
            Room::of(numbers, limit, self.held(number), self.held_proves_shortage).after(taken);
        Some(Free {
            at_least: room.least.min(room.most),
            at_most: room.most,
            is_measured,
        })
    }
}

impl ReservationCover {
    /// The zone with the most room for a launch that needs one. Where it is not certain which that is, the launch may go on
    /// any of them.
    fn best(mut zones: Vec<Self>) -> Self {
        let is_certain =
            |zone: &Self| zone.uncertain.is_none() && zone.instances == zone.instances_at_most;
        let is_clear = zones.len() < 2 || zones.iter().all(is_certain);
        let at_most = zones.iter().map(|zone| zone.instances_at_most).max();
        zones.sort_by_key(|zone| (zone.instances, zone.instances_at_most));
        let mut best = zones.pop().unwrap_or_default();
        best.instances_at_most = at_most.unwrap_or(0);
        if !is_clear {
            let others = zones.into_iter().flat_map(|zone| zone.places);
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

    /// What starts under way may take, in words.
    pub(crate) fn may_be_held(&self) -> String {
        format!(
            "starts under way may take {} {} of the reserved capacity, or have them inside its usage already",
            self.doubtful, self.unit
        )
    }

    /// The reservations that a launch must name to go on them.
    pub(crate) fn to_name(&self) -> impl Iterator<Item = Number> {
        let places = self.places.iter();
        let named = places.filter(|place| place.is_targeted && place.at_most > 0);
        named.map(|place| place.member.reservation)
    }

    /// Takes what goes on them of a launch, so that the next one in a plan finds it gone. Each takes what those before it leave:
    /// at least what it has for certain after all that they may have, at most what it may have after what they have for
    /// certain. Of a restart nothing is certain. The host is told without an order, since the cloud may begin anywhere.
    pub(crate) fn take(&self, question: &CoverQuestion<'_>, ledger: &mut Ledger) {
        let asked = u64::from(question.count).saturating_mul(self.each);
        let (mut least, mut most) = (asked, asked);
        for place in &self.places {
            let at_most = u128::from(most.min(place.at_most));
            let at_least = u128::from(least.min(place.at_least));
            least = least.saturating_sub(place.at_most);
            most = most.saturating_sub(place.at_least);
            let taken = if question.restart {
                Band::up_to(at_most)
            } else {
                Band { at_least, at_most }
            };
            ledger.reserve(place.member.reservation, question.project, taken);
        }
        let contributions = self.places.iter().map(|place| Contribution {
            member: place.member,
            free: place.before,
        });
        let asked = if question.restart {
            Band::up_to(asked.into())
        } else {
            Band::exactly(asked.into())
        };
        ledger.ask(question.project, contributions, asked);
    }
}

/// What is held of a row, by a list that is sorted by row.
pub(crate) fn held_of(held: &[Held], row: Number) -> Held {
    if held.is_empty() || row == 0 {
        return Held::default();
    }
    let found = held.binary_search_by_key(&row, |held| held.row);
    found
        .ok()
        .and_then(|at| held.get(at))
        .copied()
        .unwrap_or_default()
}

const fn member_of(known: &KnownReservation) -> PoolMember {
    PoolMember {
        reservation: known.number,
        share: known.share_number,
    }
}

/// Reservations of which nobody knows what is free: a launch may take all that they are.
fn unknown_places<'c>(candidates: impl Iterator<Item = &'c Candidate<'c>>) -> Vec<PlaceFree> {
    let mut largest: BTreeMap<Number, PlaceFree> = BTreeMap::new();
    for candidate in candidates {
        let known = candidate.known;
        let each = candidate.serves.each.max(1);
        let limit = match known.own.numbers.limit {
            Limit::Unlimited => u64::MAX,
            limit => limit.number().unwrap_or(0),
        };
        let at_most = limit / each * each;
        let place = largest.entry(known.number).or_insert_with(|| PlaceFree {
            member: member_of(known),
            at_least: 0,
            at_most: 0,
            before: Band::default(),
            is_targeted: known.reservation.targeted,
        });
        place.at_most = place.at_most.max(at_most);
        place.before = Band::up_to(place.at_most.into());
    }
    largest.into_values().collect()
}
