//! Why, in a few words: the finding that decided a verdict, short enough for a column of a table.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use quotagate::{CapacityOutcome, Finding, QuotaOutcome, Reason, Scope, Verdict};

use crate::amount;

/// The reason for a verdict, and what changes soon; empty where there is nothing to say.
pub(crate) fn text(verdict: &Verdict) -> String {
    let changes = verdict.findings.iter();
    let changes = changes.filter(|finding| finding.reason == Reason::ChangesSoon);
    let changes = changes.filter_map(|finding| finding.detail.clone());
    let words = [deciding(verdict)].into_iter().chain(changes);
    let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
    words.join("; ")
}

/// The finding that decided, in words.
fn deciding(verdict: &Verdict) -> String {
    let deciding: Vec<&Finding> = match verdict.quota {
        QuotaOutcome::Fits => {
            let advice = (verdict.capacity == CapacityOutcome::Unlikely)
                .then(|| {
                    verdict
                        .findings
                        .iter()
                        .find(|finding| finding.reason == Reason::NoCapacity)
                })
                .flatten();
            return match (advice, tightest(&verdict.findings)) {
                (Some(advice), _) => of(advice),
                (None, Some(row)) => of(row),
                (None, None) => String::new(),
            };
        }
        outcome => {
            let findings = verdict.findings.iter();
            findings
                .filter(|finding| finding.outcome == outcome)
                .collect()
        }
    };
    let Some(first) = deciding.first() else {
        return String::new();
    };
    // The rows of both scopes speak of one quota: the worse one is the one to show.
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
    let text = of(worst);
    // A list that could not be read leaves all its rows unknown: they are no further reasons.
    let one_reason = matches!(worst.reason, Reason::ScopeUnreadable | Reason::Stale);
    match quotas.len() {
        0 | 1 => text,
        _ if one_reason => text,
        more => format!("{text} (+{} more)", more - 1),
    }
}

/// Of the rows that have room, the one that lets the fewest such launches through.
fn tightest(findings: &[Finding]) -> Option<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.reason == Reason::Fits && finding.required > Some(0))
        .min_by(|one, other| {
            let free = |finding: &Finding| u128::from(finding.headroom.unwrap_or(u64::MAX));
            let cross =
                |row: &Finding, by: &Finding| free(row) * u128::from(by.required.unwrap_or(0));
            cross(one, other).cmp(&cross(other, one))
        })
}

/// What one finding says.
fn of(finding: &Finding) -> String {
    let row = || match finding.scope {
        Some(Scope::Project) => format!("project {}", label(finding)),
        _ => label(finding),
    };
    let show = |amount: u64| amount::show(amount, &finding.unit);
    let needs = finding.required.map_or_else(|| String::from("more"), show);
    match (finding.reason, finding.headroom, finding.limit) {
        (Reason::Fits, Some(free), Some(limit)) if finding.quota.is_none() => {
            format!("reservations: {free} of {limit} GPUs free")
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
            format!(
                "reservations: {free} of {limit} GPUs free before starts under way, needs {needs}"
            )
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
            format!("reservations: {free} of {limit} GPUs free, needs {needs}")
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
            | Reason::ChangesSoon,
            _,
            _,
        ) => finding.detail.clone().unwrap_or_default(),
    }
}

/// What a quota counts, in a word or two; its own name where that is not known.
pub(crate) fn label(finding: &Finding) -> String {
    let Some(quota) = finding.quota.as_deref() else {
        return String::from("offer");
    };
    let known = match quota {
        "compute.instance.count" => "instances",
        "compute.instance.preemptible.count" => "preemptibles",
        "compute.instance.non-gpu.vcpu" => "vCPUs",
        "compute.instance.non-gpu.memory" => "memory",
        "compute.disk.count" => "disks",
        "compute.filesystem.count" => "file systems",
        "compute.gpucluster.count" => "clusters",
        "vpc.allocation.count" => "address allocations",
        "vpc.ipv4-address.public.count" => "public addresses",
        _ => "",
    };
    if !known.is_empty() {
        return String::from(known);
    }
    let sized = |prefix, noun| Some(format!("{noun} size {}", quota.strip_prefix(prefix)?));
    quota
        .strip_prefix("compute.instance.gpu.")
        .map(|_| String::from("GPU quota"))
        .or_else(|| sized("compute.disk.size.", "disk"))
        .or_else(|| sized("compute.filesystem.size.", "file system"))
        .unwrap_or_else(|| quota.to_owned())
}

/// The list that a finding speaks of.
fn list(finding: &Finding) -> &'static str {
    match finding.scope {
        Some(Scope::Tenant) => "tenant quota list",
        Some(Scope::Project) => "project quota list",
        None => "list of instance types",
    }
}
