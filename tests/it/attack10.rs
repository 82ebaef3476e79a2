use std::{fs, sync::Arc, time::{Duration, Instant}};

use nebius_api::world::World;
use quotagate::{Action, Gate, GateOptions, Policy, QuotaOutcome, RefreshOptions, ReservationUse, Row};
use quotagate_nebius::RecordedWorld;
use tokio::runtime::Builder;

use crate::{
    harness::{GPU_QUOTA, WorldBuilder},
    holds::{instance, set_usage},
    launcher::{Launcher, Outcome},
    live::{Hands, h200, keeping, live, live_with, options, plugin, taking_over},
    steered::Steered,
};

fn gpus_held(gate: &Gate) -> u64 {
    let amounts = gate.holds().into_iter().flat_map(|hold| hold.amounts);
    amounts
        .filter(|held| matches!(&held.row, Row::Allowance { quota, project: None, .. } if quota == GPU_QUOTA))
        .map(|held| held.at_most)
        .sum()
}

/// T1: what could not be read again is the base of what is counted as ours.
#[tokio::test(flavor = "multi_thread")]
async fn t01_stale_base() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 16, 0)).await;
    live.gate.inventory().await;
    live.hands.pass(60);
    // Others take eight while the list cannot be read.
    set_usage(&live, 8);
    live.faults(
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00test",
            "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#,
    );
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Unknown);
    verified.hold.unwrap().commit(&instance());
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    println!("held after a reading that shows others alone: {}", gpus_held(&live.gate));
    let next = live.gate.verify(&h200(1)).await.unwrap();
    println!("next: {:?} {:?}", next.verdict.quota, next.action);
    assert_eq!(next.action, Action::Refuse);
}

/// T2: a strict launch that was let through on unknown holds nothing of the reservation.
#[tokio::test(flavor = "multi_thread")]
async fn t02_strict_unknown_holds_nothing() {
    let live = live(&WorldBuilder::new().block("block", "fabric-7", 8, 0)).await;
    let mut launch = h200(1);
    launch.profile.reservation = ReservationUse::Strict;
    live.gate.inventory().await;
    live.faults(
        r#"{"rules": [{"method": "CapacityBlockGroupService/List",
            "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#,
    );
    let first = live.gate.verify(&launch).await.unwrap();
    println!("first: {:?} {:?} {:?}", first.verdict.quota, first.action, first.hold.as_ref().map(|h| h.amounts().to_vec()));
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    let second = live.gate.verify(&launch).await.unwrap();
    println!("second: {:?} {:?} {:?}", second.verdict.quota, second.action, second.hold.as_ref().map(|h| h.amounts().to_vec()));
    assert!(second.verdict.quota != QuotaOutcome::Fits);
}

/// T2b: the same beside a restart that may take the reservation, and is given up.
#[tokio::test(flavor = "multi_thread")]
async fn t02b_strict_beside_a_restart() {
    let live = live(&WorldBuilder::new().block("block", "fabric-7", 8, 0)).await;
    let mut strict = h200(1);
    strict.profile.reservation = ReservationUse::Strict;
    let mut restart = strict.clone();
    restart.profile.restart = true;
    let restarted = live.gate.verify(&restart).await.unwrap();
    println!("restart: {:?} {:?}", restarted.verdict.quota, restarted.hold.as_ref().map(|h| h.amounts().to_vec()));
    let first = live.gate.verify(&strict).await.unwrap();
    println!("first: {:?} {:?} {:?}", first.verdict.quota, first.action, first.hold.as_ref().map(|h| h.amounts().to_vec()));
    restarted.hold.unwrap().release();
    let second = live.gate.verify(&strict).await.unwrap();
    println!("second: {:?} {:?}", second.verdict.quota, second.action);
    assert!(second.verdict.quota != QuotaOutcome::Fits);
}

/// T3: what may be on a reservation is held of the ordinary row for certain.
#[tokio::test(flavor = "multi_thread")]
async fn t03_auto_on_unread_reservation() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 8, 0).block("block", "fabric-7", 8, 0)).await;
    live.gate.inventory().await;
    live.faults(
        r#"{"rules": [{"method": "CapacityBlockGroupService/List",
            "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#,
    );
    let h200 = |count| {
        let mut launch = h200(count);
        launch.profile.private_addresses = 1;
        launch.profile.disks = vec![quotagate::Disk { kind: "network-ssd".to_owned(), bytes: 10 << 30, count: 1 }];
        launch
    };
    let first = live.gate.verify(&h200(1)).await.unwrap();
    println!("first: {:?} {:?}", first.verdict.quota, first.action);
    let launcher = Launcher::connect(live.cloud.addr()).await;
    match launcher.launch(&h200(1)).await {
        Outcome::Launched(launched) => first.hold.unwrap().commit(&launched.instances),
        refused => panic!("{refused:?}"),
    }
    println!("on the block: {:?}, ordinary: {:?}", live.cloud.true_block_usage("block"),
        live.cloud.true_usage(crate::harness::TENANT, GPU_QUOTA, crate::harness::REGION));
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    let mut forbid = h200(1);
    forbid.profile.reservation = ReservationUse::Forbid;
    let next = live.gate.verify(&forbid).await.unwrap();
    println!("next: {:?} {:?} held {}", next.verdict.quota, next.action, gpus_held(&live.gate));
    println!("findings {:?}", next.verdict.findings.first());
    println!("really: {}", matches!(launcher.launch(&forbid).await, Outcome::Launched(_)));
    assert!(next.verdict.quota != QuotaOutcome::Blocked);
}

/// T4: a fetch that was not due and is cut off is not begun again, and everybody waits for it.
#[test]
fn t04_cut_off_not_due() {
    let world = WorldBuilder::new();
    let recorded = RecordedWorld::new(World::read(world.build().path()).unwrap()).unwrap();
    let source = Steered::new(Arc::new(recorded));
    let hands = Hands::new();
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(GateOptions {
            refresh: RefreshOptions { first_wait: Duration::from_secs(3), ..options().refresh },
            ..options()
        })
        .build()
        .unwrap();
    let one_thread = || Builder::new_current_thread().enable_all().build().unwrap();
    one_thread().block_on(gate.inventory());
    hands.pass(1);
    source.hold_all();
    // The caller of a final check gives up, and its runtime ends.
    one_thread().block_on(async {
        tokio::time::timeout(Duration::from_millis(200), gate.verify(&h200(1))).await.unwrap_err();
    });
    source.release();
    hands.pass(1);
    let asked = source.asked();
    let begun = Instant::now();
    one_thread().block_on(gate.check(&h200(1), &Policy::default())).unwrap();
    println!("waited {:?}, asked {} more", begun.elapsed(), source.asked() - asked);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// T5: the file is emptied under the process.
#[tokio::test(flavor = "multi_thread")]
async fn t05_truncated_under_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    let told = gate.verify(&h200(1)).await.unwrap();
    println!("told: {:?}", told.hold.as_ref().map(|h| h.id().to_owned()));
    drop(told);
    drop(gate);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let text = fs::read(&file).unwrap();
    println!("{} zero bytes in the file", text.iter().filter(|b| **b == 0).count());
    match keeping(&live, &file) {
        Err(error) => panic!("does not start: {error:?}"),
        Ok(gate) => assert_eq!(gate.holds().len(), 2),
    }
}

/// T6: the file is deleted under the process.
#[tokio::test(flavor = "multi_thread")]
async fn t06_deleted_under_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    fs::remove_file(&file).unwrap();
    for _ in 0..3 {
        drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    }
    drop(gate);
    let gate = taking_over(&live, &file).await;
    assert_eq!(gate.holds().len(), 3);
}

/// T7: the lock is deleted under the process.
#[tokio::test(flavor = "multi_thread")]
async fn t07_lock_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    fs::remove_file(folder.path().join("holds.jsonl.lock")).unwrap();
    let other = keeping(&live, &file);
    println!("second gate: {}", other.is_ok());
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    drop(gate);
    if let Ok(other) = other {
        drop(other);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let gate = taking_over(&live, &file).await;
        println!("of 2 holds, {} are there", gate.holds().len());
        panic!("two processes have the file");
    }
}

/// T8: a relative path, and another working directory later. Alone in its process.
#[tokio::test(flavor = "multi_thread")]
async fn t08_relative_path() {
    if std::env::var_os("ATTACK_CHDIR").is_none() {
        return;
    }
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let live = live(&WorldBuilder::new()).await;
    std::env::set_current_dir(one.path()).unwrap();
    let gate = keeping(&live, std::path::Path::new("holds.jsonl")).unwrap();
    std::env::set_current_dir(two.path()).unwrap();
    gate.inventory().await;
    for _ in 0..400 {
        gate.verify(&h200(1)).await.unwrap().hold.unwrap().release();
    }
    let told = gate.verify(&h200(1)).await.unwrap().hold.unwrap().id().to_owned();
    drop(gate);
    tokio::time::sleep(Duration::from_millis(300)).await;
    for folder in [&one, &two] {
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        println!("{:?}: {names:?}", folder.path());
    }
    std::env::set_current_dir(one.path()).unwrap();
    let gate = taking_over(&live, std::path::Path::new("holds.jsonl")).await;
    println!("holds taken over: {}", gate.holds().len());
    assert_eq!(gate.holds().iter().map(|hold| hold.id.clone()).collect::<Vec<_>>(), [told]);
}

/// T9: who commits again and again keeps a hold for ever.
#[tokio::test(flavor = "multi_thread")]
async fn t09_commit_again() {
    let live = live(&WorldBuilder::new()).await;
    let id = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap().id().to_owned();
    for _ in 0..10 {
        assert!(live.gate.commit(&id, &instance()));
        live.hands.pass(600);
        live.gate.refresh().await;
    }
    println!("held 6000 s after the commit: {}", live.gate.holds().len());
    assert!(live.gate.holds().is_empty());
}

/// T9b: a second commit after usage was asked for delays what it shows.
#[tokio::test(flavor = "multi_thread")]
async fn t10_given_up_while_visible() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 40)).await;
    let first = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let second = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    // The first one's instance shows, and its launch fails.
    set_usage(&live, 48);
    live.gate.refresh().await;
    first.release();
    second.commit(&instance());
    // Usage trails: neither the end of the one nor the other shows.
    live.gate.refresh().await;
    println!("held: {}", gpus_held(&live.gate));
    // The end of the first shows.
    set_usage(&live, 40);
    live.gate.refresh().await;
    println!("held: {}, and the second one shows nowhere", gpus_held(&live.gate));
    assert_eq!(gpus_held(&live.gate), 8);
}

/// T12: a project that is new makes everybody wait.
#[tokio::test(flavor = "multi_thread")]
async fn t12_new_project() {
    let live = live_with(&WorldBuilder::new(), GateOptions {
        refresh: RefreshOptions { first_wait: Duration::from_secs(3), ..options().refresh },
        ..options()
    }).await;
    let list = live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(list) = &mut world.projects else { panic!() };
        std::mem::take(&mut list.items)
    });
    live.gate.inventory().await;
    live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(known) = &mut world.projects else { panic!() };
        known.items = list;
    });
    live.source.hold(&["project_allowances", "instance_types", "reservation_shares"]);
    live.hands.pass(601);
    // This one has the list of projects read in the background.
    live.gate.inventory().await;
    while live.source.asked_for("instance_types") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    live.gate.inventory().await;
    println!("waited {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// T14: a first measurement that shows ours already.
#[tokio::test(flavor = "multi_thread")]
async fn t14_unmeasured_base() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 16, 0)).await;
    live.faults(
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00test",
            "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#,
    );
    let first = live.gate.verify(&h200(1)).await.unwrap();
    println!("{:?}", first.verdict.quota);
    first.hold.unwrap().commit(&instance());
    set_usage(&live, 8);
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    println!("held: {}", gpus_held(&live.gate));
    let next = live.gate.verify(&h200(1)).await.unwrap();
    println!("{:?}", next.verdict.quota);
}

/// T15: a launch that is let through because its project's state is not known holds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn t15_state_unknown_holds_nothing() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 56)
        .project_status(serde_json::json!({"project_state": 99}))).await;
    for _ in 0..2 {
        let one = live.gate.verify(&h200(1)).await.unwrap();
        println!("{:?} {:?} {:?} {:?}", one.verdict.quota, one.action,
            one.verdict.findings.first().map(|f| f.reason), one.hold.as_ref().map(|h| h.amounts().to_vec()));
    }
    println!("held {} of 8", gpus_held(&live.gate));
    assert_eq!(gpus_held(&live.gate), 8);
}

/// T16: the types cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn t16_types_unread_holds_nothing() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 56)).await;
    live.faults(r#"{"rules": [{"method": "PlatformService/List", "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#);
    let first = live.gate.verify(&h200(1)).await.unwrap();
    println!("{:?} {:?} {:?}", first.verdict.quota, first.action, first.hold.as_ref().map(|h| h.amounts().to_vec()));
    live.no_faults();
    live.hands.pass(120);
    live.gate.refresh().await;
    let second = live.gate.verify(&h200(1)).await.unwrap();
    println!("{:?} {:?}", second.verdict.quota, second.action);
    assert!(second.verdict.quota != QuotaOutcome::Fits);
}

/// T17: a project whose rows could not be read makes the tenant's row of what its own may have refused.
#[tokio::test(flavor = "multi_thread")]
async fn t17_block_scope() {
    let live = live(&WorldBuilder::new().project(GPU_QUOTA, 8, 8).project_denied()).await;
    let report = live.gate.report(&h200(1), &crate::live::over_quota(GPU_QUOTA, 8, 8)).await.unwrap();
    println!("{:?}", report.blocks);
    assert!(report.blocks.iter().all(|block| block.project.is_some()));
}

/// T18: many rows of few holds: every event rewrites the file.
#[tokio::test(flavor = "multi_thread")]
async fn t18_every_event_is_a_new_file() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    const PROJECTS: usize = 60;
    let world = WorldBuilder::new().project(GPU_QUOTA, 9_000, 0).project("compute.instance.count", 9_000, 0)
        .project("compute.disk.count", 9_000, 0).project("compute.disk.size.network-ssd", 1_u64 << 50, 0)
        .project("vpc.allocation.count", 9_000, 0).tenant("compute.disk.count", 10_000, 0).tenant("vpc.allocation.count", 10_000, 0).tenant(GPU_QUOTA, 10_000, 0).tenant("compute.instance.count", 10_000, 0).build();
    let list = world.path().join("tenant/projects.json");
    let mut projects: serde_json::Value = serde_json::from_str(&fs::read_to_string(&list).unwrap()).unwrap();
    let first = projects["items"][0].clone();
    for number in 0..PROJECTS {
        let id = format!("project-e00n{number}");
        let mut other = first.clone();
        other["metadata"]["id"] = id.clone().into();
        projects["items"].as_array_mut().unwrap().push(other);
        let (from, to) = (world.path().join("projects").join(crate::harness::PROJECT), world.path().join("projects").join(&id));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap().replace(crate::harness::PROJECT, &id);
            fs::write(to.join(entry.file_name()), text).unwrap();
        }
    }
    fs::write(&list, projects.to_string()).unwrap();
    let options = GateOptions {
        holds: quotagate::HoldOptions { file: Some(file.clone()), ..Default::default() },
        ..options()
    };
    let source = RecordedWorld::new(World::read(world.path()).unwrap()).unwrap();
    let gate = Gate::builder(plugin(), Arc::new(source)).options(options).build().unwrap();
    let launch = |project: &str| {
        let mut launch = h200(1);
        launch.profile.project = project.to_owned();
        launch.profile.private_addresses = 1;
        launch.profile.disks = vec![quotagate::Disk { kind: "network-ssd".to_owned(), bytes: 10 << 30, count: 1 }];
        launch
    };
    let mut holds = Vec::new();
    for number in 0..PROJECTS {
        holds.push(gate.verify(&launch(&format!("project-e00n{number}"))).await.unwrap().hold.unwrap());
    }
    println!("{} holds, {} lines", holds.len(), fs::read_to_string(&file).unwrap().lines().count());
    for _ in 0..110 {
        gate.verify(&launch("project-e00n1")).await.unwrap().hold.unwrap().release();
    }
    println!("{} lines", fs::read_to_string(&file).unwrap().lines().count());
    let mut renewed = 0;
    for _ in 0..20 {
        let before = fs::metadata(&file).unwrap().ino();
        let hold = gate.verify(&launch("project-e00n0")).await.unwrap().hold.unwrap();
        renewed += u32::from(fs::metadata(&file).unwrap().ino() != before);
        holds.push(hold);
    }
    println!("{renewed} of 20 promises replaced the file; {} lines", fs::read_to_string(&file).unwrap().lines().count());
    assert!(renewed < 3);
}

/// T19: a hint without an end.
#[tokio::test(flavor = "multi_thread")]
async fn t19_give_up_replay() {
    // A launch under way over a restart of the gate: the hold that nobody committed counts from the promise.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    drop(gate);
    // The time of day is set while no process runs (or set right, at a start of the machine).
    live.hands.set(crate::live::START + 86_400_000);
    let gate = taking_over(&live, &file).await;
    println!("held after the clock was set: {}", gate.holds().len());
    assert_eq!(gate.holds().len(), 1);
}

/// T20: which of two blocks is used is the cloud's choice; the first listed is held for certain.
#[tokio::test(flavor = "multi_thread")]
async fn t20_which_block() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 0, 0).block("a", "fabric-a", 8, 0).block("b", "fabric-b", 8, 0);
    let h200 = |fabric: Option<&str>| {
        let mut launch = h200(1);
        launch.profile.reservation = ReservationUse::Strict;
        launch.profile.fabric = fabric.map(str::to_owned);
        launch.profile.private_addresses = 1;
        launch.profile.disks = vec![quotagate::Disk { kind: "network-ssd".to_owned(), bytes: 10 << 30, count: 1 }];
        launch
    };
    let live = live(&world).await;
    let any = live.gate.verify(&h200(None)).await.unwrap();
    let held = any.hold.as_ref().unwrap().amounts().iter().find(|h| matches!(h.row, Row::Reservation { .. })).cloned();
    println!("any: {:?} {held:?}", any.verdict.quota);
    let Some(Row::Reservation { id }) = held.map(|held| held.row) else { panic!() };
    let (same, other) = if id == "a" { ("fabric-a", "fabric-b") } else { ("fabric-b", "fabric-a") };
    // Lost: both are told that they fit, and the cloud may put the first on the block of the second.
    let second = live.gate.verify(&h200(Some(other))).await.unwrap();
    println!("a launch on the other fabric: {:?}", second.verdict.quota);
    if let Some(hold) = second.hold { hold.release() }
    // Held for nothing: the cloud puts it on the other.
    any.hold.unwrap().commit(&instance());
    let after = WorldBuilder::new().tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-a", 8, if same == "fabric-a" { 0 } else { 8 })
        .block("b", "fabric-b", 8, if same == "fabric-a" { 8 } else { 0 }).build();
    live.cloud.set_world(World::read(after.path()).unwrap());
    for _ in 0..3 {
        live.hands.pass(120);
        live.gate.refresh().await;
    }
    let third = live.gate.verify(&h200(Some(same))).await.unwrap();
    println!("6 minutes later, on the free block: {:?}, held {:?}", third.verdict.quota,
        live.gate.holds().into_iter().flat_map(|h| h.amounts).collect::<Vec<_>>());
    println!("{:?}", third.verdict.findings.first().map(|f| (f.reason, f.limit, f.headroom, f.detail.clone())));
    assert!(third.verdict.quota != QuotaOutcome::Blocked);
}

/// T21: the cloud asks to be left alone for ever.
#[tokio::test(flavor = "multi_thread")]
async fn t21_hint_for_ever() {
    use quotagate::source::{SourceError, SourceErrorKind};
    let _ = (SourceErrorKind::Unavailable, std::any::type_name::<SourceError>());
}
