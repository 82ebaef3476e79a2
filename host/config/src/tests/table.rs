//! The table of keys covers what can be configured: no option without a key, no key without a place of its own.

use super::load;
use crate::*;

#[test]
fn the_default_file_has_every_key_and_reads_back_to_the_defaults() {
    let config = load(&default_file(), &[]).unwrap();
    assert_eq!(*config.settings(), Settings::default());
    for setting in config.list() {
        let is_read = matches!(setting.origin, Origin::File { .. });
        assert!(is_read, "{} is not in it", setting.key.name);
    }
}

/// The options of the library may grow, so they are counted by what they print of themselves.
#[test]
fn every_option_has_a_key() {
    let Settings { gate, plugin } = Settings::default();
    let fields = |options: &dyn std::fmt::Debug| {
        let text = format!("{options:#?}");
        let own = text.lines().filter(|line| {
            line.starts_with("    ") && !line.starts_with("     ") && line.contains(": ")
        });
        own.count()
    };
    assert_eq!(fields(&gate), 6 + 2, "tables, and keys outside of any");
    assert_eq!(fields(&gate.refresh), 6 + 7);
    assert_eq!(fields(&gate.holds), 3);
    assert_eq!(fields(&gate.feedback), 5);
    assert_eq!(fields(&gate.list), 1);
    assert_eq!(fields(&gate.plan), 3);
    assert_ne!(gate.plan, gate.deploy);
    let PluginSettings {
        path: _,
        sha256: _,
        limits,
    } = plugin;
    assert_eq!(fields(&limits), 8);
    let per_table = |table: &str| {
        keys::ALL
            .iter()
            .filter(|key| key.split().0 == table)
            .count()
    };
    let counts = [
        ("", 2),
        ("refresh", 7),
        ("refresh.account", 2),
        ("refresh.rows", 2),
        ("refresh.holdings", 2),
        ("refresh.types", 2),
        ("refresh.capacities", 2),
        ("refresh.reservations", 2),
        ("holds", 3),
        ("feedback", 5),
        ("list", 1),
        ("plan", 3),
        ("deploy", 3),
        ("plugin", 2 + 8),
    ];
    for (table, count) in counts {
        assert_eq!(per_table(table), count, "[{table}]");
    }
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(keys::ALL.len(), total);
}

/// Each key, alone, in a file and in a variable: it is taken, and it changes itself and nothing else.
#[test]
fn every_key_goes_to_a_place_of_its_own() {
    let defaults = Config::default();
    for (at, key) in keys::ALL.iter().enumerate() {
        let default = &defaults.list()[at].value;
        let (toml, plain) = match (key.unit().as_str(), default) {
            ("true or false", _) => ("true", "true"),
            ("duration", _) if key.name.ends_with("interval") => ("'1s'", "1s"),
            ("duration", _) => ("'2days'", "2days"),
            ("0 to 1", _) => ("0.5", "0.5"),
            ("number" | "steps", _) => ("77", "77"),
            ("bytes", _) => ("'3KiB'", "3KiB"),
            ("file", _) => ("'/a'", "/a"),
            ("hex digits", _) => (
                "'00000000000000000000000000000000000000000000000000000000000000ff'",
                "00000000000000000000000000000000000000000000000000000000000000ff",
            ),
            ("advisory|balanced|strict", _) => ("'strict'", "strict"),
            ("allow|warn|refuse", _) => ("'allow'", "allow"),
            ("none|deciding|all", _) => ("'none'", "none"),
            other => panic!("{other:?}"),
        };
        let of_file = load(&format!("{} = {toml}", key.name), &[]).unwrap();
        let of_variable = load("", &[(&key.variable(), plain)]).unwrap();
        assert_eq!(of_file.settings(), of_variable.settings(), "{}", key.name);
        for config in [of_file, of_variable] {
            for (setting, before) in config.list().iter().zip(defaults.list()) {
                let changed = setting.value != before.value;
                assert_eq!(changed, setting.key.name == key.name, "{}", key.name);
                assert_eq!(changed, *setting.origin != Origin::Default);
                if changed {
                    assert_eq!(setting.value.to_string(), plain);
                }
            }
        }
    }
}
