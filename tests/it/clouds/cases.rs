//! The tables: what each cloud says of launches, row by row.

use quotagate::{Attribute, Grade, Limit, ReservationUse, SourceState, Usage};
use quotagate_clouds as components;
use quotagate_imaginary_clouds::{Altus, Cirrus, Cumulus, Stratus, Virga};

use super::{
    check,
    world::{World, launch},
};

fn cirrus() -> World {
    let family = |row: &mut quotagate::Row| row.dimensions = vec![Attribute::new("family", "h")];
    World::new("cirrus", &[("p", "project")])
        .offers("h8", "h", 8, 96, &["r1", "r2"])
        .limited("p", "gpus-all-regions", "", 24, 8)
        .limited("p", "gpus-per-family", "r1", 16, 8)
        .with_row(family)
        .limited("p", "gpus-per-family", "r2", 64, 0)
        .with_row(family)
        .limited("p", "spot-h-gpus", "r1", 8, 8)
        .limited("p", "spot-h-gpus", "r2", 0, 0)
}

#[test]
fn a_row_that_counts_everywhere_binds_above_those_of_the_regions() {
    for (count, at, lifecycle, expected) in [
        (
            1,
            "r1",
            "on-demand",
            "fits, unknown, fits 1; fits of gpus-per-family of p in r1: 8 of 8",
        ),
        (
            2,
            "r1",
            "on-demand",
            "blocked, unknown, fits 1; shortage of gpus-per-family of p in r1: 16 of 8, needs 24",
        ),
        (
            2,
            "r2",
            "on-demand",
            "fits, unknown, fits 2; fits of gpus-all-regions of p: 16 of 16",
        ),
        (
            3,
            "r2",
            "on-demand",
            "blocked, unknown, fits 2; shortage of gpus-all-regions of p: 24 of 16, needs 32",
        ),
    ] {
        check(
            Cirrus,
            components::CIRRUS,
            &cirrus(),
            &launch(count, "h8", at, lifecycle),
            expected,
        );
    }
}

#[test]
fn spot_draws_on_its_own_row_where_that_lets_anything_through_else_on_the_standard_one() {
    // In r1 the row of spot is full: the standard one does not stand in for it.
    let full = "blocked, unknown, fits 0; shortage of spot-h-gpus of p in r1: 8 of 0, needs 16";
    check(
        Cirrus,
        components::CIRRUS,
        &cirrus(),
        &launch(1, "h8", "r1", "spot"),
        full,
    );
    // In r2 its limit is zero.
    let standard = "fits, unknown, fits 2; fits of gpus-all-regions of p: 16 of 16";
    check(
        Cirrus,
        components::CIRRUS,
        &cirrus(),
        &launch(2, "h8", "r2", "spot"),
        standard,
    );
}

#[test]
fn the_most_specific_row_governs() {
    let world =
        cirrus()
            .limited("p", "gpus-per-family", "r1", 0, 0)
            .offers("x8", "x", 8, 96, &["r1"]);
    // A general entry does not weaken the one that names the family.
    let own = "fits, unknown, fits 1; fits of gpus-per-family of p in r1: 8 of 8";
    check(
        Cirrus,
        components::CIRRUS,
        &world,
        &launch(1, "h8", "r1", "on-demand"),
        own,
    );
    let general =
        "blocked, unknown, fits 0; exceeds-limit of gpus-per-family of p in r1: 8 of 0, needs 8";
    check(
        Cirrus,
        components::CIRRUS,
        &world,
        &launch(1, "x8", "r1", "on-demand"),
        general,
    );
}

fn stratus() -> World {
    World::new("stratus", &[("p", "subscription")])
        .offers("nc24", "standardNC", 4, 24, &["r1"])
        .offers("nd96", "standardND", 8, 96, &["r1"])
        .with_type(|kind| {
            for offered in &mut kind.offered {
                offered.restriction = Some("not available for this subscription".to_owned());
            }
        })
        .limited("p", "standardNC", "r1", 96, 48)
        .limited("p", "cores", "r1", 100, 60)
        .limited("p", "low-priority-cores", "r1", 24, 0)
}

#[test]
fn a_family_and_the_total_both_bind_and_spot_draws_on_neither() {
    for (count, lifecycle, expected) in [
        (
            1,
            "on-demand",
            "fits, unknown, fits 1; fits of cores of p in r1: 24 of 40",
        ),
        (
            2,
            "on-demand",
            "blocked, unknown, fits 1; shortage of cores of p in r1: 48 of 40, needs 108",
        ),
        (
            3,
            "on-demand",
            "blocked, unknown, fits 1; shortage of standardNC of p in r1: 72 of 48, needs 120; \
             shortage of cores of p in r1: 72 of 40, needs 132",
        ),
        (
            1,
            "spot",
            "fits, unknown, fits 1; fits of low-priority-cores of p in r1: 24 of 24",
        ),
        (
            2,
            "spot",
            "blocked, unknown, fits 1; exceeds-limit of low-priority-cores of p in r1: 48 of 24, needs 48",
        ),
    ] {
        let launch = launch(count, "nc24", "r1", lifecycle);
        check(Stratus, components::STRATUS, &stratus(), &launch, expected);
    }
}

#[test]
fn a_type_that_the_subscription_does_not_have_is_restricted_and_no_row_is_judged() {
    let launch = launch(1, "nd96", "r1", "on-demand");
    check(
        Stratus,
        components::STRATUS,
        &stratus(),
        &launch,
        "unknown, unknown, fits ?; restricted",
    );
}

#[test]
fn a_default_proves_that_a_launch_fits_and_never_that_it_does_not() {
    let world = World::new("stratus", &[("p", "subscription")])
        .offers("nc24", "standardNC", 4, 24, &["r1"])
        .row(
            "p",
            "standardNC",
            "r1",
            Limit::ByDefault(48),
            Usage::exactly(0),
        )
        .row("p", "cores", "r1", Limit::Unlimited, Usage::exactly(60));
    let quota = |count| {
        let launch = launch(count, "nc24", "r1", "on-demand");
        super::natively(Stratus, &world, &launch, quotagate::Detail::Deciding).quota
    };
    assert_eq!(quota(2), quotagate::QuotaOutcome::Fits);
    assert_eq!(quota(3), quotagate::QuotaOutcome::Unknown);
}

fn cumulus() -> World {
    World::new(
        "cumulus",
        &[("o", "organisation"), ("f", "folder"), ("p", "project")],
    )
    .offers("e4", "e", 0, 4, &["r1/a", "r1/b"])
    .with_type(|kind| {
        kind.draws = vec![quotagate::Draw {
            quota: "e-cores".to_owned(),
            each: 4,
        }];
    })
    .limited("o", "e-cores", "r1/a", 100, 40)
    .limited("o", "e-cores", "r1/b", 100, 98)
    .limited("f", "e-cores", "r1/a", 16, 4)
    .row("p", "e-cores", "r1/a", Limit::Unset, Usage::exactly(4))
}

#[test]
fn every_owner_of_a_chain_must_have_room_in_the_zone() {
    for (count, at, expected) in [
        (
            3,
            "r1/a",
            "fits, unknown, fits 3; fits of e-cores of f in r1/a: 12 of 12",
        ),
        (
            4,
            "r1/a",
            "blocked, unknown, fits 3; shortage of e-cores of f in r1/a: 16 of 12, needs 20",
        ),
        (
            1,
            "r1/b",
            "blocked, unknown, fits 0; shortage of e-cores of o in r1/b: 4 of 2, needs 102",
        ),
    ] {
        let launch = launch(count, "e4", at, "on-demand");
        check(Cumulus, components::CUMULUS, &cumulus(), &launch, expected);
    }
}

#[test]
fn without_a_zone_any_may_be_the_one() {
    let quota = |count| {
        let launch = launch(count, "e4", "r1", "on-demand");
        let native = super::natively(Cumulus, &cumulus(), &launch, quotagate::Detail::Deciding);
        let component = super::through(
            components::CUMULUS,
            &cumulus(),
            &launch,
            quotagate::Detail::Deciding,
        );
        assert_eq!(component, native);
        native.quota
    };
    // In zone a it fits, in zone b it does not.
    assert_eq!(quota(1), quotagate::QuotaOutcome::Unknown);
    // In neither.
    assert_eq!(quota(4), quotagate::QuotaOutcome::Blocked);
}

fn altus() -> World {
    World::new("altus", &[("p", "account")])
        .offers("v8", "v", 0, 8, &["r1/a", "r1/b"])
        .row(
            "p",
            "running-vcpus",
            "r1",
            Limit::Amount(64),
            Usage::UNKNOWN,
        )
        .holds(4, 8, "running", "r1/a")
        .holds(1, 8, "starting", "r1/a")
        .holds(9, 8, "stopped", "r1/a")
}

#[test]
fn usage_is_counted_and_what_may_count_leaves_a_launch_unknown() {
    for (count, expected) in [
        (
            3,
            "fits, unknown, fits 3; fits of running-vcpus of p in r1: 24 of 32",
        ),
        (
            4,
            "unknown, unknown, fits ?; usage-unmeasured of running-vcpus of p in r1: 32 of 32",
        ),
        (
            5,
            "blocked, unknown, fits ?; shortage of running-vcpus of p in r1: 40 of 32, needs 72",
        ),
    ] {
        let launch = launch(count, "v8", "r1/a", "on-demand");
        let verdict = super::natively(Altus, &altus(), &launch, quotagate::Detail::Deciding);
        let words: Vec<&str> = expected.splitn(2, ',').collect();
        assert_eq!(
            verdict.quota.as_str(),
            words[0],
            "{}",
            super::told(&verdict)
        );
        assert_eq!(
            super::through(
                components::ALTUS,
                &altus(),
                &launch,
                quotagate::Detail::Deciding
            ),
            verdict
        );
    }
}

#[test]
fn instances_that_could_not_be_listed_prove_no_room_and_still_a_shortage_beyond_the_limit() {
    let world = altus().read("instances", SourceState::Denied);
    let quota = |count| {
        let launch = launch(count, "v8", "r1/a", "on-demand");
        super::natively(Altus, &world, &launch, quotagate::Detail::Deciding).quota
    };
    assert_eq!(quota(1), quotagate::QuotaOutcome::Unknown);
    assert_eq!(quota(9), quotagate::QuotaOutcome::Blocked);
}

#[test]
fn a_reservation_serves_its_type_in_its_zone() {
    let world = altus()
        .holds(6, 8, "running", "r1/b")
        .reserves("cr-1", "v8", "r1/a", 3, 1);
    let quota = |at: &str, reservation| {
        let mut launch = launch(2, "v8", at, "on-demand");
        launch.profile.reservation = reservation;
        let native = super::natively(Altus, &world, &launch, quotagate::Detail::Deciding);
        let component = super::through(
            components::ALTUS,
            &world,
            &launch,
            quotagate::Detail::Deciding,
        );
        assert_eq!(component, native);
        native.quota.as_str()
    };
    // The row is full; two of the reservation are free.
    assert_eq!(quota("r1/a", ReservationUse::Auto), "fits");
    assert_eq!(quota("r1/a", ReservationUse::Strict), "fits");
    assert_eq!(quota("r1/a", ReservationUse::Forbid), "blocked");
    // Another zone has none.
    assert_eq!(quota("r1/b", ReservationUse::Auto), "blocked");
    assert_eq!(quota("r1/b", ReservationUse::Strict), "blocked");
    // Without a zone nobody promises that it lands in the reservation's.
    assert_eq!(quota("r1", ReservationUse::Auto), "unknown");
}

#[test]
fn a_reservation_that_has_not_begun_or_must_be_named_serves_nobody_else() {
    let quota = |change: fn(&mut quotagate::Reservation), key: Option<&str>| {
        let world = altus()
            .holds(6, 8, "running", "r1/b")
            .reserves("cr-1", "v8", "r1/a", 3, 0)
            .with_reservation(change);
        let mut launch = launch(1, "v8", "r1/a", "on-demand");
        launch.profile.reservation = ReservationUse::Strict;
        launch.profile.reservation_key = key.map(str::to_owned);
        super::natively(Altus, &world, &launch, quotagate::Detail::Deciding)
            .quota
            .as_str()
    };
    assert_eq!(quota(|_| {}, None), "fits");
    assert_eq!(
        quota(|known| known.begins = Some(super::NOW + 1), None),
        "blocked"
    );
    assert_eq!(
        quota(|known| known.ends = Some(super::NOW), None),
        "blocked"
    );
    assert_eq!(quota(|known| known.targeted = true, None), "blocked");
    assert_eq!(
        quota(|known| known.targeted = true, Some("reservation|cr-1")),
        "fits"
    );
}

#[test]
fn a_cloud_without_quota_lists_is_unknown_and_its_advice_is_told() {
    for (available, grade, expected) in [
        (
            Some(4),
            Grade::High,
            "unknown, likely, fits ?; unsupported of instances of p in r1: 2 of ?",
        ),
        (
            Some(0),
            Grade::None,
            "unknown, unlikely, fits ?; unsupported of instances of p in r1: 2 of ?; no-capacity",
        ),
    ] {
        let world = World::new("virga", &[("p", "account")])
            .offers("g1", "g", 1, 8, &["r1"])
            .read("rows", SourceState::Unsupported)
            .advises("g1", "r1", available, grade);
        let launch = launch(2, "g1", "r1", "on-demand");
        check(Virga, components::VIRGA, &world, &launch, expected);
    }
}
