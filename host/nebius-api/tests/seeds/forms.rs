//! The forms in which people really have the lists of their account: each reads as the usual one, or is named.

use std::{collections::BTreeMap, fs, time::Instant};

use nebius_api::{
    json,
    nebius::{iam::v2::project_status::ProjectState, quotas::v1::ListQuotaAllowancesResponse},
    world::{Recorded, RecordedError, World, WorldError},
};
use prost_reflect::{DeserializeOptions, DynamicMessage};

pub(crate) const ROWS: &str = r#"{"items": [
    {"metadata": {"name": "compute.instance.gpu.h200", "parent_id": "tenant-e00", "labels": {"a": "b"},
        "created_at": "2026-01-01T00:00:00.5Z"},
     "spec": {"region": "eu-north1", "limit": "64"},
     "status": {"state": "STATE_ACTIVE", "usage": "8", "usage_percentage": "0.125", "unit": "count",
        "usage_state": "USAGE_STATE_USED"}}]}"#;

fn read(name: &str, text: &str) -> Result<World, WorldError> {
    World::from_texts(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
}

pub(crate) fn rows(text: &str) -> ListQuotaAllowancesResponse {
    match read("tenant/allowances.json", text)
        .expect("it reads")
        .allowances
    {
        Recorded::Answer(rows) => rows,
        other => panic!("{other:?} of {text}"),
    }
}

fn refusal(text: &str) -> String {
    let refused = read("tenant/allowances.json", text).expect_err(text);
    refused.to_string()
}

#[test]
fn all_forms_of_a_list_read_alike() {
    let usual = rows(ROWS);
    assert_eq!(
        usual.items.first().and_then(|row| row.spec.as_ref()?.limit),
        Some(64)
    );
    let without_envelope = ROWS
        .trim()
        .strip_prefix("{\"items\": ")
        .and_then(|rest| rest.strip_suffix('}'))
        .expect("an envelope");
    for text in [
        without_envelope.to_owned(),
        format!("\u{feff}{ROWS}"),
        format!("fetching quotas ...\n{ROWS}\ndone\n"),
        ROWS.replace("\"64\"", "64"),
        ROWS.replace("\"64\"", "64.0"),
        ROWS.replace("\"64\"", "\"64.0\""),
        ROWS.replace("\"64\"", "6.4e1"),
        ROWS.replace("\"8\"", "8"),
        ROWS.replace("\"0.125\"", "0.125"),
        ROWS.replace("STATE_ACTIVE", "ACTIVE"),
        ROWS.replace("\"STATE_ACTIVE\"", "2"),
        ROWS.replace("USAGE_STATE_USED", "USED"),
        ROWS.replace("usage_state", "usageState")
            .replace("parent_id", "parentId"),
        ROWS.replace("\"unit\"", "\"brand_new\": {\"unit\": [7]}, \"unit\""),
        ROWS.replace("\"unit\"", "\"description\": null, \"unit\""),
    ] {
        assert_eq!(rows(&text), usual, "{text}");
    }
}

#[test]
fn what_is_no_value_of_a_field_is_named_with_file_field_and_place() {
    for (value, found) in [
        ("\"many\"", "string \"many\""),
        ("-1", "integer `-1`"),
        ("\"-1\"", "string \"-1\""),
        ("8.5", "floating point `8.5`"),
        ("\"8.5\"", "string \"8.5\""),
        ("18446744073709551616", "floating point"),
        ("\"18446744073709551616\"", "string"),
        ("1e300", "floating point"),
        ("\"\"", "string \"\""),
        ("\" 8\"", "string \" 8\""),
        ("[8]", "sequence"),
        ("{}", "map"),
        ("true", "boolean `true`"),
    ] {
        let said = refusal(&ROWS.replace("\"64\"", value));
        for word in [
            "`tenant/allowances.json`",
            "`items[0].spec.limit`",
            found,
            "a whole number from 0 to 18446744073709551615",
            "line 4",
            "nebius quotas quota-allowance list",
        ] {
            assert!(said.contains(word), "no {word:?} in {said}");
        }
    }
    let twice = ROWS.replace("\"limit\": \"64\"", "\"limit\": \"64\", \"limit\": \"65\"");
    assert!(
        refusal(&twice).contains("`limit` is given twice"),
        "{}",
        refusal(&twice)
    );
    assert!(refusal("{\"items\": {}}").contains("expected a list"));
    assert!(refusal("[7]").contains("expected an object"));
    assert!(refusal("\"items\"").contains("holds no JSON"));
    let other = refusal("{\"code\": 7, \"message\": \"denied\", \"details\": []}");
    assert!(
        other.contains("neither `items` nor an `error`, but `code`, `message`, `details`"),
        "{other}"
    );
}

#[test]
fn a_file_that_is_no_list_is_named_for_what_it_is() {
    for (text, words) in [
        ("<!DOCTYPE html><html></html>", "is a web page"),
        (
            "Error: rpc error: code = PermissionDenied desc = no",
            "the text of an error",
        ),
        ("items:\n  - metadata:\n      id: x\n", "is YAML"),
        (
            "{\"items\": [\n  {\"spec\": {\"limit\": \"6",
            "ends in the middle, at line 2",
        ),
        ("", "is empty"),
    ] {
        let said = refusal(text);
        assert!(
            said.starts_with("`tenant/allowances.json`") && said.contains(words),
            "{said}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("tenant")).expect("a folder");
    let utf16: Vec<u8> = ROWS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("tenant/allowances.json"), utf16).expect("a file");
    let said = World::read(folder.path()).expect_err("UTF-16").to_string();
    assert!(said.contains("is UTF-16"), "{said}");
}

#[test]
fn projects_of_the_first_version_read_as_those_of_the_second() {
    let first = |state: &str| {
        format!(
            r#"{{"items": [{{"metadata": {{"id": "project-1", "parent_id": "tenant-1"}}, "spec": {{}},
                "status": {{"suspension_state": "NONE", "container_state": "{state}", "region": "eu-north1"}}}}]}}"#
        )
    };
    let second = first("ACTIVE")
        .replace("\"spec\": {}", "\"spec\": {\"region\": \"eu-north1\"}")
        .replace("container_state", "project_state");
    let projects = |text: &str| {
        read("tenant/projects.json", text)
            .expect("it reads")
            .projects
    };
    assert_eq!(projects(&first("ACTIVE")), projects(&second));
    assert_eq!(projects(&first("STATE_ACTIVE")), projects(&second));
    let state = |text: &str| {
        let read = projects(text);
        let project = read.answer().and_then(|list| list.items.first()).cloned();
        project
            .and_then(|project| project.status)
            .expect("a status")
            .project_state()
    };
    for (word, expected) in [
        ("PARKED", ProjectState::Parked),
        ("SCHEDULED_FOR_DELETION", ProjectState::Purging),
        ("CREATING", ProjectState::Creating),
        ("UNDELETING", ProjectState::StateUnspecified),
        ("DREAMING", ProjectState::StateUnspecified),
    ] {
        assert_eq!(state(&first(word)), expected, "{word}");
    }
    for (word, expected) in [
        ("NONE", ProjectState::Active),
        ("SUSPENDING", ProjectState::Parking),
        ("SUSPENDED", ProjectState::Parked),
        ("RESUMING", ProjectState::Activating),
        ("DREAMING", ProjectState::Active),
    ] {
        let suspended = first("ACTIVE").replace("NONE", word);
        assert_eq!(state(&suspended), expected, "{word}");
    }
}

#[test]
fn words_that_this_build_does_not_know_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("tenant")).expect("a folder");
    let text = ROWS.replace("STATE_ACTIVE", "STATE_DREAMING");
    fs::write(folder.path().join("tenant/allowances.json"), text).expect("a file");
    let (_, unknown) = World::read_with_unknown(folder.path()).expect("it reads");
    let told: Vec<_> = unknown
        .iter()
        .flat_map(|(file, words)| words.iter().map(move |word| (file, word)))
        .map(|(file, word)| (file.as_str(), word.field.as_str(), word.word.as_str()))
        .collect();
    assert_eq!(
        told,
        [("tenant/allowances.json", "state", "STATE_DREAMING")]
    );
}

#[test]
fn an_error_keeps_its_name_or_its_number() {
    for (code, name) in [("\"PERMISSION_DENIED\"", "PERMISSION_DENIED"), ("7", "7")] {
        let text = format!("{{\"error\": {{\"code\": {code}, \"message\": \"no role\"}}}}");
        let world = read("tenant/allowances.json", &text).expect("it reads");
        let expected = RecordedError {
            code: name.to_owned(),
            message: "no role".to_owned(),
        };
        assert_eq!(world.allowances, Recorded::Error(expected));
    }
}

/// Reads a list through descriptors, one value at a time: slow, and written by others.
pub(crate) fn by_reflection(text: &str) -> Result<ListQuotaAllowancesResponse, serde_json::Error> {
    use serde::de::Error as _;
    let pool = json::descriptors().expect("definitions");
    let descriptor = pool
        .get_message_by_name("nebius.quotas.v1.ListQuotaAllowancesResponse")
        .expect("a definition");
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message =
        DynamicMessage::deserialize_with_options(descriptor, &mut deserializer, &options)?;
    message.transcode_to().map_err(serde_json::Error::custom)
}

fn many_rows(count: usize) -> String {
    let row = rows(ROWS).items.remove(0);
    let row = json::to_value(&row).expect("a row").to_string();
    format!("{{\"items\": [{}]}}", vec![row; count].join(","))
}

#[test]
fn a_list_reads_as_it_does_through_reflection() {
    let text = many_rows(100);
    assert_eq!(rows(&text), by_reflection(&text).expect("it reads"));
}

/// The cost of reading against that through reflection, in one run. `cargo test --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement; it says something in a release build only"]
#[allow(clippy::print_stdout, reason = "a measurement")]
fn reading_costs_a_fifth_of_reflection() {
    const ROWS: usize = 60_000;
    let text = many_rows(ROWS);
    let timed = |read: &dyn Fn() -> usize| {
        let start = Instant::now();
        assert_eq!(read(), ROWS);
        start.elapsed().as_secs_f64()
    };
    let reflection = timed(&|| by_reflection(&text).expect("it reads").items.len());
    let ours = timed(&|| rows(&text).items.len());
    println!(
        "{ROWS} rows: {reflection:.2} s through reflection, {ours:.2} s now, {:.1} times as fast",
        reflection / ours
    );
    assert!(reflection > 5.0 * ours);
}
