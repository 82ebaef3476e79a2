//! What fuzzing checks, over its seeds and every input that once found something (`tests/fuzz/seeds`).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests take what they know to be there"
)]

use std::{fs, path::Path};

#[path = "../../../tests/fuzz/checks/account.rs"]
mod account;
#[path = "../../../tests/fuzz/checks/diagnose.rs"]
mod diagnose;
#[path = "../../../tests/fuzz/checks/json_twin.rs"]
mod json_twin;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../../../tests/fuzz/checks/mutate.rs"]
mod mutate;

fn over_seeds(target: &str, check: fn(&[u8])) {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fuzz/seeds"
    ));
    let entries = fs::read_dir(folder.join(target)).expect("seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    assert!(!paths.is_empty(), "no seeds for {target}");
    paths.sort();
    for path in paths {
        check(&fs::read(&path).expect("a seed"));
    }
}

#[test]
fn the_json_twins_hold_over_the_seeds() {
    over_seeds("json_twin", json_twin::check);
}

#[test]
fn diagnosis_holds_over_the_seeds() {
    over_seeds("diagnose", diagnose::check);
}

/// Each seed cut off everywhere, and with each of its bytes in the place of another.
#[test]
fn diagnosis_holds_over_damaged_seeds() {
    over_seeds("diagnose", |seed| {
        for at in 0..seed.len() {
            diagnose::check(&seed[..at]);
            for byte in [0, b'"', b'\n', b'{', 0xff] {
                let mut damaged = seed.to_vec();
                damaged[at] = byte;
                diagnose::check(&damaged);
            }
        }
    });
}

/// 5,000 errors with several places damaged at once.
#[test]
fn diagnosis_holds_over_damaged_errors() {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fuzz/seeds/diagnose"
    ));
    let entries = fs::read_dir(folder).expect("seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    paths.sort();
    let seeds: Vec<_> = paths
        .iter()
        .map(|path| fs::read(path).expect("a seed"))
        .collect();
    for (run, seed) in (0..5_000).zip(seeds.iter().cycle()) {
        diagnose::check(&mutate::mutated(seed, run));
    }
}
