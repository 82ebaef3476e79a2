//! Each kind of finding in its few words.

use std::sync::Arc;

use super::*;

const TYPE: &str = "gpu-h200-sxm 8gpu-128vcpu-1600gb";
const GPUS: &str = "compute.instance.gpu.h200";
const OUTER: &str = "tenant";
const INNER: &str = "project";

fn cloud() -> Descriptor {
    Descriptor {
        levels: vec![OUTER.to_owned(), INNER.to_owned()],
        units: vec![quotagate::Unit {
            name: "byte".to_owned(),
            kind: quotagate::UnitKind::Bytes,
        }],
        ..Descriptor::default()
    }
}

fn finding(reason: Reason, outcome: QuotaOutcome) -> Finding {
    Finding {
        region: Some("eu-north1".to_owned()),
        unit: "count".to_owned(),
        required: Some(1),
        ..Finding::new(reason, outcome)
    }
}

/// What a row has free, its limit, and what the launch needs.
struct Room {
    free: u64,
    limit: u64,
    needs: u64,
}

const fn room(free: u64, limit: u64, needs: u64) -> Room {
    Room { free, limit, needs }
}

fn row(reason: Reason, level: &str, quota: &str, room: Room) -> Finding {
    let outcome = match reason {
        Reason::Fits => QuotaOutcome::Fits,
        _ => QuotaOutcome::Blocked,
    };
    let titles = [
        (GPUS, "GPU quota"),
        ("compute.instance.count", "instances"),
        ("vpc.ipv4-address.public.count", "public addresses"),
    ];
    let title = titles.iter().find(|(known, _)| *known == quota);
    Finding {
        quota: Some(quota.to_owned()),
        title: title.map(|(_, title)| (*title).to_owned()),
        level: Some(level.to_owned()),
        required: Some(room.needs),
        limit: Some(room.limit),
        headroom: Some(room.free),
        shortfall: room.needs.checked_sub(room.free).filter(|short| *short > 0),
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
        fits_count: None,
        findings: findings.into_iter().map(Arc::new).collect(),
    };
    text(&verdict, &cloud())
}

fn blocked(findings: Vec<Finding>) -> String {
    reason(QuotaOutcome::Blocked, CapacityOutcome::Unknown, findings)
}

fn unknown(findings: Vec<Finding>) -> String {
    reason(QuotaOutcome::Unknown, CapacityOutcome::Unknown, findings)
}

#[test]
fn shortages_say_what_is_free_and_what_is_needed() {
    let gpus = row(Reason::Shortage, OUTER, GPUS, room(2, 32, 8));
    assert_eq!(
        blocked(vec![gpus.clone()]),
        "GPU quota: 2 of 32 free, needs 8"
    );
    let addresses = row(
        Reason::Shortage,
        OUTER,
        "vpc.ipv4-address.public.count",
        room(0, 3, 1),
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
            OUTER,
            "compute.disk.size.network-ssd",
            room(50 << 30, 2 << 40, 100 << 30),
        )
    };
    assert_eq!(
        blocked(vec![disks]),
        "compute.disk.size.network-ssd: 50 GiB of 2 TiB free, needs 100 GiB"
    );
    let none = row(Reason::ExceedsLimit, OUTER, GPUS, room(0, 0, 8));
    assert_eq!(blocked(vec![none]), "GPU quota: limit 0, needs 8");
}

#[test]
fn the_worse_row_of_a_quota_is_shown() {
    let tenant = row(Reason::Shortage, OUTER, GPUS, room(4, 32, 8));
    let project = row(Reason::Shortage, INNER, GPUS, room(1, 8, 8));
    assert_eq!(
        blocked(vec![tenant.clone(), project]),
        "project GPU quota: 1 of 8 free, needs 8"
    );
    let roomier = row(Reason::Shortage, INNER, GPUS, room(6, 8, 8));
    assert_eq!(
        blocked(vec![tenant, roomier]),
        "GPU quota: 4 of 32 free, needs 8"
    );
}

#[test]
fn what_is_unknown_says_why() {
    let list = Finding {
        level: Some(OUTER.to_owned()),
        quota: Some(GPUS.to_owned()),
        ..detailed(
            Reason::ScopeUnreadable,
            QuotaOutcome::Unknown,
            "the tenant's quota list could not be relied on: quotas.test answered PERMISSION_DENIED: no",
        )
    };
    assert_eq!(unknown(vec![list]), "tenant quota list unreadable");
    let missing = Finding {
        level: Some(OUTER.to_owned()),
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
        OUTER,
        "compute.instance.count",
        room(3, 12, 1),
    );
    let gpus = row(Reason::Fits, OUTER, GPUS, room(32, 64, 8));
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
        level: None,
        unit: "gpu".to_owned(),
        ..row(Reason::Fits, OUTER, GPUS, room(8, 16, 8))
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
        assert!(!of(&finding, &cloud()).is_empty(), "{reason}");
    }
}
