//! Sources that were not read to their end, in words.

use quotagate::{NamedSource, SourceState};

/// What a source holds, for people.
pub(crate) fn name(source: &NamedSource) -> String {
    let noun = match source.name {
        "account" => "list of projects",
        "tenant_allowances" => "tenant quota list",
        "capacities" => "capacity advice",
        "reservations" => "list of reservations",
        "project_allowances" => "quota list",
        "instance_types" => "list of instance types",
        "reservation_shares" => "reservation shares",
        other => other,
    };
    match &source.project {
        Some(project) => format!("{noun} of {project}"),
        None => noun.to_owned(),
    }
}

/// How far a source was read, for people.
pub(crate) const fn state(state: SourceState) -> &'static str {
    match state {
        SourceState::Complete => "read",
        SourceState::Denied => "denied",
        SourceState::Unavailable => "unavailable",
        SourceState::Incomplete => "read in part",
    }
}

/// A line for each source that was not read to its end.
pub(crate) fn gaps(sources: &[NamedSource]) -> Vec<String> {
    let gaps = sources
        .iter()
        .filter(|source| source.report.state != SourceState::Complete);
    gaps.map(|source| {
        let why = source.report.detail.as_deref();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}: {}{why}", name(source), state(source.report.state))
    })
    .collect()
}
