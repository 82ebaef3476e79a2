//! The configuration: where it is read from, what it refuses, and what it changes.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    harness::{Said, acme, quotagate, quotagate_with},
    process::run,
};

/// A configuration file of its own.
struct Configured {
    _folder: TempDir,
    file: PathBuf,
}

impl Configured {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quotagate.toml");
        fs::write(&file, text).unwrap();
        Self {
            _folder: folder,
            file,
        }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    /// Runs a command with this file and some variables.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut all = arguments.to_vec();
        all.extend(["--config", self.path()]);
        quotagate_with(&all, variables)
    }

    /// What is in force for a key.
    fn setting(&self, key: &str, variables: &[(&str, &str)]) -> Value {
        let said = self.run(&["config", "show", "--format", "json"], variables);
        assert_eq!(said.code, 0, "{said:?}");
        setting(&said, key)
    }
}

fn setting(said: &Said, key: &str) -> Value {
    let answer = said.json();
    let mut settings = answer["settings"].as_array().unwrap().iter();
    let found = settings.find(|setting| setting["key"] == key);
    found
        .unwrap_or_else(|| panic!("no {key} in {answer}"))
        .clone()
}

/// A command that a wrong configuration stopped: it says nothing on stdout, and all of these on stderr.
fn assert_refused(said: &Said, words: &[&str]) {
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "{word:?} in {said:?}");
    }
}

fn offers(more: &[&str]) -> Vec<String> {
    let world = acme();
    let mut all = vec!["offers", "--recorded", world.to_str().unwrap()];
    all.extend(["--format", "json"]);
    all.extend(more);
    all.into_iter().map(str::to_owned).collect()
}

/// How many offers a list has.
fn listed(configured: &Configured, more: &[&str], variables: &[(&str, &str)]) -> usize {
    let arguments = offers(more);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let said = configured.run(&arguments, variables);
    assert_eq!(said.code, 0, "{said:?}");
    said.json()["offers"].as_array().unwrap().len()
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    let configured = Configured::new("[refresh]\n\n[refresh.rwos]\ninterval = \"30s\"\n");
    let said = configured.run(&["config", "show"], &[]);
    let place = format!("{}:3", configured.path());
    assert_refused(&said, &[&place, "refresh.rwos", "`refresh.rows`"]);
    let variables = [("QUOTAGATE_REFRESH__JITER", "0.2")];
    let said = quotagate_with(&["config", "show"], &variables);
    assert_eq!(said.code, 0, "{said:?}");
    for word in [
        "QUOTAGATE_REFRESH__JITER ",
        "did you mean QUOTAGATE_REFRESH__JITTER?",
    ] {
        assert!(said.stderr.contains(word), "{said:?}");
    }
}

#[test]
fn a_wrong_value_is_refused_by_its_key_and_place() {
    let cases = [
        (
            "[feedback]\nquota = \"10 parsecs\"",
            ":2: `feedback.quota` cannot be `\"10 parsecs\"`",
            "as in \"500ms\", \"30s\"",
        ),
        (
            "[refresh]\ngive_up = 30",
            ":2: `refresh.give_up` cannot be `30`",
            "put it in quotes, with its unit",
        ),
        (
            "shadow = \"yes\"",
            ":1: `shadow` cannot be `\"yes\"`",
            "give true or false",
        ),
        (
            "[refresh.rows]\nmax_age = \"1m\"",
            ":2: `refresh.rows.max_age` cannot be `1m`: what is read every 2m (default)",
            "as long as `interval`",
        ),
        (
            "[plugin]\nsha256 = \"beef\"",
            ":2: `plugin.sha256` cannot be `\"beef\"`",
            "quotagate plugin inspect FILE",
        ),
        (
            "[plan\n",
            ":1: the configuration is not TOML",
            "config default",
        ),
    ];
    for (text, says, advises) in cases {
        let configured = Configured::new(text);
        for command in [vec!["config", "show"], vec!["diagnose", "--code", "8"]] {
            let said = configured.run(&command, &[]);
            assert_refused(&said, &[configured.path(), says, advises]);
        }
    }
    let said = quotagate_with(&["config", "show"], &[("QUOTAGATE_PLUGIN__TIME", "0s")]);
    assert_refused(
        &said,
        &["QUOTAGATE_PLUGIN__TIME: `plugin.time` cannot be `0s`"],
    );
}

#[test]
fn a_variable_overrides_the_file_and_is_shown_as_the_origin() {
    let configured = Configured::new("[refresh.rows]\ninterval = \"1m\"\nmax_age = \"5m\"\n");
    let name = "QUOTAGATE_REFRESH__ROWS__INTERVAL";
    let of_variable = configured.setting("refresh.rows.interval", &[(name, "30s")]);
    assert_eq!(of_variable["value"], "30s");
    assert_eq!(of_variable["origin"]["from"], "variable");
    assert_eq!(of_variable["origin"]["name"], name);
    assert_eq!(of_variable["variable"], name);
    let of_file = configured.setting("refresh.rows.max_age", &[(name, "30s")]);
    assert_eq!(of_file["value"], "5m");
    assert_eq!(of_file["origin"]["path"], configured.path());
    assert_eq!(of_file["origin"]["line"], 3);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let said = quotagate(&["config", "show", "--config", "/nowhere/q.toml"]);
    assert_refused(&said, &["/nowhere/q.toml", "name a file that is there"]);
    let variables = [("QUOTAGATE_CONFIG", "/nowhere/q.toml")];
    let said = quotagate_with(&["config", "show"], &variables);
    assert_refused(&said, &["/nowhere/q.toml", "which QUOTAGATE_CONFIG names"]);
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_by_its_line() {
    let configured = Configured::new(b"shadow = true\n# na\xefve\n");
    let said = configured.run(&["config", "show"], &[]);
    assert_refused(&said, &[":2: the configuration is not UTF-8 text"]);
}

#[test]
fn files_are_found_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, give_up: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("refresh.give_up = \"{give_up}\"")).unwrap();
        path
    };
    write(".config/quotagate/quotagate.toml", "11s");
    write("xdg/quotagate/quotagate.toml", "12s");
    write("work/quotagate.toml", "13s");
    fs::create_dir(folder.path().join("empty")).unwrap();
    let named = write("named.toml", "14s");
    let show = |working: &str, variables: &[(&str, PathBuf)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
        command
            .args(["config", "show", "--format", "json"])
            .current_dir(folder.path().join(working))
            .env_clear()
            .env("HOME", folder.path())
            .envs(variables.iter().map(|(name, value)| (name, value)));
        let said = Said::from(run(&mut command));
        setting(&said, "refresh.give_up")["value"].clone()
    };
    let xdg = ("XDG_CONFIG_HOME", folder.path().join("xdg"));
    assert_eq!(show("empty", &[]), "11s");
    assert_eq!(show("empty", std::slice::from_ref(&xdg)), "12s");
    assert_eq!(show("work", std::slice::from_ref(&xdg)), "13s");
    assert_eq!(show("work", &[xdg, ("QUOTAGATE_CONFIG", named)]), "14s");
}

#[test]
fn the_printed_default_file_reads_back() {
    // Even where what is configured is wrong: that is when it is needed.
    let printed = quotagate_with(&["config", "default"], &[("QUOTAGATE_NONE", "1")]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let configured = Configured::new(&printed.stdout);
    let read = configured.run(&["config", "show", "--format", "json"], &[]);
    assert_eq!(read.code, 0, "{read:?}");
    let read = read.json();
    let before = quotagate(&["config", "show", "--format", "json"]).json();
    let pairs = read["settings"].as_array().unwrap().iter();
    for (read, before) in pairs.zip(before["settings"].as_array().unwrap()) {
        assert_eq!(read["origin"]["from"], "file", "{read}");
        // What the command line sets where nothing is configured.
        if before["origin"]["from"] == "default" {
            assert_eq!(read["value"], before["value"], "{read}");
        }
    }
}

#[test]
fn every_key_in_force_is_shown_with_its_origin() {
    let configured = Configured::new("[deploy]\nunknown = \"refuse\"\n");
    let variables = [("COLUMNS", "100"), ("QUOTAGATE_SHADOW", "true")];
    let arguments = ["config", "show", "--format", "table", "--timeout", "20s"];
    let said = configured.run(&arguments, &variables);
    let shown = format!("{}--- stderr ---\n{}", said.stdout, said.stderr);
    insta::assert_snapshot!(shown.replace(configured.path(), "[FILE]"));
    let options = ["--plugin", "/a.wasm"];
    let said = quotagate(&[&["config", "show", "--format", "json"], &options[..]].concat());
    let plugin = setting(&said, "plugin.path");
    assert_eq!(plugin["value"], "/a.wasm");
    assert_eq!(plugin["origin"]["by"], "--plugin");
}

#[test]
fn lists_go_by_the_configured_strictness_unless_an_option_says_otherwise() {
    let none = Configured::new("");
    let strict = Configured::new("[list]\nstrictness = \"strict\"\n");
    let everything = listed(&none, &[], &[]);
    let available = listed(&none, &["--available"], &[]);
    assert!(0 < available && available < everything);
    assert_eq!(listed(&strict, &[], &[]), available);
    assert_eq!(listed(&strict, &["--all"], &[]), everything);
    let variables = [("QUOTAGATE_LIST__STRICTNESS", "advisory")];
    assert_eq!(listed(&strict, &[], &variables), everything);
    // Shadow mode judges, and leaves every list whole.
    let variables = [("QUOTAGATE_SHADOW", "true")];
    assert_eq!(listed(&strict, &[], &variables), everything);
}

#[test]
fn the_configured_plugin_judges_within_the_configured_limits() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("quotagate.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    fs::write(
        folder.path().join("nebius.wasm"),
        quotagate_plugins::NEBIUS.bytes,
    )
    .unwrap();
    let diagnose = |config: &str, more: &[&str]| {
        quotagate(&[&["diagnose", "--code", "8", "--config", config], more].concat())
    };
    let sha256 = &quotagate_plugins::NEBIUS.sha256;
    let config = write(&format!(
        "[plugin]\npath = \"nebius.wasm\"\nsha256 = \"{sha256}\"\n"
    ));
    assert_eq!(diagnose(&config, &[]).code, 0);
    let wrong = "0".repeat(64);
    let config = write(&format!(
        "[plugin]\npath = \"nebius.wasm\"\nsha256 = \"{wrong}\"\n"
    ));
    let said = diagnose(&config, &[]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("quotagate config show"), "{said:?}");
    assert_eq!(diagnose(&config, &["--plugin-sha256", sha256]).code, 0);
    let config = write("[plugin]\nmemory = \"64KiB\"\n");
    let said = diagnose(&config, &[]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("memory"), "{said:?}");
}

#[test]
fn a_file_of_holds_is_left_to_the_process_that_makes_them() {
    // A folder: whoever opened it would fail.
    let configured = Configured::new("[holds]\nfile = \"/\"\n");
    assert!(listed(&configured, &[], &[]) > 0);
}

#[test]
fn the_doctor_goes_on_without_a_wrong_configuration() {
    let configured = Configured::new("shadw = true\n");
    let world = acme();
    let arguments = ["doctor", "--recorded", world.to_str().unwrap()];
    let said = configured.run(&[&arguments[..], &["--format", "json"]].concat(), &[]);
    assert_eq!(said.code, 1, "{said:?}");
    let checks = said.json()["checks"].clone();
    assert_eq!(checks[0]["what"], "configuration");
    assert_eq!(checks[0]["state"], "fails");
    assert!(checks[0]["detail"].to_string().contains("`shadow`"));
    let rest = checks.as_array().unwrap().iter().skip(1);
    assert!(rest.clone().count() > 3);
    for check in rest {
        assert_ne!(check["state"], "fails", "{check}");
    }
}
