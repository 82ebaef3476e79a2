//! How events are written: a line says the format, then one event follows a line.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{HoldFileError, ledger::Event};

/// The format of the lines. A file of another one is refused.
pub(super) const FORMAT: u32 = 3;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    quotagate_holds: u32,
}

/// Reads the whole lines; gives their events and their length.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<(Vec<Event>, usize), HoldFileError> {
    // A line that does not end was being written when the process was killed.
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < text.len() {
        tracing::warn!(path = %path.display(), "the last line is cut short; it was promised to nobody");
    }
    let malformed = |line, source| HoldFileError::Malformed {
        path: path.to_owned(),
        line,
        source,
    };
    let mut events = Vec::new();
    let whole_lines = text.get(..whole).unwrap_or_default();
    let lines = whole_lines.split(|byte| *byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        if number == 0 {
            let found = match serde_json::from_slice::<Header>(line) {
                Ok(header) => header.quotagate_holds,
                // The first format began with its first event.
                Err(_) if is_of_first_format(line) => 1,
                Err(source) => return Err(malformed(1, source)),
            };
            if found != FORMAT {
                return Err(HoldFileError::OtherFormat {
                    path: path.to_owned(),
                    found,
                });
            }
            continue;
        }
        let event = serde_json::from_slice(line).map_err(|source| malformed(number + 1, source))?;
        events.push(event);
    }
    Ok((events, whole))
}

fn is_of_first_format(line: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    value.is_some_and(|value| {
        ["promised", "committed", "over"]
            .iter()
            .any(|name| value.get(name).is_some())
    })
}

pub(super) fn header() -> Vec<u8> {
    format!("{{\"quotagate_holds\":{FORMAT}}}\n").into_bytes()
}

pub(super) fn lines(events: &[Event]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for event in events {
        serde_json::to_writer(&mut bytes, event)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}
