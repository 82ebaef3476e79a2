//! The admission of a plan: its verdict, and what the host would hold.

use std::collections::HashSet;

use quotagate_contract::{Admission, Detail, Launch, QuotaOutcome};

use super::{
    check_sources, once, projects,
    verdict::{Asked, check_one},
};
use crate::{
    bindings::{exports::quotagate::plugin::gate, quotagate::plugin::types::Take},
    plugin::{
        CallError, Contradiction, Shown, convert::lift, instance::Unshown, names::NAMES, seen::Seen,
    },
};

/// The most that the host holds for one plan. No plan takes from as many rows: it is a dozen in each of its projects.
const MOST_TAKES: usize = 10_000;

/// Checks an admission; gives the rows that its findings speak of, and those that it takes from, that no list shows.
pub(in crate::plugin) fn check(
    admission: &gate::Admission,
    plan: &[Launch],
    detail: Detail,
    shown: &dyn Shown,
    seen: &Seen,
) -> Result<[Unshown; 2], CallError> {
    let count = u32::try_from(plan.len()).unwrap_or(u32::MAX);
    let asked = Asked {
        offers: 1,
        count,
        detail,
    };
    let mut spoken_of = Unshown::new(Contradiction::UnshownRow);
    check_one(0, &admission.verdict, asked, seen, &mut spoken_of)?;
    let fits = QuotaOutcome::from(admission.verdict.quota) == QuotaOutcome::Fits;
    let breaking = match &admission.breaks_at {
        Some(_) if fits => Some(Contradiction::BreaksAndFits),
        None if !fits => Some(Contradiction::BreaksNowhere),
        Some(breaking) if breaking.index >= count => Some(Contradiction::BreaksBeyondItsEnd),
        _ => None,
    };
    if let Some(what) = breaking {
        return Err(CallError::at(0, what));
    }
    let taken_from = check_takes(&admission.takes, seen)?;
    check_reservations(&admission.reservations, seen)?;
    let keys = admission.rests_on.iter().enumerate();
    check_sources(keys, &projects(plan), shown)?;
    Ok([spoken_of, taken_from])
}

/// Checks what a plan takes: each row once. What it names is shown, or told by the plugin, so there are no more than rows.
fn check_takes(takes: &[Take], seen: &Seen) -> Result<Unshown, CallError> {
    if takes.len() > MOST_TAKES {
        return Err(CallError::at(MOST_TAKES, Contradiction::TooManyTakes));
    }
    let mut unshown = Unshown::new(Contradiction::UnshownTake);
    let mut rows = HashSet::with_capacity(takes.len());
    for (index, take) in takes.iter().enumerate() {
        if take.at_least > take.at_most {
            return Err(CallError::at(index, Contradiction::TakenUpsideDown));
        }
        if !rows.insert(take.row) {
            return Err(CallError::at(index, Contradiction::TakenTwice));
        }
        if take.row == 0 {
            return Err(CallError::at(index, Contradiction::UnshownTake));
        }
        if !seen.has_row(take.row) {
            unshown.note(index, take.row)?;
        }
    }
    Ok(unshown)
}

fn check_reservations(keys: &[String], seen: &Seen) -> Result<(), CallError> {
    let known = NAMES.known();
    let is_unshown = |key: &String| {
        let number = known.number_of(key);
        !number.is_some_and(|number| seen.has_reservation(number))
    };
    match keys.iter().position(is_unshown) {
        Some(index) => Err(CallError::at(index, Contradiction::UnshownReservation)),
        None => Ok(()),
    }
}

/// Names what an admission that was checked speaks of.
pub(in crate::plugin) fn lift(admission: gate::Admission) -> Result<Admission, CallError> {
    let known = NAMES.known();
    let takes = admission.takes.iter().enumerate();
    let takes: Result<_, _> = takes
        .map(|(index, take)| lift::take(take, &known).map_err(|what| CallError::at(index, what)))
        .collect();
    Ok(Admission {
        verdict: lift::verdict(admission.verdict, &known).map_err(|what| CallError::at(0, what))?,
        takes: takes?,
        rests_on: once(admission.rests_on),
        reservations: once(admission.reservations),
        breaks_at: admission.breaks_at.map(Into::into),
    })
}
