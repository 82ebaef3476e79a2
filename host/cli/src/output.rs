//! Where text goes: data to stdout, everything else to stderr, colours where there is a terminal for them.
//!
//! A reader that goes away, as in `quotagate offers | head -1`, is no failure: what is left is not written.

use std::{
    error::Error,
    io::{self, ErrorKind, IsTerminal, StdoutLock, Write as _},
};

use anstream::{AutoStream, ColorChoice};
use quotagate::text;
use serde::Serialize;

use crate::{
    args::{ColorWhen, Format, Global},
    error::CliError,
    render::style,
};

/// What the place that text is shown at can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Columns; none where text can be as wide as it is.
    pub(crate) width: Option<usize>,
    /// Whether it shows nothing but ASCII well.
    pub(crate) ascii: bool,
}

/// Writes everything that a command says.
pub(crate) struct Output {
    stdout: AutoStream<StdoutLock<'static>>,
    stdout_closed: bool,
    stderr_color: ColorChoice,
    /// Whether waiting can be shown.
    pub(crate) lively: bool,
    quiet: bool,
    /// How data is printed.
    pub(crate) format: Format,
    /// What stdout can show.
    pub(crate) screen: Screen,
}

impl Output {
    /// Looks at the terminal and the variables that speak of it.
    pub(crate) fn new(global: &Global) -> Self {
        let choice = choice(global);
        // Tables are always built with colours, and lose them on the way out where there should be none.
        crossterm::style::force_color_output(true);
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let variable = |name| std::env::var(name).ok();
        let ascii = variable("TERM").as_deref() == Some("dumb");
        let columns = variable("COLUMNS").and_then(|columns| columns.parse().ok());
        let measured = is_terminal
            .then(crossterm::terminal::size)
            .and_then(Result::ok);
        let measured = measured.map(|(columns, _)| usize::from(columns));
        Self {
            stdout: AutoStream::new(stdout.lock(), choice),
            stdout_closed: false,
            stderr_color: choice,
            // A recorded account is there at once.
            lively: io::stderr().is_terminal()
                && !global.quiet
                && !ascii
                && global.verbose == 0
                && global.recorded.is_none(),
            quiet: global.quiet,
            format: global.format,
            screen: Screen {
                width: columns.or(measured).filter(|width| *width > 0),
                ascii,
            },
        }
    }

    /// Prints data.
    pub(crate) fn data(&mut self, text: &str) -> Result<(), CliError> {
        if self.stdout_closed {
            return Ok(());
        }
        let written = self.stdout.write_all(style::settle(text).as_bytes());
        let written = written.and_then(|()| self.stdout.flush());
        self.unless_closed(written)
    }

    /// Writes bytes that are no text, as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let mut stdout = io::stdout();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        self.unless_closed(written)
    }

    fn unless_closed(&mut self, written: io::Result<()>) -> Result<(), CliError> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.stdout_closed = true;
                Ok(())
            }
            written => written.map_err(CliError::Stdout),
        }
    }

    /// Whether whoever read stdout has gone.
    pub(crate) const fn is_closed(&self) -> bool {
        self.stdout_closed
    }

    /// Prints data as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let mut json = serde_json::to_string_pretty(value)?;
        json.push('\n');
        self.data(&text::json(&json))
    }

    /// Says something to whoever watches, in a line.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.talk(&style::line(text));
        }
    }

    /// Says what is likely a mistake, or a danger.
    pub(crate) fn warn(&self, text: &str) {
        let word = style::paint(style::DOUBT, "warning");
        self.note(&format!("{word}: {text}"));
    }

    /// Says why there is no answer, with what lies behind it and what to do.
    pub(crate) fn error(&self, error: &CliError) {
        let told = error.to_string();
        let told = text::line(&told);
        let mut text = format!("{}: {told}", style::paint(style::ERROR, "error"));
        let mut said = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Some errors tell their cause themselves.
            if !said.contains(&words) {
                text.push_str(&format!("\n  caused by: {}", text::line(&words)));
            }
            said = words;
            cause = error.source();
        }
        if let Some(hint) = error.hint() {
            let hint = text::line(&hint);
            text.push_str(&format!("\n{}: {hint}", style::paint(style::HINT, "hint")));
        }
        self.talk(&text);
    }

    fn talk(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr(), self.stderr_color);
        // Nobody is left to tell where stderr is closed.
        let _unheard = writeln!(stderr, "{}", style::settle(text));
    }
}

/// Waits until nobody reads stdout any more, as in `quotagate watch | head -1`. Where stdout is no pipe, for ever.
pub(crate) async fn nobody_reads() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use tokio::{io::Interest, net::unix::pipe::Sender};
        // Nothing is written through it, so stdout may stay one that writes wait for.
        let stdout = io::stdout().as_fd().try_clone_to_owned();
        if let Ok(stdout) = stdout.and_then(Sender::from_owned_fd_unchecked)
            && stdout.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
    }
    std::future::pending().await
}

/// Where the log goes: stderr, with what is not shown taken out. Of all controls it writes line ends and, where there are
/// colours, colours; the log itself escapes those that it is given.
pub(crate) struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let shown = |character| match character {
            '\n' | '\u{1b}' => character,
            hidden if text::is_hidden(hidden) => text::shown(hidden),
            character => character,
        };
        let text: String = text.chars().map(shown).collect();
        io::stderr().write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Whether stderr shows colours.
pub(crate) fn stderr_is_coloured(global: &Global) -> bool {
    match choice(global) {
        ColorChoice::Auto => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        chosen => chosen != ColorChoice::Never,
    }
}

const fn choice(global: &Global) -> ColorChoice {
    match global.color {
        ColorWhen::Auto => ColorChoice::Auto,
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    }
}
