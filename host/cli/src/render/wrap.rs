//! Lines that fit their screen: broken between words, with what follows set in.

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

use super::style;

/// Adds a line to a text, broken where it would be wider than the screen. The lines that follow its first begin `inset`
/// characters from the left; a word that is wider than a line stays whole.
pub(crate) fn push(text: &mut String, line: &str, inset: usize, width: Option<usize>) {
    let line: &str = &style::line(line);
    let Some(width) = width.filter(|width| visible(line) > *width) else {
        text.push_str(line);
        text.push('\n');
        return;
    };
    let words = line.trim_start_matches(' ');
    let mut column = line.len() - words.len();
    text.push_str(&" ".repeat(column));
    let mut first = true;
    for word in words.split(' ') {
        let long = visible(word);
        if !first && column + 1 + long > width {
            text.push('\n');
            text.push_str(&" ".repeat(inset));
            column = inset;
        } else if !first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += long;
        first = false;
    }
    text.push('\n');
}

/// How many columns a text takes on a screen.
fn visible(text: &str) -> usize {
    strip_str(text).map(UnicodeWidthStr::width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(line: &str, width: Option<usize>) -> String {
        let mut text = String::new();
        push(&mut text, line, 4, width);
        text
    }

    #[test]
    fn lines_break_between_words() {
        let line = "  - one two three";
        assert_eq!(wrapped(line, None), "  - one two three\n");
        assert_eq!(wrapped(line, Some(17)), "  - one two three\n");
        assert_eq!(wrapped(line, Some(16)), "  - one two\n    three\n");
        assert_eq!(wrapped("a endlessword", Some(5)), "a\n    endlessword\n");
    }

    #[test]
    fn colours_take_no_room() {
        let line = format!("  {} one two", style::paint(style::ERROR, "x"));
        assert_eq!(wrapped(&line, Some(11)), format!("{line}\n"));
    }
}
