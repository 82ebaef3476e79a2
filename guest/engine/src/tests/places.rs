//! Places and offers: rows that count everywhere or in a zone, rows that stand in for each other, what is offered where.

use alloc::{vec, vec::Vec};

use quotagate_contract::*;

use super::{Parts, alone, row, with_need};

fn at(place: Place, quota: &str, limit: u64) -> Row {
    let zone = place.zone.clone().unwrap_or_default();
    Row {
        key: alloc::format!("t/{quota}/{zone}"),
        place,
        ..row("t", quota, Limit::Amount(limit), 0)
    }
}

#[test]
fn a_row_that_counts_everywhere_is_not_the_regions() {
    let global = with_need("global");
    let parts = Parts::roomy().with(at(Place::EVERYWHERE, "global", 1));
    parts.check(1, &global, "fits unknown 1; fits global of t: 1 of 1");
    parts.check(
        2,
        &global,
        "blocked unknown 1; exceeds-limit global of t: 2 of 1, needs 2",
    );
    // The region's row of that name answers nothing.
    let parts = Parts::roomy().with(at(Place::region("here"), "global", 1));
    assert_eq!(parts.quota(1, &global), QuotaOutcome::Unknown);
    // A list of a single region holds none that count everywhere.
    let mut parts = Parts::roomy().with(at(Place::EVERYWHERE, "global", 1));
    let source = parts
        .inventory
        .sources
        .iter_mut()
        .find(|source| source.key == "rows.t");
    source.unwrap().place = Place::region("here");
    let finding = &parts.judge(1, &global).findings[0];
    assert_eq!(finding.reason, Reason::ScopeUnreadable);
}

fn zoned(a: u64, b: u64) -> Parts {
    let mut parts = Parts::roomy();
    let offered = |zone: &str| Offered {
        place: Place::zone("here", zone),
        lifecycles: vec!["usual".into()],
        ..Offered::default()
    };
    parts.type_mut().offered = vec![offered("a"), offered("b")];
    parts
        .with(at(Place::zone("here", "a"), "zonal", a))
        .with(at(Place::zone("here", "b"), "zonal", b))
}

#[test]
fn without_a_zone_any_in_which_the_type_is_offered_may_be_the_one() {
    let zonal = with_need("zonal");
    zoned(2, 3).check(2, &zonal, "fits unknown ?; fits zonal of t in a: 2 of 2");
    zoned(2, 2).check(2, &zonal, "fits unknown ?; fits zonal of t in a: 2 of 2");
    zoned(2, 9).check(3, &zonal, "unknown unknown ?; exceeds-limit zonal of t in a: 3 of 2, needs 3 [another row may govern instead]");
    // A zone that is named is the only one, for needs of offers too.
    let mut named = zoned(2, 9);
    named.offer.zone = Some("b".into());
    named.offer.needs = vec![Need::pieces("zonal", 1)];
    named.check(9, &alone(), "fits unknown 9; fits zonal of t in b: 9 of 9");
    named.check(
        9,
        &zonal,
        "blocked unknown 4; exceeds-limit zonal of t in b: 18 of 9, needs 18",
    );
    named.offer.zone = Some("c".into());
    named.check(
        1,
        &alone(),
        "unknown unlikely ?; not-offered [big is not offered on zone c of here]",
    );
}

#[test]
fn instances_that_need_not_share_a_zone_may_spread_over_zones() {
    let apart = with_need("zonal");
    zoned(2, 9).check(11, &apart, "unknown unknown ?; exceeds-limit zonal of t in a: 11 of 2, needs 11 [instances may spread over several zones]; exceeds-limit zonal of t in b: 11 of 9, needs 11 [instances may spread over several zones]");
    assert_eq!(zoned(2, 9).quota(12, &apart), QuotaOutcome::Blocked);
    assert_eq!(zoned(0, 0).quota(1, &apart), QuotaOutcome::Blocked);
    let together = Profile {
        together: true,
        ..apart.clone()
    };
    let mut parts = zoned(2, 9);
    for offered in &mut parts.type_mut().offered {
        offered.together = true;
    }
    assert_eq!(parts.quota(9, &together), QuotaOutcome::Unknown);
    assert_eq!(parts.quota(10, &together), QuotaOutcome::Blocked);
    // What was refused of one zone may pass in each.
    let taught = |at_least, count| {
        let lesson = Lesson {
            quota: Some("zonal".into()),
            at_least,
            until: u64::MAX,
            ..Lesson::new(LessonKind::Quota)
        };
        zoned(9, 9).taught(lesson).quota(count, &apart)
    };
    assert_eq!(taught(3, 2), QuotaOutcome::Fits);
    assert_eq!(taught(3, 4), QuotaOutcome::Unknown);
    assert_eq!(taught(3, 5), QuotaOutcome::Blocked);
    assert_eq!(taught(1, 1), QuotaOutcome::Blocked);
}

#[test]
fn what_may_go_to_one_of_several_rows_is_held_of_each_as_possible() {
    let admission = zoned(9, 9).admit(&[(2, with_need("zonal"))]);
    let of_zone = |zone| super::take_of(&admission, &alloc::format!("t/zonal/{zone}"));
    assert_eq!((of_zone("a"), of_zone("b")), (Some((0, 2)), Some((0, 2))));
    // So the next launch may find it gone, and does where it must be.
    let plan = |count| vec![(2, with_need("zonal")), (count, with_need("zonal"))];
    assert_eq!(
        zoned(9, 9).admit(&plan(7)).verdict.quota,
        QuotaOutcome::Fits
    );
    assert_eq!(
        zoned(9, 9).admit(&plan(8)).verdict.quota,
        QuotaOutcome::Unknown
    );
    assert_eq!(
        zoned(9, 9).admit(&plan(19)).verdict.quota,
        QuotaOutcome::Blocked
    );
}

fn either(first: Limit, second: u64) -> Parts {
    Parts::roomy().with(row("t", "first", first, 0)).with(row(
        "t",
        "second",
        Limit::Amount(second),
        0,
    ))
}

#[test]
fn the_first_row_that_lets_anything_through_governs() {
    let profile = with_need("either");
    let check = |parts: Parts, count, expected: &str| parts.check(count, &profile, expected);
    check(
        either(Limit::Amount(1), 9),
        1,
        "fits unknown 1; fits first of t: 1 of 1",
    );
    check(
        either(Limit::Amount(1), 9),
        2,
        "blocked unknown 1; exceeds-limit first of t: 2 of 1, needs 2",
    );
    check(
        either(Limit::Amount(0), 9),
        9,
        "fits unknown 9; fits second of t: 9 of 9",
    );
    // Where none does, the last.
    check(
        either(Limit::Amount(0), 0),
        1,
        "blocked unknown 0; exceeds-limit second of t: 1 of 0, needs 1",
    );
    // One that is not listed lets nothing through; one that may be listed leaves it open.
    let absent = || either(Limit::Unset, 9).without("first");
    check(absent(), 9, "fits unknown 9; fits second of t: 9 of 9");
    let unread = absent().read("rows.t", SourceState::Incomplete);
    assert_eq!(unread.quota(1, &profile), QuotaOutcome::Unknown);
    // Open which governs: all must fit, and all must block.
    let open = |limit, second| {
        let parts = either(Limit::Amount(limit), second);
        parts.changed("first", |row| row.state = RowState::Suspended)
    };
    assert_eq!(open(9, 9).quota(1, &profile), QuotaOutcome::Unknown);
    assert_eq!(open(9, 0).quota(1, &profile), QuotaOutcome::Blocked);
    let by_default = |count| either(Limit::ByDefault(0), 2).quota(count, &profile);
    assert_eq!(by_default(1), QuotaOutcome::Unknown);
}

#[test]
fn alternatives_of_several_demands_on_one_row_are_added_up() {
    // Two pieces of one need, one of another with the same rows.
    let mut profile = with_need("either");
    profile.needs.push(Need::pieces("either", 2));
    either(Limit::Amount(3), 9).check(1, &profile, "fits unknown 1; fits first of t: 3 of 3");
    // What else draws on the governing row counts there too.
    profile.needs.push(Need::pieces("first", 1));
    either(Limit::Amount(3), 9).check(
        1,
        &profile,
        "blocked unknown 0; exceeds-limit first of t: 4 of 3, needs 4",
    );
}

#[test]
fn the_most_specific_row_governs() {
    let family = |name: Option<&str>, key: &str, limit| Row {
        key: key.into(),
        dimensions: name
            .map(|name| Attribute::new("name", name))
            .into_iter()
            .collect(),
        ..row("t", "family", Limit::Amount(limit), 0)
    };
    let judged = |rows: Vec<Row>, count| {
        let parts = rows.into_iter().fold(Parts::roomy(), Parts::with);
        parts.quota(count, &with_need("family"))
    };
    let (general, own, other) = (
        family(None, "general", 1),
        family(Some("f"), "own", 2),
        family(Some("g"), "other", 9),
    );
    let all = vec![general.clone(), own.clone(), other.clone()];
    assert_eq!(judged(all.clone(), 2), QuotaOutcome::Fits);
    assert_eq!(judged(all, 3), QuotaOutcome::Blocked);
    assert_eq!(
        judged(vec![general, other.clone()], 2),
        QuotaOutcome::Blocked
    );
    assert_eq!(judged(vec![other], 1), QuotaOutcome::Unknown);
    // Two of one position contradict each other.
    let twin = family(Some("f"), "twin", 2);
    assert_eq!(judged(vec![own, twin], 1), QuotaOutcome::Unknown);
}

#[test]
fn a_project_launches_nothing_in_a_state_that_says_so() {
    let judge = |owner: usize, state: &str, expected: &str| {
        let mut parts = Parts::roomy();
        parts.inventory.owners[0][owner].state = Some(state.into());
        parts.check(1, &alone(), expected);
    };
    judge(1, "awake", "fits unknown 12; fits gpu of t: 8 of 100");
    judge(
        1,
        "asleep",
        "unknown unlikely ?; not-offered [project p sleeps, and launches nothing]",
    );
    judge(
        0,
        "asleep",
        "unknown unlikely ?; not-offered [tenant t sleeps, and launches nothing]",
    );
    judge(
        1,
        "odd",
        "unknown unknown ?; state-unknown [project p is in the state `odd`, which is not known here]",
    );
}

#[test]
fn what_is_not_offered_is_not_judged() {
    let refused = |change: fn(&mut Parts), profile: &Profile, expected: &str| {
        let mut parts = Parts::roomy();
        change(&mut parts);
        parts.check(1, profile, expected);
    };
    let together = Profile {
        together: true,
        ..alone()
    };
    refused(
        |parts| parts.offer.instance_type = "huge".into(),
        &alone(),
        "unknown unlikely ?; not-offered [huge is not offered in here]",
    );
    refused(
        |parts| parts.offer.lifecycle = "odd".into(),
        &alone(),
        "unknown unlikely ?; not-offered [big is not offered as odd in here]",
    );
    refused(
        |parts| parts.type_mut().offered[0].together = false,
        &together,
        "unknown unlikely ?; not-offered [big cannot be placed close together in here]",
    );
    refused(
        |parts| parts.offer.region = "there".into(),
        &alone(),
        "unknown unlikely ?; not-offered [project p lives in here, not in there]",
    );
    refused(
        |parts| parts.type_mut().offered[0].restriction = Some("not for you".into()),
        &alone(),
        "unknown unknown ?; restricted [not for you]",
    );
    refused(
        |parts| parts.inventory.places[0].restriction = Some("closed".into()),
        &alone(),
        "unknown unknown ?; restricted [closed]",
    );
    refused(
        |parts| parts.inventory.owners.clear(),
        &alone(),
        "unknown unknown ?; scope-unreadable [whose quotas project p draws on is not known]",
    );
    let kinds = |parts: &mut Parts| {
        parts.inventory.types[0].kinds.push(KindOffered {
            kind: "cluster".into(),
            offered: Vec::new(),
        });
    };
    refused(
        kinds,
        &with_need("cluster"),
        "unknown unlikely ?; not-offered [cluster is not offered in here]",
    );
    // Where the list was not read, or in part, nobody knows.
    refused(
        |parts| *parts = parts.clone().read("types", SourceState::Denied),
        &alone(),
        "unknown unknown ?; scope-unreadable [the list of instance types could not be read: the cloud did not say why]",
    );
}

#[test]
fn what_is_listed_more_than_once_is_offered_wherever_one_entry_says_so() {
    let offered = |zone: &str| Offered {
        place: Place::zone("here", zone),
        lifecycles: vec!["usual".into()],
        ..Offered::default()
    };
    let kind = |zone: &str| KindOffered {
        kind: "cluster".into(),
        offered: vec![offered(zone)],
    };
    let mut parts = Parts::roomy();
    let of_project = &mut parts.inventory.types[0];
    of_project.items[0].offered = vec![offered("a")];
    let mut twin = of_project.items[0].clone();
    twin.offered = vec![offered("b")];
    of_project.items.push(twin);
    of_project.kinds = vec![kind("a"), kind("b")];
    for (zone, expected) in [
        ("a", QuotaOutcome::Fits),
        ("b", QuotaOutcome::Fits),
        ("c", QuotaOutcome::Unknown),
    ] {
        parts.offer.zone = Some(zone.into());
        assert_eq!(parts.quota(1, &alone()), expected, "{zone}");
        assert_eq!(parts.quota(1, &with_need("cluster")), expected, "{zone}");
    }
}

#[test]
fn advice_on_capacity_never_touches_the_quota() {
    use CapacityOutcome::{Likely, Unknown, Unlikely};
    let advice = |available: Option<u32>, grade, zone: &str| Capacity {
        instance_type: "big".into(),
        place: Place::zone("here", zone),
        lifecycle: "usual".into(),
        available,
        grade,
        fresh: true,
        ..Capacity::default()
    };
    let stale = |available, grade| Capacity {
        fresh: false,
        ..advice(available, grade, "a")
    };
    let clipped = |available, grade| Capacity {
        clipped: true,
        ..advice(available, grade, "a")
    };
    let of_count = |count, grade| Capacity {
        for_count: Some(count),
        ..advice(None, grade, "a")
    };
    use Grade::{High, Low, Medium, None as Nothing};
    let (some, none) = (Some::<u32>, None);
    for (rows, count, expected) in [
        (vec![advice(some(0), Low, "a")], 1, Unlikely),
        (vec![stale(some(0), High)], 1, Unknown),
        (vec![advice(some(1), High, "a")], 1, Likely),
        (
            vec![advice(some(0), Low, "a"), advice(some(3), High, "b")],
            3,
            Likely,
        ),
        (
            vec![advice(some(1), High, "a"), advice(some(2), High, "b")],
            3,
            Unknown,
        ),
        (
            vec![advice(some(1), High, "a"), advice(some(1), High, "b")],
            3,
            Unlikely,
        ),
        (vec![clipped(some(0), Grade::Unknown)], 1, Unknown),
        (
            vec![clipped(some(0), Grade::Unknown), advice(some(0), High, "b")],
            1,
            Unlikely,
        ),
        // A grade without a number.
        (vec![advice(none, Medium, "a")], 50, Likely),
        (vec![advice(none, Low, "a")], 1, Unknown),
        (vec![advice(none, Nothing, "a")], 1, Unlikely),
        (
            vec![advice(none, Nothing, "a"), advice(none, High, "b")],
            1,
            Likely,
        ),
        (vec![of_count(4, High)], 4, Likely),
        (vec![of_count(4, High)], 5, Unknown),
        (vec![of_count(4, Nothing)], 4, Unlikely),
        (vec![of_count(4, Nothing)], 3, Unknown),
        (Vec::new(), 1, Unknown),
    ] {
        let mut parts = Parts::roomy().limit("gpu", 1_000).advised(rows.clone());
        let verdict = parts.judge(count, &alone());
        assert_eq!(verdict.capacity, expected, "{rows:?}");
        assert_eq!(verdict.quota, QuotaOutcome::Fits);
        // Advice of another zone says nothing of the one that is named.
        parts.offer.zone = Some("c".into());
        assert_eq!(parts.judge(count, &alone()).capacity, Unknown);
    }
}
