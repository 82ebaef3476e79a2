//! What the plugin for Nebius tells the engine of a launch, of owners and of rows.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests take what they know to be there"
)]

use quotagate_guest::{
    Asked, Attribute, Cloud as _, Demand, Draw, Draws, Failure, FailureDetail, FailureKind,
    FailureParts, InstanceType, LessonKind, Limit, Need, Owner, OwnerState, Place, Profile, Reason,
    Reservation, ReservationUse, Row, Usage,
};
use quotagate_plugin_nebius::Nebius;

const GIB: u64 = 1 << 30;

fn profile(needs: Vec<Need>) -> Profile {
    Profile {
        needs,
        ..Profile::default()
    }
}

/// What demands take: quota, by each instance, by the launch.
fn taken(demands: &[Demand<'_>]) -> Vec<(String, u128, u128)> {
    let of = |demand: &Demand<'_>| {
        let claim = demand.any_of.first().unwrap();
        (claim.quota.to_string(), demand.each, demand.once)
    };
    demands.iter().map(of).collect()
}

#[test]
fn needs_become_demands_each_quota_once() {
    let needs = vec![
        Need::pieces("address.public.static", 1),
        Need::sized("disk.network-ssd", 100 * GIB),
        Need::sized("disk.NETWORK_SSD", 50 * GIB),
        Need::pieces("address.private", 1),
        Need::sized("filesystem.network_ssd", 10 * GIB).once(),
        Need::pieces("node-group", 1).once(),
        Need::pieces("cluster", 1).once(),
    ];
    let demands = Nebius.profile_demands(&profile(needs)).unwrap();
    let gib = u128::from(GIB);
    let expected = [
        ("compute.disk.count", 2, 0),
        ("compute.disk.size.network-ssd", 150 * gib, 0),
        ("vpc.allocation.count", 3, 0),
        ("vpc.ipv4-address.public.count", 1, 0),
        ("compute.filesystem.count", 0, 1),
        ("compute.filesystem.size.network-ssd", 0, 10 * gib),
        ("compute.gpucluster.count", 0, 1),
    ];
    assert_eq!(
        taken(&demands),
        expected.map(|(quota, each, once)| (quota.to_owned(), each, once))
    );
}

#[test]
fn a_kind_that_is_not_known_is_an_invalid_launch() {
    for (need, words) in [
        (
            Need::sized("disk.floppy", GIB),
            "unknown kind of disk `floppy`: Nebius has network-ssd, network-hdd",
        ),
        (
            Need::pieces("address.ipv6", 1),
            "unknown kind of need `address.ipv6`",
        ),
        (Need::pieces("disk", 1), "unknown kind of need `disk`"),
        (
            Need::sized("disk.network-ssd-io-m3", 100 * GIB),
            "the nearest are 93 GiB and 186 GiB",
        ),
    ] {
        let why = Nebius
            .profile_demands(&profile(vec![need.clone()]))
            .unwrap_err();
        assert!(why.0.contains(words), "{need:?}: {}", why.0);
    }
}

/// A kind is in the descriptor, with its default, where a launch may ask for it.
#[test]
fn every_kind_that_is_described_is_known() {
    let descriptor = Nebius.descriptor();
    for kind in &descriptor.kinds {
        let mut need = Need::pieces(kind.kind.as_str(), 1);
        need.bytes = if kind.sized { 93 * GIB } else { 0 };
        let demands = Nebius.profile_demands(&profile(vec![need])).unwrap();
        assert!(!demands.is_empty(), "{}", kind.kind);
    }
    let usual = descriptor
        .kinds
        .iter()
        .filter(|kind| kind.default_pieces > 0);
    let usual: Vec<_> = usual
        .map(|kind| (kind.kind.as_str(), kind.default_bytes))
        .collect();
    assert_eq!(
        usual,
        [("disk.network-ssd", 100 * GIB), ("address.private", 0)]
    );
    assert_eq!(descriptor.lifecycle("spot"), Some("preemptible"));
}

fn gpu_type(quota: Option<&str>) -> InstanceType {
    let draw = |quota: &str| Draw {
        quota: quota.into(),
        each: 8,
    };
    InstanceType {
        name: "gpu-l40s-d 8gpu".into(),
        family: "gpu-l40s-d".into(),
        gpus: 8,
        vcpus: 64,
        draws: quota.map(draw).into_iter().collect(),
        ..InstanceType::default()
    }
}

fn asked<'a>(instance_type: &'a InstanceType, lifecycle: &'a str, needs: &'a [Need]) -> Asked<'a> {
    Asked {
        instance_type,
        region: "eu-north1",
        zone: None,
        lifecycle,
        needs,
        restart: false,
        reservation: ReservationUse::Auto,
        reservation_key: None,
    }
}

#[test]
fn gpus_are_reservable_and_not_preemptible_ones() {
    let model = "compute.instance.gpu.l40s".to_owned();
    for named in [None, Some(model.as_str())] {
        let of = gpu_type(named);
        let demands = Nebius.instance_demands(&asked(&of, "on-demand", &[]));
        let all = taken(&demands);
        assert_eq!(
            all,
            [
                (model.clone(), 8, 0),
                ("compute.instance.count".into(), 1, 0)
            ]
        );
        assert!(demands[0].is_reservable && !demands[1].is_reservable);
    }
    let of = gpu_type(None);
    let demands = Nebius.instance_demands(&asked(&of, "preemptible", &[]));
    let draws: Vec<_> = demands.iter().map(|demand| demand.draws).collect();
    assert_eq!(draws, [Draws::Never, Draws::Always, Draws::Never]);
    let restart = Asked {
        restart: true,
        ..asked(&of, "on-demand", &[])
    };
    let demands = Nebius.instance_demands(&restart);
    assert_eq!(demands.len(), 1);
    assert!(demands[0].is_uncertain && demands[0].is_reservable);
}

#[test]
fn an_offer_with_a_need_that_makes_no_sense_does_not_fit() {
    let of = gpu_type(None);
    let needs = [
        Need::sized("disk.network-ssd", GIB),
        Need::sized("disk.floppy", GIB),
    ];
    let demands = Nebius.instance_demands(&asked(&of, "on-demand", &needs));
    let quotas: Vec<_> = taken(&demands).into_iter().map(|taken| taken.0).collect();
    assert!(quotas.contains(&"compute.disk.count".into()), "{quotas:?}");
    // A row that no list has is unknown.
    assert!(quotas.contains(&"disk.floppy".into()), "{quotas:?}");
}

#[test]
fn an_active_reservation_serves_its_own_platform_on_demand() {
    let of = gpu_type(None);
    let reservation = |family: &str, state: &str| Reservation {
        family: Some(family.into()),
        state: state.into(),
        ..Reservation::default()
    };
    let each = |lifecycle, reservation: &Reservation| {
        let serves = Nebius.serves(&asked(&of, lifecycle, &[]), reservation);
        serves.map(|serves| serves.each)
    };
    let its_own = reservation("gpu-l40s-d", "ACTIVE");
    assert_eq!(each("on-demand", &its_own), Some(8));
    assert_eq!(each("preemptible", &its_own), None);
    assert_eq!(
        each("on-demand", &reservation("gpu-l40s-d", "SHUTTING")),
        None
    );
    assert_eq!(
        each("on-demand", &reservation("gpu-h200-sxm", "ACTIVE")),
        None
    );
}

#[test]
fn a_usage_is_read_by_all_that_the_cloud_says_of_it() {
    let read = |number, state: &str, fraction: Option<&str>| {
        let mut attributes = vec![Attribute::new("usage_state", state)];
        attributes.extend(fraction.map(|text| Attribute::new("usage_fraction", text)));
        let row = Row {
            limit: Limit::Amount(100),
            usage: Usage::exactly(number),
            attributes,
            ..Row::default()
        };
        let reading = Nebius.reading(&row, &[]);
        let reason = reading.doubt.map(|doubt| (doubt.reason, doubt.detail));
        (reading.usage.at_least, reading.usage.at_most, reason)
    };
    let unmeasured =
        |detail: Option<&str>| Some((Reason::UsageUnmeasured, detail.map(str::to_owned)));
    assert_eq!(read(7, "used", None), (7, Some(7), None));
    assert_eq!(read(0, "not-used", None), (0, Some(0), None));
    assert_eq!(read(7, "unspecified", None), (7, Some(7), None));
    assert_eq!(read(0, "unspecified", None), (0, None, unmeasured(None)));
    assert_eq!(read(7, "unknown", None), (0, None, unmeasured(None)));
    assert_eq!(
        read(7, "not-used", None),
        (0, None, Some((Reason::Contradictory, None)))
    );
    let said = "no usage is given, yet 0.17 of the limit is said to be used, which is 17";
    assert_eq!(
        read(0, "used", Some("0.17")),
        (17, None, unmeasured(Some(said)))
    );
}

#[test]
fn a_project_launches_where_it_is_active() {
    let state = |level: &str, word: Option<&str>| {
        Nebius.owner_state(&Owner {
            level: level.into(),
            state: word.map(Into::into),
            ..Owner::default()
        })
    };
    assert_eq!(state("project", Some("ACTIVE")), OwnerState::Launches);
    assert_eq!(state("project", None), OwnerState::Launches);
    assert_eq!(
        state("project", Some("PARKED")),
        OwnerState::LaunchesNothing("is parked")
    );
    assert_eq!(state("project", Some("17")), OwnerState::Unknown);
}

/// `google.rpc.Status` of code 8 and without a detail.
const EXHAUSTED: &[u8] = &[0x08, 0x08];

#[test]
fn a_code_comes_by_number_by_name_or_inside_a_status() {
    let parts = |code: &str, value: &[u8]| FailureParts {
        code: code.into(),
        details: vec![FailureDetail {
            type_name: "type.googleapis.com/google.rpc.Status".into(),
            value: value.into(),
        }],
        ..FailureParts::default()
    };
    for (code, value, kind) in [
        ("7", &[][..], FailureKind::Access),
        ("PERMISSION_DENIED", &[], FailureKind::Access),
        ("PermissionDenied", EXHAUSTED, FailureKind::Access),
        ("", EXHAUSTED, FailureKind::Ambiguous),
        ("", &[0x08, 0x0e], FailureKind::Transient),
        ("QuotaFailure", &[], FailureKind::Quota),
        ("nonsense", &[], FailureKind::Ambiguous),
    ] {
        let failure = Failure::Parts(parts(code, value));
        let diagnosis = Nebius.diagnose(&failure, None).unwrap();
        assert_eq!(diagnosis.kind, kind, "{code}");
        assert!(diagnosis.lessons.is_empty(), "no quota is named");
    }
}

#[test]
fn a_lesson_is_as_wide_as_the_error_speaks() {
    let lessons = |words: &str| {
        let failure = Failure::Text(format!(
            "QuotaFailure in service compute quota failure, violations: compute.instance.gpu.h200 {words};"
        ));
        Nebius.diagnose(&failure, None).unwrap().lessons
    };
    let owned = lessons("38 of 32: Exceeded limit for container tenant-e00a");
    let [lesson] = owned.as_slice() else {
        panic!("{owned:?}");
    };
    assert_eq!(lesson.kind, LessonKind::Quota);
    assert_eq!(lesson.quota.as_deref(), Some("compute.instance.gpu.h200"));
    assert_eq!(lesson.owner.as_deref(), Some("tenant-e00a"));
    assert_eq!((lesson.at_least, &lesson.place), (0, &Place::EVERYWHERE));
    let unowned = lessons("38 of 32: Exceeded limit");
    assert_eq!(unowned[0].owner, None);
    // A total that is within the limit is not what was refused.
    assert!(lessons("8 of 32: Exceeded limit").is_empty());
}
