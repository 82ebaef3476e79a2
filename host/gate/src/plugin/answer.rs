//! An answer held against itself: what a plugin says is input from outside.
//!
//! Nothing is judged again here; only what cannot be true by the contract's own words is refused. A few comparisons a
//! verdict, so that it costs nothing beside carrying the verdict over.

use super::CallError;
use crate::types::{
    Admission, Availability, CapacityOutcome, Finding, QuotaOutcome, Reason, Strictness, Verdict,
};

/// Checks the verdicts on `asked` offers, `count` instances each.
pub(super) fn check_verdicts(
    verdicts: &[Verdict],
    asked: usize,
    count: u32,
    strictness: Strictness,
) -> Result<(), CallError> {
    if verdicts.len() != asked {
        return Err(CallError::WrongLength {
            asked,
            answered: verdicts.len(),
        });
    }
    for (index, verdict) in verdicts.iter().enumerate() {
        check(verdict, count, strictness)
            .map_err(|what| CallError::Contradictory { index, what })?;
    }
    Ok(())
}

/// Checks the verdict on a plan of so many launches.
pub(super) fn check_admission(
    admission: &Admission,
    launches: usize,
    strictness: Strictness,
) -> Result<(), CallError> {
    let contradictory = |what| CallError::Contradictory { index: 0, what };
    let count = u32::try_from(launches).unwrap_or(u32::MAX);
    check(&admission.verdict, count, strictness).map_err(contradictory)?;
    let fits = admission.verdict.quota == QuotaOutcome::Fits;
    match &admission.breaks_at {
        Some(_) if fits => Err(contradictory("the plan fits and breaks")),
        None if !fits => Err(contradictory("the plan does not fit and breaks nowhere")),
        Some(breaking) if breaking.index >= count => {
            Err(contradictory("the plan breaks beyond its end"))
        }
        _ => Ok(()),
    }
}

/// Both outcomes in one word: quota first, since a launch that it blocks never gets to ask for hardware.
const fn availability(quota: QuotaOutcome, capacity: CapacityOutcome) -> Availability {
    match (quota, capacity) {
        (QuotaOutcome::Blocked, _) => Availability::NoQuota,
        (_, CapacityOutcome::Unlikely) => Availability::NoCapacity,
        (QuotaOutcome::Unknown, _) => Availability::Unknown,
        (QuotaOutcome::Fits, _) => Availability::Available,
    }
}

/// Whether a policy shows an offer.
pub(super) fn shows(strictness: Strictness, availability: Availability) -> bool {
    match strictness {
        Strictness::Advisory => true,
        Strictness::Balanced => availability != Availability::NoQuota,
        Strictness::Strict => availability == Availability::Available,
    }
}

fn check(verdict: &Verdict, count: u32, strictness: Strictness) -> Result<(), &'static str> {
    let mut worst = QuotaOutcome::Fits;
    for finding in &verdict.findings {
        check_finding(finding)?;
        worst = worst.worse(finding.outcome);
    }
    if verdict.quota != worst {
        return Err("the quota outcome is not that of the worst finding");
    }
    if verdict.availability != availability(verdict.quota, verdict.capacity) {
        return Err("the availability does not follow from the two outcomes");
    }
    if verdict.visible != shows(strictness, verdict.availability) {
        return Err("it is shown or hidden against the policy");
    }
    match (verdict.quota, verdict.fits_count) {
        (QuotaOutcome::Fits, Some(fits)) if fits < count => Err("it fits, and fewer fit"),
        (QuotaOutcome::Blocked, Some(fits)) if fits >= count => {
            Err("it is blocked, and as many fit")
        }
        _ => Ok(()),
    }
}

fn check_finding(finding: &Finding) -> Result<(), &'static str> {
    if finding.reason == Reason::Fits && finding.outcome != QuotaOutcome::Fits {
        return Err("a row has room and does not let it through");
    }
    if let (Some(limit), Some(headroom)) = (finding.limit, finding.headroom) {
        // Where the usage is not told, it is not zero: more is taken than is said.
        let taken = finding.usage.unwrap_or(0).saturating_add(finding.held);
        if headroom > limit.saturating_sub(taken) {
            return Err("more headroom than limit, usage and holds leave");
        }
    }
    if let Some(shortfall) = finding.shortfall {
        if shortfall == 0 || shortfall > finding.required {
            return Err("a shortfall of nothing, or of more than is required");
        }
        if finding.reason == Reason::Fits {
            return Err("a row has room and falls short");
        }
    }
    if finding
        .minimum_limit
        .is_some_and(|minimum| minimum < finding.required)
    {
        return Err("a limit below what is required would do");
    }
    Ok(())
}
