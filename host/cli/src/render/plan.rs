//! The verdict on launches together: whether all fit, where they stop fitting, and what they take in all.

use std::{collections::BTreeMap, sync::Arc};

use quotagate::{
    Availability, Breaking, CapacityOutcome, Descriptor, Finding, Launch, PlanCheck, QuotaOutcome,
    Take,
    json::{SCHEMA, SourceJson},
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
    schema: u32,
    cloud: &'a str,
    availability: Availability,
    quota: QuotaOutcome,
    capacity: CapacityOutcome,
    /// Launches, from the first.
    fits_count: Option<u32>,
    findings: &'a [Arc<Finding>],
    breaks_at: Option<Breaking>,
    /// What all launches take together, by row.
    takes: &'a [Take],
    /// The reservations that the launches must name.
    reservations: &'a [String],
    sources: BTreeMap<String, SourceJson<'a>>,
}

/// The verdict as JSON.
pub(crate) fn json<'a>(check: &'a PlanCheck, cloud: &'a Descriptor, now_ms: u64) -> PlanJson<'a> {
    let admission = &check.admission;
    let verdict = &admission.verdict;
    PlanJson {
        schema: SCHEMA,
        cloud: &cloud.cloud,
        availability: verdict.availability(),
        quota: verdict.quota,
        capacity: verdict.capacity,
        fits_count: verdict.fits_count,
        findings: &verdict.findings,
        breaks_at: admission.breaks_at,
        takes: &admission.takes,
        reservations: &admission.reservations,
        sources: quotagate::json::sources(&check.sources, now_ms),
    }
}

/// The verdict in words.
pub(crate) fn text(check: &PlanCheck, cloud: &Descriptor, screen: &Screen) -> String {
    let verdict = &check.admission.verdict;
    let mut page = Page::new(&answer(check, cloud, screen), cloud, screen);
    if !verdict.findings.is_empty() {
        page.title("what the whole plan takes");
    }
    page.findings(verdict.findings.iter().map(|finding| &**finding));
    page.advice(verdict);
    page.gaps(&check.sources);
    page.finish()
}

/// The answer in one line.
fn answer(check: &PlanCheck, cloud: &Descriptor, screen: &Screen) -> String {
    let verdict = &check.admission.verdict;
    let word = style::paint(style::outcome(verdict.quota), verdict.quota.as_str());
    let rest = match (verdict.quota, check.admission.breaks_at) {
        (QuotaOutcome::Fits, _) => {
            let size = size(&check.plan);
            format!("{size} together; {}", hardware(verdict.capacity))
        }
        (QuotaOutcome::Blocked, at) => match at.and_then(|at| broken(check, at, cloud, screen)) {
            Some((place, launch)) => {
                let left = left(launch, at.and_then(|at| at.fits_count));
                format!("the plan breaks at {place}: {left}")
            }
            None => format!("{} do not fit together", size(&check.plan)),
        },
        (QuotaOutcome::Unknown, at) => match at.and_then(|at| broken(check, at, cloud, screen)) {
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
    at: Breaking,
    cloud: &Descriptor,
    screen: &Screen,
) -> Option<(String, &'a Launch)> {
    let index = usize::try_from(at.index).ok()?;
    // A plugin's answer is input from outside: the plan may have no such launch.
    let broken = check.plan.get(index)?;
    let place = format!(
        "launch {} of {} ({})",
        index + 1,
        check.plan.len(),
        launch(broken, cloud, screen)
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
