//! Values: from what a file or a variable says to what the settings hold, and back to text.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use quotagate::{Action, Detail, Strictness};
use serde::Serialize;

use crate::{error::ValueError, settings::Settings};

/// The longest time that can be set.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// The units of sizes, smallest first.
const UNITS: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A value in force, as it is shown: with its unit, as a file would have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing is set.
    None,
    /// On or off.
    Switch(bool),
    /// A whole number.
    Number(u64),
    /// Another number.
    Part(f64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.pad("none"),
            Self::Switch(value) => value.fmt(formatter),
            Self::Number(value) => value.fmt(formatter),
            Self::Part(value) => value.fmt(formatter),
            Self::Text(value) => formatter.pad(value),
        }
    }
}

/// What form a value was given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Something that no key takes, such as a list.
    Other,
    /// A variable, which may stand for any of these.
    Variable,
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Given<'a> {
    /// What it says.
    pub(crate) text: String,
    /// In what form.
    pub(crate) form: Form,
    /// The folder that relative paths start in.
    pub(crate) folder: &'a Path,
}

/// The place of a value in the settings.
type At<T> = fn(&mut Settings) -> &mut T;

/// What kind of value a key has, and where it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field {
    /// On or off.
    Switch(At<bool>),
    /// A time that may be none at all.
    Wait(At<Duration>),
    /// A time.
    Time(At<Duration>),
    /// A part of something, from 0 to 1.
    Part(At<f64>),
    /// How often something is tried, at least once.
    Tries(At<u32>),
    /// How many there may be.
    Count {
        /// At least.
        from: usize,
        /// Where it goes.
        at: At<usize>,
    },
    /// Bytes.
    Size(At<usize>),
    /// Steps of the machine, or none.
    Steps(At<Option<u64>>),
    /// What lists leave out.
    Strictness(At<Strictness>),
    /// Which findings a judgement carries.
    Detail(At<Detail>),
    /// What is done with a launch.
    Action(At<Action>),
    /// A file, or none.
    Path(At<Option<PathBuf>>),
    /// A SHA-256, or none.
    Digest(At<Option<String>>),
}

impl Field {
    /// What values are written in.
    pub(crate) fn unit(self) -> String {
        let unit = match self {
            Self::Switch(_) => "true or false",
            Self::Wait(_) | Self::Time(_) => "duration",
            Self::Part(_) => "0 to 1",
            Self::Tries(_) | Self::Count { .. } => "number",
            Self::Size(_) => "bytes",
            Self::Steps(_) => "steps",
            Self::Strictness(_) => return one_of(Strictness::ALL, Strictness::as_str),
            Self::Detail(_) => return one_of(Detail::ALL, Detail::as_str),
            Self::Action(_) => return one_of(Action::ALL, Action::as_str),
            Self::Path(_) => "file",
            Self::Digest(_) => "hex digits",
        };
        String::from(unit)
    }

    /// The form in which files give it.
    const fn form(self) -> Form {
        match self {
            Self::Switch(_) => Form::Switch,
            Self::Part(_) | Self::Tries(_) | Self::Count { .. } | Self::Steps(_) => Form::Number,
            _ => Form::Text,
        }
    }

    /// Puts a value in its place.
    pub(crate) fn set(self, settings: &mut Settings, given: &Given<'_>) -> Result<(), ValueError> {
        if given.form != Form::Variable && given.form != self.form() {
            return Err(match self.form() {
                Form::Switch => ValueError::NoSwitch,
                Form::Number => ValueError::NoNumber,
                _ => ValueError::NoText { unit: self.unit() },
            });
        }
        let text = given.text.as_str();
        match self {
            Self::Switch(at) => *at(settings) = text.parse().map_err(|_| ValueError::NoSwitch)?,
            Self::Wait(at) => *at(settings) = duration(text)?,
            Self::Time(at) => {
                let time = duration(text)?;
                if time.is_zero() {
                    return Err(ValueError::NoTime);
                }
                *at(settings) = time;
            }
            Self::Part(at) => {
                let part: f64 = text.parse().map_err(|_| ValueError::NoNumber)?;
                if !(0.0..=1.0).contains(&part) {
                    return Err(ValueError::NoPart);
                }
                *at(settings) = part;
            }
            Self::Tries(at) => *at(settings) = number(text, 1)?,
            Self::Count { from, at } => *at(settings) = number(text, from)?,
            Self::Size(at) => *at(settings) = size(text)?,
            Self::Steps(at) => *at(settings) = Some(number(text, 0)?).filter(|steps| *steps > 0),
            Self::Strictness(at) => {
                *at(settings) = word(text, Strictness::ALL, Strictness::as_str)?;
            }
            Self::Detail(at) => *at(settings) = word(text, Detail::ALL, Detail::as_str)?,
            Self::Action(at) => *at(settings) = word(text, Action::ALL, Action::as_str)?,
            Self::Path(at) => *at(settings) = some(text).map(|path| given.folder.join(path)),
            Self::Digest(at) => *at(settings) = some(text).map(digest).transpose()?,
        }
        Ok(())
    }

    /// The value in its place. The settings stay as they are; a field knows one way to its place, and that one can write.
    pub(crate) fn get(self, settings: &mut Settings) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        match self {
            Self::Switch(at) => Value::Switch(*at(settings)),
            Self::Wait(at) | Self::Time(at) => {
                Value::Text(humantime::format_duration(*at(settings)).to_string())
            }
            Self::Part(at) => Value::Part(*at(settings)),
            Self::Tries(at) => Value::Number(u64::from(*at(settings))),
            Self::Count { at, .. } => Value::Number(wide(*at(settings))),
            Self::Size(at) => Value::Text(show_size(wide(*at(settings)))),
            Self::Steps(at) => at(settings).map_or(Value::None, Value::Number),
            Self::Strictness(at) => text(at(settings).as_str()),
            Self::Detail(at) => text(at(settings).as_str()),
            Self::Action(at) => text(at(settings).as_str()),
            Self::Path(at) => match at(settings) {
                Some(path) => Value::Text(path.display().to_string()),
                None => Value::None,
            },
            Self::Digest(at) => at(settings).as_deref().map_or(Value::None, text),
        }
    }
}

/// The names of every case.
fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    let names: Vec<_> = all.iter().map(|case| name(*case)).collect();
    names.join("|")
}

fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, ValueError> {
    let found = all.iter().copied().find(|case| name(*case) == text);
    found.ok_or_else(|| ValueError::NoWord {
        words: all
            .iter()
            .map(|case| format!("\"{}\"", name(*case)))
            .collect(),
    })
}

/// Nothing for an empty text.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Reads a duration with its units, such as `20s`, `500ms` or `1h 30m`: the one form of durations everywhere.
///
/// # Errors
/// When it is none, or longer than a year.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    let duration = humantime::parse_duration(text).map_err(ValueError::NoDuration)?;
    if duration > LONGEST {
        return Err(ValueError::TooLong);
    }
    Ok(duration)
}

fn number<T>(text: &str, from: T) -> Result<T, ValueError>
where
    T: std::str::FromStr + PartialOrd + fmt::Display,
{
    match text.parse() {
        Ok(number) if number >= from => Ok(number),
        _ => Err(ValueError::NoCount {
            from: from.to_string(),
        }),
    }
}

/// Reads a whole number of bytes with a binary unit.
fn size(text: &str) -> Result<usize, ValueError> {
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
    let bytes = unit.and_then(|(_, factor)| number.parse::<u64>().ok()?.checked_mul(*factor));
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes > 0).ok_or(ValueError::NoSize)
}

/// Bytes in the largest unit that keeps the number whole.
fn show_size(bytes: u64) -> String {
    let whole = UNITS
        .iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    match whole {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => String::from("0B"),
    }
}

fn digest(text: &str) -> Result<String, ValueError> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(ValueError::NoDigest)
    }
}

/// No machine has addresses of more than 64 bits.
fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
