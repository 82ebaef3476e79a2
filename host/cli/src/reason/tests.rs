//! Each kind of finding in its few words.

use quotagate::Availability;

use super::*;

const TYPE: &str = "gpu-h200-sxm 8gpu-128vcpu-1600gb";
const GPUS: &str = "compute.instance.gpu.h200";

fn finding(reason: Reason, outcome: QuotaOutcome) -> Finding {
    Finding {
        reason,
        outcome,
        quota: None,
        scope: None,
        owner: None,
        region: "eu-north1".to_owned(),
        unit: "count".to_owned(),
        required: Some(1),
        limit: None,
        usage: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
        detail: None,
        remedy: None,
        command: Vec::new(),
        rule: None,
    }
}

fn row(
    reason: Reason,
    scope: Scope,
    quota: &str,
    (free, limit, needs): (u64, u64, u64),
) -> Finding {
    let outcome = match reason {
        Reason::Fits => QuotaOutcome::Fits,
        _ => QuotaOutcome::Blocked,
    };
    Finding {
        quota: Some(quota.to_owned()),
        scope: Some(scope),
        required: Some(needs),
        limit: Some(limit),
        headroom: Some(free),
        shortfall: needs.checked_sub(free).filter(|short| *short > 0),
        ..finding(reason, outcome)
    }
}

fn detailed(reason: Reason, outcome: QuotaOutcome, detail: &str) -> Finding {
    Finding {
        detail: Some(detail.to_owned()),
        ..finding(reason, outcome)
    }
}

fn reason(quota: QuotaOutcome, capacity: CapacityOutcome, findings: Vec<Finding>) -> String {
    let verdict = Verdict {
        quota,
        capacity,
        availability: Availability::Unknown,
        fits_count: None,
        visible: true,
        findings,
    };
    text(&verdict)
}

fn blocked(findings: Vec<Finding>) -> String {
    reason(QuotaOutcome::Blocked, CapacityOutcome::Unknown, findings)
}

fn unknown(findings: Vec<Finding>) -> String {
    reason(QuotaOutcome::Unknown, CapacityOutcome::Unknown, findings)
}

#[test]
fn shortages_say_what_is_free_and_what_is_needed() {
    let gpus = row(Reason::Shortage, Scope::Tenant, GPUS, (2, 32, 8));
    assert_eq!(
        blocked(vec![gpus.clone()]),
        "GPU quota: 2 of 32 free, needs 8"
    );
    let addresses = row(
        Reason::Shortage,
        Scope::Tenant,
        "vpc.ipv4-address.public.count",
        (0, 3, 1),
    );
    assert_eq!(
        blocked(vec![addresses.clone()]),
        "public addresses: 0 of 3 free, needs 1"
    );
    assert_eq!(
        blocked(vec![gpus, addresses]),
        "GPU quota: 2 of 32 free, needs 8 (+1 more)"
    );
    let disks = Finding {
        unit: "byte".to_owned(),
        ..row(
            Reason::Shortage,
            Scope::Tenant,
            "compute.disk.size.network-ssd",
            (50 << 30, 2 << 40, 100 << 30),
        )
    };
    assert_eq!(
        blocked(vec![disks]),
        "disk size network-ssd: 50 GiB of 2 TiB free, needs 100 GiB"
    );
    let none = row(Reason::ExceedsLimit, Scope::Tenant, GPUS, (0, 0, 8));
    assert_eq!(blocked(vec![none]), "GPU quota: limit 0, needs 8");
}

#[test]
fn the_worse_scope_of_a_quota_is_shown() {
    let tenant = row(Reason::Shortage, Scope::Tenant, GPUS, (4, 32, 8));
    let project = row(Reason::Shortage, Scope::Project, GPUS, (1, 8, 8));
    assert_eq!(
        blocked(vec![tenant.clone(), project]),
        "project GPU quota: 1 of 8 free, needs 8"
    );
    let roomier = row(Reason::Shortage, Scope::Project, GPUS, (6, 8, 8));
    assert_eq!(
        blocked(vec![tenant, roomier]),
        "GPU quota: 4 of 32 free, needs 8"
    );
}

#[test]
fn what_is_unknown_says_why() {
    let list = Finding {
        scope: Some(Scope::Tenant),
        quota: Some(GPUS.to_owned()),
        ..detailed(
            Reason::ScopeUnreadable,
            QuotaOutcome::Unknown,
            "the tenant's quota list could not be relied on: quotas.test answered PERMISSION_DENIED: no",
        )
    };
    assert_eq!(unknown(vec![list]), "tenant quota list unreadable");
    let missing = Finding {
        scope: Some(Scope::Tenant),
        quota: Some("compute.instance.count".to_owned()),
        ..finding(Reason::RowMissing, QuotaOutcome::Unknown)
    };
    assert_eq!(
        unknown(vec![missing]),
        "row missing: compute.instance.count"
    );
    let types = detailed(Reason::ScopeUnreadable, QuotaOutcome::Unknown, "no answer");
    assert_eq!(unknown(vec![types]), "list of instance types unreadable");
}

#[test]
fn what_is_not_offered_says_what_the_plugin_says() {
    let detail = format!("{TYPE} is not offered as preemptible in eu-north1");
    let told = detailed(Reason::NotOffered, QuotaOutcome::Unknown, &detail);
    assert_eq!(unknown(vec![told]), detail);
    let silent = finding(Reason::NotOffered, QuotaOutcome::Unknown);
    assert_eq!(unknown(vec![silent]), "not offered");
}

#[test]
fn what_fits_says_which_row_binds() {
    let instances = row(
        Reason::Fits,
        Scope::Tenant,
        "compute.instance.count",
        (3, 12, 1),
    );
    let gpus = row(Reason::Fits, Scope::Tenant, GPUS, (32, 64, 8));
    let fits = |capacity, findings| reason(QuotaOutcome::Fits, capacity, findings);
    assert_eq!(
        fits(
            CapacityOutcome::Likely,
            vec![gpus.clone(), instances.clone()]
        ),
        "instances: 3 of 12 free"
    );
    let reserved = Finding {
        quota: None,
        scope: None,
        ..row(Reason::Fits, Scope::Tenant, GPUS, (8, 16, 8))
    };
    assert_eq!(
        fits(CapacityOutcome::Unknown, vec![reserved, instances.clone()]),
        "reservations: 8 of 16 GPUs free"
    );
    let advice = detailed(
        Reason::NoCapacity,
        QuotaOutcome::Fits,
        "the cloud sees no free hardware now",
    );
    assert_eq!(
        fits(
            CapacityOutcome::Unlikely,
            vec![instances.clone(), advice.clone()]
        ),
        "no hardware free now"
    );
    let some = Finding {
        required: Some(4),
        detail: Some("the cloud sees room for 1 of 4 now".to_owned()),
        ..advice
    };
    assert_eq!(
        fits(CapacityOutcome::Unlikely, vec![instances, some]),
        "the cloud sees room for 1 of 4 now"
    );
    assert_eq!(fits(CapacityOutcome::Unknown, vec![]), "");
}

#[test]
fn every_reason_has_words() {
    for reason in Reason::ALL {
        let finding = Finding {
            quota: Some(GPUS.to_owned()),
            ..detailed(*reason, QuotaOutcome::Blocked, "detail")
        };
        assert!(!of(&finding).is_empty(), "{reason}");
    }
}
