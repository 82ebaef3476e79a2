//! Plans: what launches take together, what is held, what is read again.

use alloc::{vec, vec::Vec};

use quotagate_contract::*;

use super::{Parts, alone, reason_of, reservation, restart, row, take_of, using, with_need};
use crate::Engine;

#[test]
fn a_restart_in_a_plan_takes_from_nothing_to_the_whole() {
    let parts = Parts::roomy().limit("gpu", 16);
    let parts = parts.changed("gpu", |row| row.usage = Usage::exactly(8));
    let admission = parts.admit(&[(1, restart()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
    let at = admission.breaks_at.unwrap();
    assert_eq!((at.index, at.fits_count), (1, None));
    let found = reason_of(&admission.verdict, "gpu");
    assert_eq!(found, Some((Reason::MayBeHeld, QuotaOutcome::Unknown)));
    assert_eq!(take_of(&admission, "t/gpu"), Some((8, 16)));
    assert_eq!(take_of(&admission, "t/count"), Some((2, 2)));
    // Two launches for certain are one too many, with the restart or without.
    let admission = parts.admit(&[(1, restart()), (2, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
    // And where all has room, it fits.
    let parts = parts.changed("gpu", |row| row.usage = Usage::exactly(0));
    let admission = parts.admit(&[(1, restart()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
}

#[test]
fn launches_of_several_projects_share_the_tenants_row_and_not_their_own() {
    let in_project = |project: &str| Profile {
        project: project.into(),
        ..alone()
    };
    let parts = Parts::roomy().limit("gpu", 16);
    let parts = parts.with(row("p", "gpu", Limit::Amount(8), 0));
    let plan = |projects: &[&str]| {
        let launches = projects.iter().map(|project| (1, in_project(project)));
        parts.admit(&launches.collect::<Vec<_>>())
    };
    let both = plan(&["p", "q"]);
    assert_eq!(both.verdict.quota, QuotaOutcome::Fits);
    assert_eq!(take_of(&both, "t/gpu"), Some((16, 16)));
    assert_eq!(take_of(&both, "p/gpu"), Some((8, 8)));
    assert_eq!(plan(&["p", "p"]).breaks_at.map(|at| at.index), Some(1));
    assert_eq!(plan(&["p", "q", "q"]).breaks_at.map(|at| at.index), Some(2));
}

#[test]
fn a_row_that_is_not_there_is_not_held() {
    let admission = Parts::roomy().without("count").admit(&[(1, alone())]);
    let rows: Vec<&str> = admission
        .takes
        .iter()
        .map(|take| take.row.as_str())
        .collect();
    assert_eq!(rows, ["t/gpu"]);
    // A row that is there is held, however far the list was read.
    let parts = Parts::roomy().read("rows.t", SourceState::Unavailable);
    let takes = parts.admit(&[(1, alone())]).takes;
    assert_eq!(takes.len(), 2);
}

#[test]
fn a_plan_names_what_to_read_again() {
    let rests_on = |parts: &Parts, profile| parts.admit(&[(1, profile)]).rests_on.join(" ");
    let parts = Parts::roomy();
    assert_eq!(rests_on(&parts, alone()), "rows.t rows.p capacities");
    // Insisting on reservations, or refused, what is not there may be there by now.
    let strict = using(ReservationUse::Strict);
    let with_reservations = "rows.t rows.p capacities reservations";
    assert_eq!(rests_on(&parts, strict), with_reservations);
    let short = parts.clone().limit("gpu", 0);
    assert_eq!(rests_on(&short, alone()), with_reservations);
    let forbid = using(ReservationUse::Forbid);
    assert_eq!(rests_on(&short, forbid), "rows.t rows.p capacities");
    let reserved = parts.clone().reserving([reservation("r", "a", 8, 0)]);
    assert_eq!(rests_on(&reserved, alone()), with_reservations);
    let mut unknown = parts.clone();
    unknown.offer.instance_type = "other".into();
    assert_eq!(
        rests_on(&unknown, alone()),
        "rows.t rows.p types account capacities"
    );
    // What a usage is counted from belongs to it.
    let counted = parts.with(row("t", "counted", Limit::Amount(9), 0));
    assert_eq!(
        rests_on(&counted, with_need("counted")),
        "rows.t rows.p things capacities"
    );
}

#[test]
fn launches_that_make_no_sense_are_refused() {
    let parts = Parts::roomy();
    let reader = parts.reader();
    let mut engine = Engine::new(super::Toy);
    let mut refused = |plan: &[Launch]| {
        let refused = engine.admit(&reader, plan, &Policy::default());
        refused.unwrap_err().message
    };
    let launch = |count, profile| Launch {
        offer: super::big(),
        count,
        profile,
    };
    assert_eq!(refused(&[]), "a plan of no launches");
    assert_eq!(
        refused(&[launch(1, alone()), launch(0, alone())]),
        "launch 2 of the plan: a launch of no instances: `count` must be at least 1"
    );
    assert_eq!(
        refused(&[launch(1, with_need("nonsense"))]),
        "launch 1 of the plan: there is no nonsense"
    );
    let none = engine.explain(&reader, &[], &[], 0, &alone(), &Policy::default());
    assert!(none.is_err());
}

#[test]
fn alternatives_are_of_the_same_hardware_and_the_nearest_come_first() {
    let mut parts = Parts::roomy();
    let offered = |region: &str| {
        vec![Offered {
            place: Place::region(region),
            lifecycles: vec!["usual".into(), "spare".into()],
            ..Offered::default()
        }]
    };
    let kind = |name: &str, family: &str, gpus, region: &str| InstanceType {
        name: name.into(),
        family: family.into(),
        gpus,
        offered: offered(region),
        ..InstanceType::default()
    };
    // What is listed twice is named once.
    parts.inventory.types[0].items.extend([
        kind("small", "f", 3, "here"),
        kind("small", "f", 3, "here"),
        kind("other", "g", 8, "here"),
        kind("big", "f", 8, "there"),
    ]);
    parts.inventory.places.push(PlaceOffered {
        place: Place::region("there"),
        restriction: None,
    });
    let launch = Launch {
        offer: parts.offer.clone(),
        count: 2,
        profile: restart(),
    };
    let mut engine = Engine::new(super::Toy);
    let found = engine.alternatives(&parts.reader(), &launch).unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|found| {
            let Offer {
                instance_type,
                region,
                lifecycle,
                ..
            } = &found.offer;
            assert!(!found.profile.restart);
            alloc::format!("{} {instance_type} {region} {lifecycle}", found.count)
        })
        .collect();
    let expected = [
        "2 big here spare",
        "6 small here usual",
        "6 small here spare",
        "2 big there usual",
        "2 big there spare",
    ];
    assert_eq!(told, expected);
}
