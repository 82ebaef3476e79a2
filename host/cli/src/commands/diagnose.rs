//! `quotagate diagnose`: what a failed launch failed for. Needs no account.

use std::io::{self, IsTerminal as _};

use crate::{
    args::{Diagnose, Format, Global},
    error::{CliError, Exit},
    failure::Given,
    input,
    output::Output,
    render::diagnosis,
    session::{configure, load_plugin},
};

/// Says what the error that the options name means.
pub(crate) fn run(
    global: &Global,
    options: &Diagnose,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let config = configure(global, output)?;
    let from_stdin = options.code.is_none() && options.details_base64.is_none();
    if from_stdin && input::is_stdin(&options.file) && io::stdin().is_terminal() {
        output.note("waiting for an error on stdin; Ctrl-D ends it");
    }
    let given = Given::read(options)?;
    let diagnosis = given.diagnose(&load_plugin(&config)?)?;
    match output.format {
        Format::Json => output.json(&diagnosis)?,
        Format::Table => {
            let text = diagnosis::text(diagnosis, &given.message, &output.screen)?;
            output.data(&text)?;
        }
    }
    Ok(Exit::Done)
}
