//! What fuzzing checks, over its seeds and every input that once found something (`tests/fuzz/seeds`).

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "tests take what they know to be there"
)]

use std::{fs, path::Path};

#[path = "seeds/forms.rs"]
mod forms;
#[path = "../../../tests/fuzz/checks/mutate.rs"]
mod mutate;
#[path = "seeds/mutated.rs"]
mod mutated;
#[path = "../../../tests/fuzz/checks/world_reader.rs"]
mod world_reader;

#[test]
fn worlds_hold_over_the_seeds() {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fuzz/seeds/world_reader"
    ));
    let entries = fs::read_dir(folder).expect("seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    assert!(!paths.is_empty(), "no seeds");
    paths.sort();
    for path in paths {
        world_reader::check(&fs::read(&path).expect("a seed"));
    }
}
