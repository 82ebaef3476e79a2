//! Names that were mistyped: which known ones are near.

/// How many names a hint lists.
const LISTED: usize = 3;
/// How alike two names must be, from 0 to 1, and how much less than the best.
const ALIKE: f64 = 0.6;
const WORSE: f64 = 0.2;

/// The known names that are most like the wanted one, best first.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
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

/// A hint that names the nearest names, or all of them where they are few, and says where the full list is.
pub(crate) fn hint<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
    full_list: &str,
) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    let near = nearest(wanted, known.iter().copied());
    let quoted = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    match (near.as_slice(), known.as_slice()) {
        ([], []) => String::from(full_list),
        ([], known) if known.len() <= 8 => format!("there is {}; {full_list}", quoted(known)),
        ([], _) => String::from(full_list),
        (near, _) => format!("did you mean {}? {full_list}", quoted(near)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIONS: [&str; 5] = [
        "eu-north1",
        "eu-west1",
        "me-west1",
        "uk-south1",
        "us-central1",
    ];

    #[test]
    fn the_nearest_names_come_first() {
        assert_eq!(nearest("eu-north2", REGIONS).first(), Some(&"eu-north1"));
        assert_eq!(nearest("EU-NORTH1", REGIONS).first(), Some(&"eu-north1"));
        assert_eq!(nearest("us", REGIONS), ["us-central1"]);
        assert!(nearest("mars", REGIONS).is_empty());
        assert!(nearest("", []).is_empty());
    }

    #[test]
    fn a_hint_says_where_the_full_list_is() {
        let text = hint("eu-nort1", REGIONS, "`quotagate quotas` lists them");
        assert_eq!(
            text,
            "did you mean `eu-north1`? `quotagate quotas` lists them"
        );
        let text = hint("mars", ["venus"], "look there");
        assert_eq!(text, "there is `venus`; look there");
        assert_eq!(hint("mars", [], "look there"), "look there");
    }
}
