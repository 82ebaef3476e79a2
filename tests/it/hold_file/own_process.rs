//! What needs a process of its own: little room on the disk, a disk that hangs, another working folder.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use quotagate::{GateError, HoldFileError, Launch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    harness::{CPU, PATIENCE, WorldBuilder},
    live::{builder, h200, keeping, live, options_with, taking_over},
    process::run,
};

/// Where the process that may write little finds its folder.
const FULL: &str = "QUOTAGATE_TEST_FULL_DISK";

#[test]
fn a_disk_that_is_full_is_an_error_before_anybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let test = "hold_file::own_process::a_process_that_may_write_little";
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
    let holds = [gate.verify(&cheap()).await.unwrap().hold.unwrap()];
    let all = getrlimit(Resource::Fsize);
    let before = fs::metadata(&file).unwrap().len();
    // Too little for another promise, and for the short form of the one that stands.
    let little = Rlimit {
        current: Some(before + 64),
        ..all
    };
    setrlimit(Resource::Fsize, little).unwrap();
    let error = gate.verify(&cheap()).await.unwrap_err();
    assert!(
        matches!(error, GateError::HoldFile(HoldFileError::Io { .. })),
        "{error:?}"
    );
    // Nothing is held for whoever was told no, and nothing is in the file of it, not even a part of a line.
    assert_eq!(gate.holds().len(), holds.len());
    assert_eq!(fs::metadata(&file).unwrap().len(), before);
    let kept: Vec<String> = holds.iter().map(|hold| hold.id().to_owned()).collect();
    // Room again: the next call works.
    setrlimit(Resource::Fsize, all).unwrap();
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

/// The folders of a process that starts in the first and goes to the second.
const FOLDERS: [&str; 2] = [
    "QUOTAGATE_TEST_FIRST_FOLDER",
    "QUOTAGATE_TEST_SECOND_FOLDER",
];

#[test]
fn a_relative_path_means_the_folder_that_the_process_started_in() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "hold_file::own_process::a_process_that_goes_elsewhere",
            "--nocapture",
        ])
        .current_dir(folders[0].path());
    for (name, folder) in FOLDERS.into_iter().zip(&folders) {
        command.env(name, folder.path());
    }
    let ended = run(&mut command);
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains("tried it"), "{ended:?}");
}

/// Run by the test above in a process of its own; alone it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_goes_elsewhere() {
    let [Some(first), Some(second)] = FOLDERS.map(std::env::var_os) else {
        return;
    };
    let live = live(&WorldBuilder::new()).await;
    let gate = keeping(&live, Path::new("holds.jsonl")).unwrap();
    std::env::set_current_dir(&second).unwrap();
    gate.inventory().await;
    // So many lines that the file is replaced.
    for _ in 0..150 {
        gate.verify(&h200(1)).await.unwrap().hold.unwrap().release();
    }
    let hold = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let told = hold.id().to_owned();
    drop((gate, hold));
    assert_eq!(fs::read_dir(&second).unwrap().count(), 0);
    let gate = taking_over(&live, &Path::new(&first).join("holds.jsonl")).await;
    let found: Vec<String> = gate.holds().into_iter().map(|hold| hold.id).collect();
    assert_eq!(found, [told]);
    println!("tried it");
}

/// Where the process whose disk hangs finds its folder.
const HANGING: &str = "QUOTAGATE_TEST_HANGING_DISK";
/// Whether the thread that writes holds hangs as soon as it has something to say.
static HANGS: AtomicBool = AtomicBool::new(false);

#[test]
fn a_disk_that_hangs_keeps_neither_a_launch_nor_the_end_of_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "hold_file::own_process::a_process_whose_disk_hangs",
            "--nocapture",
        ])
        .env(HANGING, folder.path());
    let ended = run(&mut command);
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains("tried it"), "{ended:?}");
}

/// Run by the test above in a process of its own; alone it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_disk_hangs() {
    let Some(folder) = std::env::var_os(HANGING) else {
        return;
    };
    // No disk hangs at a test's bidding. The thread logs that it cannot write, and a log can hang.
    tracing_subscriber::fmt()
        .with_writer(|| {
            while thread::current().name() == Some("quotagate-holds")
                && HANGS.load(Ordering::SeqCst)
            {
                thread::sleep(Duration::from_millis(5));
            }
            std::io::sink()
        })
        .init();
    let file = Path::new(&folder).join("holds.jsonl");
    let live = live(&WorldBuilder::new()).await;
    let options = options_with(|options| {
        options.refresh.verify_wait = Duration::from_secs(1);
        options.holds.file = Some(file.clone());
    });
    let gate = builder(&live.cloud, &live.hands)
        .options(options)
        .build()
        .unwrap();
    let hold = gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    // Nothing can be written where a folder lies.
    let away = Path::new(&folder).join("away");
    fs::rename(&file, &away).unwrap();
    fs::create_dir(&file).unwrap();
    HANGS.store(true, Ordering::SeqCst);
    let error = gate.verify(&h200(1)).await.unwrap_err();
    let GateError::HoldFile(HoldFileError::Io { source, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::TimedOut, "{error:?}");
    assert!(source.to_string().contains("within 1s"), "{error:?}");
    // Nothing is held for whoever was told no.
    assert_eq!(gate.holds().len(), 1);
    assert_eq!(gate.holds()[0].id, hold.id());
    let begun = Instant::now();
    drop((hold, gate));
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    println!("tried it");
}
