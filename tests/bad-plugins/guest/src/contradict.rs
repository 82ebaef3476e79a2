//! Answers that cannot be true, each by the name under which a launch asks for it.

use alloc::{format, string::String, vec, vec::Vec};

use crate::plugin::bindings::{
    exports::quotagate::plugin::gate::{Admission, BreakingLaunch, Demand, ReservedDemand},
    quotagate::plugin::types::{
        Availability, CapacityOutcome, Finding, Lifecycle, Offer, QuotaOutcome, Reason, Verdict,
    },
};
use crate::plugin::proper;

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

/// A quota of which the account has rows, in the region of the launches.
const LISTED: &str = "compute.instance.count";

/// A reservation of the account.
const RESERVATION: &str = "capacityblockgroup-e00b300";

/// What a proper plan of one launch may take of a row.
fn demand(project: &str, region: &str) -> Demand {
    Demand {
        quota: LISTED.into(),
        project: project.into(),
        region: region.into(),
        at_least: 1,
        at_most: 1,
    }
}

/// Takes something of rows and reservations, properly or not.
pub(crate) fn in_demands(deed: &str, admission: &mut Admission, project: &str, region: &str) {
    let proper = demand(project, region);
    let reserved = |reservation: &str, project: &str| ReservedDemand {
        reservation: reservation.into(),
        project: project.into(),
        at_least: 0,
        at_most: 8,
    };
    match deed {
        "demand" => {
            admission.demands = vec![proper];
            admission.reserved = vec![reserved(RESERVATION, project)];
        }
        "foreign-project" => admission.demands = vec![demand("project-of-others", region)],
        "foreign-region" => admission.demands = vec![demand(project, "elsewhere")],
        "unlisted-quota" => {
            let quota = String::from("compute.instance.nonsense");
            admission.demands = vec![Demand { quota, ..proper }];
        }
        "upside-down" => {
            admission.demands = vec![Demand {
                at_most: 0,
                ..proper
            }];
        }
        "twice" => admission.demands = vec![proper.clone(), proper],
        "a-hundred-thousand" => {
            let many = (0..100_000).map(|index| Demand {
                quota: format!("quota-{index}"),
                ..proper.clone()
            });
            admission.demands = many.collect();
        }
        "reserved-foreign-project" => {
            admission.reserved = vec![reserved(RESERVATION, "project-of-others")];
        }
        "reserved-unshown" => admission.reserved = vec![reserved("nobody's", project)],
        "reserved-upside-down" => {
            admission.reserved = vec![ReservedDemand {
                at_least: 9,
                ..reserved(RESERVATION, project)
            }];
        }
        "reserved-twice" => {
            let one = reserved(RESERVATION, project);
            admission.reserved = vec![one.clone(), one];
        }
        "reserved-a-hundred-thousand" => {
            let one = reserved(RESERVATION, project);
            admission.reserved = Vec::from_iter((0..100_000).map(|_| one.clone()));
        }
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

/// What a launch error is said to mean.
pub(crate) fn in_diagnosis(deed: &str) -> Vec<Finding> {
    let finding = || {
        let offer = Offer {
            instance_type: deed.into(),
            region: "eu-north1".into(),
            lifecycle: Lifecycle::OnDemand,
        };
        let mut findings = proper(offer, 1).findings;
        findings.remove(0)
    };
    match deed {
        "room-that-blocks" => vec![Finding {
            outcome: QuotaOutcome::Blocked,
            ..finding()
        }],
        "two-thousand-findings" => Vec::from_iter((0..2_000).map(|_| finding())),
        _ => Vec::new(),
    }
}
