//! Reserved capacity: what serves a launch, how much is free, what is shared, announced, doubtful.

use alloc::vec;

use quotagate_contract::*;

use super::{NOW, Parts, alone, reason_of, reservation, restart, row, share, take_of, using};

fn strict() -> Profile {
    using(ReservationUse::Strict)
}

#[test]
fn reservations_come_first_under_auto_and_alone_under_strict() {
    // Twelve GPUs reserved, but whole instances go on one reservation each: 8 + 4 is room for one.
    let items = [reservation("r1", "a", 8, 0), reservation("r2", "b", 4, 0)];
    let parts = Parts::roomy().limit("gpu", 8).reserving(items);
    assert_eq!(parts.quota(2, &alone()), QuotaOutcome::Fits);
    assert_eq!(parts.judge(1, &alone()).fits_count, Some(2));
    assert_eq!(parts.quota(3, &alone()), QuotaOutcome::Blocked);
    parts.check(
        1,
        &strict(),
        "fits unknown 1; fits [reservations have room for 1 of 1 instances]",
    );
    parts.check(
        2,
        &strict(),
        "blocked unknown 1; reservation-exhausted [reservations have room for 1 of 2 instances]",
    );
    let forbid = using(ReservationUse::Forbid);
    assert_eq!(parts.quota(2, &forbid), QuotaOutcome::Blocked);
}

#[test]
fn a_launch_that_cannot_use_reservations_is_not_offered_under_strict() {
    let mut parts = Parts::roomy();
    parts.offer.lifecycle = "spare".into();
    parts.check(
        1,
        &strict(),
        "unknown unlikely ?; not-offered [launches like this one cannot use reserved capacity]",
    );
}

#[test]
fn a_reservation_that_was_not_measured_makes_a_shortage_unknown() {
    let short = || Parts::roomy().limit("gpu", 0);
    let mut unmeasured = reservation("r1", "a", 8, 0);
    unmeasured.row.usage = Usage::UNKNOWN;
    assert_eq!(
        short().reserving([unmeasured]).quota(1, &alone()),
        QuotaOutcome::Unknown
    );
    assert_eq!(short().quota(1, &alone()), QuotaOutcome::Blocked);
    let denied = short().read("reservations", SourceState::Denied);
    denied.check(1, &alone(), "unknown unknown ?; exceeds-limit gpu of t: 8 of 0, needs 8 [reserved capacity may cover it: the reservations could not be read: the cloud did not say why]");
}

#[test]
fn the_numbers_of_a_reservation_and_of_a_share_count_where_they_are_in_force() {
    for (state, expected) in [
        (RowState::InForce, QuotaOutcome::Fits),
        (RowState::Suspended, QuotaOutcome::Blocked),
        (RowState::Changing, QuotaOutcome::Unknown),
        (RowState::Gone, QuotaOutcome::Unknown),
        (RowState::Unknown, QuotaOutcome::Unknown),
    ] {
        let mut own = reservation("r1", "a", 8, 0);
        own.row.state = state;
        let mut shared = reservation("r1", "a", 8, 0);
        let share = Row {
            state,
            ..share(&shared, 8, 0)
        };
        shared.share = Some(share.clone());
        // A state counts without a limit as well.
        let mut unset = shared.clone();
        unset.share = Some(Row {
            limit: Limit::Unset,
            ..share
        });
        for item in [own, shared, unset] {
            for profile in [alone(), strict()] {
                let parts = Parts::roomy().limit("gpu", 0).reserving([item.clone()]);
                assert_eq!(parts.quota(1, &profile), expected, "{state:?}");
            }
        }
    }
}

#[test]
fn a_change_that_is_announced_is_told_and_in_force_from_its_instant() {
    let day = 24 * 3_600_000;
    let changing = |at, amount| {
        let mut item = reservation("r1", "a", 8, 0);
        item.next = Some(Change { at, amount });
        Parts::roomy().limit("gpu", 0).reserving([item])
    };
    changing(NOW + 2 * day, Some(0)).check(1, &alone(), "fits unknown 1; fits [reservations have room for 1 of 1 instances; reservation r1 changes from 8 GPUs to 0 GPUs in 2 d 0 h]");
    changing(NOW + day, None).check(1, &alone(), "fits unknown 1; fits [reservations have room for 1 of 1 instances]; changes-soon [reservation r1 changes from 8 GPUs to another size in 1 d 0 h]");
    assert_eq!(
        changing(NOW, Some(0)).quota(1, &alone()),
        QuotaOutcome::Unknown
    );
    assert_eq!(
        changing(NOW, Some(16)).quota(1, &alone()),
        QuotaOutcome::Fits
    );
}

#[test]
fn a_reservation_serves_within_its_window_and_where_it_is_named() {
    let judged = |change: fn(&mut Reservation), key: Option<&str>| {
        let mut item = reservation("r1", "a", 8, 0);
        change(&mut item);
        let profile = Profile {
            reservation_key: key.map(Into::into),
            ..strict()
        };
        Parts::roomy().reserving([item]).quota(1, &profile)
    };
    let named = Some("reservation/r1");
    assert_eq!(judged(|_| {}, None), QuotaOutcome::Fits);
    assert_eq!(
        judged(|item| item.begins = Some(NOW + 1), None),
        QuotaOutcome::Blocked
    );
    assert_eq!(
        judged(|item| item.begins = Some(NOW), None),
        QuotaOutcome::Fits
    );
    assert_eq!(
        judged(|item| item.ends = Some(NOW), None),
        QuotaOutcome::Blocked
    );
    assert_eq!(
        judged(|item| item.ends = Some(NOW + 60_000), None),
        QuotaOutcome::Unknown
    );
    assert_eq!(
        judged(|item| item.ends = Some(NOW + 3_600_000), None),
        QuotaOutcome::Fits
    );
    assert_eq!(
        judged(|item| item.targeted = true, None),
        QuotaOutcome::Blocked
    );
    assert_eq!(
        judged(|item| item.targeted = true, named),
        QuotaOutcome::Fits
    );
    assert_eq!(
        judged(|_| {}, Some("reservation/r2")),
        QuotaOutcome::Blocked
    );
    assert_eq!(
        judged(|item| item.state = "idle".into(), None),
        QuotaOutcome::Blocked
    );
    // What only may serve proves no room and no shortage.
    assert_eq!(
        judged(|item| item.state = "perhaps".into(), None),
        QuotaOutcome::Unknown
    );
    assert_eq!(
        judged(|item| item.share_unread = true, None),
        QuotaOutcome::Unknown
    );
}

#[test]
fn an_admission_names_the_reservations_that_the_launch_must_name() {
    let mut item = reservation("r1", "a", 8, 0);
    item.targeted = true;
    let parts = Parts::roomy().reserving([item, reservation("r2", "a", 8, 0)]);
    let named = Profile {
        reservation_key: Some("reservation/r1".into()),
        ..alone()
    };
    assert_eq!(parts.admit(&[(1, named)]).reservations, ["reservation/r1"]);
    assert!(parts.admit(&[(1, alone())]).reservations.is_empty());
}

#[test]
fn a_reservation_listed_twice_is_there_once() {
    let twice = |usage| {
        let items = [
            reservation("r1", "a", 8, 0),
            reservation("r1", "a", 8, usage),
        ];
        Parts::roomy().limit("gpu", 0).reserving(items)
    };
    assert_eq!(twice(0).quota(1, &alone()), QuotaOutcome::Fits);
    assert_eq!(twice(0).quota(2, &alone()), QuotaOutcome::Blocked);
    assert_eq!(twice(1).quota(1, &alone()), QuotaOutcome::Unknown);
}

#[test]
fn instances_that_stay_together_take_reservations_of_one_zone() {
    let items = [reservation("r1", "a", 8, 0), reservation("r2", "b", 8, 0)];
    let mut parts = Parts::roomy().limit("gpu", 0).reserving(items);
    let together = Profile {
        together: true,
        ..alone()
    };
    assert_eq!(parts.quota(2, &alone()), QuotaOutcome::Fits);
    assert_eq!(parts.quota(2, &together), QuotaOutcome::Blocked);
    assert_eq!(parts.quota(1, &together), QuotaOutcome::Fits);
    // A zone that is named is the only one.
    parts.offer.zone = Some("a".into());
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Fits);
    assert_eq!(parts.quota(2, &alone()), QuotaOutcome::Blocked);
    parts.offer.zone = Some("c".into());
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Blocked);
}

#[test]
fn a_reservation_without_a_zone_serves_launches_that_name_one() {
    let mut item = reservation("r1", "a", 8, 0);
    item.row.place = Place::region("here");
    let mut parts = Parts::roomy().reserving([item]);
    parts.offer.zone = Some("a".into());
    assert_eq!(parts.quota(1, &strict()), QuotaOutcome::Fits);
    assert_eq!(parts.quota(2, &strict()), QuotaOutcome::Blocked);
}

#[test]
fn what_may_be_held_of_a_reservation_makes_a_launch_on_it_unknown() {
    let parts = Parts::roomy().limit("gpu", 8);
    let parts = parts.reserving([reservation("r1", "a", 16, 0)]);
    let parts = parts.holding("reservation/r1", 0, 8);
    assert_eq!(parts.quota(1, &strict()), QuotaOutcome::Fits);
    parts.check(2, &strict(), "unknown unknown ?; may-be-held [reservations have room for 1 of 2 instances; starts under way may take 8 GPUs of the reserved capacity, or have them inside its usage already]");
    assert_eq!(parts.quota(3, &strict()), QuotaOutcome::Blocked);
    // Two go on what is free, or one of them on the ordinary row; a third finds one of the two too small.
    assert_eq!(parts.quota(2, &alone()), QuotaOutcome::Fits);
    let three = parts.judge(3, &alone());
    let found = reason_of(&three, "gpu");
    assert_eq!(found, Some((Reason::MayBeHeld, QuotaOutcome::Unknown)));
    assert_eq!(parts.quota(4, &alone()), QuotaOutcome::Blocked);
    // The project's share is a band of its own.
    let mut shared = reservation("r1", "a", 16, 0);
    shared.share = Some(share(&shared, 8, 0));
    let parts = Parts::roomy().reserving([shared]);
    let parts = parts.holding("reservation/r1/p", 0, 8);
    assert_eq!(parts.quota(1, &strict()), QuotaOutcome::Unknown);
    assert_eq!(parts.quota(2, &strict()), QuotaOutcome::Blocked);
}

#[test]
fn a_default_size_of_a_reservation_or_of_a_share_proves_no_shortage() {
    let mut own = reservation("r1", "a", 8, 0);
    own.row.limit = Limit::ByDefault(8);
    let mut shared = reservation("r1", "a", 16, 0);
    shared.share = Some(Row {
        limit: Limit::ByDefault(8),
        ..share(&shared, 8, 0)
    });
    for item in [own, shared] {
        let parts = Parts::roomy().limit("gpu", 0).reserving([item]);
        for profile in [alone(), strict()] {
            assert_eq!(parts.quota(1, &profile), QuotaOutcome::Fits);
            assert_eq!(parts.quota(2, &profile), QuotaOutcome::Unknown);
        }
    }
}

#[test]
fn what_is_held_of_a_reservation_proves_no_exhaustion_where_the_cloud_says_so() {
    use crate::Engine;
    let parts = Parts::roomy().reserving([reservation("r1", "a", 16, 0)]);
    let parts = parts.holding("reservation/r1", 16, 16);
    let reader = parts.reader();
    let (offer, needs) = super::numbered(&reader, &parts.offer);
    let mut engine = Engine::new(super::toy::Lenient);
    let mut quota = |count| {
        let policy = Policy::default();
        let judged = engine.explain(&reader, &[offer], &needs, count, &strict(), &policy);
        judged.unwrap().remove(0).quota
    };
    assert_eq!(quota(1), QuotaOutcome::Unknown);
    assert_eq!(quota(3), QuotaOutcome::Blocked);
    assert_eq!(parts.quota(1, &strict()), QuotaOutcome::Blocked);
}

#[test]
fn a_restart_on_a_reservation_takes_from_nothing_to_the_whole() {
    let parts = Parts::roomy().limit("gpu", 0);
    let parts = parts.reserving([reservation("r1", "a", 16, 8)]);
    let insisting = |profile| Profile {
        reservation: ReservationUse::Strict,
        ..profile
    };
    for wanting in [alone(), strict()] {
        for starting in [restart(), insisting(restart())] {
            let admission = parts.admit(&[(1, starting), (1, wanting.clone())]);
            assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
            assert_eq!(admission.breaks_at.map(|at| at.index), Some(1));
            let mut findings = admission.verdict.findings.iter();
            assert!(findings.any(|finding| finding.reason == Reason::MayBeHeld));
            // Whichever of the two it is, eight are taken.
            assert_eq!(take_of(&admission, "reservation/r1"), Some((8, 8)));
        }
    }
}

/// A reservation of 16 GPUs of which each project may take 8.
fn shared() -> Reservation {
    let mut item = reservation("r1", "a", 16, 0);
    item.share = Some(share(&item, 8, 0));
    item
}

fn strict_in(project: &str) -> Profile {
    Profile {
        project: project.into(),
        ..strict()
    }
}

#[test]
fn what_other_projects_hold_of_a_reservation_leaves_a_projects_share_alone() {
    let quota = |all, own| {
        let parts = Parts::roomy().reserving([shared()]);
        let parts = parts.holding("reservation/r1", all, all);
        parts
            .holding("reservation/r1/p", own, own)
            .quota(1, &strict())
    };
    assert_eq!(quota(8, 0), QuotaOutcome::Fits);
    assert_eq!(quota(8, 8), QuotaOutcome::Blocked);
    assert_eq!(quota(16, 0), QuotaOutcome::Blocked);
}

#[test]
fn a_plan_over_projects_takes_from_each_share_what_its_own_launches_take() {
    let parts = Parts::roomy().reserving([shared()]);
    let admission = parts.admit(&[(1, strict_in("p")), (1, strict_in("q"))]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
    for (row, taken) in [
        ("reservation/r1", 16),
        ("reservation/r1/p", 8),
        ("reservation/r1/q", 8),
    ] {
        assert_eq!(take_of(&admission, row), Some((taken, taken)), "{row}");
    }
    // The second of one project finds its share gone, the third of all the reservation.
    for (plan, breaks_at) in [(["p", "p", "q"], 1), (["p", "q", "o"], 2)] {
        let admission = parts.admit(&plan.map(|project| (1, strict_in(project))));
        assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
        assert_eq!(admission.breaks_at.map(|at| at.index), Some(breaks_at));
    }
}

#[test]
fn reservations_that_were_not_read_leave_it_open_where_an_earlier_launch_went() {
    let parts = Parts::roomy().limit("gpu", 8);
    let parts = parts.read("reservations", SourceState::Denied);
    let forbid = using(ReservationUse::Forbid);
    let admission = parts.admit(&[(1, alone()), (1, forbid.clone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
    // What reserved capacity may cover is not held of the ordinary row for certain.
    assert_eq!(take_of(&admission, "t/gpu"), Some((8, 16)));
    let admission = parts.admit(&[(1, forbid.clone()), (1, forbid)]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
}

#[test]
fn advice_is_asked_for_the_instances_of_each_lane() {
    let on = |lifecycle: &str, available| Capacity {
        instance_type: "big".into(),
        place: Place::zone("here", "a"),
        lifecycle: lifecycle.into(),
        available: Some(available),
        grade: Grade::High,
        fresh: true,
        ..Capacity::default()
    };
    let parts = || Parts::roomy().reserving([reservation("r1", "a", 8, 0)]);
    let capacity = |reserved, usual, count| {
        let parts = parts().advised(vec![on(RESERVED, reserved), on("usual", usual)]);
        parts.judge(count, &alone()).capacity
    };
    // One goes on the reservation, the other finds hardware; a third does not.
    assert_eq!(capacity(1, 1, 2), CapacityOutcome::Likely);
    assert_eq!(capacity(1, 1, 3), CapacityOutcome::Unlikely);
    assert_eq!(capacity(0, 1, 1), CapacityOutcome::Unlikely);
    assert_eq!(capacity(0, 1, 2), CapacityOutcome::Unlikely);
    let usual = parts().advised(vec![on("usual", 1)]);
    assert_eq!(usual.judge(2, &alone()).capacity, CapacityOutcome::Unknown);
    // In a plan both lanes fill up.
    let both = parts().advised(vec![on(RESERVED, 1), on("usual", 1)]);
    for (counts, expected) in [
        (&[2][..], CapacityOutcome::Likely),
        (&[1, 1], CapacityOutcome::Likely),
        (&[2, 1], CapacityOutcome::Unlikely),
    ] {
        let plan: alloc::vec::Vec<_> = counts.iter().map(|count| (*count, alone())).collect();
        assert_eq!(both.admit(&plan).verdict.capacity, expected, "{counts:?}");
    }
}

#[test]
fn reserved_rows_are_among_the_standings_that_are_asked_for_by_number() {
    use crate::{Engine, Reader as _};
    let parts = Parts::roomy().reserving([shared()]);
    let parts = parts.with(row("p", "gpu", Limit::Amount(8), 3));
    let reader = parts.reader();
    let mut engine = Engine::new(super::Toy);
    let all = engine.standings(&reader, "p", None);
    assert_eq!(all.len(), 4, "{all:?}");
    let numbers = ["reservation/r1", "reservation/r1/p", "p/gpu"].map(|key| reader.number_of(key));
    let some = engine.standings(&reader, "p", Some(&numbers));
    let told: alloc::vec::Vec<_> = some
        .iter()
        .map(|row| {
            (
                row.key.as_str(),
                row.level.as_str(),
                row.headroom,
                row.rests_on.join(" "),
            )
        })
        .collect();
    let expected = [
        ("p/gpu", "project", Some(5), "rows.p".into()),
        ("reservation/r1", "tenant", Some(16), "reservations".into()),
        (
            "reservation/r1/p",
            "project",
            Some(8),
            "reservations".into(),
        ),
    ];
    assert_eq!(told, expected);
}
