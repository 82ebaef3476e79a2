//! The rules of Nebius, as `guest/nebius/RULES.md` has them: what cites a rule cites one that exists, and every rule has the
//! tests that it names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::harness::{CPU, GPU_QUOTA, WorldBuilder};

/// How a rule is cited.
const CITATION: &str = "nebius rule ";

/// What a rule may rest on.
const EVIDENCE: [&str; 3] = ["documented", "observed", "safest reading"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of each rule by its number.
fn rules() -> BTreeMap<u32, String> {
    let page = fs::read_to_string(root().join("guest/nebius/RULES.md")).unwrap();
    let mut rules = BTreeMap::new();
    for text in page.split("\n### ").skip(1) {
        // The next heading ends the last rule of a section.
        let text = text.split("\n## ").next().unwrap();
        let (number, _) = text.split_once(". ").unwrap();
        let number: u32 = number.parse().unwrap();
        assert!(
            rules.insert(number, text.to_owned()).is_none(),
            "rule {number} is there twice"
        );
    }
    assert!(rules.len() > 30, "{}", rules.len());
    rules
}

/// Every file of the repository's own that people write, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    const KINDS: [&str; 9] = ["rs", "wit", "py", "ts", "js", "mjs", "md", "toml", "json"];
    let top = ["guest", "host", "tests", "wit", ".ci"];
    let mut folders: Vec<PathBuf> = top.iter().map(|name| root().join(name)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_made = matches!(name.as_str(), "target" | "node_modules" | "dist" | ".venv");
            if path.is_dir() && !is_made {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|kind| KINDS.iter().any(|known| kind == *known))
                && let Ok(text) = fs::read_to_string(&path)
            {
                files.push((path, text));
            }
        }
    }
    for name in ["README.md", "ARCHITECTURE.md"] {
        let path = root().join(name);
        let text = fs::read_to_string(&path).unwrap();
        files.push((path, text));
    }
    assert!(files.len() > 300, "{}", files.len());
    files
}

/// The numbers that a text cites.
fn cited(text: &str) -> impl Iterator<Item = Result<u32, String>> {
    let citations = text.split(CITATION).skip(1);
    citations.map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let shown: String = rest.chars().take(20).collect();
        rest[..digits].parse().map_err(|_| shown)
    })
}

#[test]
fn a_rule_that_is_cited_exists() {
    let rules = rules();
    let mut citations = 0;
    for (path, text) in sources() {
        // What stands here is how a citation looks, not one.
        if path.ends_with("it/rules.rs") {
            continue;
        }
        for number in cited(&text) {
            let number = number.unwrap_or_else(|rest| panic!("{}: {rest}", path.display()));
            assert!(
                rules.contains_key(&number),
                "{}: there is no rule {number}",
                path.display()
            );
            citations += 1;
        }
    }
    assert!(citations > 50, "{citations}");
}

/// Nothing rests on a page that nobody has who has the repository.
#[test]
fn nothing_cites_a_page_that_is_not_here() {
    let pages = [
        "nebius",
        "design",
        "peers",
        "service",
        "speed",
        "portability",
        "anchors",
        "edges",
    ];
    let pages: Vec<String> = pages.iter().map(|name| format!("{name}.md")).collect();
    for (path, text) in sources() {
        for page in &pages {
            let cites = text.match_indices(page.as_str()).any(|(at, _)| {
                // Part of a longer name it is another page.
                !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-')
            });
            assert!(!cites, "{} cites {page}", path.display());
        }
    }
}

#[test]
fn a_rule_has_evidence_and_the_tests_that_it_names() {
    let sources = sources();
    let is_test = |name: &str| {
        let found = format!("fn {name}(");
        sources.iter().any(|(path, text)| {
            path.components().any(|part| part.as_os_str() == "it") && text.contains(&found)
        })
    };
    let rules = rules();
    let numbers: Vec<u32> = rules.keys().copied().collect();
    let last = u32::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    for (number, text) in &rules {
        let (_, evidence) = text.split_once("\nEvidence: ").unwrap();
        let (evidence, tests) = evidence.split_once("\nTests: ").unwrap();
        assert!(
            EVIDENCE.iter().any(|known| evidence.starts_with(known)),
            "rule {number}: {evidence}"
        );
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "rule {number}: {tests}");
        for name in names {
            assert!(is_test(name), "rule {number}: there is no test `{name}`");
        }
    }
}

/// Every rule that a JSON value cites in a member `rule`.
fn explained(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(rule) if name == "rule" => found.push(rule.clone()),
                    _ => explained(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| explained(item, found)),
        _ => {}
    }
}

#[test]
fn explained_findings_cite_rules_that_exist() {
    let rules = rules();
    let world = WorldBuilder::new;
    let explain = |said: crate::harness::Said| {
        let mut found = Vec::new();
        let answer = said.json();
        explained(&answer, &mut found);
        let findings = answer["findings"].as_array().unwrap().len();
        assert_eq!(found.len(), findings, "{said:?}");
        found
    };
    let mut found = explain(world().check(&["--explain"]));
    assert!(
        found
            .iter()
            .any(|rule| rule.starts_with("nebius rule 27: "))
    );
    found.extend(explain(world().check_type(CPU, &["--explain"])));
    found.extend(explain(world().tenant_denied().check(&["--explain"])));
    found.extend(explain(world().check(&[
        "--explain",
        "--lifecycle",
        "preemptible",
    ])));
    let shares = world()
        .project(GPU_QUOTA, None, 0)
        .block("b", "fabric-7", 8, 8)
        .check(&["--explain", "--count", "2"]);
    found.extend(explain(shares));
    // The cases have the answers to everything else.
    let cases = root().join("tests/conformance/cases");
    for case in fs::read_dir(cases).unwrap() {
        let text = fs::read_to_string(case.unwrap().path()).unwrap();
        explained(&serde_json::from_str(&text).unwrap(), &mut found);
    }
    for rule in found {
        let numbers: Vec<_> = cited(&rule).collect();
        assert_eq!(numbers.len(), 1, "{rule}");
        let number = numbers[0].clone().unwrap();
        assert!(rules.contains_key(&number), "{rule}");
        let (citation, words) = rule.split_once(": ").unwrap();
        assert_eq!(citation, format!("{CITATION}{number}"));
        assert!(words.len() > 10, "{rule}");
    }
}
