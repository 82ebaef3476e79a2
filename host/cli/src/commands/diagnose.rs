//! `quotagate diagnose`: what a failed launch failed for. Needs no account.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use quotagate::{CallError, Gate, GateError, StaticSource};

use crate::{
    args::{Diagnose, Format, Global},
    error::{CliError, Exit},
    failure::Given,
    input,
    output::Output,
    render::diagnosis,
    session::Opening,
};

/// Says what the error that the options name means.
pub(crate) async fn run(
    global: &Global,
    options: &Diagnose,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let opening = Opening::new(global, output)?;
    let from_stdin = options.code.is_none() && options.details.is_none();
    if from_stdin && input::is_stdin(&options.file) && io::stdin().is_terminal() {
        output.note("waiting for an error on stdin; Ctrl-D ends it");
    }
    let given = Given::read(options)?;
    let cloud = opening.plugin.descriptor().clone();
    let nothing = StaticSource::new(&cloud.cloud, quotagate_contract::Inventory::default());
    let gate = Gate::builder(opening.plugin, Arc::new(nothing))
        .options(opening.options)
        .build()?;
    let diagnosis = match gate.diagnose(&given.failure, None).await {
        Err(GateError::Call(CallError::Refused(refusal))) => {
            return Err(CliError::NoFailure {
                file: given.file,
                why: refusal.message,
            });
        }
        diagnosis => diagnosis?,
    };
    match output.format {
        Format::Json => output.json(&diagnosis::json(&diagnosis))?,
        Format::Table => {
            let text = diagnosis::text(&diagnosis, &given.message, &cloud, &output.screen);
            output.data(&text)?;
        }
    }
    Ok(Exit::Done)
}
