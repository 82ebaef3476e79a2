//! What others do to the file of holds while a process has it: cut it, delete it, put something else in its place. No
//! promise is lost to that, and no second process gets the file.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    sync::Arc,
};

use nebius_api::world::World;
use quotagate::{Gate, GateError, HoldFileError};
use quotagate_nebius::RecordedWorld;

use crate::{
    harness::{GPU_QUOTA, PROJECT, WorldBuilder},
    live::{address, disk, h200, keeping, live, options_with, plugin, taking_over},
};

/// Promises before and after something is done to the file; a gate that starts afterwards has all of them.
async fn survives(what: &str, done: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    let mut told = Vec::new();
    for number in 0..3 {
        if number == 1 {
            done(&file);
        }
        let hold = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
        told.push(hold.id().to_owned());
    }
    assert!(fs::symlink_metadata(&file).unwrap().is_file(), "{what}");
    drop(gate);
    let gate = taking_over(&live, &file).await;
    let found: Vec<String> = gate.holds().into_iter().map(|hold| hold.id).collect();
    assert_eq!(found, told, "{what}");
}

fn resize(file: &Path, length: impl Fn(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(file).unwrap();
    let known = file.metadata().unwrap().len();
    file.set_len(length(known)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_or_lengthened_under_the_process_is_written_anew() {
    survives("emptied", |file| resize(file, |_| 0)).await;
    survives("cut inside a line", |file| resize(file, |known| known - 5)).await;
    survives("lengthened", |file| resize(file, |known| known + 5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_or_replaced_under_the_process_is_written_anew() {
    survives("deleted", |file| fs::remove_file(file).unwrap()).await;
    survives("deleted with its folder", |file| {
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    })
    .await;
    survives("a copy of it in its place", |file| {
        let copy = file.with_extension("copy");
        fs::copy(file, &copy).unwrap();
        fs::rename(&copy, file).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_after_the_last_promise_is_mended_before_the_gate_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    resize(&file, |_| 0);
    drop(gate);
    assert_eq!(taking_over(&live, &file).await.holds().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_put_in_the_place_of_the_file_is_not_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    survives("a link to another file", |file| {
        fs::remove_file(file).unwrap();
        symlink(&victim, file).unwrap();
    })
    .await;
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    // This one leads to the very file, so its length and its number are as they were.
    survives("a link to the file itself", |file| {
        let moved = file.with_extension("moved");
        fs::rename(file, &moved).unwrap();
        symlink(&moved, file).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_process_gets_the_file_whose_lock_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    let is_in_use = || {
        fs::remove_file(folder.path().join("holds.jsonl.lock")).unwrap();
        let second = keeping(&live, &file);
        matches!(second, Err(GateError::HoldFile(HoldFileError::InUse(_))))
    };
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    assert!(is_in_use());
    // What takes the place of both is locked as well.
    fs::remove_file(folder.path().join("holds.jsonl.lock")).unwrap();
    fs::remove_file(&file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    assert!(is_in_use());
    drop(gate);
    assert_eq!(taking_over(&live, &file).await.holds().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_second_process_made_after_a_deletion_is_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let first = keeping(&live, &file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::remove_file(folder.path().join("holds.jsonl.lock")).unwrap();
    let second = keeping(&live, &file).unwrap();
    let error = first.verify(&h200(1)).await.unwrap_err();
    assert!(
        matches!(error, GateError::HoldFile(HoldFileError::InUse(_))),
        "{error:?}"
    );
    let hold = second.verify(&h200(1)).await.unwrap().hold.unwrap();
    let told = hold.id().to_owned();
    drop((hold, second));
    // Whoever was told no goes on once the file is free: an answer that was just coming in may keep it for a moment.
    let hold = loop {
        match first.verify(&h200(1)).await {
            Err(GateError::HoldFile(HoldFileError::InUse(_))) => tokio::task::yield_now().await,
            verified => break verified.unwrap().hold.unwrap(),
        }
    };
    assert_ne!(hold.id(), told);
}

/// An account of so many projects, each with five rows of its own.
fn many_projects(count: usize) -> (World, Vec<String>) {
    let mut world = WorldBuilder::new();
    for quota in [
        GPU_QUOTA,
        "compute.instance.count",
        "compute.disk.count",
        "compute.disk.size.network-ssd",
        "vpc.allocation.count",
    ] {
        world = world.project(quota, 1 << 50, 0).tenant(quota, 1 << 50, 0);
    }
    let world = world.build();
    let list = world.path().join("tenant/projects.json");
    let mut projects: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&list).unwrap()).unwrap();
    let first = projects["items"][0].clone();
    let ids: Vec<String> = (0..count)
        .map(|number| format!("project-e00n{number}"))
        .collect();
    for id in &ids {
        let mut other = first.clone();
        other["metadata"]["id"] = id.as_str().into();
        projects["items"].as_array_mut().unwrap().push(other);
        let folder = world.path().join("projects");
        fs::create_dir_all(folder.join(id)).unwrap();
        for entry in fs::read_dir(folder.join(PROJECT)).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let text = text.replace(PROJECT, id);
            fs::write(folder.join(id).join(entry.file_name()), text).unwrap();
        }
    }
    fs::write(&list, projects.to_string()).unwrap();
    (World::read(world.path()).unwrap(), ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn few_holds_of_many_rows_do_not_replace_the_file_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let (world, projects) = many_projects(60);
    let options = options_with(|options| options.holds.file = Some(file.clone()));
    let gate = Gate::builder(plugin(), Arc::new(RecordedWorld::new(world).unwrap()));
    let gate = gate.options(options).build().unwrap();
    let launch = |project: &str| {
        let mut launch = h200(1);
        project.clone_into(&mut launch.profile.project);
        launch.profile.needs = vec![disk(10 << 30), address()];
        launch
    };
    let mut holds = Vec::new();
    for project in &projects {
        holds.push(gate.verify(&launch(project)).await.unwrap().hold.unwrap());
    }
    for _ in 0..110 {
        let verified = gate.verify(&launch(&projects[1])).await.unwrap();
        verified.hold.unwrap().release();
    }
    let mut replaced = 0;
    for _ in 0..20 {
        let before = fs::metadata(&file).unwrap().ino();
        holds.push(
            gate.verify(&launch(&projects[0]))
                .await
                .unwrap()
                .hold
                .unwrap(),
        );
        replaced += u32::from(fs::metadata(&file).unwrap().ino() != before);
    }
    assert!(replaced < 3, "{replaced} of 20");
}
