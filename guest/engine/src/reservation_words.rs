//! Reservations in words.

use alloc::{format, string::String};

use quotagate_contract::Change;

use crate::context::KnownReservation;

/// The reservation's name, for people.
pub(crate) fn name_of(known: &KnownReservation) -> &str {
    let row = &known.reservation.row;
    match &row.title {
        Some(title) => title,
        None if row.quota.is_empty() => &row.key,
        None => &row.quota,
    }
}

/// The unit of a reservation, as people say it of several.
pub(crate) fn unit_of(known: &KnownReservation) -> &'static str {
    match known.reservation.row.unit.as_str() {
        "gpu" => "GPUs",
        "vcpu" => "vCPUs",
        _ => "instances",
    }
}

/// What is announced of a reservation, in words.
pub(crate) fn announced(known: &KnownReservation, change: &Change, left: u64) -> String {
    format!(
        "reservation {} changes from {} {} to {} in {}",
        name_of(known),
        known.own.numbers.limit.number().unwrap_or(0),
        unit_of(known),
        size(known, change),
        span(left)
    )
}

/// Says that an announced change is due which the list does not show.
pub(crate) fn overdue(known: &KnownReservation, change: &Change, now: u64) -> String {
    format!(
        "reservation {} was to change from {} {} to {} {} ago, and the list does not show it",
        name_of(known),
        known.own.numbers.limit.number().unwrap_or(0),
        unit_of(known),
        size(known, change),
        span(now.saturating_sub(change.at))
    )
}

fn size(known: &KnownReservation, change: &Change) -> String {
    change.amount.map_or_else(
        || String::from("another size"),
        |amount| format!("{amount} {}", unit_of(known)),
    )
}

/// A time in words.
pub(crate) fn span(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Says that nothing tells how much of a reservation is free.
pub(crate) fn unmeasured(known: &KnownReservation) -> String {
    if !known.is_in_force() {
        return format!(
            "reservation {}, or the project's share of it, is in a state that proves nothing",
            name_of(known)
        );
    }
    let own = known.own.doubt.as_deref();
    let told = own.or_else(|| {
        known
            .share
            .as_ref()
            .and_then(|share| share.doubt.as_deref())
    });
    let told = told.map_or_else(String::new, |told| format!(" ({told})"));
    format!(
        "how much of reservation {} is used was not measured{told}",
        name_of(known)
    )
}

/// Says that a reservation may be larger than its limit says.
pub(crate) fn by_default(known: &KnownReservation) -> String {
    format!(
        "the size of reservation {} is the cloud's default, and the account's own may be larger",
        name_of(known)
    )
}
