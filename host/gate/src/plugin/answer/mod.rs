//! An answer held against itself and against what was asked: what a plugin says is input from outside.
//!
//! Nothing is judged again here; only what cannot be true by the contract's own words is refused. It is one pass over numbers, so
//! that it costs nothing beside carrying the answer over. Each kind of answer is first checked, which gives the rows that no
//! list shows, and then lifted, which gives the names that its numbers stand for.

pub(super) mod admission;
pub(super) mod diagnosis;
mod finding;
pub(super) mod standing;
pub(super) mod text;
pub(super) mod verdict;

use std::collections::HashSet;

use quotagate_contract::Launch;

use super::{CallError, Contradiction, Shown};

/// The projects that launches are in, each once.
pub(super) fn projects(plan: &[Launch]) -> Vec<&str> {
    let mut seen = HashSet::new();
    let projects = plan.iter().map(|launch| launch.profile.project.as_str());
    projects.filter(|project| seen.insert(*project)).collect()
}

/// Checks that keys of sources are keys of sources that were shown to these projects. `keys` come with the index of the part of
/// the answer that they stand in.
fn check_sources<'a>(
    keys: impl IntoIterator<Item = (usize, &'a String)>,
    projects: &[&str],
    shown: &dyn Shown,
) -> Result<(), CallError> {
    let mut keys = keys.into_iter().peekable();
    if keys.peek().is_none() {
        return Ok(());
    }
    let sources = projects.iter().flat_map(|project| shown.sources(project));
    let shown: HashSet<String> = sources.map(|source| source.key).collect();
    match keys.find(|(_, key)| !shown.contains(*key)) {
        Some((index, _)) => Err(CallError::at(index, Contradiction::UnshownSource)),
        None => Ok(()),
    }
}

/// Each of some keys once.
fn once(keys: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    keys.into_iter()
        .filter(|key| seen.insert(key.clone()))
        .collect()
}
