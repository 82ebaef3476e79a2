//! Mistyped keys: which known ones are near.

/// How alike two names must be, from 0 to 1, and how much less than the best.
const ALIKE: f64 = 0.6;
const WORSE: f64 = 0.1;
/// How many names are told.
const TOLD: usize = 3;

/// The known names that are most like the wanted one, best first.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<_> = known
        .into_iter()
        .map(|name| (likeness(&wanted, name), name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|(one, first), (other, second)| {
        other.total_cmp(one).then_with(|| first.cmp(second))
    });
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    scored.retain(|(score, _)| *score >= best - WORSE);
    scored.truncate(TOLD);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// How alike two keys are: as a whole, or nearly as much by their last words, for one that is in the wrong table.
fn likeness(wanted: &str, name: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(wanted, name);
    let end = strsim::normalized_damerau_levenshtein(last(wanted), last(name));
    whole.max(0.9 * end)
}

fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}
