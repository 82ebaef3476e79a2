//! What a file says: its keys with their values and lines.

use std::path::Path;

use quotagate::text;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    error::ConfigError,
    keys::is_table,
    value::{Form, Given},
};

/// The most characters of a value that are quoted.
const QUOTED: usize = 60;

/// A value of a file.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The key, as in `refresh.rows.interval`.
    pub(crate) key: String,
    /// Its value.
    pub(crate) given: Given<'a>,
    /// The value, letter by letter.
    pub(crate) quoted: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// Reads the keys of a file.
pub(crate) fn read<'a>(path: &'a Path, bytes: &[u8]) -> Result<Vec<Entry<'a>>, ConfigError> {
    let text = str::from_utf8(bytes).map_err(|error| ConfigError::NotText {
        path: path.to_owned(),
        line: line(bytes, error.valid_up_to()),
    })?;
    let table = DeTable::parse(text).map_err(|error| ConfigError::NotToml {
        path: path.to_owned(),
        line: line(bytes, error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    let mut file = File {
        text,
        folder: path.parent().unwrap_or_else(|| Path::new("")),
        entries: Vec::new(),
    };
    file.walk("", table.get_ref());
    // In the order of the file, so that the first mistake is told first.
    file.entries.sort_by_key(|entry| entry.line);
    Ok(file.entries)
}

struct File<'a, 'text> {
    text: &'text str,
    folder: &'a Path,
    entries: Vec<Entry<'a>>,
}

impl File<'_, '_> {
    fn walk(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let part = name.get_ref();
            let part = if part.contains('.') {
                format!("\"{part}\"")
            } else {
                part.to_string()
            };
            let key = match prefix {
                "" => part,
                prefix => format!("{prefix}.{part}"),
            };
            match value.get_ref() {
                DeValue::Table(inner) if is_table(&key) => self.walk(&key, inner),
                _ => self.take(key, name.span().start, value),
            }
        }
    }

    fn take(&mut self, key: String, at: usize, value: &Spanned<DeValue<'_>>) {
        let (form, text) = match value.get_ref() {
            DeValue::String(text) => (Form::Text, text.to_string()),
            DeValue::Integer(number) => {
                // One that is too large for this is too large for every key.
                let decimal = i128::from_str_radix(number.as_str(), number.radix());
                let text = decimal.map_or_else(|_| number.to_string(), |number| number.to_string());
                (Form::Number, text)
            }
            DeValue::Float(number) => (Form::Number, number.as_str().to_owned()),
            DeValue::Boolean(value) => (Form::Switch, value.to_string()),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                (Form::Other, String::new())
            }
        };
        let quoted = self.text.get(value.span()).unwrap_or_default();
        self.entries.push(Entry {
            key,
            given: Given {
                text,
                form,
                folder: self.folder,
            },
            quoted: quote(quoted),
            line: line(self.text.as_bytes(), at),
        });
    }
}

/// A value as errors quote it: shortened, and fit to be shown.
pub(crate) fn quote(text: &str) -> String {
    let text = text::line(text);
    let mut characters = text.chars();
    let mut quoted = format!("`{}", characters.by_ref().take(QUOTED).collect::<String>());
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}

/// The line of a byte, from 1.
fn line(bytes: &[u8], at: usize) -> usize {
    let before = bytes.iter().take(at);
    before.filter(|byte| **byte == b'\n').count() + 1
}
