//! Laws that hold whatever the account looks like.

use alloc::{vec, vec::Vec};

use proptest::{collection::vec as vec_of, option, prelude::*, sample::select};

use super::{Parts, row, source};
use crate::*;

/// Numbers around the edges that matter: nothing, a few instances' worth, the ends of the range.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..64_u64,
        4 => 64..1_000_u64,
        1 => Just(u64::MAX),
        1 => Just(u64::MAX - 7),
        1 => any::<u64>(),
    ]
}

fn state() -> impl Strategy<Value = RowState> {
    prop_oneof![
        30 => Just(RowState::Active),
        1 => select(Vec::from([
            RowState::Provisioning,
            RowState::Frozen,
            RowState::Deleted,
            RowState::Unknown,
        ])),
    ]
}

fn usage_state() -> impl Strategy<Value = UsageState> {
    prop_oneof![
        20 => Just(UsageState::Used),
        1 => select(Vec::from([
            UsageState::NotUsed,
            UsageState::Unknown,
            UsageState::NotApplicable,
            UsageState::Unspecified,
        ])),
    ]
}

fn allowance(owner: &'static str, name: &'static str) -> BoxedStrategy<Allowance> {
    (
        option::weighted(0.95, number()),
        prop_oneof![6 => 0..40_u64, 1 => number()],
        state(),
        usage_state(),
        prop_oneof![4 => Just(0), 1 => 0..9_u64],
        prop_oneof![30 => Just("count"), 1 => Just("byte")],
    )
        .prop_map(
            move |(limit, usage, state, usage_state, held, unit)| Allowance {
                state,
                usage_state,
                held,
                unit: unit.into(),
                ..row(owner, name, limit, usage)
            },
        )
        .boxed()
}

fn source_state() -> impl Strategy<Value = SourceState> {
    prop_oneof![
        15 => Just(SourceState::Complete),
        1 => select(Vec::from([
            SourceState::Denied,
            SourceState::Unavailable,
            SourceState::Incomplete,
        ])),
    ]
}

/// The rows that launches draw on, mostly there, and now and then a twin or a row that nobody asks.
fn list(owner: &'static str, listed: f64) -> BoxedStrategy<AllowanceList> {
    let named = move |name| option::weighted(listed, allowance(owner, name));
    let extra = select(Vec::from(["gpu", "count", "optional", "other"]))
        .prop_flat_map(move |name| allowance(owner, name));
    (
        (named("gpu"), named("count"), named("cluster")),
        option::weighted(0.1, extra),
        source_state(),
    )
        .prop_map(move |((gpu, count, cluster), extra, state)| AllowanceList {
            owner: owner.into(),
            rows: [gpu, count, cluster, extra].into_iter().flatten().collect(),
            source: source(state),
        })
        .boxed()
}

fn reservation() -> impl Strategy<Value = Reservation> {
    (
        0..64_u64,
        0..64_u64,
        usage_state(),
        option::weighted(0.3, 0..64_u64),
        option::of(select(Vec::from(["a", "b"]))),
        (
            prop::bool::weighted(0.8),
            select(Vec::from(["r1", "r2", "r3"])),
        ),
    )
        .prop_map(
            |(limit, usage, usage_state, project_limit, fabric, (active, id))| Reservation {
                id: id.into(),
                family: "f".into(),
                region: "here".into(),
                fabric: fabric.map(Into::into),
                active,
                limit,
                usage,
                usage_state,
                project_limit,
                project_usage: 0,
                project_usage_state: UsageState::NotUsed,
                held: 0,
                next_change: None,
            },
        )
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        list("t", 0.97),
        list("p", 0.2),
        vec_of(reservation(), 0..3),
        source_state(),
        vec_of(block(), 0..2),
    )
        .prop_map(|(tenant, project, reservations, state, blocks)| {
            let mut parts = Parts::roomy();
            parts.allowances = Allowances { tenant, project };
            parts.reservations.items = reservations;
            parts.reservations.source.state = state;
            parts.blocks = blocks;
            parts
        })
}

fn block() -> impl Strategy<Value = Block> {
    (
        select(Vec::from([
            BlockKind::Quota,
            BlockKind::Capacity,
            BlockKind::Unclear,
        ])),
        select(Vec::from(["gpu", "count", "cluster", "other"])),
        option::of(select(Vec::from(["p", "q"]))),
        0..40_u64,
        option::of(select(Vec::from(["big", "small"]))),
        option::of(Just("a")),
    )
        .prop_map(
            |(kind, quota, project, at_least, instance_type, fabric)| Block {
                kind,
                region: "here".into(),
                quota: Some(quota.into()).filter(|_| kind == BlockKind::Quota),
                project: project.map(Into::into),
                at_least,
                instance_type: instance_type.map(Into::into),
                lifecycle: None,
                fabric: fabric.map(Into::into),
                cause: "it failed".into(),
                until: u64::MAX,
            },
        )
}

fn profile() -> impl Strategy<Value = Profile> {
    (
        select(Vec::from([
            ReservationUse::Auto,
            ReservationUse::Forbid,
            ReservationUse::Strict,
        ])),
        any::<bool>(),
        option::of(Just("a")),
    )
        .prop_map(|(reservation, new_cluster, fabric)| Profile {
            project: "p".into(),
            reservation,
            new_cluster,
            fabric: fabric.map(Into::into),
            ..Profile::default()
        })
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..10_u32, 1 => Just(u32::MAX), 1 => 1..=u32::MAX]
}

/// Takes one piece of knowledge away, at random.
fn forget(parts: &Parts, which: usize) -> Parts {
    let mut parts = parts.clone();
    let rows = parts.allowances.tenant.rows.len();
    match which % (rows + 3) {
        0 => parts.allowances.tenant.source.state = SourceState::Denied,
        1 => parts.allowances.project.source.state = SourceState::Unavailable,
        2 => parts.reservations.source.state = SourceState::Unavailable,
        row => parts.allowances.tenant.rows[row - 3].usage_state = UsageState::Unknown,
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn the_order_of_rows_does_not_matter(parts in parts(), profile in profile(), count in count()) {
        let mut reversed = parts.clone();
        reversed.allowances.tenant.rows.reverse();
        reversed.allowances.project.rows.reverse();
        let (one, other) = (parts.judge(count, &profile), reversed.judge(count, &profile));
        prop_assert_eq!(one.quota, other.quota);
        prop_assert_eq!(one.fits_count, other.fits_count);
    }

    #[test]
    fn more_headroom_never_makes_a_verdict_worse(
        parts in parts(), profile in profile(), count in count(), more in number(), which in any::<usize>(),
    ) {
        let mut roomier = parts.clone();
        let rows = &mut roomier.allowances.tenant.rows;
        prop_assume!(!rows.is_empty());
        let at = which % rows.len();
        // Every twin grows alike, or the change would be a contradiction rather than headroom.
        let name = rows[at].name.clone();
        for row in rows.iter_mut().filter(|row| row.name == name) {
            row.limit = row.limit.map(|limit| limit.saturating_add(more));
        }
        let (before, after) = (parts.judge(count, &profile), roomier.judge(count, &profile));
        prop_assert!(after.quota <= before.quota, "{:?} became {:?}", before, after);
        if let (Some(before), Some(after)) = (before.fits_count, after.fits_count) {
            prop_assert!(after >= before);
        }
    }

    #[test]
    fn what_is_forgotten_never_turns_into_fits(
        parts in parts(), profile in profile(), count in count(), which in any::<usize>(),
    ) {
        let (known, forgotten) = (parts.judge(count, &profile), forget(&parts, which).judge(count, &profile));
        if forgotten.quota == QuotaOutcome::Fits {
            prop_assert_eq!(known.quota, QuotaOutcome::Fits);
        }
        // Nor into a shortage that nothing proves.
        if forgotten.quota == QuotaOutcome::Blocked {
            prop_assert_eq!(known.quota, QuotaOutcome::Blocked);
        }
    }

    #[test]
    fn a_count_fits_exactly_when_it_is_within_fits_count(
        parts in parts(), profile in profile(), count in count(), other in count(),
    ) {
        let verdict = parts.judge(count, &profile);
        if let Some(fits) = verdict.fits_count {
            for asked in [count, other, fits.max(1), fits.saturating_add(1)] {
                let judged = parts.judge(asked, &profile);
                prop_assert_eq!(judged.fits_count, Some(fits), "fits_count depends on the count");
                if judged.quota != QuotaOutcome::Unknown && fits < u32::MAX {
                    prop_assert_eq!(judged.quota == QuotaOutcome::Fits, asked <= fits, "{:?}", judged);
                }
            }
        }
    }

    #[test]
    fn the_smallest_sufficient_limit_suffices_and_is_the_smallest(
        parts in parts(), profile in profile(), count in count(),
    ) {
        let short = |verdict: &Verdict| -> Vec<Finding> {
            verdict.findings.iter().filter(|finding| finding.outcome == QuotaOutcome::Blocked).cloned().collect()
        };
        for finding in short(&parts.judge(count, &profile)) {
            let (Some(limit), Some(name), Some(scope)) = (finding.minimum_limit, &finding.quota, finding.scope) else {
                continue;
            };
            let outcome_under = |limit| {
                let mut parts = parts.clone();
                let list = match scope {
                    Scope::Tenant => &mut parts.allowances.tenant,
                    Scope::Project => &mut parts.allowances.project,
                };
                for row in list.rows.iter_mut().filter(|row| row.name == *name) {
                    row.limit = Some(limit);
                }
                let verdict = parts.judge(count, &profile);
                verdict
                    .findings
                    .into_iter()
                    .find(|found| found.quota.as_ref() == Some(name) && found.scope == Some(scope))
                    .map(|found| found.outcome)
            };
            prop_assert_eq!(outcome_under(limit), Some(QuotaOutcome::Fits));
            prop_assert_eq!(outcome_under(limit - 1), Some(QuotaOutcome::Blocked));
        }
    }

    #[test]
    fn a_plan_of_one_launch_is_that_launch(parts in parts(), profile in profile(), count in count()) {
        let judged = parts.judge(count, &profile);
        let admitted = parts.admit(&[(count, profile)]);
        prop_assert_eq!(admitted.verdict.quota, judged.quota);
        prop_assert_eq!(admitted.verdict.findings, judged.findings);
        prop_assert_eq!(admitted.breaks_at.is_none(), judged.quota == QuotaOutcome::Fits);
        if let Some(breaking) = admitted.breaks_at {
            prop_assert_eq!(breaking.fits_count, judged.fits_count);
        }
    }

    #[test]
    fn launches_one_by_one_take_what_they_take_together(
        parts in parts(), profile in profile(), count in 1..6_u32,
    ) {
        // A cluster belongs to a launch, not to an instance.
        let profile = Profile { new_cluster: false, ..profile };
        let together = parts.admit(&[(count, profile.clone())]);
        let one_by_one = parts.admit(&vec![(1, profile); count as usize]);
        prop_assert_eq!(together.verdict.quota, one_by_one.verdict.quota);
        prop_assert_eq!(together.demands, one_by_one.demands);
        prop_assert_eq!(together.reserved, one_by_one.reserved);
        if let (Some(broken), Some(fits)) = (one_by_one.breaks_at, together.breaks_at.and_then(|at| at.fits_count)) {
            prop_assert_eq!(broken.index, fits);
        }
    }

    #[test]
    fn a_plan_fits_as_far_as_its_launches_do(
        parts in parts(), profiles in vec_of((1..4_u32, profile()), 1..5),
    ) {
        let whole = parts.admit(&profiles);
        for length in 1..=profiles.len() {
            let part = parts.admit(&profiles[..length]);
            prop_assert!(part.verdict.quota <= whole.verdict.quota, "a longer plan never fits better");
            if let Some(at) = whole.breaks_at {
                prop_assert!(length > at.index as usize || part.verdict.quota < QuotaOutcome::Blocked);
            }
        }
    }

    #[test]
    fn a_failed_launch_makes_no_other_launch_look_better(
        parts in parts(), block in block(), profile in profile(), count in count(),
    ) {
        let before = parts.judge(count, &profile);
        let mut taught = parts.clone();
        taught.blocks.push(block.clone());
        let after = taught.judge(count, &profile);
        prop_assert!(after.quota >= before.quota);
        if let (Some(before), Some(after)) = (before.fits_count, after.fits_count) {
            prop_assert!(after <= before);
        }
        prop_assert!(before.capacity != CapacityOutcome::Unlikely || after.capacity == CapacityOutcome::Unlikely);
        prop_assert!(block.kind != BlockKind::Capacity || after.quota == before.quota);
        // And one that has ended teaches nothing.
        let last = taught.blocks.len() - 1;
        taught.blocks[last].until = 0;
        prop_assert_eq!(taught.judge(count, &profile), before);
    }

    #[test]
    fn outcomes_and_availability_agree(parts in parts(), profile in profile(), count in count()) {
        let verdict = parts.judge(count, &profile);
        let worst = verdict.findings.iter().map(|finding| finding.outcome).max();
        prop_assert_eq!(verdict.quota, worst.unwrap_or(QuotaOutcome::Fits));
        prop_assert_eq!(verdict.availability, Availability::of(verdict.quota, verdict.capacity));
        for finding in &verdict.findings {
            if let (Some(limit), Some(usage), Some(headroom)) = (finding.limit, finding.usage, finding.headroom)
                && finding.quota.is_some()
            {
                prop_assert_eq!(headroom, limit.saturating_sub(usage).saturating_sub(finding.held));
            }
        }
    }
}

/// Laws about what fits prove little if nothing ever does.
#[test]
fn the_accounts_drawn_lead_to_every_outcome() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = (parts(), profile(), 1..4_u32);
    let (mut seen, mut counted) = ([0; 3], 0);
    for _ in 0..500 {
        let (parts, profile, count) = strategy.new_tree(&mut runner).unwrap().current();
        let verdict = parts.judge(count, &profile);
        seen[verdict.quota as usize] += 1;
        counted += u32::from(verdict.fits_count.is_some_and(|fits| fits > 0));
    }
    assert!(seen.iter().all(|times| *times > 50), "{seen:?}");
    assert!(counted > 50, "{counted}");
}
