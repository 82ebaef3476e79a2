//! Sources that were not read to their end, in words.

use quotagate::{Descriptor, Feed, SourceReport, SourceState};

use crate::account::is_gap;

/// What a source holds, for people.
pub(crate) fn name(source: &SourceReport, cloud: &Descriptor) -> String {
    // The key says more than the kind where there are several: whose the list is, or of which place.
    let of_one = source.key != source.kind;
    let noun = match (source.feed, cloud.levels.first()) {
        (Feed::Account, _) => String::from("list of projects"),
        (Feed::Rows, Some(level)) if !of_one => format!("{level} quota list"),
        (Feed::Rows, _) => String::from("quota list"),
        (Feed::Holdings, _) => format!("list of {}", source.kind.replace('_', " ")),
        (Feed::Types, _) => String::from("list of instance types"),
        (Feed::Capacities, _) => String::from("capacity advice"),
        (Feed::Reservations, _) if of_one => String::from("reservation shares"),
        (Feed::Reservations, _) => String::from("list of reservations"),
    };
    let owner = source.owner.as_deref().filter(|_| of_one);
    let owner = owner.map_or_else(String::new, |owner| format!(" of {owner}"));
    let place = [&source.place.region, &source.place.zone];
    let place = place.map(|name| match name {
        Some(name) => format!(" in {name}"),
        None => String::new(),
    });
    format!("{noun}{owner}{}", place.concat())
}

/// How far a source was read, for people.
pub(crate) const fn state(state: SourceState) -> &'static str {
    match state {
        SourceState::Complete => "read",
        SourceState::Denied => "denied",
        SourceState::Unavailable => "unavailable",
        SourceState::Incomplete => "read in part",
        SourceState::Unsupported => "the cloud has no such list",
    }
}

/// A line for each source that was not read to its end.
pub(crate) fn gaps(sources: &[SourceReport], cloud: &Descriptor) -> Vec<String> {
    let gaps = sources.iter().filter(|source| is_gap(source));
    gaps.map(|source| {
        let why = source.detail.as_deref();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}: {}{why}", name(source, cloud), state(source.state))
    })
    .collect()
}
