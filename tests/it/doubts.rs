//! What is held of a launch that was let through on a doubt: what it may take, so that nobody else is told that it is free;
//! and never for certain what it may not have taken.

use nebius_api::world::World;
use quotagate::{Action, Gate, Launch, QuotaOutcome, ReservationUse};
use serde_json::json;

use crate::{
    harness::{GPU_QUOTA, TENANT, WorldBuilder},
    holds::{instance, set_usage},
    launcher::{Launcher, Outcome},
    live::{address, disk, h200, held_of, key, live, reservation},
};

const BLOCK: &str = "block";
const NO_TENANT_ROWS: &str = r#"{"rules": [{"method": "QuotaAllowanceService/List",
    "parent_id": "tenant-e00test", "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#;
const NO_RESERVATIONS: &str = r#"{"rules": [{"method": "CapacityBlockGroupService/List",
    "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#;

/// The least and the most that is held of the tenant's GPU row.
fn gpus_held(gate: &Gate) -> (u64, u64) {
    held_of(gate, &key(TENANT, GPU_QUOTA))
}

/// What is held of a reservation.
fn reserved(gate: &Gate, id: &str) -> (u64, u64) {
    held_of(gate, &reservation(id))
}

/// On reserved capacity or not at all.
fn strict(fabric: Option<&str>) -> Launch {
    let mut launch = h200(1);
    launch.profile.reservation = ReservationUse::Strict;
    launch.offer.zone = fabric.map(str::to_owned);
    launch
}

/// As the emulator is asked for it.
fn launchable(mut launch: Launch) -> Launch {
    launch.profile.needs = vec![disk(10 << 30), address()];
    launch
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_was_not_believed_is_no_measure_of_others() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 16, 0)).await;
    live.gate.inventory().await;
    live.hands.pass(60);
    // Others take eight while the list cannot be read.
    set_usage(&live, 8);
    live.faults(NO_TENANT_ROWS);
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Unknown);
    verified.hold.unwrap().commit(&instance());
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    assert_eq!(gpus_held(&live.gate), (8, 8));
    let next = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(next.action, Action::Refuse);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_cannot_be_read_again_may_be_taken_by_who_insists_on_it() {
    let live = live(&WorldBuilder::new().block(BLOCK, "fabric-7", 8, 0)).await;
    live.gate.inventory().await;
    live.faults(NO_RESERVATIONS);
    let first = live.gate.verify(&strict(None)).await.unwrap();
    assert_eq!(first.verdict.quota, QuotaOutcome::Unknown);
    assert_eq!(reserved(&live.gate, BLOCK), (0, 8));
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    let second = live.gate.verify(&strict(None)).await.unwrap();
    assert_eq!(second.verdict.quota, QuotaOutcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_through_beside_a_restart_keeps_its_place_when_the_restart_is_given_up() {
    let live = live(&WorldBuilder::new().block(BLOCK, "fabric-7", 8, 0)).await;
    let mut restart = strict(None);
    restart.profile.restart = true;
    let restarted = live.gate.verify(&restart).await.unwrap();
    let first = live.gate.verify(&strict(None)).await.unwrap();
    assert_eq!(first.verdict.quota, QuotaOutcome::Unknown);
    restarted.hold.unwrap().release();
    assert_eq!(reserved(&live.gate, BLOCK), (0, 8));
    let second = live.gate.verify(&strict(None)).await.unwrap();
    assert_eq!(second.verdict.quota, QuotaOutcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reservation_may_cover_blocks_nobody() {
    let world = WorldBuilder::new()
        .tenant(GPU_QUOTA, 8, 0)
        .block(BLOCK, "fabric-7", 8, 0);
    let live = live(&world).await;
    live.gate.inventory().await;
    live.faults(NO_RESERVATIONS);
    let launcher = Launcher::connect(live.cloud.addr()).await;
    let first = launchable(h200(1));
    let verified = live.gate.verify(&first).await.unwrap();
    // The cloud puts it on the reservation, and none of it on the ordinary row.
    let Outcome::Launched(launched) = launcher.launch(&first).await else {
        panic!("the reservation is free");
    };
    verified.hold.unwrap().commit(&launched.instances);
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    assert_eq!(gpus_held(&live.gate), (0, 8));
    let mut beside = launchable(h200(1));
    beside.profile.reservation = ReservationUse::Forbid;
    let next = live.gate.verify(&beside).await.unwrap();
    assert_eq!(next.verdict.quota, QuotaOutcome::Unknown);
    let launched = launcher.launch(&beside).await;
    assert!(matches!(launched, Outcome::Launched(_)), "{launched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_in_a_state_that_nobody_knows_holds_what_it_may_launch() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 64, 56);
    let live = live(&world.project_status(json!({"project_state": 99}))).await;
    let first = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(first.verdict.quota, QuotaOutcome::Unknown);
    assert_eq!(gpus_held(&live.gate), (8, 8));
    // What a state leaves open, a shortage proves.
    let second = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(second.verdict.quota, QuotaOutcome::Blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_could_not_be_read_are_read_again_before_a_launch() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 56)).await;
    live.faults(
        r#"{"rules": [{"method": "PlatformService/List", "times": 1,
            "status": {"code": "PERMISSION_DENIED", "message": "not yours"}}]}"#,
    );
    live.gate.inventory().await;
    live.no_faults();
    let first = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(first.verdict.quota, QuotaOutcome::Fits, "{first:#?}");
    assert_eq!(gpus_held(&live.gate), (8, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn which_of_two_reservations_is_taken_is_the_clouds_choice() {
    let world = |usage: u64| {
        WorldBuilder::new()
            .tenant(GPU_QUOTA, 0, 0)
            .block("a", "fabric-a", 8, usage)
            .block("b", "fabric-b", 8, usage)
    };
    let live = live(&world(0)).await;
    let any = live.gate.verify(&strict(None)).await.unwrap();
    assert_eq!(any.verdict.quota, QuotaOutcome::Fits);
    assert_eq!(reserved(&live.gate, "a"), (0, 8));
    assert_eq!(reserved(&live.gate, "b"), (0, 8));
    for fabric in ["fabric-a", "fabric-b"] {
        let pinned = live.gate.verify(&strict(Some(fabric))).await.unwrap();
        assert_eq!(pinned.verdict.quota, QuotaOutcome::Unknown, "{fabric}");
        pinned.hold.unwrap().release();
    }
    any.hold.unwrap().release();
    // Two that need both leave nothing of either.
    let mut both = strict(None);
    both.count = 2;
    let all = live.gate.verify(&both).await.unwrap();
    assert_eq!(all.verdict.quota, QuotaOutcome::Fits);
    assert_eq!(reserved(&live.gate, "a"), (8, 8));
    assert_eq!(reserved(&live.gate, "b"), (8, 8));
    let next = live.gate.verify(&strict(Some("fabric-b"))).await.unwrap();
    assert_eq!(next.verdict.quota, QuotaOutcome::Blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_was_not_taken_blocks_nobody() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 0, 0);
    let blocks = |world: WorldBuilder, (a, b): (u64, u64)| {
        world
            .block("a", "fabric-a", 8, a)
            .block("b", "fabric-b", 8, b)
    };
    let live = live(&blocks(world, (0, 0))).await;
    let any = live.gate.verify(&strict(None)).await.unwrap();
    any.hold.unwrap().commit(&instance());
    // The cloud puts it on the second one.
    let after = blocks(WorldBuilder::new().tenant(GPU_QUOTA, 0, 0), (0, 8)).build();
    live.cloud.set_world(World::read(after.path()).unwrap());
    live.hands.pass(120);
    live.gate.refresh().await;
    assert_eq!(reserved(&live.gate, "b"), (0, 0));
    let first = live.gate.verify(&strict(Some("fabric-a"))).await.unwrap();
    assert_ne!(first.verdict.quota, QuotaOutcome::Blocked);
}
