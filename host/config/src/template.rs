//! A file with every key at its default.

use crate::{keys, settings::Settings, value::Value};

/// A `quotagate.toml` with every key at its default, each with what it means.
pub fn default_file() -> String {
    let mut text = String::from(
        "# quotagate.toml: every key with its default. What is left out keeps its default.\n\
         # A variable overrides a key: QUOTAGATE_SHADOW=true, QUOTAGATE_REFRESH__ROWS__INTERVAL=30s.\n\
         # Durations: \"500ms\", \"30s\", \"2m\", \"1h 30m\", \"1day\". Sizes: \"512B\", \"64KiB\", \"64MiB\", \"1GiB\".\n\
         # Relative paths start in the folder of this file.\n",
    );
    let mut defaults = Settings::default();
    let mut table = "";
    for key in keys::ALL {
        let (its_table, name) = key.split();
        if its_table != table {
            table = its_table;
            text.push_str(&format!("\n[{table}]"));
        }
        let value = match key.field.get(&mut defaults) {
            Value::None if key.unit() == "steps" => String::from("0"),
            Value::None => String::from("\"\""),
            // Words, durations and sizes: nothing that TOML and Rust would quote differently.
            Value::Text(text) => format!("{text:?}"),
            other => other.to_string(),
        };
        let unit = key.unit();
        text.push_str(&format!("\n# {} ({unit})\n{name} = {value}\n", key.meaning));
    }
    text
}
