//! Worlds that come with the emulator, built into the binary so that they work wherever it is installed.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use nebius_api::world::{World, WorldError};

static ACME: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/worlds/acme");

/// A tenant with five projects in five regions, where some launches fit, some do not and some cannot be judged.
///
/// # Errors
/// When a file of the world is malformed, which the tests of this crate rule out.
pub fn acme() -> Result<World, WorldError> {
    let mut texts = BTreeMap::new();
    collect(&ACME, &mut texts);
    World::from_texts(&texts)
}

fn collect(folder: &Dir<'_>, texts: &mut BTreeMap<String, String>) {
    for file in folder.files() {
        if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            texts.insert(name.replace('\\', "/"), text.to_owned());
        }
    }
    for folder in folder.dirs() {
        collect(folder, texts);
    }
}
