//! The verdict on launches together: whether all fit, where they stop fitting, and what they take in all.

use std::collections::BTreeMap;

use quotagate::{
    Availability, BreakingLaunch, CapacityOutcome, Demand, Finding, Launch, PlanCheck,
    QuotaOutcome, ReservedDemand, json::SourceJson,
};
use serde::Serialize;

use super::{
    check::{hardware, launch},
    page::Page,
    style,
};
use crate::output::Screen;

/// A plan's verdict as programs read it.
#[derive(Serialize)]
pub(crate) struct PlanJson<'a> {
    quota: QuotaOutcome,
    capacity: CapacityOutcome,
    availability: Availability,
    /// Launches, from the first.
    fits_count: Option<u32>,
    findings: &'a [Finding],
    breaks_at: Option<BreakingLaunch>,
    demands: &'a [Demand],
    reserved: &'a [ReservedDemand],
    sources: BTreeMap<String, SourceJson<'a>>,
}

/// The verdict as JSON.
pub(crate) fn json(check: &PlanCheck, now_ms: u64) -> PlanJson<'_> {
    let admission = &check.admission;
    let verdict = &admission.verdict;
    PlanJson {
        quota: verdict.quota,
        capacity: verdict.capacity,
        availability: verdict.availability,
        fits_count: verdict.fits_count,
        findings: &verdict.findings,
        breaks_at: admission.breaks_at,
        demands: &admission.demands,
        reserved: &admission.reserved,
        sources: quotagate::json::sources(&check.sources, now_ms),
    }
}

/// The verdict in words.
pub(crate) fn text(check: &PlanCheck, screen: &Screen) -> String {
    let verdict = &check.admission.verdict;
    let mut page = Page::new(&answer(check, screen), screen);
    if !verdict.findings.is_empty() {
        page.title("what the whole plan takes");
    }
    page.findings(&verdict.findings);
    page.advice(verdict);
    page.gaps(&check.sources);
    page.finish()
}

/// The answer in one line.
fn answer(check: &PlanCheck, screen: &Screen) -> String {
    let verdict = &check.admission.verdict;
    let word = style::paint(style::outcome(verdict.quota), verdict.quota.as_str());
    let rest = match (verdict.quota, check.admission.breaks_at) {
        (QuotaOutcome::Fits, _) => {
            let size = size(&check.plan);
            format!("{size} together; {}", hardware(verdict.capacity))
        }
        (QuotaOutcome::Blocked, at) => match at.and_then(|at| broken(check, at, screen)) {
            Some((place, launch)) => {
                let left = left(launch, at.and_then(|at| at.fits_count));
                format!("the plan breaks at {place}: {left}")
            }
            None => format!("{} do not fit together", size(&check.plan)),
        },
        (QuotaOutcome::Unknown, at) => match at.and_then(|at| broken(check, at, screen)) {
            Some((place, _)) => format!("whether the plan fits cannot be told, from {place} on"),
            None => format!("whether {} fit together cannot be told", size(&check.plan)),
        },
    };
    format!("{word}: {rest}")
}

/// How large a plan is.
fn size(plan: &[Launch]) -> String {
    let instances: u64 = plan.iter().map(|launch| u64::from(launch.count)).sum();
    let launches = if plan.len() == 1 {
        "launch"
    } else {
        "launches"
    };
    let noun = if instances == 1 {
        "instance"
    } else {
        "instances"
    };
    format!("{} {launches} ({instances} {noun})", plan.len())
}

/// The launch at which a plan breaks, and its place in words.
fn broken<'a>(
    check: &'a PlanCheck,
    at: BreakingLaunch,
    screen: &Screen,
) -> Option<(String, &'a Launch)> {
    let index = usize::try_from(at.index).ok()?;
    // A plugin's answer is input from outside: the plan may have no such launch.
    let broken = check.plan.get(index)?;
    let place = format!(
        "launch {} of {} ({})",
        index + 1,
        check.plan.len(),
        launch(&broken.offer, broken.count, screen)
    );
    Some((place, broken))
}

/// What is left for the launch at which a plan breaks.
fn left(launch: &Launch, fits: Option<u32>) -> String {
    match (fits, launch.count) {
        (None, _) => String::from("how many of its instances would still fit is not known"),
        (Some(_), 1) => String::from("it does not fit any more"),
        (Some(0), count) => format!("none of its {count} instances would still fit"),
        (Some(fits), count) => format!("{fits} of its {count} instances would still fit"),
    }
}
