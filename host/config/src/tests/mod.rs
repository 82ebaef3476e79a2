//! What the reader takes, what it refuses and what it says then.

#[path = "../../../../tests/fuzz/checks/mutate.rs"]
mod mutate;
mod table;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use quotagate::{Action, Strictness};

use super::*;

/// A configuration of one file and some variables.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotagate.toml");
    fs::write(&file, text).unwrap();
    Config::load(&lookup(Some(file), variables))
}

fn lookup(file: Option<PathBuf>, variables: &[(&str, &str)]) -> Lookup {
    let variables = variables.iter();
    Lookup {
        file,
        variables: variables
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
        folder: PathBuf::from("/nowhere"),
    }
}

/// What is said of a file that cannot be used, and the advice.
fn refused(text: &str) -> String {
    let error = load(text, &[]).expect_err(text);
    let said = format!("{error}; {}", error.advice());
    let at = said.find("quotagate.toml:").expect(&said);
    said[at..].to_owned()
}

#[test]
fn a_variable_comes_before_the_file_and_the_file_before_the_default() {
    let text = "[refresh.rows]\ninterval = '1m'\nmax_age = '5m'\n[deploy]\nunknown = 'refuse'";
    let name = "QUOTAGATE_REFRESH__ROWS__INTERVAL";
    let config = load(text, &[(name, "30s")]).unwrap();
    let gate = &config.settings().gate;
    assert_eq!(gate.refresh.rows.interval, Duration::from_secs(30));
    assert_eq!(gate.refresh.rows.max_age, Duration::from_secs(300));
    assert_eq!(gate.deploy.unknown, Action::Refuse);
    assert_eq!(gate.list.strictness, Strictness::Balanced);
    let origin = |key| config.origin(key).to_string();
    assert_eq!(origin("refresh.rows.interval"), name);
    assert!(origin("refresh.rows.max_age").ends_with("quotagate.toml:3"));
    assert!(origin("deploy.unknown").ends_with("quotagate.toml:5"));
    assert_eq!(origin("list.strictness"), "default");
}

#[test]
fn what_the_program_sets_comes_first_and_its_defaults_last() {
    let mut config = load("[list]\nstrictness = 'strict'", &[]).unwrap();
    config.set_default(keys::LIST_STRICTNESS, "offers", |to| {
        to.gate.list.strictness = Strictness::Advisory;
    });
    assert_eq!(config.settings().gate.list.strictness, Strictness::Strict);
    config.set(keys::LIST_STRICTNESS, "--all", |to| {
        to.gate.list.strictness = Strictness::Advisory;
    });
    assert_eq!(config.settings().gate.list.strictness, Strictness::Advisory);
    assert_eq!(
        *config.origin(keys::LIST_STRICTNESS),
        Origin::Program("--all")
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    let cases = [
        (
            "\n[refresh]\njiter = 0.1",
            ":3: there is no key `refresh.jiter`",
            "`refresh.jitter`",
        ),
        (
            "[refresh.rwos]\ninterval = '1m'",
            ":1: there is no key `refresh.rwos`",
            "`refresh.rows`",
        ),
        ("[deploi]", ":1: there is no key `deploi`", "`deploy`"),
        ("fuel = 1", ":1: there is no key `fuel`", "`plugin.fuel`"),
        (
            "\"refresh.jitter\" = 1",
            ":1: there is no key `\"refresh.jitter\"`",
            "prints every key",
        ),
        (
            "xyzzy = 1",
            ":1: there is no key `xyzzy`",
            "prints every key",
        ),
    ];
    for (text, says, advises) in cases {
        let said = refused(text);
        assert!(
            said.contains(says) && said.contains(advises),
            "{text}: {said}"
        );
    }
}

#[test]
fn variables_that_are_not_ours_are_passed_over_and_near_misses_are_told() {
    let notes = |variables: &[(&str, &str)]| -> Vec<String> {
        let config = load("", variables).unwrap();
        config.notes().iter().map(ToString::to_string).collect()
    };
    let others = [
        ("PATH", "/bin"),
        ("QUOTAGATE", "x"),
        ("QUOTAGATE_CONFIG", ""),
        ("QUOTAGATE_PREBUILT_PLUGINS", "/plugins"),
        ("QUOTAGATE_SERVICE_HOST", "10.0.0.1"),
        ("QUOTAGATE_PORT", "tcp://10.0.0.1:80"),
        ("QUOTAGATE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("QUOTAGATE_SHADOW_SERVICE_HOST", "10.0.0.1"),
        ("QUOTAGATE_SHADOW_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("QUOTAGATE_SOAK_SECONDS", "300"),
        ("QUOTAGATE_WORLD", "acme"),
    ];
    assert!(notes(&others).is_empty(), "{:?}", notes(&others));
    for (name, near) in [
        ("QUOTAGATE_SHADWO", "QUOTAGATE_SHADOW?"),
        ("QUOTAGATE_shadow", "QUOTAGATE_SHADOW?"),
        ("QUOTAGATE_REFRESH_JITTER", "QUOTAGATE_REFRESH__JITTER?"),
        ("QUOTAGATE_XYZ__ZYX", "ignored"),
    ] {
        let told = notes(&[(name, "1")]).join("\n");
        assert!(told.contains(name) && told.contains(near), "{told}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_key_value_and_line() {
    let digest = "plugin.sha256 = 'abc'";
    let cases = [
        (
            "refresh.jitter = 1.5",
            "`refresh.jitter` cannot be `1.5`: it is not from 0 to 1",
        ),
        ("refresh.jitter = nan", "it is not from 0 to 1"),
        (
            "refresh.jitter = '0.1'",
            "it is no number; give a number, without quotes",
        ),
        (
            "refresh.give_up = '0s'",
            "cannot be `'0s'`: it must take some time",
        ),
        (
            "refresh.give_up = 30",
            "it takes a text; put it in quotes, with its unit, as in \"30s\"",
        ),
        ("refresh.give_up = '30'", "it is no duration"),
        ("refresh.give_up = '-30s'", "it is no duration"),
        ("refresh.give_up = '2years'", "longer than a year"),
        (
            "refresh.give_up = '999999999999999999999years'",
            "it is no duration",
        ),
        ("refresh.failures_to_open = 0", "no whole number from 1"),
        (
            "refresh.failures_to_open = 99999999999",
            "no whole number from 1",
        ),
        ("plugin.handles = -1", "no whole number from 0"),
        ("plugin.handles = 1.0", "no whole number from 0"),
        ("plugin.memory = '0B'", "no size"),
        (
            "plugin.memory = '64MB'",
            "the units are B, KiB, MiB, GiB and TiB",
        ),
        ("plugin.memory = 1024", "it takes a text"),
        ("plugin.memory = '99999999999TiB'", "no size"),
        (
            digest,
            "`plugin.sha256` cannot be `'abc'`: it is no SHA-256",
        ),
        ("shadow = 'true'", "give true or false, without quotes"),
        ("shadow = []", "neither true nor false"),
        ("shadow = {}", "neither true nor false"),
        (
            "list.strictness = 'Strict'",
            "give \"advisory\" or \"balanced\" or \"strict\"",
        ),
        (
            "deploy.blocked = 'deny'",
            "it is none of \"allow\", \"warn\", \"refuse\"",
        ),
        (
            "deploy = 'refuse'",
            "`deploy` cannot be `'refuse'`: it is a table",
        ),
        ("[[deploy]]\nblocked = 'warn'", "it is a table"),
        (
            "refresh.capacities.interval = '1h'",
            "`refresh.capacities.interval` cannot be `1h`",
        ),
        (
            "refresh.capacities.max_age = '1s'",
            "`refresh.capacities.max_age` cannot be `1s`: what is read every 1m (default)",
        ),
        ("shadow = \nx", "the configuration is not TOML"),
        (
            "shadow = true\nshadow = true",
            "quotagate.toml:2: the configuration is not TOML",
        ),
    ];
    for (text, says) in cases {
        let said = refused(text);
        assert!(said.contains(says), "{text}: {said}");
    }
    let long = "x".repeat(1000);
    let said = refused(&format!("holds.settle = '{long}\\u001b[2J'"));
    assert!(said.len() < 400 && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn numbers_may_be_written_as_toml_has_them() {
    let config = load("plugin.table_elements = 0x1_00\nrefresh.jitter = 1e-1", &[]).unwrap();
    assert_eq!(config.settings().plugin.limits.table_elements, 256);
    assert_eq!(config.settings().gate.refresh.jitter, 0.1);
    let marked = format!("\u{feff}{}", default_file());
    assert!(load(&marked, &[]).is_ok());
}

#[test]
fn a_file_that_is_no_text_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latin1.toml");
    fs::write(&file, b"shadow = true\n# caf\xe9\n").unwrap();
    let error = Config::load(&lookup(Some(file), &[])).unwrap_err();
    assert!(
        matches!(error, ConfigError::NotText { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn relative_paths_start_in_the_folder_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotagate.toml");
    fs::write(&file, "holds.file = 'holds'\nplugin.path = 'a.wasm'").unwrap();
    let variables = [("QUOTAGATE_PLUGIN__PATH", "b.wasm")];
    let config = Config::load(&lookup(Some(file), &variables)).unwrap();
    let settings = config.settings();
    assert_eq!(settings.gate.holds.file, Some(folder.path().join("holds")));
    assert_eq!(settings.plugin.path.as_deref(), Some(Path::new("b.wasm")));
}

#[test]
fn the_first_file_that_is_there_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, jitter: f64| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("refresh.jitter = {jitter}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let home = folder.path().to_str().unwrap();
    let jitter = |lookup: &Lookup| {
        let config = Config::load(lookup).unwrap();
        config.settings().gate.refresh.jitter
    };
    let mut look = lookup(None, &[("HOME", home), ("XDG_CONFIG_HOME", "relative")]);
    assert_eq!(jitter(&look), 0.1);
    write(".config/quotagate/quotagate.toml", 0.2);
    assert_eq!(jitter(&look), 0.2);
    write("xdg/quotagate/quotagate.toml", 0.3);
    look.variables[1].1 = folder.path().join("xdg").into_os_string();
    assert_eq!(jitter(&look), 0.3);
    write("work/quotagate.toml", 0.4);
    look.folder = folder.path().join("work");
    assert_eq!(jitter(&look), 0.4);
    let by_variable = write("five.toml", 0.5);
    look.variables
        .push(("QUOTAGATE_CONFIG".into(), by_variable.into()));
    assert_eq!(jitter(&look), 0.5);
    look.file = Some(write("six.toml", 0.6).into());
    assert_eq!(jitter(&look), 0.6);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let error = Config::load(&lookup(Some("/nowhere/x.toml".into()), &[])).unwrap_err();
    assert!(error.to_string().contains("/nowhere/x.toml"), "{error}");
    let by_variable = [("QUOTAGATE_CONFIG", "/nowhere/x.toml")];
    let error = Config::load(&lookup(None, &by_variable)).unwrap_err();
    assert!(
        error.to_string().contains("which QUOTAGATE_CONFIG names"),
        "{error}"
    );
}

#[test]
fn a_configuration_that_nobody_named_is_an_ordinary_file_of_a_size() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotagate.toml");
    let here = || Lookup {
        folder: folder.path().to_owned(),
        ..lookup(None, &[])
    };
    let refused = || Config::load(&here()).unwrap_err().to_string();
    fs::create_dir(&file).unwrap();
    assert!(refused().contains("no ordinary file"), "{}", refused());
    fs::remove_dir(&file).unwrap();
    fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(refused().contains("longer than 1 MiB"), "{}", refused());
    fs::write(&file, "#".repeat(1 << 20)).unwrap();
    Config::load(&here()).unwrap();
}

/// What reads of a damaged file stands in it, and what is refused is told with its line.
#[test]
fn damaged_files_are_read_as_they_stand_or_refused() {
    let seed = "[refresh.rows]\ninterval = '61s'\nmax_age = \"5m\"\n\n[deploy]\nunknown = 'refuse'\n\n[list]\nstrictness = \"strict\"\n";
    load(seed, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotagate.toml");
    let usual = Config::load(&lookup(None, &[])).unwrap();
    let usual = usual.settings().gate.refresh.rows.interval;
    let (mut read, mut refused) = (0, 0);
    for run in 0..5_000 {
        let damaged = mutate::mutated(seed.as_bytes(), run);
        fs::write(&file, &damaged).unwrap();
        match Config::load(&lookup(Some(file.clone()), &[])) {
            Ok(config) => {
                read += 1;
                let text = String::from_utf8(damaged).unwrap();
                let gate = &config.settings().gate;
                let interval = gate.refresh.rows.interval;
                let stands = interval == usual
                    || text.split(['\'', '"']).any(|part| {
                        humantime::parse_duration(part).is_ok_and(|part| part == interval)
                    });
                assert!(stands, "{interval:?} of {text}");
            }
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                assert!(said.contains("quotagate.toml"), "{said}");
            }
        }
    }
    assert!(read > 200 && refused > 200, "{read} {refused}");
}
