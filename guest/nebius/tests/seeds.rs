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
    seeds(target).iter().for_each(|seed| check(seed));
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

/// Every input of a target's seeds.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fuzz/seeds"
    ));
    let entries = fs::read_dir(folder.join(target)).expect("seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    assert!(!paths.is_empty(), "no seeds for {target}");
    paths.sort();
    let inputs = paths.iter().map(|path| fs::read(path).expect("a seed"));
    inputs.collect()
}

/// As many inputs with several places damaged at once.
fn over_damaged(target: &str, runs: usize, check: fn(&[u8])) {
    let seeds = seeds(target);
    for (run, seed) in (0..).zip(seeds.iter().cycle().take(runs)) {
        check(&mutate::mutated(seed, run));
    }
}

#[test]
fn diagnosis_holds_over_damaged_errors() {
    over_damaged("diagnose", 5_000, diagnose::check);
}

/// Accounts that are chosen otherwise in several places, and requests that say something else.
#[test]
fn the_json_twins_hold_over_damaged_accounts() {
    over_damaged("json_twin", 4_000, json_twin::check);
}
