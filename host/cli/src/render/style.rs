//! Colours: always on top of words, never instead of them. Output takes them off where they do not belong.

use anstyle::{AnsiColor, Style};
use comfy_table::Color;
use quotagate::{Availability, QuotaOutcome};

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
    format!("{style}{text}{style:#}")
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
