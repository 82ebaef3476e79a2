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

/// What is promised: for certain, and at most.
fn held() -> impl Strategy<Value = (u64, u64)> {
    let some = |most| prop_oneof![4 => Just(0), 1 => 0..most];
    (some(9_u64), some(20_u64)).prop_map(|(held, more)| (held, held + more))
}

fn allowance(owner: &'static str, name: &'static str) -> BoxedStrategy<Allowance> {
    (
        option::weighted(0.95, number()),
        prop_oneof![6 => 0..40_u64, 1 => number()],
        state(),
        usage_state(),
        held(),
        prop_oneof![30 => Just("count"), 1 => Just("byte")],
    )
        .prop_map(
            move |(limit, usage, state, usage_state, (held, held_at_most), unit)| Allowance {
                state,
                usage_state,
                held,
                held_at_most,
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
        (held(), held()),
    )
        .prop_map(
            |(limit, usage, usage_state, project_limit, fabric, (active, id), (all, own))| {
                Reservation {
                    id: id.into(),
                    family: "f".into(),
                    region: "here".into(),
                    fabric: fabric.map(Into::into),
                    active,
                    limit,
                    usage,
                    usage_state,
                    usage_fraction: None,
                    project_limit,
                    project_usage: 0,
                    project_usage_state: UsageState::NotUsed,
                    project_usage_fraction: None,
                    held: all.0,
                    held_at_most: all.1,
                    project_held: own.0,
                    project_held_at_most: own.1,
                    next_change: None,
                }
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
        prop::bool::weighted(0.2),
    )
        .prop_map(|(reservation, new_cluster, fabric, restart)| Profile {
            project: "p".into(),
            reservation,
            new_cluster,
            restart,
            fabric: fabric.map(Into::into),
            ..Profile::default()
        })
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..10_u32, 1 => Just(u32::MAX), 1 => 1..=u32::MAX]
}

/// Every promise of an account that is a band: what is certain of it, and the most.
fn promises(parts: &mut Parts) -> Vec<(&mut u64, &mut u64)> {
    let lists = [&mut parts.allowances.tenant, &mut parts.allowances.project];
    let rows = lists.into_iter().flat_map(|list| &mut list.rows);
    let mut promises: Vec<(&mut u64, &mut u64)> = rows
        .map(|row| (&mut row.held, &mut row.held_at_most))
        .collect();
    for item in &mut parts.reservations.items {
        promises.push((&mut item.held, &mut item.held_at_most));
        promises.push((&mut item.project_held, &mut item.project_held_at_most));
    }
    promises
}

/// The same account where nothing is promised but what is certain.
fn at_least(parts: &Parts) -> Parts {
    let mut parts = parts.clone();
    for (held, at_most) in promises(&mut parts) {
        *at_most = *held;
    }
    parts
}

/// The same account where everything that may be promised is certain.
fn at_most(parts: &Parts) -> Parts {
    let mut parts = parts.clone();
    for (held, at_most) in promises(&mut parts) {
        *held = *at_most;
    }
    parts
}

/// Whether rows or reservations that were the same differ now.
fn at_most_differs(one: &Parts, other: &Parts) -> bool {
    let twins = |parts: &Parts| {
        let lists = [&parts.allowances.tenant, &parts.allowances.project];
        let rows = lists.into_iter().flat_map(|list| {
            let rows = &list.rows;
            rows.iter().flat_map(move |row| {
                rows.iter()
                    .filter(move |twin| twin.name == row.name)
                    .map(move |twin| twin == row)
            })
        });
        let items = &parts.reservations.items;
        let items = items.iter().flat_map(|item| {
            let same = items.iter().filter(move |twin| twin.id == item.id);
            same.map(move |twin| twin == item)
        });
        rows.chain(items).collect::<Vec<bool>>()
    };
    twins(one) != twins(other)
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
            prop_assert!(outcome_under(limit - 1) > Some(QuotaOutcome::Fits));
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
        // A cluster belongs to a launch, not to an instance; and where a launch goes to one of several reservations that
        // may be free, each further one knows less.
        let profile = Profile { new_cluster: false, restart: false, ..profile };
        let parts = at_least(&parts);
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
    fn what_may_be_promised_proves_nothing(
        parts in parts(), profiles in vec_of((count(), profile()), 1..4), more in number(), which in any::<usize>(),
    ) {
        let mut grown = parts.clone();
        let mut promises = promises(&mut grown);
        prop_assume!(!promises.is_empty());
        let at = which % promises.len();
        let at_most = &mut *promises[at].1;
        *at_most = at_most.saturating_add(more);
        let (before, after) = (parts.admit(&profiles).verdict.quota, grown.admit(&profiles).verdict.quota);
        // It lets nothing through that did not fit before.
        prop_assert!(after > QuotaOutcome::Fits || before == QuotaOutcome::Fits);
        // Nor does it block: a plan that is blocked by it would be blocked without it. Twins that now differ prove nothing.
        prop_assert!(after < QuotaOutcome::Blocked || before == QuotaOutcome::Blocked);
        if let [(count, profile)] = profiles.as_slice() {
            let (before, after) = (parts.judge(*count, profile), grown.judge(*count, profile));
            let is_twin = at_most_differs(&parts, &grown);
            prop_assert!(is_twin || before.quota < QuotaOutcome::Blocked || after.quota == QuotaOutcome::Blocked);
            if let (Some(before), Some(after)) = (before.fits_count, after.fits_count) {
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn a_launch_is_blocked_by_what_is_certain_and_fits_beside_what_is_possible(
        parts in parts(), profiles in vec_of((count(), profile()), 1..4),
    ) {
        let judge = |parts: &Parts| parts.admit(&profiles).verdict.quota;
        let (least, band, most) = (judge(&at_least(&parts)), judge(&parts), judge(&at_most(&parts)));
        if band == QuotaOutcome::Blocked {
            prop_assert_eq!((least, most), (QuotaOutcome::Blocked, QuotaOutcome::Blocked));
        }
        if band == QuotaOutcome::Fits {
            prop_assert_eq!((least, most), (QuotaOutcome::Fits, QuotaOutcome::Fits));
        }
        if let [(count, profile)] = profiles.as_slice() {
            let judge = |parts: &Parts| parts.judge(*count, profile);
            let (least, band, most) = (judge(&at_least(&parts)), judge(&parts), judge(&at_most(&parts)));
            if least.quota == most.quota {
                prop_assert_eq!(band.quota, least.quota);
            } else {
                prop_assert_eq!(band.quota, QuotaOutcome::Unknown);
            }
            if least.fits_count == most.fits_count {
                prop_assert_eq!(band.fits_count, least.fits_count);
            } else {
                prop_assert_eq!(band.fits_count, None);
            }
        }
    }

    #[test]
    fn what_is_promised_for_certain_is_as_good_as_used(
        parts in parts(), profile in profile(), count in count(),
    ) {
        let promised = at_least(&parts);
        let mut used = promised.clone();
        let lists = [&mut used.allowances.tenant, &mut used.allowances.project];
        for row in lists.into_iter().flat_map(|list| &mut list.rows) {
            if row.usage_state == UsageState::Used {
                row.usage = row.usage.saturating_add(row.held);
                (row.held, row.held_at_most) = (0, 0);
            }
        }
        for item in &mut used.reservations.items {
            if item.usage_state == UsageState::Used {
                item.usage += item.held;
                (item.held, item.held_at_most) = (0, 0);
            }
            item.project_usage += item.project_held;
            (item.project_held, item.project_held_at_most) = (0, 0);
            item.project_usage_state = UsageState::Used;
        }
        let (promised, used) = (promised.judge(count, &profile), used.judge(count, &profile));
        prop_assert_eq!((promised.quota, promised.fits_count), (used.quota, used.fits_count));
    }

    #[test]
    fn what_a_restart_takes_blocks_nothing(
        parts in parts(), restarts in vec_of((count(), profile()), 1..3), profile in profile(), count in count(),
    ) {
        let mut plan: Vec<(u32, Profile)> = restarts
            .into_iter()
            .map(|(count, profile)| (count, Profile { restart: true, new_cluster: false, ..profile }))
            .collect();
        plan.push((count, profile.clone()));
        // Whatever else the toy's restarts take is in plenty.
        let mut parts = parts.clone();
        let lists = [&mut parts.allowances.tenant, &mut parts.allowances.project];
        for list in lists {
            list.rows.retain(|row| row.name == "gpu" || row.name == "cluster");
        }
        parts.allowances.tenant.rows.push(row("t", "count", Some(u64::MAX), 0));
        parts.blocks.retain(|block| block.quota.as_deref() == Some("gpu"));
        let last = u32::try_from(plan.len() - 1).unwrap();
        let after = parts.admit(&plan);
        let alone = parts.judge(count, &profile).quota;
        if after.verdict.quota == QuotaOutcome::Blocked {
            prop_assert_eq!(after.breaks_at.map(|at| at.index), Some(last));
            prop_assert_eq!(alone, QuotaOutcome::Blocked);
        }
        let certain = after.demands.iter().filter(|demand| demand.quota == "gpu").map(|demand| demand.at_least);
        let certain = certain.fold(0, u64::saturating_add);
        let reserved = after.reserved.iter().map(|demand| demand.at_least).sum::<u64>();
        let of_last = u64::from(count) * 8;
        prop_assert!(certain <= of_last && reserved <= of_last);
    }

    #[test]
    fn bands_are_the_right_way_up(parts in parts(), profiles in vec_of((count(), profile()), 1..4)) {
        let admission = parts.admit(&profiles);
        for demand in &admission.demands {
            prop_assert!(demand.at_least <= demand.at_most);
        }
        for demand in &admission.reserved {
            prop_assert!(demand.at_least <= demand.at_most);
        }
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
