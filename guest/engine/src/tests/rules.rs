//! The engine's rules one by one; those of Nebius are tested through the command line, case by case.

use alloc::vec::Vec;

use super::{Parts, Toy, admit_in, big, row, source};
use crate::{
    demand::{Draws, Sum},
    *,
};

fn reason_of(verdict: &Verdict, quota: &str) -> Option<(Reason, QuotaOutcome)> {
    verdict
        .findings
        .iter()
        .find(|finding| finding.quota.as_deref() == Some(quota))
        .map(|finding| (finding.reason, finding.outcome))
}

fn alone() -> Profile {
    Profile {
        project: "p".into(),
        ..Profile::default()
    }
}

fn restart() -> Profile {
    Profile {
        restart: true,
        ..alone()
    }
}

fn demand_of(admission: &Admission, quota: &str) -> (u64, u64) {
    let mut demands = admission.demands.iter();
    let demand = demands.find(|demand| demand.quota == quota).unwrap();
    (demand.at_least, demand.at_most)
}

fn reservation(id: &str, fabric: &str, limit: u64, usage: u64) -> Reservation {
    Reservation {
        id: id.into(),
        family: "f".into(),
        region: "here".into(),
        fabric: Some(fabric.into()),
        active: true,
        limit,
        usage,
        usage_state: UsageState::Used,
        usage_fraction: None,
        project_limit: None,
        project_usage: 0,
        project_usage_state: UsageState::Unspecified,
        project_usage_fraction: None,
        held: 0,
        held_at_most: 0,
        project_held: 0,
        project_held_at_most: 0,
        next_change: None,
    }
}

#[test]
fn the_state_is_read_before_the_numbers() {
    for (state, tenant, project) in [
        (
            RowState::Frozen,
            (Reason::Frozen, QuotaOutcome::Blocked),
            (Reason::Frozen, QuotaOutcome::Blocked),
        ),
        (
            RowState::Deleted,
            (Reason::Deleted, QuotaOutcome::Blocked),
            (Reason::Deleted, QuotaOutcome::Unknown),
        ),
        (
            RowState::Provisioning,
            (Reason::Provisioning, QuotaOutcome::Unknown),
            (Reason::Provisioning, QuotaOutcome::Unknown),
        ),
    ] {
        let mut parts = Parts::roomy();
        parts.tenant_row("gpu").state = state;
        // Even a limit that is too small by itself does not outrank the state.
        parts.tenant_row("gpu").limit = Some(1);
        assert_eq!(reason_of(&parts.judge(1, &alone()), "gpu"), Some(tenant));

        let mut parts = Parts::roomy();
        let share = Allowance {
            state,
            ..row("p", "gpu", None, 0)
        };
        parts.allowances.project.rows.push(share);
        let verdict = parts.judge(1, &alone());
        let found = verdict
            .findings
            .iter()
            .find(|finding| finding.scope == Some(Scope::Project));
        let found = found.unwrap();
        assert_eq!((found.reason, found.outcome), project);
    }
}

#[test]
fn the_whole_limit_is_compared_before_the_usage() {
    let mut parts = Parts::roomy();
    *parts.tenant_row("gpu") = Allowance {
        usage_state: UsageState::Unknown,
        ..row("t", "gpu", Some(7), 0)
    };
    let verdict = parts.judge(1, &alone());
    assert_eq!(
        reason_of(&verdict, "gpu"),
        Some((Reason::ExceedsLimit, QuotaOutcome::Blocked))
    );
    assert_eq!(
        verdict.fits_count,
        Some(0),
        "not one fits the limit, whatever is used"
    );

    parts.tenant_row("gpu").limit = Some(8);
    let verdict = parts.judge(1, &alone());
    assert_eq!(
        reason_of(&verdict, "gpu"),
        Some((Reason::UsageUnmeasured, QuotaOutcome::Unknown))
    );
    assert_eq!(verdict.fits_count, None);
}

#[test]
fn a_wrong_unit_gives_no_comparison() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").unit = "byte".into();
    let found = reason_of(&parts.judge(1_000, &alone()), "gpu");
    assert_eq!(found, Some((Reason::WrongUnit, QuotaOutcome::Unknown)));
}

#[test]
fn held_units_are_not_free() {
    let mut parts = Parts::roomy();
    *parts.tenant_row("gpu") = Allowance {
        held: 8,
        ..row("t", "gpu", Some(16), 0)
    };
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Fits);
    let verdict = parts.judge(2, &alone());
    assert_eq!(verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(verdict.fits_count, Some(1));
    assert_eq!(verdict.findings[0].minimum_limit, Some(24));
}

#[test]
fn usage_above_the_limit_is_a_headroom_of_zero() {
    let mut parts = Parts::roomy();
    *parts.tenant_row("gpu") = row("t", "gpu", Some(8), u64::MAX);
    let verdict = parts.judge(1, &alone());
    assert_eq!(verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(verdict.findings[0].headroom, Some(0));
    assert_eq!(
        verdict.findings[0].minimum_limit, None,
        "no limit of 64 bits would do"
    );
}

#[test]
fn a_sum_beyond_the_range_does_not_wrap() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(u64::MAX);
    parts.types.items[0].gpus = u32::MAX;
    parts.tenant_row("count").limit = Some(u64::MAX);
    let verdict = parts.judge(u32::MAX, &alone());
    assert_eq!(verdict.quota, QuotaOutcome::Fits);
    parts.tenant_row("gpu").limit = Some(u64::from(u32::MAX) * u64::from(u32::MAX) - 1);
    assert_eq!(parts.judge(u32::MAX, &alone()).quota, QuotaOutcome::Blocked);
}

#[test]
fn twins_count_once_when_equal_and_prove_nothing_when_not() {
    let mut parts = Parts::roomy();
    let twin = parts.tenant_row("gpu").clone();
    parts.allowances.tenant.rows.push(twin);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Fits);
    parts.tenant_row("gpu").usage = 1;
    let found = reason_of(&parts.judge(1, &alone()), "gpu");
    assert_eq!(found, Some((Reason::Contradictory, QuotaOutcome::Unknown)));
}

#[test]
fn an_old_list_is_as_good_as_none() {
    let parts = Parts::roomy();
    let policy = Policy {
        max_age_ms: Some(0),
        ..Policy::default()
    };
    let offer = big(Lifecycle::OnDemand);
    let judge = |now| {
        assess(
            &Toy,
            &parts.account(),
            now,
            core::slice::from_ref(&offer),
            1,
            &alone(),
            &policy,
        )
        .unwrap()
    };
    assert_eq!(judge(1_000)[0].quota, QuotaOutcome::Fits);
    let old = judge(1_001);
    assert_eq!(old[0].quota, QuotaOutcome::Unknown);
    assert_eq!(old[0].findings[0].reason, Reason::Stale);
}

#[test]
fn a_list_read_in_part_speaks_for_what_it_holds() {
    let mut parts = Parts::roomy();
    parts.allowances.tenant.source.state = SourceState::Incomplete;
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Fits);
    parts
        .allowances
        .tenant
        .rows
        .retain(|row| row.name != "count");
    let found = reason_of(&parts.judge(1, &alone()), "count");
    assert_eq!(
        found,
        Some((Reason::ScopeUnreadable, QuotaOutcome::Unknown))
    );
    // What it does hold still proves a shortage.
    parts.tenant_row("gpu").limit = Some(7);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Blocked);
}

#[test]
fn reservations_come_first_under_auto_and_alone_under_strict() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(8);
    // Sixteen GPUs, but whole instances go on one reservation each: 8 + 4 is room for one.
    parts.reservations.items =
        Vec::from([reservation("r1", "a", 8, 0), reservation("r2", "b", 4, 0)]);
    let judge = |count, reservation| {
        parts.judge(
            count,
            &Profile {
                reservation,
                ..alone()
            },
        )
    };
    assert_eq!(judge(2, ReservationUse::Auto).quota, QuotaOutcome::Fits);
    assert_eq!(judge(1, ReservationUse::Auto).fits_count, Some(2));
    assert_eq!(judge(3, ReservationUse::Auto).quota, QuotaOutcome::Blocked);
    assert_eq!(judge(1, ReservationUse::Strict).quota, QuotaOutcome::Fits);
    let short = judge(2, ReservationUse::Strict);
    assert_eq!(short.findings[0].reason, Reason::ReservationExhausted);
    assert_eq!(short.quota, QuotaOutcome::Blocked);
    assert_eq!(
        judge(2, ReservationUse::Forbid).quota,
        QuotaOutcome::Blocked
    );
}

#[test]
fn a_reservation_that_was_not_measured_makes_a_shortage_unknown() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(0);
    parts.reservations.items = Vec::from([Reservation {
        usage_state: UsageState::Unknown,
        ..reservation("r1", "a", 8, 0)
    }]);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Unknown);
    parts.reservations.items.clear();
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Blocked);
    parts.reservations.source = source(SourceState::Denied);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Unknown);
}

#[test]
fn an_announced_change_of_a_reservation_is_told_without_being_asked() {
    let mut parts = Parts::roomy();
    let day = 24 * 3_600_000;
    parts.reservations.items = Vec::from([Reservation {
        next_change: Some(ReservationChange {
            at: 1_000 + 2 * day,
            limit: Some(0),
        }),
        ..reservation("r1", "a", 8, 0)
    }]);
    let verdict = parts.judge_under(1, &alone(), Lifecycle::OnDemand, &Policy::default());
    assert_eq!(verdict.quota, QuotaOutcome::Fits);
    let told = verdict
        .findings
        .iter()
        .filter_map(|finding| finding.detail.as_ref());
    let told: Vec<_> = told
        .filter(|detail| detail.contains("r1 changes from 8 GPUs to 0 GPUs in 2 d 0 h"))
        .collect();
    assert_eq!(told.len(), 1, "{verdict:?}");
}

#[test]
fn a_reservation_listed_twice_is_there_once() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(0);
    parts.reservations.items =
        Vec::from([reservation("r1", "a", 8, 0), reservation("r1", "a", 8, 0)]);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Fits);
    assert_eq!(parts.judge(2, &alone()).quota, QuotaOutcome::Blocked);
    parts.reservations.items[1].usage = 1;
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Unknown);
}

#[test]
fn a_cluster_takes_reservations_of_one_fabric() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(0);
    parts.reservations.items =
        Vec::from([reservation("r1", "a", 8, 0), reservation("r2", "b", 8, 0)]);
    assert_eq!(parts.judge(2, &alone()).quota, QuotaOutcome::Fits);
    let cluster = Profile {
        new_cluster: true,
        ..alone()
    };
    assert_eq!(parts.judge(2, &cluster).quota, QuotaOutcome::Blocked);
    assert_eq!(parts.judge(1, &cluster).quota, QuotaOutcome::Fits);
}

#[test]
fn a_restart_proves_no_shortage_of_gpus() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(0);
    assert_eq!(parts.judge(1, &restart()).quota, QuotaOutcome::Unknown);
    // Nor does a row out of use, since nothing is sure to be taken of it.
    for state in [RowState::Frozen, RowState::Deleted] {
        parts.tenant_row("gpu").state = state;
        assert_eq!(parts.judge(1, &restart()).quota, QuotaOutcome::Unknown);
        assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Blocked);
    }
    // What it is sure to take still counts.
    *parts.tenant_row("count") = row("t", "count", Some(0), 0);
    assert_eq!(parts.judge(1, &restart()).quota, QuotaOutcome::Blocked);
}

#[test]
fn what_starts_under_way_may_take_makes_a_launch_unknown_and_never_blocked() {
    let mut parts = Parts::roomy();
    *parts.tenant_row("gpu") = Allowance {
        held: 8,
        held_at_most: 16,
        ..row("t", "gpu", Some(32), 0)
    };
    let two = parts.judge(2, &alone());
    assert_eq!((two.quota, two.fits_count), (QuotaOutcome::Fits, None));
    let three = parts.judge(3, &alone());
    assert_eq!(three.fits_count, None);
    let finding = &three.findings[0];
    assert_eq!(
        (finding.reason, finding.outcome),
        (Reason::MayBeHeld, QuotaOutcome::Unknown)
    );
    assert_eq!((finding.held, finding.headroom), (8, Some(24)));
    assert_eq!(
        finding.minimum_limit,
        Some(40),
        "beside all that may be held"
    );
    assert_eq!(
        finding.detail.as_deref(),
        Some("starts under way may take 8 of what is free, or have it inside the usage already")
    );
    let four = parts.judge(4, &alone());
    assert_eq!(four.quota, QuotaOutcome::Blocked);
    assert_eq!(four.findings[0].reason, Reason::Shortage);
    // Another row that lets no more through than is certain here makes the number known.
    parts.tenant_row("count").limit = Some(2);
    assert_eq!(parts.judge(1, &alone()).fits_count, Some(2));
}

#[test]
fn a_restart_in_a_plan_takes_from_nothing_to_the_whole() {
    let mut parts = Parts::roomy();
    *parts.tenant_row("gpu") = row("t", "gpu", Some(16), 8);
    let admission = parts.admit(&[(1, restart()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
    let at = admission.breaks_at.unwrap();
    assert_eq!((at.index, at.fits_count), (1, None));
    let found = reason_of(&admission.verdict, "gpu");
    assert_eq!(found, Some((Reason::MayBeHeld, QuotaOutcome::Unknown)));
    assert_eq!(demand_of(&admission, "gpu"), (8, 16));
    assert_eq!(demand_of(&admission, "count"), (2, 2));
    // Two launches for certain are one too many, with the restart or without.
    let admission = parts.admit(&[(1, restart()), (2, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
    // And where all has room, it fits.
    parts.tenant_row("gpu").usage = 0;
    let admission = parts.admit(&[(1, restart()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
}

#[test]
fn a_restart_on_a_reservation_takes_from_nothing_to_the_whole() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(0);
    parts.reservations.items = Vec::from([reservation("r1", "a", 16, 8)]);
    let strict = |profile| Profile {
        reservation: ReservationUse::Strict,
        ..profile
    };
    for wanting in [alone(), strict(alone())] {
        for starting in [restart(), strict(restart())] {
            let admission = parts.admit(&[(1, starting), (1, wanting.clone())]);
            assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
            assert_eq!(admission.breaks_at.map(|at| at.index), Some(1));
            let reasons = admission.verdict.findings.iter();
            let mut reasons = reasons.map(|finding| finding.reason);
            assert!(reasons.any(|reason| reason == Reason::MayBeHeld));
            // Whichever of the two it is, eight are taken.
            assert_eq!(admission.reserved[0].at_least, 8);
            assert_eq!(admission.reserved[0].at_most, 8);
        }
    }
}

#[test]
fn what_may_be_held_of_a_reservation_makes_a_launch_on_it_unknown() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(8);
    parts.reservations.items = Vec::from([Reservation {
        held_at_most: 8,
        ..reservation("r1", "a", 16, 0)
    }]);
    let judge = |parts: &Parts, count, reservation| {
        let profile = Profile {
            reservation,
            ..alone()
        };
        parts.judge(count, &profile)
    };
    let strict = |parts: &Parts, count| judge(parts, count, ReservationUse::Strict);
    let quotas = |count: u32| strict(&parts, count).quota;
    assert_eq!(quotas(1), QuotaOutcome::Fits);
    assert_eq!(quotas(2), QuotaOutcome::Unknown);
    assert_eq!(quotas(3), QuotaOutcome::Blocked);
    let finding = &strict(&parts, 2).findings[0];
    assert_eq!(finding.reason, Reason::MayBeHeld);
    assert_eq!(
        finding.detail.as_deref(),
        Some(
            "reservations have room for 1 of 2 instances; starts under way may take 8 GPUs of the reserved capacity, or have them inside its usage already"
        )
    );
    // Two go on what is free, or one of them on the ordinary row; a third finds one of the two too small.
    let auto = |count| judge(&parts, count, ReservationUse::Auto);
    assert_eq!(auto(2).quota, QuotaOutcome::Fits);
    assert_eq!(auto(3).quota, QuotaOutcome::Unknown);
    assert_eq!(
        reason_of(&auto(3), "gpu"),
        Some((Reason::MayBeHeld, QuotaOutcome::Unknown))
    );
    assert_eq!(auto(4).quota, QuotaOutcome::Blocked);
    // The project's share is a band of its own.
    parts.reservations.items[0] = Reservation {
        project_limit: Some(8),
        project_held_at_most: 8,
        project_usage_state: UsageState::Used,
        ..reservation("r1", "a", 16, 0)
    };
    let quotas = |count: u32| strict(&parts, count).quota;
    assert_eq!(quotas(1), QuotaOutcome::Unknown);
    assert_eq!(quotas(2), QuotaOutcome::Blocked);
}

/// A reservation of 16 GPUs of which the project may take 8.
fn shared(held: u64, project_held: u64) -> Reservation {
    Reservation {
        project_limit: Some(8),
        project_usage_state: UsageState::Used,
        held,
        held_at_most: held,
        project_held,
        project_held_at_most: project_held,
        ..reservation("r1", "a", 16, 0)
    }
}

fn strict_in(project: &str) -> Profile {
    Profile {
        project: project.into(),
        reservation: ReservationUse::Strict,
        ..Profile::default()
    }
}

#[test]
fn what_other_projects_hold_of_a_reservation_leaves_a_projects_share_alone() {
    let mut parts = Parts::roomy();
    let mut quota = |reservation| {
        parts.reservations.items = Vec::from([reservation]);
        parts.judge(1, &strict_in("p")).quota
    };
    assert_eq!(quota(shared(8, 0)), QuotaOutcome::Fits);
    assert_eq!(quota(shared(8, 8)), QuotaOutcome::Blocked);
    assert_eq!(quota(shared(16, 0)), QuotaOutcome::Blocked);
}

#[test]
fn a_plan_over_projects_takes_from_each_share_what_its_own_launches_take() {
    let mut parts = Parts::roomy();
    parts.reservations.items = Vec::from([shared(0, 0)]);
    let projects = [("p", &parts), ("q", &parts)];
    let plan = [(1, strict_in("p")), (1, strict_in("q"))];
    let admission = admit_in(&projects, &plan);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
    let reserved: Vec<_> = admission
        .reserved
        .iter()
        .map(|demand| (demand.project.as_str(), demand.at_least, demand.at_most))
        .collect();
    assert_eq!(reserved, [("p", 8, 8), ("q", 8, 8)]);
    // The second of one project finds its share gone, the third of all the reservation.
    for (plan, breaks_at) in [
        ([strict_in("p"), strict_in("p"), strict_in("q")], 1),
        ([strict_in("p"), strict_in("q"), strict_in("o")], 2),
    ] {
        let projects = [("p", &parts), ("q", &parts), ("o", &parts)];
        let admission = admit_in(&projects, &plan.map(|profile| (1, profile)));
        assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
        assert_eq!(admission.breaks_at.map(|at| at.index), Some(breaks_at));
    }
}

#[test]
fn reservations_that_were_not_read_leave_it_open_where_an_earlier_launch_went() {
    let mut parts = Parts::roomy();
    parts.tenant_row("gpu").limit = Some(8);
    parts.reservations.source = source(SourceState::Denied);
    let forbid = Profile {
        reservation: ReservationUse::Forbid,
        ..alone()
    };
    let admission = parts.admit(&[(1, alone()), (1, forbid.clone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
    // What reserved capacity may cover is not held of the ordinary row for certain.
    assert_eq!(demand_of(&admission, "gpu"), (8, 16));
    let admission = parts.admit(&[(1, forbid.clone()), (1, forbid)]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
}

#[test]
fn a_row_that_is_not_there_is_not_demanded() {
    let mut parts = Parts::roomy();
    let count = |parts: &Parts| {
        let demands = parts.admit(&[(1, alone())]).demands;
        demands.iter().any(|demand| demand.quota == "count")
    };
    assert!(count(&parts));
    let rows = &mut parts.allowances.tenant.rows;
    rows.retain(|row| row.name != "count");
    assert!(!count(&parts));
    // It may be on a page that was not read, or be the project's alone.
    parts.allowances.tenant.source.state = SourceState::Incomplete;
    assert!(count(&parts));
    parts.allowances.tenant.source.state = SourceState::Complete;
    let share = row("p", "count", Some(8), 0);
    parts.allowances.project.rows.push(share);
    assert!(count(&parts));
}

#[test]
fn demands_on_one_quota_are_added_up_whoever_names_them() {
    let mut parts = Parts::roomy();
    // Eight GPUs and one instance, both of `count`.
    parts.types.items[0].gpu_quota = Some("count".into());
    *parts.tenant_row("count") = row("t", "count", Some(9), 0);
    let one = parts.judge(1, &alone());
    assert_eq!((one.quota, one.fits_count), (QuotaOutcome::Fits, Some(1)));
    parts.tenant_row("count").limit = Some(8);
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Blocked);
    assert_eq!(demand_of(&parts.admit(&[(1, alone())]), "count"), (9, 9));

    // Eight GPUs and the new cluster, one named by the type, one by the profile.
    parts.types.items[0].gpu_quota = Some("cluster".into());
    let cluster = Profile {
        new_cluster: true,
        ..alone()
    };
    *parts.tenant_row("cluster") = row("t", "cluster", Some(17), 0);
    assert_eq!(parts.judge(2, &cluster).quota, QuotaOutcome::Fits);
    assert_eq!(parts.judge(2, &cluster).fits_count, Some(2));
    parts.tenant_row("cluster").limit = Some(16);
    let short = parts.judge(2, &cluster);
    assert_eq!(short.quota, QuotaOutcome::Blocked);
    let findings = short.findings.iter();
    let of_clusters = findings.filter(|finding| finding.quota.as_deref() == Some("cluster"));
    assert_eq!(of_clusters.count(), 1);
    let admission = parts.admit(&[(2, cluster)]);
    assert_eq!(demand_of(&admission, "cluster"), (17, 17));
}

#[test]
fn of_two_demands_on_one_quota_the_stricter_reading_counts() {
    use Bearing::{Decisive, NotDecisive, PerhapsHeld, Reservable, WhereListed};
    let sum = |one, other| {
        let demand = |bearing| Demand {
            quota: "q".into(),
            units: &["count"],
            each: 1,
            once: 0,
            bearing,
        };
        let sums = Sum::up(Vec::from([demand(one), demand(other)]));
        let [sum] = sums.as_slice() else {
            panic!("{sums:?}");
        };
        let each = (sum.each.at_least, sum.each.at_most);
        (each, sum.draws, sum.is_reservable)
    };
    for (one, other, expected) in [
        (Decisive, WhereListed, ((2, 2), Draws::Always, false)),
        (Decisive, Reservable, ((2, 2), Draws::Always, false)),
        (Reservable, Reservable, ((2, 2), Draws::Always, true)),
        (
            WhereListed,
            WhereListed,
            ((2, 2), Draws::WhereListed, false),
        ),
        (Decisive, PerhapsHeld, ((1, 2), Draws::Always, false)),
        (Decisive, NotDecisive, ((1, 1), Draws::Always, false)),
        (NotDecisive, NotDecisive, ((2, 2), Draws::Never, false)),
    ] {
        assert_eq!(sum(one, other), expected, "{one:?} and {other:?}");
        assert_eq!(sum(other, one), expected, "{other:?} and {one:?}");
    }
}

#[test]
fn demands_in_different_units_add_up_in_the_units_of_both() {
    const BOTH: &[&str] = &["count", "gpu"];
    const ONE: &[&str] = &["count"];
    const ANOTHER: &[&str] = &["gpu", "byte"];
    let units = |one, other| {
        let demand = |units| Demand {
            quota: "q".into(),
            units,
            each: 1,
            once: 0,
            bearing: Bearing::Decisive,
        };
        Sum::up(Vec::from([demand(one), demand(other)]))[0].units
    };
    assert_eq!(units(BOTH, ONE), ONE);
    assert_eq!(units(ONE, BOTH), ONE);
    assert!(units(BOTH, ANOTHER).is_empty());
}

#[test]
fn advice_is_asked_for_the_instances_of_each_lane() {
    let mut parts = Parts::roomy();
    parts.reservations.items = Vec::from([reservation("r1", "a", 8, 0)]);
    let on = |lane, available| Capacity {
        lane,
        ..advice(available, CapacityLevel::High, Freshness::Fresh, "a")
    };
    parts.capacities.items = Vec::from([on(Lane::Reserved, 1), on(Lane::OnDemand, 1)]);
    let capacity = |parts: &Parts, count| parts.judge(count, &alone()).capacity;
    // One goes on the reservation, the other finds hardware; a third does not.
    assert_eq!(capacity(&parts, 2), CapacityOutcome::Likely);
    assert_eq!(capacity(&parts, 3), CapacityOutcome::Unlikely);
    parts.capacities.items[0].available = 0;
    assert_eq!(capacity(&parts, 1), CapacityOutcome::Unlikely);
    assert_eq!(capacity(&parts, 2), CapacityOutcome::Unlikely);
    parts.capacities.items.remove(0);
    assert_eq!(capacity(&parts, 2), CapacityOutcome::Unknown);

    // In a plan both lanes fill up.
    parts.capacities.items = Vec::from([on(Lane::Reserved, 1), on(Lane::OnDemand, 1)]);
    let plan = |counts: &[u32]| {
        let launches: Vec<_> = counts.iter().map(|count| (*count, alone())).collect();
        parts.admit(&launches).verdict.capacity
    };
    assert_eq!(plan(&[2]), CapacityOutcome::Likely);
    assert_eq!(plan(&[1, 1]), CapacityOutcome::Likely);
    assert_eq!(plan(&[2, 1]), CapacityOutcome::Unlikely);
}

#[test]
fn a_project_launches_nothing_in_a_state_that_says_so() {
    let mut parts = Parts::roomy();
    let mut judge = |state: Option<&str>| {
        parts.types.project_state = state.map(Into::into);
        parts.judge(1, &alone())
    };
    assert_eq!(judge(None).quota, QuotaOutcome::Fits);
    assert_eq!(judge(Some("awake")).quota, QuotaOutcome::Fits);
    for (state, reason, detail, availability) in [
        (
            "asleep",
            Reason::NotOffered,
            "project p sleeps, and launches nothing",
            Availability::NoCapacity,
        ),
        (
            "odd",
            Reason::StateUnknown,
            "project p is in the state `odd`, which is not known here",
            Availability::Unknown,
        ),
    ] {
        let verdict = judge(Some(state));
        assert_eq!(verdict.quota, QuotaOutcome::Unknown);
        assert_eq!(verdict.availability, availability);
        assert_eq!(verdict.fits_count, None);
        let finding = &verdict.findings[0];
        assert_eq!(finding.reason, reason);
        assert_eq!(finding.detail.as_deref(), Some(detail));
        let is_judged = verdict.findings.len() > 1;
        assert_eq!(is_judged, reason == Reason::StateUnknown, "{verdict:?}");
    }
}

#[test]
fn a_remedy_knows_how_far_the_list_was_read() {
    for (state, is_short, expected) in [
        (SourceState::Denied, false, "the list is Denied"),
        (SourceState::Unavailable, false, "the list is Unavailable"),
        (SourceState::Incomplete, false, "the list is Incomplete"),
        (SourceState::Complete, false, "the list is Complete"),
        (SourceState::Complete, true, "at least 8"),
    ] {
        let mut parts = Parts::roomy();
        parts.allowances.tenant.source.state = state;
        if is_short {
            parts.tenant_row("gpu").limit = Some(0);
        } else {
            let rows = &mut parts.allowances.tenant.rows;
            rows.retain(|row| row.name != "gpu");
        }
        let verdicts = [
            parts.judge(1, &alone()),
            parts.admit(&[(1, alone()), (1, alone())]).verdict,
        ];
        for verdict in verdicts {
            let of_gpus = |finding: &&Finding| finding.quota.as_deref() == Some("gpu");
            let finding = verdict.findings.iter().find(of_gpus).unwrap();
            let remedy = finding.remedy.as_deref().unwrap();
            assert!(is_short || remedy == expected, "{state:?}: {remedy}");
            assert!(!is_short || remedy.starts_with("at least"));
        }
    }
    let mut parts = Parts::roomy();
    parts.types.source.state = SourceState::Denied;
    let verdict = parts.judge(1, &alone());
    let remedy = verdict.findings[0].remedy.as_deref();
    assert_eq!(remedy, Some("the list is Denied"));
}

#[test]
fn an_optional_row_counts_where_it_is_listed() {
    let mut parts = Parts::roomy();
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Fits);
    parts
        .allowances
        .tenant
        .rows
        .push(row("t", "optional", Some(0), 0));
    assert_eq!(parts.judge(1, &alone()).quota, QuotaOutcome::Blocked);
}

#[test]
fn no_instances_is_no_launch() {
    let parts = Parts::roomy();
    let offer = big(Lifecycle::OnDemand);
    let judged = assess(
        &Toy,
        &parts.account(),
        0,
        &[offer],
        0,
        &alone(),
        &Policy::default(),
    );
    assert!(judged.is_err());
}

fn advice(available: u32, level: CapacityLevel, freshness: Freshness, fabric: &str) -> Capacity {
    Capacity {
        instance_type: "big".into(),
        region: "here".into(),
        fabric: Some(fabric.into()),
        lane: Lane::OnDemand,
        available,
        level,
        freshness,
        observed_at: None,
    }
}

#[test]
fn advice_on_capacity_never_touches_the_quota() {
    use CapacityLevel::{High, LimitReached, Low};
    use CapacityOutcome::{Likely, Unknown, Unlikely};
    use Freshness::{Fresh, Stale};
    for (rows, count, expected) in [
        (Vec::from([advice(0, Low, Fresh, "a")]), 1, Unlikely),
        (Vec::from([advice(0, High, Stale, "a")]), 1, Unknown),
        (Vec::from([advice(1, High, Fresh, "a")]), 1, Likely),
        (
            Vec::from([advice(0, Low, Fresh, "a"), advice(3, High, Fresh, "b")]),
            3,
            Likely,
        ),
        (
            Vec::from([advice(1, High, Fresh, "a"), advice(2, High, Fresh, "b")]),
            3,
            Unknown,
        ),
        (
            Vec::from([advice(1, High, Fresh, "a"), advice(1, High, Fresh, "b")]),
            3,
            Unlikely,
        ),
        (Vec::from([advice(0, LimitReached, Fresh, "a")]), 1, Unknown),
        (
            Vec::from([
                advice(0, LimitReached, Fresh, "a"),
                advice(0, High, Fresh, "b"),
            ]),
            1,
            Unlikely,
        ),
        (Vec::new(), 1, Unknown),
    ] {
        let mut parts = Parts::roomy();
        parts.capacities.items.clone_from(&rows);
        let verdict = parts.judge(count, &alone());
        assert_eq!(verdict.capacity, expected, "{rows:?}");
        assert_eq!(verdict.quota, QuotaOutcome::Fits);
    }
}

/// What failed launches taught, of one kind.
fn taught(kind: BlockKind, change: impl Fn(&mut Block)) -> Parts {
    let mut parts = Parts::roomy();
    let mut block = Block {
        kind,
        region: "here".into(),
        quota: (kind == BlockKind::Quota).then(|| "gpu".into()),
        project: None,
        at_least: 16,
        instance_type: None,
        lifecycle: None,
        fabric: None,
        cause: "the cloud refused it".into(),
        until: 1_800_000_000_000,
    };
    change(&mut block);
    parts.blocks.push(block);
    parts
}

#[test]
fn a_refused_amount_blocks_as_much_and_more() {
    let parts = taught(BlockKind::Quota, |_| {});
    let one = parts.judge(1, &alone());
    assert_eq!((one.quota, one.fits_count), (QuotaOutcome::Fits, Some(1)));
    let two = parts.judge(2, &alone());
    assert_eq!(
        (two.quota, two.fits_count),
        (QuotaOutcome::Blocked, Some(1))
    );
    let finding = &two.findings[0];
    assert_eq!(finding.reason, Reason::FailedBefore);
    assert_eq!(
        (finding.quota.as_deref(), finding.required),
        (Some("gpu"), Some(16))
    );
    assert_eq!(
        finding.detail.as_deref(),
        Some("a launch like it failed: the cloud refused it; believed until 2027-01-15T08:00:00Z")
    );
}

#[test]
fn launches_of_a_plan_add_up_against_a_refused_amount() {
    let parts = taught(BlockKind::Quota, |_| {});
    let admission = parts.admit(&[(1, alone()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(admission.breaks_at.map(|at| at.index), Some(1));
}

#[test]
fn a_block_concerns_what_it_names_and_nothing_else() {
    type Change = fn(&mut Block);
    let changes: [(BlockKind, Change); 7] = [
        (BlockKind::Quota, |block| block.quota = Some("other".into())),
        (BlockKind::Quota, |block| block.region = "there".into()),
        (BlockKind::Quota, |block| block.project = Some("q".into())),
        (BlockKind::Quota, |block| block.until = 0),
        (BlockKind::Capacity, |block| {
            block.instance_type = Some("small".into())
        }),
        (BlockKind::Capacity, |block| {
            block.lifecycle = Some(Lifecycle::Preemptible)
        }),
        (BlockKind::Unclear, |block| block.fabric = Some("a".into())),
    ];
    let untaught = Parts::roomy().judge(2, &alone());
    for (kind, change) in changes {
        assert_eq!(taught(kind, change).judge(2, &alone()), untaught);
        assert_ne!(taught(kind, |_| {}).judge(2, &alone()), untaught);
    }
}

#[test]
fn missing_hardware_is_no_quota_and_an_unclear_error_is_unknown() {
    let capacity = taught(BlockKind::Capacity, |_| {}).judge(1, &alone());
    assert_eq!(capacity.quota, QuotaOutcome::Fits);
    assert_eq!(capacity.availability, Availability::NoCapacity);
    let unclear = taught(BlockKind::Unclear, |_| {}).judge(1, &alone());
    assert_eq!(unclear.quota, QuotaOutcome::Unknown);
    assert_eq!(unclear.availability, Availability::Unknown);
    // A proven shortage is still one.
    let mut short = taught(BlockKind::Unclear, |_| {});
    short.tenant_row("gpu").limit = Some(0);
    assert_eq!(short.judge(1, &alone()).quota, QuotaOutcome::Blocked);
}
