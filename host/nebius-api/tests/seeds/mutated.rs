//! Damaged worlds: each reads as it says or is refused, and never as something else.

use std::{collections::BTreeMap, fs, path::Path};

use nebius_api::world::{Recorded, World};

use crate::{
    forms::{self, ROWS},
    mutate::{Chance, mutated},
};

const RUNS: u64 = 5_000;

fn texts() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/worlds/small");
    let mut texts: Vec<_> = [
        "tenant/tenant.json",
        "tenant/projects.json",
        "tenant/allowances.json",
        "projects/project-e00test/platforms.json",
    ]
    .map(|name| {
        let text = fs::read(root.join(name)).expect("a file");
        // The first rows of a list are like the others.
        let mut value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        if let Some(items) = value
            .get_mut("items")
            .and_then(|items| items.as_array_mut())
        {
            items.truncate(2);
        }
        (name.to_owned(), value.to_string().into_bytes())
    })
    .into();
    let rows = ROWS.as_bytes().to_vec();
    texts.push((String::from("tenant/allowances.json"), rows));
    texts
}

#[test]
fn damaged_worlds_read_as_they_do_through_reflection_or_are_refused() {
    let texts = texts();
    let (mut read, mut refused, mut compared) = (0, 0, 0);
    for run in 0..RUNS {
        let chosen = usize::try_from(run).expect("small") % texts.len();
        let (name, text) = texts.get(chosen).expect("a text");
        let damaged = mutated(text, run);
        // What is no text comes from a disk alone; the reader of bytes has tests of its own.
        let damaged = String::from_utf8_lossy(&damaged).into_owned();
        let world = World::from_texts(&BTreeMap::from([(name.clone(), damaged.clone())]));
        let Ok(world) = world else {
            refused += 1;
            continue;
        };
        read += 1;
        // Words without the name of their type are read here alone.
        let is_short = ["\"USED\"", "\"ACTIVE\""]
            .iter()
            .any(|word| damaged.contains(word));
        if let Recorded::Answer(ours) = &world.allowances
            && !is_short
            && let Ok(theirs) = forms::by_reflection(&damaged)
        {
            assert_eq!(*ours, theirs, "run {run}: {damaged}");
            compared += 1;
        }
    }
    assert!(
        read > 500 && refused > 500 && compared > 200,
        "{read} {refused} {compared}"
    );
}

#[test]
fn a_number_reads_as_what_it_says_however_it_is_written_or_is_refused() {
    for run in 0..RUNS {
        let mut chance = Chance::new(run);
        let number = chance.any() >> chance.below(64);
        let (text, expected) = match chance.below(10) {
            0 => (number.to_string(), Some(number)),
            1 => (format!("\"{number}\""), Some(number)),
            2 => (format!("{number}.0"), Some(number)),
            3 => (format!("\"{number}.00\""), Some(number)),
            4 => (format!("{number}.5"), None),
            5 => (format!("\"{number}.25\""), None),
            6 => (format!("-{}", number.max(1)), None),
            7 => (format!("\"{number}e1\""), None),
            8 => (format!("\"{number} \""), None),
            _ => (format!("\"0x{number:x}\""), None),
        };
        let list = ROWS.replace("\"64\"", &text);
        let world = World::from_texts(&BTreeMap::from([(
            String::from("tenant/allowances.json"),
            list,
        )]));
        let read = world.ok().and_then(|world| {
            let rows = world.allowances.answer().cloned()?;
            rows.items.first()?.spec.as_ref()?.limit
        });
        // Parsers of JSON round fractions of many digits: those may be refused.
        let rounded = !text.starts_with('"') && text.contains('.') && number > 1 << 46;
        if !(rounded && read.is_none()) {
            assert_eq!(read, expected, "{text}");
        }
    }
}

#[test]
fn a_field_that_is_left_out_reads_as_left_out() {
    for field in [
        "metadata",
        "spec",
        "status",
        "limit",
        "region",
        "state",
        "usage_state",
    ] {
        let mut list: serde_json::Value = serde_json::from_str(ROWS).expect("JSON");
        let row = list.pointer_mut("/items/0").expect("a row");
        for part in ["/metadata", "/spec", "/status", ""] {
            let part = row.pointer_mut(part).and_then(|part| part.as_object_mut());
            part.map(|part| part.remove(field));
        }
        let text = list.to_string();
        assert_eq!(
            forms::rows(&text),
            forms::by_reflection(&text).expect("it reads"),
            "{field}"
        );
    }
}
