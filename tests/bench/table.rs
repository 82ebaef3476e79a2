//! Numbers beside the numbers to reach, as a table, and whether all were reached.

use std::{process::ExitCode, time::Duration};

/// One number.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: &'static str,
    /// What came out.
    pub(crate) measured: String,
    /// What should.
    pub(crate) reach: &'static str,
    /// Whether it did; none where it was not measured.
    pub(crate) reached: Option<bool>,
}

/// Prints the rows; a failure where one was missed.
pub(crate) fn print(rows: &[Row]) -> ExitCode {
    for row in rows {
        let mark = match row.reached {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "not measured",
        };
        println!(
            "{:<64} {:<44} {:<16} {mark}",
            row.what, row.measured, row.reach
        );
    }
    if rows.iter().any(|row| row.reached == Some(false)) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The one in the middle.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
