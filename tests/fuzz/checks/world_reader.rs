//! Worlds whose files hold anything. An input is one text: a line `-- tenant/tenant.json --` starts each file.

use std::{collections::BTreeMap, fs, path::Path};

use nebius_api::world::{World, WorldError};

const FILES: &[&str] = &[
    "recorded.json",
    "tenant/tenant.json",
    "tenant/projects.json",
    "tenant/allowances.json",
    "tenant/resource-advice.json",
    "tenant/capacity-block-groups.json",
    "projects/p/allowances.json",
    "projects/p/platforms.json",
    "projects/p/capacity-allowances.json",
];

/// Reads each file alone and all of them together, from memory and from a directory.
pub(crate) fn check(input: &[u8]) {
    let files = split(input);
    let mut texts = BTreeMap::new();
    for (name, bytes) in &files {
        if let Ok(text) = str::from_utf8(bytes) {
            texts.insert(name.clone(), text.to_owned());
            // A file that does not read would hide those after it.
            check_world(&BTreeMap::from([(name.clone(), text.to_owned())]));
        }
    }
    let in_memory = check_world(&texts);
    let on_disk = files
        .keys()
        .all(|name| FILES.contains(&name.as_str()) && name.contains('/'));
    if on_disk && !files.is_empty() && (in_memory.is_some() || texts.len() < files.len()) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in &files {
            write(folder.path(), name, bytes);
        }
        let read = World::read(folder.path());
        if texts.len() < files.len() {
            assert!(read.is_err(), "read a file that is not text");
        } else {
            assert_eq!(in_memory, read.ok());
        }
    }
}

fn check_world(texts: &BTreeMap<String, String>) -> Option<World> {
    let world = World::from_texts(texts).ok()?;
    // What is longer than a file system allows is not the world's fault.
    if world.by_project.keys().any(|id| id.len() > 100) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    match world.write(folder.path()) {
        Err(WorldError::ProjectId(_)) => return None,
        written => written.expect("what reads can be written"),
    }
    let again = World::read(folder.path()).expect("what was written reads");
    assert_eq!(world, again);
    Some(world)
}

fn split(input: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut name: Option<String> = None;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let header = line
            .strip_prefix(b"-- ")
            .and_then(|rest| rest.strip_suffix(b" --\n"))
            .and_then(|name| str::from_utf8(name).ok());
        match (header, &name) {
            (Some(header), _) => {
                files.insert(header.to_owned(), Vec::new());
                name = Some(header.to_owned());
            }
            (None, Some(name)) => files.entry(name.clone()).or_default().extend(line),
            (None, None) => {}
        }
    }
    files
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}
