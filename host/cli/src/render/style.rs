//! Colours: always on top of words, never instead of them. Output takes them off where they do not belong.
//!
//! Text from outside may hold colours of its own, and worse. So ours carry a mark that nobody outside can know, and
//! [`settle`], which everything passes on its way out, lets no other control through.

use std::{
    borrow::Cow,
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

use anstyle::{AnsiColor, Style};
use comfy_table::Color;
use quotagate::{Availability, QuotaOutcome, text};

/// Failures and what is blocked.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What to do.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// What works.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What cannot be told.
pub(crate) const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
/// Titles.
pub(crate) const TITLE: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// A text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    let painted = format!("{style}\n{style:#}");
    let (start, end) = painted.split_once('\n').unwrap_or_default();
    format!("{}{}{}", ours(start), text::line(text), ours(end))
}

/// What a colour of ours ends with: one parameter more than colours have, drawn anew by every process.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let drawn = RandomState::new().hash_one("mark");
    format!(";{drawn}m")
});

/// Marks every colour in a text as ours. The text must hold nothing from outside that was not cleaned before.
pub(crate) fn ours(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, colour)) = rest.split_once("\u{1b}[") {
        let (parameters, after) = colour.split_once('m').unwrap_or((colour, ""));
        // Writing to a string never fails.
        let _written = write!(marked, "{before}\u{1b}[{parameters}{}", *MARK);
        rest = after;
    }
    marked.push_str(rest);
    marked
}

/// A line without anything that is not shown, but for colours of ours.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(text::is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let (mut rest, mut at) = (text, 0);
    while let Some(start) = rest.get(at..).and_then(|later| later.find('\u{1b}')) {
        let start = at + start;
        let (before, candidate) = rest.split_at(start);
        match length_of_ours(candidate) {
            Some(length) => {
                let (colour, after) = candidate.split_at(length);
                clean.push_str(&text::line(before));
                clean.push_str(colour);
                (rest, at) = (after, 0);
            }
            None => at = start + 1,
        }
    }
    clean.push_str(&text::line(rest));
    Cow::Owned(clean)
}

/// Lines ready to be written: only colours of ours are left of all controls, without their mark.
pub(crate) fn settle(text: &str) -> Cow<'_, str> {
    let is_ready = |character| !text::is_hidden(character) || character == '\n';
    if text.chars().all(is_ready) {
        return Cow::Borrowed(text);
    }
    let mut settled = String::with_capacity(text.len());
    for (number, text) in text.split('\n').enumerate() {
        if number > 0 {
            settled.push('\n');
        }
        settled.push_str(&line(text).replace(MARK.as_str(), "m"));
    }
    Cow::Owned(settled)
}

/// How long the colour of ours is that a text begins with.
fn length_of_ours(text: &str) -> Option<usize> {
    let (parameters, _) = text.strip_prefix("\u{1b}[")?.split_once(MARK.as_str())?;
    let is_colour = |byte: u8| byte.is_ascii_digit() || byte == b';';
    parameters
        .bytes()
        .all(is_colour)
        .then(|| 2 + parameters.len() + MARK.len())
}

/// The style of an outcome.
pub(crate) const fn outcome(outcome: QuotaOutcome) -> Style {
    match outcome {
        QuotaOutcome::Fits => GOOD,
        QuotaOutcome::Blocked => ERROR,
        QuotaOutcome::Unknown => DOUBT,
    }
}

/// The colour of an availability in a table.
pub(crate) const fn availability(availability: Availability) -> Color {
    match availability {
        Availability::Available => Color::DarkGreen,
        Availability::NoQuota => Color::DarkRed,
        Availability::NoCapacity | Availability::Unknown => Color::DarkYellow,
    }
}

/// A mark for an outcome.
pub(crate) const fn mark(outcome: QuotaOutcome, ascii: bool) -> &'static str {
    match (outcome, ascii) {
        (QuotaOutcome::Fits, false) => "✓",
        (QuotaOutcome::Blocked, false) => "✗",
        (QuotaOutcome::Fits, true) => "+",
        (QuotaOutcome::Blocked, true) => "x",
        (QuotaOutcome::Unknown, _) => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_of_ours_pass() {
        let red = format!("{ERROR}x{ERROR:#}");
        let text = format!("a {} b {red}\u{9b}2J", paint(ERROR, "x\ny"));
        let shown = format!(
            "a {ERROR}x y{ERROR:#} b {}\u{fffd}2J",
            red.replace('\u{1b}', "\u{fffd}")
        );
        assert_eq!(settle(&text), shown);
        assert_eq!(settle("one\ntwo\u{202e}\n"), "one\ntwo\u{fffd}\n");
        // An unfinished one of another, before one of ours.
        let text = format!("\u{1b}[1{}", paint(TITLE, "x"));
        assert_eq!(settle(&text), format!("\u{fffd}[1{TITLE}x{TITLE:#}"));
    }

    #[test]
    fn every_colour_of_a_table_can_be_marked() {
        let coloured = "\u{1b}[1mA\u{1b}[0m \u{1b}[38;5;1mb\u{1b}[39m";
        assert_eq!(settle(&ours(coloured)), coloured);
    }
}
