//! Answers that cannot be true, each by the name under which a launch asks for it.

use crate::plugin::bindings::{
    exports::quotagate::plugin::gate::{Admission, BreakingLaunch},
    quotagate::plugin::types::{Availability, CapacityOutcome, QuotaOutcome, Reason, Verdict},
};

/// Spoils a proper verdict.
pub(crate) fn in_verdict(deed: &str, verdict: &mut Verdict) {
    let Some(finding) = verdict.findings.first_mut() else {
        return;
    };
    match deed {
        "fits-over-blocked" => {
            (finding.reason, finding.outcome) = (Reason::Shortage, QuotaOutcome::Blocked);
        }
        "blocked-without-proof" => {
            verdict.quota = QuotaOutcome::Blocked;
            verdict.availability = Availability::NoQuota;
            verdict.fits_count = Some(0);
            verdict.visible = false;
        }
        "room-while-blocked" => {
            (finding.reason, finding.outcome) = (Reason::Shortage, QuotaOutcome::Blocked);
            verdict.quota = QuotaOutcome::Blocked;
            verdict.availability = Availability::NoQuota;
            verdict.fits_count = Some(u32::MAX);
            verdict.visible = false;
        }
        "no-room-while-fits" => verdict.fits_count = Some(0),
        "available-without-hardware" => verdict.capacity = CapacityOutcome::Unlikely,
        "hidden" => verdict.visible = false,
        "reason-against-outcome" => {
            finding.outcome = QuotaOutcome::Unknown;
            verdict.quota = QuotaOutcome::Unknown;
            verdict.availability = Availability::Unknown;
            verdict.fits_count = None;
        }
        "headroom-above-limit" => (finding.limit, finding.headroom) = (Some(8), Some(u64::MAX)),
        "headroom-unlike-usage" => {
            (finding.limit, finding.usage, finding.headroom) = (Some(8), Some(8), Some(8));
        }
        "short-of-nothing" => finding.shortfall = Some(0),
        "short-of-more-than-all" => finding.shortfall = Some(u64::MAX),
        "minimum-below-required" => finding.minimum_limit = Some(0),
        // Two megabytes of words.
        "verbose" => finding.detail = Some("a".repeat(2 << 20)),
        _ => {}
    }
}

/// Spoils a proper admission.
pub(crate) fn in_admission(deed: &str, admission: &mut Admission, launches: u32) {
    let at = |index| {
        Some(BreakingLaunch {
            index,
            fits_count: Some(0),
        })
    };
    match deed {
        "breaks-while-fits" => admission.breaks_at = at(0),
        "breaks-beyond-the-plan" | "breaks-nowhere" => {
            let verdict = &mut admission.verdict;
            if let Some(finding) = verdict.findings.first_mut() {
                (finding.reason, finding.outcome) = (Reason::Shortage, QuotaOutcome::Blocked);
            }
            verdict.quota = QuotaOutcome::Blocked;
            verdict.availability = Availability::NoQuota;
            verdict.visible = false;
            verdict.fits_count = Some(0);
            if deed == "breaks-beyond-the-plan" {
                admission.breaks_at = at(launches);
            }
        }
        _ => {}
    }
}
