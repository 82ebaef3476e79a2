//! Text from outside, made fit to be shown: nothing in it commands a terminal, hides, or begins a line of its own.
//!
//! Clouds let people name things, recorded worlds come from strangers, and plugins write prose. All of it is carried as it
//! is, and cleaned where it enters output: tables, messages, logs, labels of metrics. In JSON nothing is lost: what is not
//! shown is escaped.

use std::{borrow::Cow, fmt::Write as _};

/// What stands where something was that is not shown.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether a character commands a terminal, changes the order of what is shown, or takes no room: controls (C0, DEL and
/// C1), separators of lines, bidirectional and zero-width characters, fillers, and tags.
pub const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What is shown in the place of a hidden character: a space for one that only parts words, else a mark.
pub const fn shown(hidden: char) -> char {
    match hidden {
        '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ => REPLACEMENT,
    }
}

/// A text as one line without hidden characters.
///
/// ```
/// assert_eq!(quotagate::text::line("gpu\u{1b}[2J\nfits"), "gpu\u{fffd}[2J fits");
/// ```
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let show = |character| {
        if is_hidden(character) {
            shown(character)
        } else {
            character
        }
    };
    Cow::Owned(text.chars().map(show).collect())
}

/// JSON with every hidden character escaped. The characters between its values stay: line ends and spaces.
///
/// ```
/// assert_eq!(quotagate::text::json("[\"\u{9b}\u{202e}\"]\n"), "[\"\\u009b\\u202e\"]\n");
/// ```
pub fn json(text: &str) -> Cow<'_, str> {
    let is_to_be_escaped = |character| is_hidden(character) && character != '\n';
    if !text.contains(is_to_be_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_to_be_escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string never fails.
                let _written = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_commands_is_not_shown() {
        let hidden = [
            '\0',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{9d}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0041}',
        ];
        for character in hidden {
            assert_eq!(
                line(&format!("a{character}b")),
                "a\u{fffd}b",
                "{character:?}"
            );
        }
        for character in ['\n', '\r', '\t', '\u{85}', '\u{2028}', '\u{2029}'] {
            assert_eq!(line(&format!("a{character}b")), "a b", "{character:?}");
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["", "eu-north1", "größe 8 × 日本", "مشروع", "a\u{a0}b", "…"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(json(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "x\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\n\"é";
        let written = serde_json::to_string(text).unwrap();
        let escaped = json(&written);
        assert!(!escaped.contains(is_hidden), "{escaped:?}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
