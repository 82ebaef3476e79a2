//! Why, in a few words: the finding that decided a verdict, short enough for a column of a table.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use quotagate::{CapacityOutcome, Descriptor, Finding, QuotaOutcome, Reason, Verdict};

use crate::amount;

/// The reason for a verdict, and what changes soon; empty where there is nothing to say.
pub(crate) fn text(verdict: &Verdict, cloud: &Descriptor) -> String {
    let changes = verdict.findings.iter();
    let changes = changes.filter(|finding| finding.reason == Reason::ChangesSoon);
    let changes = changes.filter_map(|finding| finding.detail.clone());
    let words = [deciding(verdict, cloud)].into_iter().chain(changes);
    let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
    words.join("; ")
}

/// The finding that decided, in words.
fn deciding(verdict: &Verdict, cloud: &Descriptor) -> String {
    let findings = || verdict.findings.iter().map(|finding| &**finding);
    let deciding: Vec<&Finding> = match verdict.quota {
        QuotaOutcome::Fits => {
            let is_unlikely = verdict.capacity == CapacityOutcome::Unlikely;
            let is_advice = |finding: &&Finding| finding.reason == Reason::NoCapacity;
            let advice = findings().find(is_advice).filter(|_| is_unlikely);
            let told = advice.or_else(|| tightest(findings()));
            return told.map_or_else(String::new, |finding| of(finding, cloud));
        }
        outcome => findings()
            .filter(|finding| finding.outcome == outcome)
            .collect(),
    };
    let Some(first) = deciding.first() else {
        return String::new();
    };
    // The rows of all owners speak of one quota: the worse one is the one to show.
    let worst = deciding
        .iter()
        .filter(|finding| finding.quota == first.quota)
        .min_by_key(|finding| Reverse(finding.shortfall.unwrap_or(0)))
        .unwrap_or(first);
    let mut quotas: Vec<_> = deciding
        .iter()
        .filter_map(|finding| finding.quota.as_ref())
        .collect();
    quotas.sort();
    quotas.dedup();
    let text = of(worst, cloud);
    // A list that could not be read leaves all its rows unknown: they are no further reasons.
    let one_reason = matches!(worst.reason, Reason::ScopeUnreadable | Reason::Stale);
    match quotas.len() {
        0 | 1 => text,
        _ if one_reason => text,
        more => format!("{text} (+{} more)", more - 1),
    }
}

/// Of the rows that have room, the one that lets the fewest such launches through.
fn tightest<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<&'a Finding> {
    findings
        .filter(|finding| finding.reason == Reason::Fits && finding.required > Some(0))
        .min_by(|one, other| {
            let free = |finding: &Finding| u128::from(finding.headroom.unwrap_or(u64::MAX));
            let cross =
                |row: &Finding, by: &Finding| free(row) * u128::from(by.required.unwrap_or(0));
            cross(one, other).cmp(&cross(other, one))
        })
}

/// What one finding says.
fn of(finding: &Finding, cloud: &Descriptor) -> String {
    let row = || match &finding.level {
        // The outermost owner's rows are those that people mean.
        Some(level) if Some(level) != cloud.levels.first() => {
            format!("{level} {}", label(finding))
        }
        _ => label(finding).to_owned(),
    };
    let show = |amount: u64| amount::show(amount, &finding.unit, &cloud.units);
    let of_reservations = |free: u64, limit: u64| {
        let counted = counted(&finding.unit);
        format!("reservations: {free} of {limit}{counted} free")
    };
    let needs = finding.required.map_or_else(|| String::from("more"), show);
    match (finding.reason, finding.headroom, finding.limit) {
        (Reason::Fits, Some(free), Some(limit)) if finding.quota.is_none() => {
            of_reservations(free, limit)
        }
        (Reason::Fits, Some(free), Some(limit)) => {
            format!("{}: {} of {} free", row(), show(free), show(limit))
        }
        (Reason::Fits, _, _) => format!("{}: room", row()),
        (Reason::ExceedsLimit, _, Some(limit)) => {
            format!("{}: limit {}, needs {needs}", row(), show(limit))
        }
        (Reason::Shortage, Some(free), Some(limit)) => {
            format!(
                "{}: {} of {} free, needs {needs}",
                row(),
                show(free),
                show(limit)
            )
        }
        (Reason::Shortage | Reason::ExceedsLimit, _, _) => {
            format!("{}: too little, needs {needs}", row())
        }
        (Reason::Frozen, _, _) => format!("{}: frozen", row()),
        (Reason::Deleted, _, _) => format!("{}: no longer allocated", row()),
        (Reason::Provisioning, _, _) => format!("{}: being allocated", row()),
        (Reason::StateUnknown, _, _) if finding.quota.is_none() => {
            finding.detail.clone().unwrap_or_default()
        }
        (Reason::StateUnknown, _, _) => format!("{}: in an unknown state", row()),
        (Reason::UsageUnmeasured, _, _) => format!("{}: usage not measured", row()),
        (Reason::LimitUnset, _, _) => format!("{}: no limit set", row()),
        (Reason::Contradictory, _, _) => format!("{}: rows contradict each other", row()),
        (Reason::WrongUnit, _, _) => format!("{}: counts in `{}`", row(), finding.unit),
        (Reason::RowMissing, _, _) => {
            format!(
                "row missing: {}",
                finding.quota.as_deref().unwrap_or("unnamed")
            )
        }
        (Reason::ScopeUnreadable, _, _) => {
            format!("{} unreadable", list(finding))
        }
        (Reason::Stale, _, _) => format!("{} too old", list(finding)),
        (Reason::MayBeHeld, Some(free), Some(limit)) if finding.quota.is_none() => {
            let free = of_reservations(free, limit);
            format!("{free} before starts under way, needs {needs}")
        }
        (Reason::MayBeHeld, Some(free), Some(limit)) => {
            format!(
                "{}: {} of {} free before starts under way, needs {needs}",
                row(),
                show(free),
                show(limit)
            )
        }
        (Reason::MayBeHeld, _, _) => format!("{}: starts under way may take it", row()),
        (Reason::ReservationExhausted, Some(free), Some(limit)) => {
            format!("{}, needs {needs}", of_reservations(free, limit))
        }
        (Reason::ReservationExhausted, _, _) => String::from("reservations: too little"),
        (Reason::NotOffered, _, _) => finding
            .detail
            .clone()
            .unwrap_or_else(|| String::from("not offered")),
        (Reason::NoCapacity, _, _) if finding.required <= Some(1) => {
            String::from("no hardware free now")
        }
        (Reason::NoCapacity, _, _) => finding
            .detail
            .clone()
            .unwrap_or_else(|| String::from("too little hardware free now")),
        (
            Reason::CapacityUnknown
            | Reason::LimitReached
            | Reason::NotDecisive
            | Reason::NotChecked
            | Reason::FailedBefore
            | Reason::ChangesSoon
            | Reason::Unsupported
            | Reason::Restricted,
            _,
            _,
        ) => finding.detail.clone().unwrap_or_default(),
    }
}

/// What a reservation counts, after a number; nothing where that is instances.
fn counted(unit: &str) -> String {
    match unit {
        "" | "count" | "instance" => String::new(),
        "gpu" => String::from(" GPUs"),
        unit => format!(" {unit}"),
    }
}

/// What people call a quota; its own name where nobody says.
pub(crate) fn label(finding: &Finding) -> &str {
    let named = finding.title.as_deref().or(finding.quota.as_deref());
    named.unwrap_or("offer")
}

/// The list that a finding speaks of.
fn list(finding: &Finding) -> String {
    match &finding.level {
        Some(level) => format!("{level} quota list"),
        None => String::from("list of instance types"),
    }
}
