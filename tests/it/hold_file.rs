//! The file that keeps holds between processes: no promise is lost, nothing else is taken for it, and nobody else reads it.

/// What needs a process of its own: little room on the disk, a disk that hangs, another working folder.
mod own_process;
/// What others do to the file while a process has it.
mod touched;

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use quotagate::{Action, GateError, HoldFileError};

use crate::{
    harness::{GPU_QUOTA, WorldBuilder},
    holds::{instance, set_usage},
    live::{Live, h200, keeping, live, taking_over},
};

#[tokio::test(flavor = "multi_thread")]
async fn holds_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/holds.jsonl");
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 40)).await;
    let gate = keeping(&live, &file).unwrap();
    let under_way = gate
        .verify(&h200(1))
        .await
        .unwrap()
        .hold
        .unwrap()
        .id()
        .to_owned();
    let committed = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let committed_id = committed.id().to_owned();
    committed.commit(&instance());
    gate.verify(&h200(1)).await.unwrap().hold.unwrap().release();
    assert!(
        matches!(keeping(&live, &file), Err(GateError::HoldFile(error)) if error.to_string().contains("in use"))
    );
    drop(gate);
    live.hands.pass(600);
    let gate = taking_over(&live, &file).await;
    let ids: Vec<String> = gate.holds().into_iter().map(|hold| hold.id).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&under_way) && ids.contains(&committed_id));
    assert_eq!(gate.verify(&h200(2)).await.unwrap().action, Action::Refuse);
    // Found by name, and shown by usage, as before.
    assert!(gate.commit(&under_way, &instance()));
    set_usage(&live, 56);
    gate.refresh().await;
    let gpus = gate.holds();
    let gpus = gpus.iter().flat_map(|hold| &hold.amounts);
    assert_eq!(
        gpus.filter(|held| format!("{held:?}").contains(GPU_QUOTA))
            .count(),
        0
    );
    drop(gate);
    // What nobody asks for again ends, also without this process.
    live.hands.pass(901);
    assert!(taking_over(&live, &file).await.holds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_anywhere_loses_no_promise_that_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    let mut told = vec![(0, Vec::new())];
    for _ in 0..3 {
        let hold = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
        let mut known = told.last().unwrap().1.clone();
        known.push(hold.id().to_owned());
        told.push((fs::read(&file).unwrap().len(), known));
    }
    drop(gate);
    let lock = File::open(folder.path().join("holds.jsonl.lock")).unwrap();
    // An answer that was just coming in may keep the gate for a moment, and a gate mends its file when it goes away.
    lock.lock().unwrap();
    lock.unlock().unwrap();
    let whole = fs::read(&file).unwrap();
    // Everywhere around the end of a line, and here and there inside one.
    let ends_near = |cut: usize| {
        let near = cut.saturating_sub(2)..(cut + 2).min(whole.len());
        whole[near].contains(&b'\n')
    };
    for cut in (0..=whole.len()).filter(|cut| ends_near(*cut) || cut % 17 == 0) {
        fs::write(&file, &whole[..cut]).unwrap();
        let gate = taking_over(&live, &file).await;
        let found: Vec<String> = gate.holds().into_iter().map(|hold| hold.id).collect();
        let (_, promised) = told
            .iter()
            .rev()
            .find(|(length, _)| *length <= cut)
            .unwrap();
        assert_eq!(found.len(), promised.len(), "cut at {cut}");
        assert!(promised.iter().all(|id| found.contains(id)), "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_holds_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let header = "{\"quotagate_holds\":3}\n";
    for (text, expected) in [
        (format!("{header}{{\"promised\": 7}}\n"), "line 2"),
        ("hello\n".to_owned(), "line 1"),
        ("{\"quotagate_holds\":4}\n".to_owned(), "format 4"),
        ("{\"quotagate_holds\":2}\n".to_owned(), "format 2"),
        // As version 0.1 wrote it.
        (
            "{\"promised\":{\"id\":\"a\",\"launch\":\"\",\"amounts\":[],\"made_at\":1}}\n"
                .to_owned(),
            "format 1",
        ),
    ] {
        fs::write(&file, &text).unwrap();
        let error = refusal(&live, &file);
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    let holder = File::create(&file).unwrap();
    holder.set_len(1 << 32).unwrap();
    assert!(refusal(&live, &file).contains("longer than any file of holds"));
}

/// Why holds cannot be kept there.
fn refusal(live: &Live, file: &Path) -> String {
    match keeping(live, file) {
        Err(GateError::HoldFile(error)) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken for a file of holds"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_followed_and_nothing_but_an_ordinary_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let live = live(&WorldBuilder::new()).await;
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let file = folder.path().join("holds");
    for link in [file.clone(), folder.path().join("holds.lock")] {
        fs::remove_file(&link).ok();
        symlink(&victim, &link).unwrap();
        assert!(refusal(&live, &file).contains("not an ordinary file"));
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(&file).ok();
    fs::create_dir(&file).unwrap();
    assert!(refusal(&live, &file).contains("not an ordinary file"));
    fs::remove_dir(&file).unwrap();
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert!(refusal(&live, &file).contains("not an ordinary file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_lies_beside_its_file_whatever_that_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let live = live(&WorldBuilder::new()).await;
    let names = ["y.lock", "x.json", "x.jsonl", "x.new", "x"];
    let gates: Vec<_> = names
        .iter()
        .map(|name| keeping(&live, &folder.path().join(name)).unwrap())
        .collect();
    // What is the lock of another file is no file for holds.
    let lock = keeping(&live, &folder.path().join("x.lock"));
    assert!(matches!(
        lock,
        Err(GateError::HoldFile(HoldFileError::InUse(_)))
    ));
    for gate in &gates {
        drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    }
    drop(gates);
    for name in names {
        let gate = taking_over(&live, &folder.path().join(name)).await;
        assert_eq!(gate.holds().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_who_launches_what() {
    let folder = tempfile::tempdir().unwrap();
    // The second one is never replaced, so its own mode has to change.
    let names = [String::from("holds.jsonl"), name_that_leaves_no_room()];
    let live = live(&WorldBuilder::new()).await;
    for name in names {
        let file = folder.path().join(&name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        let gate = keeping(&live, &file).unwrap();
        drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
        for name in [format!("{name}.lock"), name] {
            let mode = fs::metadata(folder.path().join(&name)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}

/// The name of a file that no temporary file can be made for: there is room for the name of its lock, and for no longer one.
fn name_that_leaves_no_room() -> String {
    "h".repeat(250)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_half_written_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let live = live(&WorldBuilder::new()).await;
    let left = ".holds.jsonl.a1B2c3.new";
    let others = [
        ".other.jsonl.a1B2c3.new",
        ".holds.jsonl.a1B2c3",
        ".holds.jsonl.a1.new",
        ".holds.jsonl.a1-2c3.new",
        "holds.jsonl.a1B2c3.new",
    ];
    for name in others.iter().chain([&left]) {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    let gate = keeping(&live, &folder.path().join("holds.jsonl")).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    assert!(!folder.path().join(left).exists());
    for name in others {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_holds_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    gate.inventory().await;
    let kept = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    for _ in 0..400 {
        gate.verify(&h200(1)).await.unwrap().hold.unwrap().release();
    }
    let lines = fs::read_to_string(&file).unwrap().lines().count();
    assert!(lines <= 400, "{lines}");
    assert_eq!(gate.holds()[0].id, kept.id());
}
