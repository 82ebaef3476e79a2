//! What the front door does not show: how often a replacement is tried, when the file is full, and what a gate leaves behind.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{FEW_LINES, HoldWriter, Keeper};
use crate::holds::{Event, HoldFile, HoldFileError, HoldRecord};

/// Longer than a write takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn promised(number: usize) -> Event {
    Event::Promised {
        hold: HoldRecord {
            id: number.to_string(),
            made_at: 1,
            ..HoldRecord::default()
        },
        others: Vec::new(),
    }
}

fn over(number: usize) -> Event {
    Event::Over {
        id: number.to_string(),
    }
}

/// Where a file cannot be replaced, as in a folder where nothing can be made: no name is left for a temporary file.
fn irreplaceable(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("h".repeat(250))
}

fn keeper(path: &Path) -> Keeper {
    let (file, events) = HoldFile::open(path).unwrap();
    let lines = events.len();
    Keeper::new(file, events, lines)
}

/// The ids of what stands in the file.
fn standing(path: &Path) -> Vec<String> {
    let keeper = keeper(path);
    keeper.ledger.records().map(|hold| hold.id).collect()
}

#[test]
fn a_gate_that_goes_away_leaves_all_lines_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holds");
    let writer = HoldWriter::start(keeper(&path)).unwrap();
    let ids: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    for number in 0..ids.len() {
        drop(writer.write(vec![promised(number)]));
    }
    drop(writer);
    assert_eq!(standing(&path), ids);
}

#[test]
fn a_failed_replacement_is_not_tried_again_on_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = keeper(&irreplaceable(&folder));
    let mut tries = Vec::new();
    for number in 0..5 * FEW_LINES {
        let before = keeper.worth_shortening;
        keeper.write(vec![over(number)]).unwrap();
        if keeper.worth_shortening != before {
            tries.push(keeper.lines);
        }
    }
    // Each time only when the file is twice as long as before.
    assert_eq!(
        tries,
        [
            FEW_LINES + 1,
            2 * (FEW_LINES + 1) + 1,
            4 * (FEW_LINES + 1) + 3
        ]
    );
    assert!(!keeper.is_incomplete);
}

#[test]
fn a_file_that_is_full_is_an_error_that_says_so_and_can_be_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = irreplaceable(&folder);
    let mut keeper = keeper(&path);
    let longest = 4_000;
    keeper.file.fill_at(longest);
    let mut told = Vec::new();
    let error = (0..1_000)
        .find_map(|number| {
            let outcome = keeper.write(vec![promised(number)]);
            if outcome.is_ok() {
                told.push(number.to_string());
            }
            outcome.err()
        })
        .unwrap();
    assert!(matches!(error, HoldFileError::Full { .. }), "{error:?}");
    assert!(fs::metadata(&path).unwrap().len() <= longest);
    drop(keeper);
    assert_eq!(standing(&path), told);
}

#[test]
fn a_file_that_is_full_of_what_is_over_is_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holds");
    let mut keeper = keeper(&path);
    let longest = 4_000;
    keeper.file.fill_at(longest);
    for number in 0..200 {
        keeper.write(vec![promised(number)]).unwrap();
        keeper.write(vec![over(number)]).unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= longest);
    }
}

#[test]
fn what_could_not_be_written_is_written_with_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let (path, away) = (folder.path().join("holds"), folder.path().join("away"));
    let mut keeper = keeper(&path);
    keeper.write(vec![promised(1)]).unwrap();
    // A folder at its path: nothing can be written there, and nothing can take its place.
    fs::rename(&path, &away).unwrap();
    fs::create_dir(&path).unwrap();
    keeper.write(vec![over(1)]).unwrap_err();
    // The very file comes back, so only the keeper knows that it lacks a line.
    fs::remove_dir(&path).unwrap();
    fs::rename(&away, &path).unwrap();
    keeper.write(vec![promised(2)]).unwrap();
    drop(keeper);
    assert_eq!(standing(&path), ["2"]);
}

#[tokio::test]
async fn whoever_waits_learns_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holds");
    let writer = HoldWriter::start(keeper(&path)).unwrap();
    writer
        .write(vec![promised(1)])
        .within(PATIENCE)
        .await
        .unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let failed = writer.write(vec![promised(2)]).within(PATIENCE).await;
    assert!(
        matches!(failed, Err(HoldFileError::Io { .. })),
        "{failed:?}"
    );
}
