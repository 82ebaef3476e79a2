//! Rows one by one: states, limits, units, usage, promises, lists.

use quotagate_contract::*;

use super::{Parts, alone, restart, row, told, with_need};

#[test]
fn the_state_is_read_before_the_numbers() {
    for (state, of_tenant, of_project) in [
        (
            RowState::Suspended,
            "blocked unknown 0; frozen gpu of t: 8 of 1",
            "blocked unknown 0; frozen gpu of p: 8 of ?",
        ),
        (
            RowState::Gone,
            "blocked unknown 0; deleted gpu of t: 8 of 1",
            "unknown unknown ?; deleted gpu of p: 8 of ?",
        ),
        (
            RowState::Changing,
            "unknown unknown ?; provisioning gpu of t: 8 of 1",
            "unknown unknown ?; provisioning gpu of p: 8 of ?",
        ),
        (
            RowState::Unknown,
            "unknown unknown ?; state-unknown gpu of t: 8 of 1",
            "unknown unknown ?; state-unknown gpu of p: 8 of ?",
        ),
    ] {
        // Even a limit that is too small by itself does not outrank the state.
        let parts = Parts::roomy().limit("gpu", 1);
        parts
            .changed("gpu", |row| row.state = state)
            .check(1, &alone(), of_tenant);
        let share = Row {
            state,
            ..row("p", "gpu", Limit::Unset, 0)
        };
        Parts::roomy().with(share).check(1, &alone(), of_project);
    }
}

#[test]
fn limits_mean_what_their_level_says() {
    let set = |owner: &str, limit| {
        Parts::roomy()
            .without("gpu")
            .with(row(owner, "gpu", limit, 0))
    };
    let both = |limit| Parts::roomy().with(row("p", "gpu", limit, 0));
    set("t", Limit::Unset).check(
        1,
        &alone(),
        "unknown unknown ?; limit-unset gpu of t: 8 of ?",
    );
    set("t", Limit::Unlimited).check(99, &alone(), "fits unknown 100; fits count of t: 99 of 100");
    set("t", Limit::ByDefault(8)).check(1, &alone(), "fits unknown ?; fits gpu of t: 8 of 8");
    set("t", Limit::ByDefault(7)).check(
        1,
        &alone(),
        "unknown unknown ?; exceeds-limit gpu of t: 8 of 7, needs 8 [the limit is the cloud's default, and the account's own may be higher]",
    );
    both(Limit::Unset).check(1, &alone(), "fits unknown 12; fits gpu of t: 8 of 100");
    both(Limit::Amount(8)).check(1, &alone(), "fits unknown 1; fits gpu of p: 8 of 8");
    both(Limit::Amount(0)).check(
        1,
        &alone(),
        "blocked unknown 0; exceeds-limit gpu of p: 8 of 0, needs 8",
    );
}

#[test]
fn the_whole_limit_is_compared_before_the_usage() {
    let unmeasured = |limit| {
        let parts = Parts::roomy().limit("gpu", limit);
        parts.changed("gpu", |row| row.usage = Usage::UNKNOWN)
    };
    // Not one fits the limit, whatever is used.
    unmeasured(7).check(
        1,
        &alone(),
        "blocked unknown 0; exceeds-limit gpu of t: 8 of ?",
    );
    unmeasured(8).check(
        1,
        &alone(),
        "unknown unknown ?; usage-unmeasured gpu of t: 8 of ?",
    );
}

#[test]
fn of_a_usage_that_is_a_band_the_upper_end_proves_room_and_the_lower_a_shortage() {
    let parts = Parts::roomy().limit("gpu", 32);
    let parts = parts.changed("gpu", |row| {
        row.usage = Usage {
            at_least: 8,
            at_most: Some(16),
            measured_at: None,
        };
    });
    parts.check(2, &alone(), "fits unknown ?; fits gpu of t: 16 of 24");
    parts.check(
        3,
        &alone(),
        "unknown unknown ?; usage-unmeasured gpu of t: 24 of 24",
    );
    parts.check(
        4,
        &alone(),
        "blocked unknown ?; shortage gpu of t: 32 of 24, needs 48",
    );
}

#[test]
fn a_usage_that_is_counted_is_open_where_what_it_is_counted_from_was_not_read() {
    let holding = |kind: &str, pieces| Holding {
        kind: kind.into(),
        owner: "t".into(),
        place: Place::region("here"),
        pieces,
        ..Holding::default()
    };
    let mut parts = Parts::roomy().with(row("t", "counted", Limit::Amount(10), 0));
    parts.inventory.holdings = [holding("running", 4), holding("starting", 2)].into();
    let counted = with_need("counted");
    parts.check(4, &counted, "fits unknown ?; fits counted of t: 4 of 6");
    parts.check(
        6,
        &counted,
        "unknown unknown ?; usage-unmeasured counted of t: 6 of 6 [some are starting]",
    );
    parts.check(
        7,
        &counted,
        "blocked unknown ?; shortage counted of t: 7 of 6, needs 13 [some are starting]",
    );
    let parts = parts.read("things", SourceState::Denied);
    parts.check(
        1,
        &counted,
        "unknown unknown ?; usage-unmeasured counted of t: 1 of 6 [what is used was counted from lists that could not be read to their end]",
    );
    parts.check(11, &counted, "blocked unknown ?; exceeds-limit counted of t: 11 of 6 [what is used was counted from lists that could not be read to their end]");
}

#[test]
fn a_wrong_unit_gives_no_comparison() {
    Parts::roomy()
        .changed("gpu", |row| row.unit = "byte".into())
        .check(1_000, &alone(), "blocked unknown ?; exceeds-limit count of t: 1000 of 100, needs 1000; wrong-unit (unknown) gpu of t: 8000 of 100");
}

#[test]
fn held_units_are_not_free() {
    let parts = Parts::roomy().limit("gpu", 16).holding("t/gpu", 8, 8);
    parts.check(1, &alone(), "fits unknown 1; fits gpu of t: 8 of 8");
    parts.check(
        2,
        &alone(),
        "blocked unknown 1; shortage gpu of t: 16 of 8, needs 24",
    );
}

#[test]
fn what_starts_under_way_may_take_makes_a_launch_unknown_and_never_blocked() {
    let parts = Parts::roomy().limit("gpu", 32).holding("t/gpu", 8, 16);
    parts.check(2, &alone(), "fits unknown ?; fits gpu of t: 16 of 24");
    parts.check(3, &alone(), "unknown unknown ?; may-be-held gpu of t: 24 of 24 [starts under way may take 8 of what is free, or have it inside the usage already]");
    // Beside all that may be held.
    let finding = &parts.judge(3, &alone()).findings[0];
    assert_eq!((finding.held, finding.minimum_limit), (8, Some(40)));
    parts.check(
        4,
        &alone(),
        "blocked unknown ?; shortage gpu of t: 32 of 24, needs 48",
    );
    // Another row that lets no more through than is certain here makes the number known.
    let parts = parts.limit("count", 2);
    assert_eq!(parts.judge(1, &alone()).fits_count, Some(2));
}

#[test]
fn usage_above_the_limit_is_a_headroom_of_zero() {
    let parts = Parts::roomy().limit("gpu", 8);
    let parts = parts.changed("gpu", |row| row.usage = Usage::exactly(u64::MAX));
    // No limit of 64 bits would do.
    parts.check(1, &alone(), "blocked unknown 0; shortage gpu of t: 8 of 0");
}

#[test]
fn a_sum_beyond_the_range_does_not_wrap() {
    let mut parts = Parts::roomy()
        .limit("gpu", u64::MAX)
        .limit("count", u64::MAX);
    parts.type_mut().gpus = u32::MAX;
    assert_eq!(parts.quota(u32::MAX, &alone()), QuotaOutcome::Fits);
    let parts = parts.limit("gpu", u64::from(u32::MAX) * u64::from(u32::MAX) - 1);
    assert_eq!(parts.quota(u32::MAX, &alone()), QuotaOutcome::Blocked);
}

#[test]
fn twins_count_once_when_equal_and_prove_nothing_when_not() {
    let mut parts = Parts::roomy();
    let twin = parts.row("gpu").clone();
    let mut parts = parts.with(twin);
    parts.check(1, &alone(), "fits unknown 12; fits gpu of t: 8 of 100");
    parts.row("gpu").usage = Usage::exactly(1);
    parts.check(1, &alone(), "unknown unknown ?; contradictory gpu of t: 8 of ? [the tenant's list of quotas has the row more than once, with different numbers]");
}

#[test]
fn a_list_that_was_not_read_or_lacks_a_row_is_unknown() {
    for (state, expected) in [
        (
            SourceState::Denied,
            "the tenant's list of quotas could not be relied on: the cloud did not say why",
        ),
        (SourceState::Unsupported, "the cloud has no such list"),
        (
            SourceState::Incomplete,
            "the tenant's list of quotas could not be relied on: the list was read in part",
        ),
        (
            SourceState::Complete,
            "the tenant's list of quotas has no such row",
        ),
    ] {
        let parts = Parts::roomy().without("gpu").read("rows.t", state);
        let verdict = parts.judge(1, &alone());
        assert_eq!(verdict.quota, QuotaOutcome::Unknown, "{}", told(&verdict));
        let finding = &verdict.findings[0];
        assert_eq!(finding.detail.as_deref(), Some(expected));
        let remedy = finding.remedy.as_ref().map(|remedy| remedy.text.as_str());
        assert_eq!(remedy, Some(alloc::format!("the list is {state}").as_str()));
    }
    // What a list holds that was read in part still counts, and proves a shortage.
    let parts = Parts::roomy().read("rows.t", SourceState::Incomplete);
    parts.check(1, &alone(), "fits unknown 12; fits gpu of t: 8 of 100");
    assert_eq!(
        parts.limit("gpu", 7).quota(1, &alone()),
        QuotaOutcome::Blocked
    );
    // A project's list that was not read proves nothing, and hides no shortage of the tenant's.
    let parts = Parts::roomy().read("rows.p", SourceState::Unavailable);
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Unknown);
    assert_eq!(
        parts.limit("gpu", 7).quota(1, &alone()),
        QuotaOutcome::Blocked
    );
}

#[test]
fn an_old_list_is_as_good_as_none() {
    let mut parts = Parts::roomy();
    parts.policy.max_age_ms = Some(0);
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Fits);
    for source in &mut parts.inventory.sources {
        if source.key == "rows.t" {
            source.fetched_at = super::NOW - 2_000;
        }
    }
    let verdict = parts.judge(1, &alone());
    assert_eq!(verdict.quota, QuotaOutcome::Unknown);
    assert_eq!(verdict.findings[0].reason, Reason::Stale);
}

#[test]
fn an_optional_row_counts_where_it_is_listed_and_a_shown_one_never() {
    let parts = Parts::roomy().with(row("t", "shown", Limit::Amount(0), 0));
    parts.check(1, &alone(), "fits unknown 12; fits gpu of t: 8 of 100");
    let reason = super::reason_of(&parts.judge(1, &alone()), "shown");
    assert_eq!(reason, Some((Reason::NotDecisive, QuotaOutcome::Fits)));
    let parts = parts.with(row("t", "optional", Limit::Amount(0), 0));
    parts.check(
        1,
        &alone(),
        "blocked unknown 0; exceeds-limit optional of t: 1 of 0, needs 1",
    );
}

#[test]
fn a_restart_proves_no_shortage_of_what_may_be_inside_the_usage() {
    let parts = Parts::roomy().limit("gpu", 0);
    parts.check(1, &restart(), "unknown unknown ?; exceeds-limit gpu of t: 8 of 0, needs 8 [the stopped instances' own may be inside the usage already]");
    // Nor does a row out of use, since nothing is sure to be taken of it.
    for state in [RowState::Suspended, RowState::Gone] {
        let parts = parts.clone().changed("gpu", |row| row.state = state);
        assert_eq!(parts.quota(1, &restart()), QuotaOutcome::Unknown);
        assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Blocked);
    }
    // What it is sure to take still counts.
    let parts = parts.limit("count", 0);
    assert_eq!(parts.quota(1, &restart()), QuotaOutcome::Blocked);
}

#[test]
fn demands_on_one_row_are_added_up_whoever_names_them() {
    let mut parts = Parts::roomy();
    // Eight GPUs and one instance, both of `count`.
    let draws = |quota: &str| {
        alloc::vec![Draw {
            quota: quota.into(),
            each: 8,
        }]
    };
    parts.type_mut().draws = draws("count");
    let mut parts = parts.limit("count", 9);
    parts.check(1, &alone(), "fits unknown 1; fits count of t: 9 of 9");
    parts = parts.limit("count", 8);
    parts.check(
        1,
        &alone(),
        "blocked unknown 0; exceeds-limit count of t: 9 of 8, needs 9",
    );
    let admission = parts.admit(&[(1, alone())]);
    assert_eq!(super::take_of(&admission, "t/count"), Some((9, 9)));
    // Eight GPUs and the new cluster, one named by the type, one by the profile.
    parts.type_mut().draws = draws("cluster");
    let cluster = with_need("cluster");
    let parts = parts.limit("count", 99).limit("cluster", 17);
    parts.check(2, &cluster, "fits unknown 2; fits cluster of t: 17 of 17");
    let parts = parts.limit("cluster", 16);
    parts.check(
        2,
        &cluster,
        "blocked unknown 1; exceeds-limit cluster of t: 17 of 16, needs 17",
    );
}

#[test]
fn an_optional_row_that_is_known_counts_whatever_its_list_is_worth() {
    let listed = || Parts::roomy().with(row("t", "optional", Limit::Amount(9), 0));
    for state in [SourceState::Denied, SourceState::Unavailable] {
        let parts = listed().read("rows.t", state);
        let found = super::reason_of(&parts.judge(1, &alone()), "optional");
        assert_eq!(
            found,
            Some((Reason::ScopeUnreadable, QuotaOutcome::Unknown))
        );
        // A plan that is let through on a doubt holds it.
        let admission = parts.admit(&[(2, alone())]);
        assert_eq!(super::take_of(&admission, "t/optional"), Some((2, 2)));
        // One that nobody knows is not asked for.
        let parts = Parts::roomy().read("rows.t", state);
        let found = super::reason_of(&parts.judge(1, &alone()), "optional");
        assert_eq!(found, None);
    }
    let parts = Parts::roomy().read("rows.t", SourceState::Incomplete);
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Fits);
}
