//! The file that keeps holds between processes: no promise is lost, nothing else is taken for it, and nobody else reads it.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use quotagate::{Action, GateError, HoldFileError, Launch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    harness::{CPU, GPU_QUOTA, WorldBuilder},
    holds::{instance, set_usage},
    live::{Live, h200, keeping, live, taking_over},
    process::run,
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
    let header = "{\"quotagate_holds\":2}\n";
    for (text, expected) in [
        (format!("{header}{{\"promised\": 7}}\n"), "line 2"),
        ("hello\n".to_owned(), "line 1"),
        ("{\"quotagate_holds\":3}\n".to_owned(), "format 3"),
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
    let names = ["x.lock", "x.json", "x.jsonl", "x.new", "x"];
    let gates: Vec<_> = names
        .iter()
        .map(|name| keeping(&live, &folder.path().join(name)).unwrap())
        .collect();
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
    let file = folder.path().join("holds.jsonl");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    drop(gate.verify(&h200(1)).await.unwrap().hold.unwrap());
    for name in ["holds.jsonl", "holds.jsonl.lock"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Where the process that may write little finds its folder.
const FULL: &str = "QUOTAGATE_TEST_FULL_DISK";

#[test]
fn a_disk_that_is_full_is_an_error_before_anybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let test = "hold_file::a_process_that_may_write_little";
    let mut command = Command::new("sh");
    command
        // A file that would be too long is an error, not the end of the process.
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(FULL, folder.path());
    let ended = run(&mut command);
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains("tried it"), "{ended:?}");
}

/// Run by the test above in a process of its own; alone it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_may_write_little() {
    let Some(folder) = std::env::var_os(FULL) else {
        return;
    };
    let file = Path::new(&folder).join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, &file).unwrap();
    let mut holds = vec![gate.verify(&cheap()).await.unwrap().hold.unwrap()];
    let all = getrlimit(Resource::Fsize);
    let little = Rlimit {
        current: Some(8 << 10),
        ..all
    };
    setrlimit(Resource::Fsize, little).unwrap();
    let error = loop {
        assert!(holds.len() < 100);
        match gate.verify(&cheap()).await {
            Ok(verified) => holds.push(verified.hold.unwrap()),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, GateError::HoldFile(HoldFileError::Io { .. })),
        "{error:?}"
    );
    // Nothing is held for whoever was told no, and nothing is in the file of it.
    assert_eq!(gate.holds().len(), holds.len());
    let kept: Vec<String> = holds.iter().map(|hold| hold.id().to_owned()).collect();
    // Room again: the next call works.
    setrlimit(Resource::Fsize, all).unwrap();
    for hold in holds.drain(1..) {
        hold.release();
    }
    let next_hold = gate.verify(&cheap()).await.unwrap().hold.unwrap();
    let next = next_hold.id().to_owned();
    drop((gate, holds, next_hold));
    let gate = taking_over(&live, &file).await;
    let found: Vec<String> = gate.holds().into_iter().map(|hold| hold.id).collect();
    assert_eq!(found, [kept[0].clone(), next]);
    println!("tried it");
}

/// Something that many fit of.
fn cheap() -> Launch {
    let mut launch = h200(1);
    launch.offer.instance_type = CPU.to_owned();
    launch
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
