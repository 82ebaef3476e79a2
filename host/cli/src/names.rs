//! Names that were mistyped: which known ones are near.

use quotagate::names::nearest;

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
