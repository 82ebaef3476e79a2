//! A hostile world: its every name commands terminals, hides, begins a line of its own, or runs in a shell. Through every
//! command, on a terminal and piped, nothing of it gets through.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{GPU_QUOTA, H200, PROJECT, REGION, TENANT, WorldBuilder, quotagate, row},
    process::run,
    terminal::{on_terminal, without_colours},
};

/// What is added to every name: a title for the window, an empty screen, a colour that we do not use, C1, a reversed
/// line, nothing wide, a command in three ways, and a line that looks like ours.
const NASTY: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[H\u{1b}[35m\u{9b}2J\u{202e}\u{200b}\u{feff}\u{7f}; touch OWNED #$(id)`id`\r\n\u{2028}forged: it fits";

/// What a person must never get.
const COMMANDS: [char; 10] = [
    '\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{feff}', '\u{7f}', '\r', '\u{2028}',
    '\u{85}',
];

fn nasty(name: &str) -> String {
    format!("{name}{NASTY}")
}

/// Adds it to every text of these names, however deep.
fn spoil(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, names)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if names.contains(&name.as_str()) => *text = nasty(text),
                    value => spoil(value, names),
                }
            }
        }
        _ => {}
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// An account in which every kind of name is hostile, and as long as a line where names may be long.
fn hostile() -> TempDir {
    let long = "x".repeat(300);
    let world = WorldBuilder::new()
        .tenant(GPU_QUOTA, 64, 60)
        .project("compute.disk.count", 0, 0)
        .extra_tenant_row(row(TENANT, &long, "count", Some(3), 1))
        .advice("on_demand", "FRESH", 2, "HIGH")
        .block("block-1", "fabric-7", 8, 2)
        .capacity_allowance("block-1", 8, 0)
        .build();
    let names = [
        "name",
        "region",
        "fabric",
        "platform",
        "human_readable_name",
        "gpu_count_quota_type",
        "message",
    ];
    for file in files(world.path()) {
        let mut content = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        spoil(&mut content, &names);
        fs::write(file, format!("{content:#}")).unwrap();
    }
    world
}

/// The same where lists answer with hostile errors.
fn hostile_errors() -> TempDir {
    let world = hostile();
    let error = json!({"error": {"code": "PERMISSION_DENIED", "message": nasty("no role")}});
    for file in ["tenant/allowances.json", "tenant/resource-advice.json"] {
        fs::write(world.path().join(file), error.to_string()).unwrap();
    }
    world
}

/// Every command that reads an account, and what it needs besides.
fn commands(plan: &str, failure: &str) -> Vec<Vec<String>> {
    let region = nasty(REGION);
    let kind = H200.split_once(' ').unwrap();
    let kind = format!("{} {}", nasty(kind.0), nasty(kind.1));
    let check = ["check", &kind, "--region", &region];
    let commands: [&[&str]; 14] = [
        &["offers"],
        &["offers", "--sort", "name", "-vvv"],
        &["offers", "--gpu", "nothing-like-it"],
        &["check", "nothing like-it", "--region", &region],
        &["check", &kind, "--region", "nowhere"],
        &["check", "--plan", plan],
        &["quotas"],
        &["quotas", "--all"],
        &["quotas", "--project", &nasty("nobody")[..20]],
        &["doctor"],
        &["watch", "--for", "100ms"],
        &["diagnose", failure],
        &check,
        &[&check[..], &["--explain", "--count", "3"]].concat(),
    ];
    commands
        .iter()
        .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
        .collect()
}

fn assert_harmless(what: &str, text: &str) {
    for command in COMMANDS {
        assert!(!text.contains(command), "{what}: {command:?} in\n{text:?}");
    }
}

/// Where nothing is wrapped, no line begins with what was said to be a line.
fn assert_no_line_of_theirs(what: &str, text: &str) {
    for line in text.lines() {
        assert!(
            !line.trim_start().starts_with("forged"),
            "{what}: a line of its own:\n{text}"
        );
    }
}

#[test]
fn nothing_of_a_hostile_world_gets_through() {
    let inputs = tempfile::tempdir().unwrap();
    let plan = inputs.path().join("plan.json");
    let failure = inputs.path().join("failure.json");
    let kind = H200.split_once(' ').unwrap();
    let launch = json!({"launches": [{
        "instance_type": format!("{} {}", nasty(kind.0), nasty(kind.1)), "region": nasty(REGION), "count": 9
    }]});
    fs::write(&plan, launch.to_string()).unwrap();
    let error = json!({"code": 8, "message": nasty("Quota limit exceeded"), "details": []});
    fs::write(&failure, error.to_string()).unwrap();
    let mut seen = String::new();
    for world in [hostile(), hostile_errors()] {
        let path = world.path().to_str().unwrap();
        for words in commands(plan.to_str().unwrap(), failure.to_str().unwrap()) {
            let what = words.join(" ");
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            if words[0] != "diagnose" {
                words.extend(["--recorded", path]);
            }
            let shown = on_terminal(&words, 80, &[]);
            assert!(
                !shown.stdout.contains("\u{1b}[35m"),
                "{what}: a colour of theirs"
            );
            let shown = without_colours(&shown.stdout);
            assert_harmless(&what, &shown);
            seen.push_str(&shown);
            let coloured = quotagate(&[&words[..], &["--color", "always"]].concat());
            assert!(
                !coloured.stdout.contains("\u{1b}[35m"),
                "{what}: a colour of theirs"
            );
            let piped = quotagate(&words);
            let json = quotagate(&[&words[..], &["--format", "json"]].concat());
            for said in [&piped, &json] {
                assert_harmless(&what, &said.stdout);
                assert_harmless(&what, &said.stderr);
                assert_no_line_of_theirs(&what, &said.stdout);
                assert_no_line_of_theirs(&what, &said.stderr);
            }
        }
    }
    // The names are there, only harmless.
    for word in ["forged: it fits", "touch OWNED", "no role"] {
        assert!(seen.contains(word), "no {word}");
    }
    // In JSON nothing is lost.
    let world = hostile();
    let said = quotagate(&[
        "offers",
        "--recorded",
        world.path().to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(said.json()["offers"][0]["region"], nasty(REGION));
}

/// The words that a shell makes of a line.
fn words_of(line: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("nebius() {{ printf '%s\\n' \"$@\"; }}\n{line}\n");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(&folder);
    let said = run(&mut shell);
    assert!(said.status.success(), "{said:?}");
    assert!(
        fs::read_dir(&folder).unwrap().next().is_none(),
        "{line} did something"
    );
    said.stdout.lines().map(str::to_owned).collect()
}

/// An account whose project has too little of a quota of this name.
fn short_of(quota: &str) -> String {
    let named = |platform: &mut Value| {
        if platform["metadata"]["name"] == "gpu-h200-sxm" {
            platform["spec"]["gpu_count_quota_type"] = quota.into();
        }
    };
    let world = WorldBuilder::new()
        .edit_platforms(named)
        .extra_tenant_row(row(TENANT, quota, "count", Some(64), 0))
        .project(quota, 4, 0)
        .build();
    let path = world.path().to_str().unwrap();
    let said = quotagate(&[
        "check",
        H200,
        "--region",
        REGION,
        "--recorded",
        path,
        "--format",
        "table",
    ]);
    assert_eq!(said.code, 3, "{said:?}");
    said.stdout
}

#[test]
fn a_command_to_copy_is_what_the_plugin_means() {
    for quota in [
        GPU_QUOTA,
        "gpus --limit 1; touch OWNED #",
        "$(touch OWNED)",
        "`touch OWNED`",
        "it's \"quoted\" & >OWNED",
        "-n",
    ] {
        let shown = short_of(quota);
        let command = shown
            .lines()
            .find(|line| line.starts_with("    nebius "))
            .unwrap();
        let words = words_of(command);
        let options = [
            "--parent-id",
            PROJECT,
            "--name",
            quota,
            "--region",
            REGION,
            "--limit",
            "8",
        ];
        assert_eq!(
            words,
            [&["quotas", "quota-allowance", "create"][..], &options].concat()
        );
    }
    // Whoever copies what cannot be shown copies something else.
    let shown = short_of("gpus\n    nebius owned");
    assert!(
        !shown
            .lines()
            .any(|line| line.trim_start().starts_with("nebius ")),
        "{shown}"
    );
    assert!(shown.contains("the command is left out"), "{shown}");
}
