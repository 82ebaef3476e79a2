//! Names that were mistyped: which known ones are near.

/// How many names a hint lists.
const LISTED: usize = 3;
/// How alike two names must be, from 0 to 1, and how much less than the best.
const ALIKE: f64 = 0.6;
const WORSE: f64 = 0.2;

/// The known names that are most like the wanted one, best first.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (likeness(&wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|(one, first), (other, second)| {
        other.total_cmp(one).then_with(|| first.cmp(second))
    });
    scored.dedup_by(|(_, one), (_, other)| one == other);
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    scored.retain(|(score, _)| *score >= best - WORSE);
    scored.truncate(LISTED);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// How alike two names are. A name that continues the wanted one is as like as can be.
fn likeness(wanted: &str, name: &str) -> f64 {
    if !wanted.is_empty() && name.starts_with(wanted) {
        return 1.0;
    }
    strsim::normalized_damerau_levenshtein(wanted, name)
}
