//! The JSON in a file that a person saved: with a byte order mark, amid what a CLI tells, or not there at all.

use std::{borrow::Cow, fmt};

use serde::de::IgnoredAny;

/// How many places of a text are tried for the start of its JSON.
const PLACES: usize = 64;

/// How much of a text an error shows.
const SHOWN: usize = 80;

/// What a file holds instead of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotJson {
    /// Nothing at all.
    Empty,
    /// Text in two bytes a character, as PowerShell's `>` writes it.
    Utf16,
    /// Bytes that are no text, from this place on.
    Binary(usize),
    /// Something compressed.
    Compressed,
    /// A web page, whose first line this is.
    WebPage(String),
    /// The text of an error, whose first line this is.
    ErrorText(String),
    /// YAML, whose first line this is.
    Yaml(String),
    /// JSON without its end, after this many lines.
    Truncated(usize),
    /// Several values of JSON, of which the second starts at this line.
    Several(usize),
    /// Some other text, whose first line this is.
    Text(String),
}

impl fmt::Display for NotJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("is empty"),
            Self::Utf16 => formatter.write_str(
                "is UTF-16 text, as PowerShell writes it; save it as UTF-8 (`| Out-File -Encoding utf8`)",
            ),
            Self::Binary(at) => write!(formatter, "is no text: byte {at} is not UTF-8"),
            Self::Compressed => formatter.write_str("is compressed; give it unpacked"),
            Self::WebPage(line) => write!(
                formatter,
                "is a web page (`{line}`), perhaps of a proxy or a login, and no answer of the API"
            ),
            Self::ErrorText(line) => write!(
                formatter,
                "holds the text of an error (`{line}`) and no list; run the command again, or remove the file, and the \
                 list counts as unread"
            ),
            Self::Yaml(line) => write!(
                formatter,
                "is YAML (it starts with `{line}`), not JSON; run the command again with `--format json`"
            ),
            Self::Truncated(lines) => write!(
                formatter,
                "ends in the middle, at line {lines}: it is cut off; run the command again"
            ),
            Self::Several(line) => write!(
                formatter,
                "holds several JSON values, the second at line {line}; give one"
            ),
            Self::Text(line) => write!(formatter, "holds no JSON: it starts with `{line}`"),
        }
    }
}

/// What a file is that cannot be one of text and data, by how it starts.
pub fn unlike_text(start: &[u8]) -> Option<NotJson> {
    if start.starts_with(&[0xff, 0xfe])
        || start.starts_with(&[0xfe, 0xff])
        || matches!(start, [0, second, ..] if *second != 0)
        || matches!(start, [first, 0, ..] if *first != 0)
    {
        return Some(NotJson::Utf16);
    }
    if start.starts_with(&[0x1f, 0x8b]) || start.starts_with(b"PK\x03\x04") {
        return Some(NotJson::Compressed);
    }
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    text.starts_with(b"<").then(|| {
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        NotJson::WebPage(first_line(&String::from_utf8_lossy(line)))
    })
}

/// The JSON of a file. What a CLI tells before and after it is blank in what is returned, so that lines keep their numbers.
pub(crate) fn json_of(bytes: &[u8]) -> Result<Cow<'_, str>, NotJson> {
    if let Some(what) = unlike_text(bytes).filter(|what| !matches!(what, NotJson::WebPage(_))) {
        return Err(what);
    }
    let text = str::from_utf8(bytes).map_err(|error| NotJson::Binary(error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().is_empty() {
        return Err(NotJson::Empty);
    }
    let mut is_cut_off = false;
    for (tried, start) in starts(text).enumerate() {
        if tried == PLACES {
            break;
        }
        let Some(rest) = text.get(start..) else {
            continue;
        };
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => return amid(text, start, start + values.byte_offset()),
            Some(Err(error)) => is_cut_off |= error.is_eof(),
            None => {}
        }
        if tried == 0
            && text
                .get(..start)
                .is_some_and(|before| before.trim().is_empty())
        {
            break;
        }
    }
    // What starts as JSON, the parser judges, with the place of what is wrong.
    let first = text.trim_start();
    if is_cut_off {
        return Err(NotJson::Truncated(text.lines().count()));
    }
    if first.starts_with(['{', '[']) && !first.starts_with("[[") {
        return Ok(Cow::Borrowed(text));
    }
    Err(what_else(first))
}

/// Where lines start that may start JSON.
fn starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut offset = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let begin = offset;
        offset += line.len();
        let bare = after_escapes(line);
        let next = || {
            let mut more = bare.get(1..).unwrap_or_default().chars();
            more.find(|character| !character.is_whitespace())
        };
        let starts = match bare.chars().next()? {
            '{' => matches!(next(), None | Some('"' | '}')),
            '[' => matches!(next(), None | Some('{' | ']')),
            _ => false,
        };
        starts.then(|| begin + (line.len() - bare.len()))
    })
}

/// A line without the blanks and the movements of the cursor before it.
fn after_escapes(mut line: &str) -> &str {
    loop {
        line = line.trim_start();
        let Some(sequence) = line.strip_prefix("\u{1b}[") else {
            return line;
        };
        match sequence.find(|character: char| ('@'..='~').contains(&character)) {
            Some(end) => line = sequence.get(end + 1..).unwrap_or_default(),
            None => return "",
        }
    }
}

/// The text with everything blank but the JSON from `start` to `end`.
fn amid(text: &str, start: usize, end: usize) -> Result<Cow<'_, str>, NotJson> {
    let (Some(before), Some(json), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return Ok(Cow::Borrowed(text));
    };
    if before.trim().is_empty() && after.trim().is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let line_of = |offset: usize| {
        let before = text.get(..offset).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    };
    if let Some(second) = starts(after).next() {
        return Err(NotJson::Several(line_of(end + second)));
    }
    // What follows on the same line, or looks like JSON, is a damaged file and no word of a CLI.
    let (same_line, below) = after.split_once('\n').unwrap_or((after, ""));
    let tells = below
        .lines()
        .map(after_escapes)
        .all(|line| !line.starts_with(['{', '}', '[', ']', '"', ',', ':']));
    if !same_line.trim().is_empty() || !tells {
        return Ok(Cow::Borrowed(text));
    }
    let mut blank: String = before
        .chars()
        .filter(|character| *character == '\n')
        .collect();
    blank.push_str(json);
    Ok(Cow::Owned(blank))
}

/// What a text is that has no JSON.
fn what_else(text: &str) -> NotJson {
    let line = first_line(text);
    let lower = text
        .get(..text.len().min(4096))
        .unwrap_or(text)
        .to_ascii_lowercase();
    if lower.starts_with('<') {
        return NotJson::WebPage(line);
    }
    let words = [
        "permissiondenied",
        "permission denied",
        "permission_denied",
        "unauthenticated",
        "deadlineexceeded",
        "rpc error",
        "error:",
        "command not found",
    ];
    if lower.starts_with("error") || words.iter().any(|word| lower.contains(word)) {
        return NotJson::ErrorText(line);
    }
    let is_key = |line: &str| {
        let key = line
            .trim_start_matches("- ")
            .split_once(':')
            .map(|(key, rest)| {
                !key.is_empty()
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
                    && (rest.is_empty() || rest.starts_with(' '))
            });
        key.unwrap_or(false)
    };
    if line == "---" || is_key(&line) {
        return NotJson::Yaml(line);
    }
    NotJson::Text(line)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let shown: String = line
        .chars()
        .filter(|character| !character.is_control())
        .take(SHOWN)
        .collect();
    if shown.len() < line.len() {
        shown + "…"
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn json_is_found_amid_what_a_cli_tells() {
        let plain = "{\"items\": []}";
        for text in [
            plain.to_owned(),
            format!("\u{feff}{plain}\n"),
            format!(
                "waiting for operation computeoperation-e00 ...\n{plain}\noperation completed\n"
            ),
            format!("\u{1b}[2K\u{1b}[1Gwaiting ...\n\u{1b}[2K{plain}"),
            format!("[INFO] listing\n[1/2] asking\n{plain}\n[2/2] done\n").replace("[2/2] ", ""),
        ] {
            let found = json_of(text.as_bytes()).unwrap();
            let value: serde_json::Value = serde_json::from_str(&found).unwrap();
            assert_eq!(value, serde_json::json!({"items": []}), "{text:?}");
        }
        // Lines keep their numbers.
        let found = json_of(b"one\ntwo\n{\"items\":\n 7}\n")
            .unwrap()
            .into_owned();
        assert_eq!(found.trim_end(), "\n\n{\"items\":\n 7}");
    }

    #[test]
    fn what_is_no_json_is_said() {
        let utf16: Vec<u8> = "{\"items\": []}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut marked = vec![0xff, 0xfe];
        marked.extend(&utf16);
        let cases: [(&[u8], &str); 14] = [
            (b" \n", "is empty"),
            (&utf16, "is UTF-16"),
            (&marked, "is UTF-16"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"{\"items\": [\"\xff\"]}", "byte 12 is not UTF-8"),
            (b"<!DOCTYPE html>\n<html>", "web page (`<!DOCTYPE html>`)"),
            (
                b"Error: rpc error: code = PermissionDenied",
                "text of an error (`Error: rpc",
            ),
            (
                b"items:\n  - metadata:\n",
                "is YAML (it starts with `items:`)",
            ),
            (b"- metadata:\n    id: x\n", "is YAML"),
            (b"---\nitems: []\n", "is YAML"),
            (
                b"{\"items\": [\n{\"spec\": ",
                "ends in the middle, at line 2",
            ),
            (b"asking\n{\"items\": [\n", "ends in the middle"),
            (
                b"{\"items\": []}\n{\"items\": []}\n",
                "several JSON values, the second at line 2",
            ),
            (
                b"ID  NAME\n1   a\n",
                "holds no JSON: it starts with `ID  NAME`",
            ),
        ];
        for (bytes, words) in cases {
            let said = json_of(bytes).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn damaged_json_is_left_to_the_parser() {
        for text in ["{\"items\": []}}", "{\"items\": []}\n]", "{\"items\": [}"] {
            assert_eq!(json_of(text.as_bytes()).unwrap(), text);
        }
    }
}
