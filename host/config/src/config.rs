//! A configuration: the defaults, the file over them, the variables over that, and where each value came from.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use quotagate::{RefreshOptions, options::Freshness};

use crate::{
    error::{ConfigError, ValueError},
    file,
    keys::{self, Key},
    lookup::{Found, Lookup},
    nearest::nearest,
    note::Note,
    settings::Settings,
    value::{Form, Given, Value},
};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nothing sets it.
    Default,
    /// A file.
    File {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Variable(String),
    /// The program itself, by what makes it do so, such as an option of its command line.
    Program(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.pad("default"),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Variable(name) => formatter.pad(name),
            Self::Program(what) => formatter.pad(what),
        }
    }
}

/// One key with its value in force.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The key.
    pub key: &'static Key,
    /// Its value.
    pub value: Value,
    /// Where the value came from.
    pub origin: &'a Origin,
}

/// What is in force, and where each value came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    settings: Settings,
    /// Of every key that is not at its default.
    origins: BTreeMap<&'static str, Origin>,
    file: Option<PathBuf>,
    notes: Vec<Note>,
}

impl Config {
    /// Reads the file, if there is one, and the variables.
    ///
    /// # Errors
    /// See [`ConfigError`]. A file that is named must be there; one that is not may be absent.
    pub fn load(lookup: &Lookup) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some(found) = lookup.read()? {
            config.read_file(&found)?;
            config.file = Some(found.path);
        }
        for (name, value) in lookup.overrides() {
            config.read_variable(name, value)?;
        }
        config.check_ages()?;
        Ok(config)
    }

    /// What is in force.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What was passed over, to be told to people.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Every key with its value in force, in the order of [`keys::ALL`].
    pub fn list(&self) -> Vec<Setting<'_>> {
        let mut settings = self.settings.clone();
        let keys = keys::ALL.iter();
        keys.map(|key| Setting {
            key,
            value: key.field.get(&mut settings),
            origin: self.origin(key.name),
        })
        .collect()
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Sets a key for a reason of the program's own, such as an option of its command line, over what is configured.
    pub fn set(&mut self, key: &'static str, why: &'static str, set: impl FnOnce(&mut Settings)) {
        set(&mut self.settings);
        self.origins.insert(key, Origin::Program(why));
    }

    /// The same, unless a file or a variable sets the key.
    pub fn set_default(
        &mut self,
        key: &'static str,
        why: &'static str,
        set: impl FnOnce(&mut Settings),
    ) {
        if *self.origin(key) == Origin::Default {
            self.set(key, why, set);
        }
    }

    fn read_file(&mut self, found: &Found) -> Result<(), ConfigError> {
        let path = &found.path;
        for entry in file::read(path, &found.bytes)? {
            let origin = Origin::File {
                path: path.to_owned(),
                line: entry.line,
            };
            let Some(key) = Key::find(&entry.key) else {
                if keys::is_table(&entry.key) {
                    return Err(ConfigError::Value {
                        key: entry.key,
                        value: entry.quoted,
                        origin,
                        why: Box::new(ValueError::Table),
                    });
                }
                let near = nearest(&entry.key, known());
                return Err(ConfigError::UnknownKey {
                    nearest: near.into_iter().map(str::to_owned).collect(),
                    key: entry.key,
                    origin,
                });
            };
            if key.is_trusted_to_its_owner() && !found.is_chosen {
                self.notes.push(Note::Untrusted {
                    key: key.name,
                    path: path.clone(),
                    line: entry.line,
                    variable: key.variable(),
                });
                continue;
            }
            self.take(key, &entry.given, entry.quoted, origin)?;
        }
        Ok(())
    }

    /// Takes a variable that is a key. Of the others, those that look like one are told.
    fn read_variable(&mut self, name: String, value: &OsStr) -> Result<(), ConfigError> {
        let Some(key) = keys::ALL.iter().find(|key| key.variable() == name) else {
            let wanted = name.trim_start_matches(keys::PREFIX).replace("__", ".");
            let near = nearest(&wanted, keys::ALL.iter().map(|key| key.name));
            let near = near.into_iter().filter_map(Key::find);
            let nearest: Vec<String> = near.map(Key::variable).collect();
            // Two underscores stand in names of ours alone.
            if !nearest.is_empty() || name.contains("__") {
                self.notes.push(Note::Variable { name, nearest });
            }
            return Ok(());
        };
        let origin = Origin::Variable(name);
        let Some(text) = value.to_str() else {
            return Err(ConfigError::Value {
                key: key.name.to_owned(),
                value: file::quote(&value.to_string_lossy()),
                origin,
                why: Box::new(ValueError::NotUtf8),
            });
        };
        let given = Given {
            text: text.to_owned(),
            form: Form::Variable,
            folder: Path::new(""),
        };
        self.take(key, &given, file::quote(text), origin)
    }

    fn take(
        &mut self,
        key: &'static Key,
        given: &Given<'_>,
        quoted: String,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        if let Err(why) = key.field.set(&mut self.settings, given) {
            return Err(ConfigError::Value {
                key: key.name.to_owned(),
                value: quoted,
                origin,
                why: Box::new(why),
            });
        }
        self.origins.insert(key.name, origin);
        Ok(())
    }

    /// Nothing may be out of date before it is read again.
    fn check_ages(&self) -> Result<(), ConfigError> {
        for (source, freshness) in sources(&self.settings.gate.refresh) {
            if freshness.max_age >= freshness.interval {
                continue;
            }
            let interval = format!("refresh.{source}.interval");
            let max_age = format!("refresh.{source}.max_age");
            let show = |time| humantime::format_duration(time).to_string();
            let why = ValueError::AgesBefore {
                interval: show(freshness.interval),
                interval_from: self.origin(&interval).clone(),
                max_age: show(freshness.max_age),
                max_age_from: self.origin(&max_age).clone(),
            };
            // The one that was set is at fault; of two, that which ends too early.
            let (key, value) = match self.origin(&max_age) {
                Origin::Default => (interval, freshness.interval),
                _ => (max_age, freshness.max_age),
            };
            return Err(ConfigError::Value {
                origin: self.origin(&key).clone(),
                key,
                value: format!("`{}`", show(value)),
                why: Box::new(why),
            });
        }
        Ok(())
    }
}

/// What is read, by the names of its tables.
const fn sources(refresh: &RefreshOptions) -> [(&'static str, Freshness); 6] {
    [
        ("account", refresh.account),
        ("rows", refresh.rows),
        ("holdings", refresh.holdings),
        ("types", refresh.types),
        ("capacities", refresh.capacities),
        ("reservations", refresh.reservations),
    ]
}

/// Every key and every table.
fn known() -> impl Iterator<Item = &'static str> {
    let tables = keys::ALL.iter().map(|key| key.split().0);
    let mut tables: Vec<_> = tables.filter(|table| !table.is_empty()).collect();
    tables.dedup();
    keys::ALL.iter().map(|key| key.name).chain(tables)
}
