//! The configuration in force: every key with its value, where that came from, its unit and what it means.

use quotagate_config::{Config, Origin, Setting, Value};
use serde::Serialize;

use super::{style, wrap};
use crate::output::Screen;

/// How far the meaning of a key is set in.
const INSET: usize = 4;
/// The longest value that others line up with.
const VALUE: usize = 16;

/// The configuration as programs read it.
#[derive(Serialize)]
pub(crate) struct ConfigJson {
    /// The file that was read.
    file: Option<String>,
    settings: Vec<SettingJson>,
}

#[derive(Serialize)]
struct SettingJson {
    key: &'static str,
    value: Value,
    unit: String,
    origin: OriginJson,
    /// The variable that would override it.
    variable: String,
    meaning: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
enum OriginJson {
    Default,
    File { path: String, line: usize },
    Variable { name: String },
    CommandLine { by: String },
}

/// The configuration as JSON.
pub(crate) fn json(config: &Config) -> ConfigJson {
    ConfigJson {
        file: config.file().map(|file| file.display().to_string()),
        settings: config.list().into_iter().map(SettingJson::of).collect(),
    }
}

impl SettingJson {
    fn of(setting: Setting<'_>) -> Self {
        Self {
            key: setting.key.name,
            value: setting.value,
            unit: setting.key.unit(),
            origin: match setting.origin {
                Origin::Default => OriginJson::Default,
                Origin::File { path, line } => OriginJson::File {
                    path: path.display().to_string(),
                    line: *line,
                },
                Origin::Variable(name) => OriginJson::Variable { name: name.clone() },
                other => OriginJson::CommandLine {
                    by: other.to_string(),
                },
            },
            variable: setting.key.variable(),
            meaning: setting.key.meaning,
        }
    }
}

/// The configuration as text: a line for each key, and one that says what it means. What is not at its default stands
/// out.
pub(crate) fn text(config: &Config, screen: &Screen) -> String {
    let settings = config.list();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let key_width = width(&mut settings.iter().map(|setting| setting.key.name.len()));
    let values = settings.iter().map(|setting| setting.value.to_string());
    let mut value_widths = values
        .map(|value| value.len())
        .filter(|width| *width <= VALUE);
    let value_width = width(&mut value_widths);
    let mut text = String::new();
    for setting in settings {
        let value = setting.value.to_string();
        let mut rest = format!("{value:value_width$}  {}", setting.origin);
        if *setting.origin != Origin::Default {
            rest = style::paint(style::GOOD, &rest);
        }
        let line = format!("{:key_width$}  {rest}", setting.key.name);
        wrap::push(&mut text, &line, INSET, screen.width);
        let meaning = format!("{} ({})", setting.key.meaning, setting.key.unit());
        let meaning = style::paint(style::FAINT, &meaning);
        let line = format!("{:INSET$}{meaning}", "");
        wrap::push(&mut text, &line, INSET, screen.width);
    }
    text
}
