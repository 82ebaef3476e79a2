//! A launch error as text: JSON, alone or amid what a tool says around it, or the rendering of an SDK.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use serde_json::{Deserializer, Value};

use super::{
    LaunchError,
    json::{self, Told},
    rendering,
};

/// Text that holds no launch error, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotAnError(pub(super) String);

/// Places at which something like JSON begins that is none: after so many the rest is not looked at.
const MOST_ATTEMPTS: usize = 64;

/// Reads every error that a text holds.
///
/// # Errors
/// When there is none in it: an operation that succeeded or still runs, half a JSON, or something else.
pub(super) fn from_text(text: &str) -> Result<Vec<LaunchError>, NotAnError> {
    let text = without_escapes(text);
    let read = Read::of(&text);
    let mut failures: Vec<LaunchError> = Vec::new();
    let mut others = Vec::new();
    for told in read.told {
        match told {
            Told::Failed(failure) => failures.push(failure),
            other => others.push(other),
        }
    }
    let details: Vec<_> = read
        .prose
        .into_iter()
        .flat_map(rendering::in_text)
        .collect();
    if !details.is_empty() {
        failures.push(LaunchError {
            details,
            ..LaunchError::default()
        });
    }
    if failures.is_empty() {
        return Err(NotAnError(why_none(&others, read.broken)));
    }
    Ok(failures)
}

/// A text taken apart.
#[derive(Default)]
struct Read<'a> {
    /// What its JSON says.
    told: Vec<Told>,
    /// What stands around the JSON.
    prose: Vec<&'a str>,
    /// Why the first thing like JSON is none.
    broken: Option<serde_json::Error>,
}

impl<'a> Read<'a> {
    /// JSON begins at the first letter of a line: tools print it so, and a bracket inside a sentence is none.
    fn of(text: &'a str) -> Self {
        let mut read = Self::default();
        let mut attempts = 0;
        let (mut prose, mut at) = (0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let here = rest.trim_start();
            let blank = rest.len() - here.len();
            if here.starts_with(['{', '[']) && attempts < MOST_ATTEMPTS {
                let mut values = Deserializer::from_str(here).into_iter::<Value>();
                match values.next() {
                    Some(Ok(value)) => {
                        json::read(&value, &mut read.told);
                        read.prose.extend(text.get(prose..at));
                        at += blank + values.byte_offset();
                        prose = at;
                        continue;
                    }
                    Some(Err(error)) => {
                        attempts += 1;
                        // JSON that is broken further on: what lies inside it is not read for the whole.
                        let is_json = error.is_eof() || error.line() > 1;
                        read.broken.get_or_insert(error);
                        if is_json {
                            break;
                        }
                    }
                    None => {}
                }
            }
            let line = here.find(['\n', '\r']).unwrap_or(here.len());
            // A bracket is passed over with its line.
            at += blank + line;
        }
        read.prose.extend(text.get(prose..));
        read
    }
}

/// What is there in the place of an error: the most telling first.
fn why_none(others: &[Told], broken: Option<serde_json::Error>) -> String {
    let has = |wanted: &Told| others.contains(wanted);
    let mut odd = others.iter().filter_map(|told| match told {
        Told::NoCode(code) => Some(format!(
            "the `code` {code} is neither a gRPC status code nor the name of one"
        )),
        _ => None,
    });
    let mut resources = others.iter().filter_map(|told| match told {
        Told::Resource(state) if state.is_empty() => Some(String::from(
            "a resource whose status tells no error; give the operation that failed",
        )),
        Told::Resource(state) => Some(format!(
            "a resource in the state {state}, which tells no error; give the operation that failed"
        )),
        _ => None,
    });
    if let Some(code) = odd.next() {
        code
    } else if has(&Told::Running) {
        "an operation without a status: it is still running, so there is no error yet".into()
    } else if has(&Told::Success) {
        "the status says success: there is no error in it".into()
    } else if let Some(resource) = resources.next() {
        resource
    } else if has(&Told::EmptyList) && others.len() == 1 {
        "an empty list: there is no operation in it".into()
    } else if !others.is_empty() && !broken.as_ref().is_some_and(serde_json::Error::is_eof) {
        "no status, no code and no detail of an error in it".into()
    } else {
        match broken {
            Some(error) if error.is_eof() => {
                format!("half a JSON: it ends before it is complete ({error})")
            }
            Some(error) => format!("not JSON: {error}"),
            None => "not JSON, and no error as an SDK of Nebius prints it; other text is not interpreted: give the operation or the error with --format json".into(),
        }
    }
}

/// A text without what moves the cursor and colours letters.
fn without_escapes(text: &str) -> Cow<'_, str> {
    const ESCAPE: char = '\u{1b}';
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != ESCAPE {
            kept.push(letter);
            continue;
        }
        match letters.next() {
            // A control sequence ends with a letter or a sign of this range.
            Some('[') => {
                let _ = letters.find(|letter| ('@'..='~').contains(letter));
            }
            // A command to the terminal ends with a bell or with an escape and a backslash.
            Some(']') => {
                let end = letters.find(|letter| matches!(*letter, '\u{7}' | ESCAPE));
                let _ = end
                    .filter(|end| *end == ESCAPE)
                    .and_then(|_| letters.next());
            }
            // A sequence of two letters.
            _ => {}
        }
    }
    Cow::Owned(kept)
}
