//! Laws that hold whatever the account looks like.

use alloc::{vec, vec::Vec};

use proptest::{collection::vec as vec_of, option, prelude::*, sample::select};
use quotagate_contract::*;

use super::{NOW, Parts, reservation, row, share};

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
        30 => Just(RowState::InForce),
        1 => select(RowState::ALL),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        30 => number().prop_map(Limit::Amount),
        2 => number().prop_map(Limit::ByDefault),
        1 => Just(Limit::Unlimited),
        1 => Just(Limit::Unset),
    ]
}

/// Mostly a measurement, now and then a band or nothing.
fn usage() -> impl Strategy<Value = Usage> {
    let band = |at_least, at_most| Usage {
        at_least,
        at_most,
        measured_at: None,
    };
    prop_oneof![
        24 => prop_oneof![6 => 0..40_u64, 1 => number()].prop_map(Usage::exactly),
        2 => (0..40_u64, 0..20_u64).prop_map(move |(least, more)| band(least, Some(least + more))),
        1 => (0..40_u64).prop_map(move |least| band(least, None)),
    ]
}

/// What is promised: for certain, and at most.
fn held() -> impl Strategy<Value = (u64, u64)> {
    let some = |most| prop_oneof![4 => Just(0), 1 => 0..most];
    (some(9_u64), some(20_u64)).prop_map(|(held, more)| (held, held + more))
}

/// A row with what is promised of it.
fn owned(owner: &'static str, quota: &'static str) -> BoxedStrategy<(Row, (u64, u64))> {
    let unit = prop_oneof![30 => Just("count"), 1 => Just("byte")];
    (limit(), usage(), state(), held(), unit)
        .prop_map(move |(limit, usage, state, held, unit)| {
            let row = Row {
                usage,
                state,
                unit: unit.into(),
                ..row(owner, quota, limit, 0)
            };
            (row, held)
        })
        .boxed()
}

fn source_state() -> impl Strategy<Value = SourceState> {
    prop_oneof![
        15 => Just(SourceState::Complete),
        1 => select(vec![
            SourceState::Denied,
            SourceState::Unavailable,
            SourceState::Incomplete,
            SourceState::Unsupported,
        ]),
    ]
}

/// The rows that launches draw on, mostly there, and now and then a twin or a row that nobody asks.
fn list(owner: &'static str, listed: f64) -> BoxedStrategy<Vec<(Row, (u64, u64))>> {
    let named = move |quota| option::weighted(listed, owned(owner, quota));
    let extra = select(vec!["gpu", "count", "optional", "other"])
        .prop_flat_map(move |quota| owned(owner, quota));
    let needed = (named("first"), named("second"));
    (
        (named("gpu"), named("count"), named("cluster")),
        needed,
        option::weighted(0.1, extra),
    )
        .prop_map(|((gpu, count, cluster), (first, second), extra)| {
            let all = [gpu, count, cluster, first, second, extra];
            all.into_iter().flatten().collect()
        })
        .boxed()
}

/// A reservation with what is promised of it and of the share.
fn reserved() -> impl Strategy<Value = (Reservation, [(u64, u64); 2])> {
    let word = prop_oneof![8 => Just("active"), 1 => Just("idle"), 1 => Just("perhaps")];
    (
        (0..64_u64, usage(), option::weighted(0.3, 0..64_u64)),
        select(vec!["a", "b"]),
        (word, select(vec!["r1", "r2", "r3"])),
        (state(), state()),
        (held(), held()),
    )
        .prop_map(
            |((limit, usage, share_limit), zone, (word, id), (state, of_share), (all, own))| {
                let mut item = reservation(id, zone, limit, 0);
                item.row.usage = usage;
                item.state = word.into();
                item.share = share_limit.map(|limit| share(&item, limit, 0));
                item.row.state = state;
                if let Some(share) = &mut item.share {
                    share.state = of_share;
                }
                (item, [all, own])
            },
        )
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        list("t", 0.97),
        list("p", 0.2),
        vec_of(reserved(), 0..3),
        (source_state(), source_state(), source_state()),
        vec_of(lesson(), 0..2),
    )
        .prop_map(|(tenant, project, reserved, states, lessons)| {
            let mut parts = Parts::roomy();
            parts.inventory.rows.clear();
            for (row, (at_least, at_most)) in tenant.into_iter().chain(project) {
                parts = promise(parts, &row.key, at_least, at_most).with(row);
            }
            let mut items = Vec::new();
            for (item, [all, own]) in reserved {
                let key = item.row.key.clone();
                parts = promise(parts, &key, all.0, all.1);
                if item.share.is_some() {
                    parts = promise(parts, &alloc::format!("{key}/p"), own.0, own.1);
                }
                items.push(item);
            }
            parts.inventory.lessons = lessons;
            let parts = parts.reserving(items).read("rows.t", states.0);
            parts
                .read("rows.p", states.1)
                .read("reservations", states.2)
        })
}

/// Promises an amount of a row, of which a host promises once.
fn promise(parts: Parts, row: &str, at_least: u64, at_most: u64) -> Parts {
    let is_known = parts.inventory.held.iter().any(|take| take.row == row);
    if is_known || at_most == 0 {
        parts
    } else {
        parts.holding(row, at_least, at_most)
    }
}

fn lesson() -> impl Strategy<Value = Lesson> {
    (
        select(LessonKind::ALL),
        select(vec!["gpu", "count", "cluster", "other"]),
        option::of(select(vec!["p", "q", "t"])),
        0..40_u64,
        option::of(select(vec!["big", "small"])),
        option::of(Just("a")),
    )
        .prop_map(
            |(kind, quota, owner, at_least, instance_type, zone)| Lesson {
                quota: Some(quota.into()).filter(|_| kind == LessonKind::Quota),
                owner: owner.map(Into::into),
                place: Place {
                    region: Some("here".into()),
                    zone: zone.map(Into::into),
                },
                at_least,
                instance_type: instance_type.map(Into::into),
                cause: "it failed".into(),
                until: u64::MAX,
                ..Lesson::new(kind)
            },
        )
}

fn profile() -> impl Strategy<Value = Profile> {
    let needs = prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec![Need::pieces("cluster", 1)]),
        1 => (1..9_u32).prop_map(|pieces| vec![Need::pieces("either", pieces)]),
    ];
    (
        select(ReservationUse::ALL),
        needs,
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(reservation, needs, together, restart)| Profile {
            project: "p".into(),
            reservation,
            needs,
            together,
            restart,
            ..Profile::default()
        })
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..10_u32, 1 => Just(u32::MAX), 1 => 1..=u32::MAX]
}

/// The same account where nothing is promised but what is certain.
fn at_least(parts: &Parts) -> Parts {
    let mut parts = parts.clone();
    for take in &mut parts.inventory.held {
        take.at_most = take.at_least;
    }
    parts
}

/// The same account where everything that may be promised is certain.
fn at_most(parts: &Parts) -> Parts {
    let mut parts = parts.clone();
    for take in &mut parts.inventory.held {
        take.at_least = take.at_most;
    }
    parts
}

/// Takes one piece of knowledge away, at random.
fn forget(parts: &Parts, which: usize) -> Parts {
    let parts = parts.clone();
    let rows = parts.inventory.rows.len();
    match which % (rows + 3) {
        0 => parts.read("rows.t", SourceState::Denied),
        1 => parts.read("rows.p", SourceState::Unavailable),
        2 => parts.read("reservations", SourceState::Unavailable),
        row => {
            let mut parts = parts;
            parts.inventory.rows[row - 3].usage = Usage::UNKNOWN;
            parts
        }
    }
}

/// Whether two rows of one position differ: then neither proves anything, and any change may end that.
fn has_twins(parts: &Parts) -> bool {
    let rows = &parts.inventory.rows;
    let items = parts
        .inventory
        .reservations
        .first()
        .map_or(&[][..], |list| &list.items);
    let of_rows = rows
        .iter()
        .any(|row| rows.iter().filter(|other| other.key == row.key).count() > 1);
    let of_items = items.iter().any(|item| {
        items
            .iter()
            .filter(|other| other.row.key == item.row.key)
            .count()
            > 1
    });
    of_rows || of_items
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_order_of_rows_does_not_matter(parts in parts(), profile in profile(), count in count()) {
        let mut reversed = parts.clone();
        reversed.inventory.rows.reverse();
        let (one, other) = (parts.judge(count, &profile), reversed.judge(count, &profile));
        prop_assert_eq!(one.quota, other.quota);
        prop_assert_eq!(one.fits_count, other.fits_count);
    }

    #[test]
    fn more_headroom_never_makes_a_verdict_worse(
        parts in parts(), profile in profile(), count in count(), more in number(), which in any::<usize>(),
    ) {
        let mut roomier = parts.clone();
        let rows = &mut roomier.inventory.rows;
        prop_assume!(!rows.is_empty());
        // A row that lets something through from now on may govern in place of another.
        prop_assume!(profile.needs.iter().all(|need| need.kind != "either"));
        let at = which % rows.len();
        // Every twin grows alike, or the change would be a contradiction rather than headroom.
        let key = rows[at].key.clone();
        for row in rows.iter_mut().filter(|row| row.key == key) {
            row.limit = match row.limit {
                Limit::Amount(limit) => Limit::Amount(limit.saturating_add(more)),
                Limit::ByDefault(limit) => Limit::ByDefault(limit.saturating_add(more)),
                other => other,
            };
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
        prop_assume!(!has_twins(&parts));
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
    fn a_wider_usage_proves_less(
        parts in parts(), profile in profile(), count in count(), which in any::<usize>(), wider in 1..50_u64,
    ) {
        prop_assume!(!has_twins(&parts) && !parts.inventory.rows.is_empty());
        let mut vague = parts.clone();
        let at = which % parts.inventory.rows.len();
        let usage = &mut vague.inventory.rows[at].usage;
        usage.at_least = usage.at_least.saturating_sub(wider);
        usage.at_most = usage.at_most.map(|most| most.saturating_add(wider));
        let (known, vague) = (parts.judge(count, &profile), vague.judge(count, &profile));
        // What is still proven was proven before.
        if vague.quota != QuotaOutcome::Unknown {
            prop_assert_eq!(vague.quota, known.quota, "{:?} became {:?}", known, vague);
        }
        if let (Some(known), Some(vague)) = (known.fits_count, vague.fits_count) {
            prop_assert_eq!(known, vague);
        }
    }

    #[test]
    fn a_default_proves_no_shortage(parts in parts(), profile in profile(), count in count()) {
        let mut defaults = parts.clone();
        for row in &mut defaults.inventory.rows {
            if let Limit::Amount(limit) = row.limit {
                row.limit = Limit::ByDefault(limit);
            }
        }
        let is_of_limits = |finding: &Finding| {
            matches!(finding.reason, Reason::Shortage | Reason::ExceedsLimit) && finding.quota.is_some()
        };
        let verdict = defaults.judge(count, &profile);
        for finding in verdict.findings.iter().filter(|finding| is_of_limits(finding)) {
            prop_assert!(finding.outcome < QuotaOutcome::Blocked);
        }
        // What fits by a limit fits by the same default, where the same rows govern.
        let is_either = profile.needs.iter().any(|need| need.kind == "either");
        if !is_either && parts.quota(count, &profile) == QuotaOutcome::Fits {
            prop_assert_eq!(verdict.quota, QuotaOutcome::Fits);
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
        prop_assume!(profile.needs.iter().all(|need| need.kind != "either"));
        let verdict = parts.judge(count, &profile);
        let short = verdict.findings.iter().filter(|finding| finding.outcome == QuotaOutcome::Blocked);
        for finding in short {
            let (Some(limit), Some(quota), Some(owner)) = (finding.minimum_limit, &finding.quota, &finding.owner) else {
                continue;
            };
            let outcome_under = |limit| {
                let mut parts = parts.clone();
                let rows = parts.inventory.rows.iter_mut();
                for row in rows.filter(|row| row.quota == *quota && row.owner == *owner) {
                    row.limit = Limit::Amount(limit);
                }
                let verdict = parts.judge(count, &profile);
                let mut findings = verdict.findings.iter();
                let same = |found: &&alloc::sync::Arc<Finding>| {
                    found.quota.as_ref() == Some(quota)
                        && found.owner.as_ref() == Some(owner)
                        && found.level.is_some()
                };
                findings.find(same).map(|found| found.outcome)
            };
            prop_assert_eq!(outcome_under(limit), Some(QuotaOutcome::Fits));
            prop_assert!(outcome_under(limit - 1) > Some(QuotaOutcome::Fits));
        }
    }

    #[test]
    fn what_decides_is_told_in_the_same_numbers(
        parts in parts(),
        profile in profile(),
        count in count(),
    ) {
        let told = parts.judge_under(count, &profile, Detail::All);
        let deciding = parts.judge_under(count, &profile, Detail::Deciding);
        for shown in &deciding.findings {
            let is_same = |finding: &Finding| {
                let rule = shown.rule.clone();
                Finding { rule, ..finding.clone() } == **shown
            };
            prop_assert!(told.findings.iter().any(|finding| is_same(finding)), "{:?}", shown);
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
        // A cluster belongs to a launch, not to an instance; where a launch goes to one of several reservations or rows that
        // may be free, each further one knows less.
        let profile = Profile { needs: Vec::new(), together: false, restart: false, ..profile };
        let mut parts = at_least(&parts);
        for item in parts.inventory.reservations.iter_mut().flat_map(|list| &mut list.items) {
            item.state = "active".into();
            let is_measured = item.row.usage.at_most == Some(item.row.usage.at_least);
            item.row.usage = if is_measured { item.row.usage } else { Usage::UNKNOWN };
            item.row.state = RowState::InForce;
            if let Some(share) = &mut item.share {
                share.state = RowState::InForce;
            }
        }
        let together = parts.admit(&[(count, profile.clone())]);
        let one_by_one = parts.admit(&vec![(1, profile); count as usize]);
        prop_assert_eq!(together.verdict.quota, one_by_one.verdict.quota);
        prop_assert_eq!(together.takes, one_by_one.takes);
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
        parts in parts(), lesson in lesson(), profile in profile(), count in count(),
    ) {
        let before = parts.judge(count, &profile);
        let kind = lesson.kind;
        let mut taught = parts.clone().taught(lesson);
        let after = taught.judge(count, &profile);
        prop_assert!(after.quota >= before.quota);
        if let (Some(before), Some(after)) = (before.fits_count, after.fits_count) {
            prop_assert!(after <= before);
        }
        prop_assert!(before.capacity != CapacityOutcome::Unlikely || after.capacity == CapacityOutcome::Unlikely);
        prop_assert!(kind != LessonKind::Capacity || after.quota == before.quota);
        // And one that has ended teaches nothing.
        let last = taught.inventory.lessons.len() - 1;
        taught.inventory.lessons[last].until = NOW;
        prop_assert_eq!(taught.judge(count, &profile), before);
    }

    #[test]
    fn what_may_be_promised_proves_nothing(
        parts in parts(), profiles in vec_of((count(), profile()), 1..4), more in number(), which in any::<usize>(),
    ) {
        let mut grown = parts.clone();
        prop_assume!(!grown.inventory.held.is_empty());
        let at = which % grown.inventory.held.len();
        let at_most = &mut grown.inventory.held[at].at_most;
        *at_most = at_most.saturating_add(more);
        let (before, after) = (parts.admit(&profiles).verdict.quota, grown.admit(&profiles).verdict.quota);
        // It lets nothing through that did not fit before, and blocks nothing that was not blocked before.
        prop_assert!(after > QuotaOutcome::Fits || before == QuotaOutcome::Fits);
        prop_assert!(after < QuotaOutcome::Blocked || before == QuotaOutcome::Blocked);
        if let [(count, profile)] = profiles.as_slice() {
            let (before, after) = (parts.judge(*count, profile), grown.judge(*count, profile));
            prop_assert!(before.quota < QuotaOutcome::Blocked || after.quota == QuotaOutcome::Blocked);
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
        let is_measured = |usage: &Usage| usage.at_most == Some(usage.at_least);
        let held = used.inventory.held.clone();
        let count_in = |row: &mut Row| {
            if let Some(take) = held.iter().find(|take| take.row == row.key)
                && is_measured(&row.usage)
            {
                row.usage = Usage::exactly(row.usage.at_least.saturating_add(take.at_least));
                return true;
            }
            false
        };
        let mut counted: Vec<alloc::string::String> = Vec::new();
        let mut note = |row: &mut Row| {
            if count_in(row) {
                counted.push(row.key.clone());
            }
        };
        used.inventory.rows.iter_mut().for_each(&mut note);
        for list in &mut used.inventory.reservations {
            for item in &mut list.items {
                note(&mut item.row);
                item.share.iter_mut().for_each(&mut note);
            }
        }
        // A twin that is no measurement still has it promised.
        prop_assume!(!has_twins(&parts));
        used.inventory.held.retain(|take| !counted.contains(&take.row));
        let (promised, used) = (promised.judge(count, &profile), used.judge(count, &profile));
        prop_assert_eq!((promised.quota, promised.fits_count), (used.quota, used.fits_count));
    }

    #[test]
    fn what_a_restart_takes_blocks_nothing(
        parts in parts(), restarts in vec_of((count(), profile()), 1..3), profile in profile(), count in count(),
    ) {
        let mut plan: Vec<(u32, Profile)> = restarts
            .into_iter()
            .map(|(count, profile)| (count, Profile { restart: true, needs: Vec::new(), ..profile }))
            .collect();
        plan.push((count, profile.clone()));
        // Whatever else restarts take is in plenty.
        let mut parts = parts.clone();
        parts.inventory.rows.retain(|row| row.quota != "count" && row.quota != "optional");
        let mut parts = parts.with(row("t", "count", Limit::Amount(u64::MAX), 0));
        parts.inventory.lessons.retain(|lesson| lesson.quota.as_deref() == Some("gpu"));
        let last = u32::try_from(plan.len() - 1).unwrap();
        let after = parts.admit(&plan);
        let alone = parts.judge(count, &profile).quota;
        if after.verdict.quota == QuotaOutcome::Blocked {
            prop_assert_eq!(after.breaks_at.map(|at| at.index), Some(last));
            prop_assert_eq!(alone, QuotaOutcome::Blocked);
        }
        let of_last = u64::from(count) * 8;
        for take in &after.takes {
            let is_of_gpus = take.row == "t/gpu" || take.row.starts_with("reservation/");
            prop_assert!(!is_of_gpus || take.at_least <= of_last);
        }
    }

    #[test]
    fn bands_are_the_right_way_up_and_each_row_is_taken_once(
        parts in parts(), profiles in vec_of((count(), profile()), 1..4),
    ) {
        let admission = parts.admit(&profiles);
        let mut rows: Vec<&str> = admission.takes.iter().map(|take| take.row.as_str()).collect();
        rows.dedup();
        prop_assert_eq!(rows.len(), admission.takes.len());
        for take in &admission.takes {
            prop_assert!(take.at_least <= take.at_most);
            prop_assert!(!take.row.is_empty());
        }
    }

    #[test]
    fn outcomes_and_numbers_agree(parts in parts(), profile in profile(), count in count()) {
        let verdict = parts.judge(count, &profile);
        let worst = verdict.findings.iter().map(|finding| finding.outcome).max();
        prop_assert_eq!(verdict.quota, worst.unwrap_or(QuotaOutcome::Fits));
        for finding in &verdict.findings {
            if let (Some(limit), Some(usage), Some(headroom)) = (finding.limit, finding.usage, finding.headroom)
                && finding.quota.is_some()
            {
                prop_assert_eq!(headroom, limit.saturating_sub(usage).saturating_sub(finding.held));
            }
            prop_assert!(finding.usage_at_most.is_none_or(|most| finding.usage.is_some_and(|least| least <= most)));
        }
    }

    #[test]
    fn another_owner_in_the_chain_never_makes_a_verdict_better(
        parts in parts(), middle in list("m", 0.5), profile in profile(), count in count(),
    ) {
        prop_assume!(profile.needs.iter().all(|need| need.kind != "either"));
        let mut longer = parts.clone();
        let owner = Owner { id: "m".into(), level: "project".into(), ..Owner::default() };
        longer.inventory.owners[0].insert(1, owner);
        longer.inventory.sources.push(super::source("rows.m", Feed::Rows, Some("m")));
        longer.inventory.rows.extend(middle.into_iter().map(|(row, _)| row));
        let (before, after) = (parts.judge(count, &profile), longer.judge(count, &profile));
        prop_assert!(after.quota >= before.quota, "{:?} became {:?}", before, after);
    }

    #[test]
    fn of_several_rows_that_may_govern_all_must_fit_and_all_must_block(
        first in owned("t", "first"), second in owned("t", "second"), count in 1..70_u32,
    ) {
        let alone = |quota: &str| {
            let parts = Parts::roomy().limit("gpu", u64::MAX).limit("count", u64::MAX);
            let parts = parts.with(first.0.clone()).with(second.0.clone());
            parts.quota(count, &super::with_need(quota))
        };
        let (one, other, either) = (alone("first"), alone("second"), alone("either"));
        if one == other {
            prop_assert_eq!(either, one);
        } else {
            prop_assert!([one, other, QuotaOutcome::Unknown].contains(&either));
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
