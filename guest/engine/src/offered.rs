//! Whether a project is offered what a launch asks for, at all.

use alloc::{format, rc::Rc, string::String, vec::Vec};

use quotagate_contract::{Descriptor, Need, Offered, Profile, Reason, ReservationUse};

use crate::{
    cloud::{Asked, Cloud, OwnerState},
    compile::{Asking, Compiled, Part, Serving},
    context::RegionContext,
    reader::Reader,
};

/// Why a project does not get what a launch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) why: String,
}

impl Refused {
    pub(crate) const fn new(reason: Reason, why: String) -> Self {
        Self { reason, why }
    }

    const fn not_offered(why: String) -> Self {
        Self::new(Reason::NotOffered, why)
    }
}

/// What an offer and its profile ask for, in words.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) instance_type: &'a str,
    pub(crate) zone: Option<&'a str>,
    pub(crate) lifecycle: &'a str,
    pub(crate) needs: &'a [Need],
    pub(crate) profile: &'a Profile,
}

impl Asking {
    /// What of a profile decides what one instance draws on.
    pub(crate) const fn how(profile: &Profile) -> u8 {
        let reservation = match profile.reservation {
            ReservationUse::Auto => 0,
            ReservationUse::Forbid => 1,
            ReservationUse::Strict => 2,
        };
        reservation | (profile.restart as u8) << 2 | (profile.together as u8) << 3
    }
}

/// Derives what does not change within a generation of one such offer.
pub(crate) fn compile<C: Cloud>(
    context: &mut RegionContext,
    cloud: &C,
    reader: &dyn Reader,
    descriptor: &Descriptor,
    number: u32,
    wanted: &Wanted<'_>,
) -> Compiled {
    let listed = context.instance_type(number).cloned();
    let is_listed = listed.is_some();
    let instance_type = listed.or_else(|| cloud.unlisted_type(wanted.instance_type).map(Rc::new));
    let kind = descriptor
        .lifecycles
        .iter()
        .find(|kind| kind.name == wanted.lifecycle);
    let mut compiled = Compiled {
        instance_type: instance_type.clone(),
        is_preemptible: kind.is_some_and(|kind| kind.preemptible),
        ..Compiled::default()
    };
    let Some(instance_type) = instance_type else {
        let (name, region) = (wanted.instance_type, &context.region);
        compiled.refused = Some(Refused::not_offered(format!(
            "{name} is not offered in {region}"
        )));
        return compiled;
    };
    let asked = Asked {
        instance_type: &instance_type,
        region: &context.region.clone(),
        zone: wanted.zone,
        lifecycle: wanted.lifecycle,
        needs: wanted.needs,
        restart: wanted.profile.restart,
        reservation: wanted.profile.reservation,
        reservation_key: wanted.profile.reservation_key.as_deref(),
    };
    compiled.zones = context.zones_of(&instance_type, wanted.zone);
    compiled.may_be_reserved = cloud.may_be_reserved(&asked);
    compiled.refused = refused(context, descriptor, &asked, wanted, is_listed)
        .or_else(|| unreservable(&compiled, wanted.profile));
    let demands = cloud.instance_demands(&asked);
    compiled.part = Part::resolve(context, cloud, reader, &demands, &compiled.zones);
    if compiled.may_be_reserved && wanted.profile.reservation != ReservationUse::Forbid {
        let known = context.reservations.iter().enumerate();
        let serving = known.filter_map(|(index, known)| {
            let serves = cloud.serves(&asked, &known.reservation)?;
            (serves.each > 0).then_some(Serving { index, serves })
        });
        compiled.serving = serving.collect();
    }
    compiled.not_checked = cloud.not_checked(&asked).to_vec();
    compiled
}

/// A launch that insists on reserved capacity which cannot serve it.
fn unreservable(compiled: &Compiled, profile: &Profile) -> Option<Refused> {
    let insists = profile.reservation == ReservationUse::Strict;
    (insists && !compiled.may_be_reserved).then(|| {
        Refused::not_offered(String::from(
            "launches like this one cannot use reserved capacity",
        ))
    })
}

/// Why the type is not offered there, in this zone, under this lifecycle.
fn refused(
    context: &RegionContext,
    descriptor: &Descriptor,
    asked: &Asked<'_>,
    wanted: &Wanted<'_>,
    is_listed: bool,
) -> Option<Refused> {
    let (name, region) = (&asked.instance_type.name, &context.region);
    let offered = &asked.instance_type.offered;
    // What the cloud sells without listing it says nothing of places, unless its rules do.
    if !is_listed && offered.is_empty() {
        return None;
    }
    let not_offered = |why| Some(Refused::not_offered(why));
    let here: Vec<&Offered> = offered
        .iter()
        .filter(|offered| is_at(offered, region, None))
        .collect();
    if here.is_empty() {
        return not_offered(format!("{name} is not offered in {region}"));
    }
    let there: Vec<&Offered> = here
        .into_iter()
        .filter(|offered| is_at(offered, region, asked.zone))
        .collect();
    if there.is_empty() {
        let zone = asked.zone.unwrap_or_default();
        let word = zone_word(descriptor);
        return not_offered(format!(
            "{name} is not offered on {word} {zone} of {region}"
        ));
    }
    let as_asked: Vec<&Offered> = there
        .into_iter()
        .filter(|offered| {
            offered
                .lifecycles
                .iter()
                .any(|known| known == asked.lifecycle)
        })
        .collect();
    if as_asked.is_empty() {
        let lifecycle = asked.lifecycle;
        return not_offered(format!("{name} is not offered as {lifecycle} in {region}"));
    }
    let (free, restricted): (Vec<&Offered>, Vec<&Offered>) = as_asked
        .into_iter()
        .partition(|offered| offered.restriction.is_none());
    if free.is_empty() {
        let why = restricted
            .iter()
            .find_map(|offered| offered.restriction.clone());
        return Some(Refused::new(Reason::Restricted, why.unwrap_or_default()));
    }
    if wanted.profile.together && !free.iter().any(|offered| offered.together) {
        return not_offered(format!(
            "{name} cannot be placed close together in {region}"
        ));
    }
    None
}

/// Whether something is offered at a place. Where the cloud does not say in which zones, it may be in any.
fn is_at(offered: &Offered, region: &str, zone: Option<&str>) -> bool {
    offered
        .place
        .region
        .as_deref()
        .is_none_or(|own| own == region)
        && match (zone, &offered.place.zone) {
            (Some(zone), Some(own)) => own == zone,
            _ => true,
        }
}

/// What the cloud calls a zone.
pub(crate) fn zone_word(descriptor: &Descriptor) -> &str {
    if descriptor.zone_word.is_empty() {
        "zone"
    } else {
        &descriptor.zone_word
    }
}

impl RegionContext {
    /// Why an owner launches nothing in the state that it is in (`NotOffered`), or why nobody knows whether it launches anything
    /// (`StateUnknown`), if so.
    pub(crate) fn state_is_against(&self, cloud: &impl Cloud, reason: Reason) -> Option<Refused> {
        // The project's own state comes first: it is what people know.
        self.owners.iter().rev().find_map(|known| {
            let owner = &known.owner;
            let state = owner.state.as_deref()?;
            let (level, id) = (&owner.level, &owner.id);
            let (found, why) = match cloud.owner_state(owner) {
                OwnerState::Launches => return None,
                OwnerState::LaunchesNothing(what) => (
                    Reason::NotOffered,
                    format!("{level} {id} {what}, and launches nothing"),
                ),
                OwnerState::Unknown => (
                    Reason::StateUnknown,
                    format!("{level} {id} is in the state `{state}`, which is not known here"),
                ),
            };
            (found == reason).then(|| Refused::new(reason, why))
        })
    }

    /// Why nothing is launched in the region by this project, whatever its type.
    pub(crate) fn place_is_against(&self) -> Option<Refused> {
        let project = self.owners.last()?;
        let home = project.owner.place.region.as_deref();
        if let Some(home) = home.filter(|home| *home != self.region) {
            let (level, id) = (&project.owner.level, &project.owner.id);
            let why = format!("{level} {id} lives in {home}, not in {}", self.region);
            return Some(Refused::not_offered(why));
        }
        let restriction = self.restriction.clone();
        restriction.map(|why| Refused::new(Reason::Restricted, why))
    }

    /// Why one of the needs cannot be had at the place.
    pub(crate) fn needs_are_against(&self, needs: &[Need], zone: Option<&str>) -> Option<Refused> {
        needs.iter().find_map(|need| {
            let known = self.kinds.iter().find(|known| known.kind == need.kind)?;
            let (kind, region) = (&need.kind, &self.region);
            let mut there = known
                .offered
                .iter()
                .filter(|offered| is_at(offered, region, zone));
            let first = there.next();
            let is_free = |offered: &Offered| offered.restriction.is_none();
            if first.is_some_and(is_free) || there.any(is_free) {
                return None;
            }
            Some(
                match first.and_then(|offered| offered.restriction.clone()) {
                    Some(why) => Refused::new(Reason::Restricted, why),
                    None => Refused::not_offered(format!(
                        "{kind} is not offered in {}",
                        zone.unwrap_or(region)
                    )),
                },
            )
        })
    }
}
