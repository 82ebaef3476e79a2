//! The engine's rules one by one; those of Nebius are tested through the command line, case by case.

use alloc::vec::Vec;

use super::{Parts, Toy, big, row, source};
use crate::*;

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
        project_limit: None,
        project_usage: 0,
        project_usage_state: UsageState::Unspecified,
        held: 0,
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
    let restart = Profile {
        restart: true,
        ..alone()
    };
    assert_eq!(parts.judge(1, &restart).quota, QuotaOutcome::Unknown);
    parts.tenant_row("gpu").state = RowState::Frozen;
    assert_eq!(parts.judge(1, &restart).quota, QuotaOutcome::Blocked);
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
        (Some("gpu"), 16)
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
