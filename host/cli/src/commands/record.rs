//! `quotagate record`: writes the account down, as a world or as an inventory.

use std::{fs, path::Path};

use quotagate::{SourceState, text};

use crate::{
    args::{Global, Record},
    clouds,
    error::{CliError, Exit},
    input,
    output::Output,
    progress,
    render::sources,
    session::Session,
};

/// Writes what the options ask for. What could not be read whole ends with a failure.
pub(crate) async fn run(
    global: &Global,
    options: &Record,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Done;
    if let Some(directory) = &options.directory {
        if global.recorded.is_some() {
            return Err(CliError::Usage {
                message: String::from("--recorded names an account that is recorded already"),
                hint: String::from("leave it out to record the live account"),
            });
        }
        let cloud = clouds::choose(global)?;
        exit = (cloud.record)(global, options, directory, output).await?;
    }
    if let Some(file) = &options.inventory
        && write_inventory(global, file, output).await? == Exit::Failure
    {
        exit = Exit::Failure;
    }
    Ok(exit)
}

/// Writes all that a plugin is shown of the account, as JSON.
async fn write_inventory(
    global: &Global,
    file: &Path,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::open(global, None, output)?;
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    let contract = inventory.contract();
    let is_silent = |source: &quotagate::SourceReport| source.state == SourceState::Unavailable;
    if contract.sources.iter().all(is_silent) {
        let why = contract
            .sources
            .into_iter()
            .find_map(|source| source.detail);
        return Err(CliError::Unreadable {
            what: String::from("anything about the account, so nothing is written"),
            list: String::from("every list"),
            why: why.unwrap_or_default(),
        });
    }
    if input::is_stdin(file) {
        output.json(&contract)?;
    } else {
        let mut json = serde_json::to_string_pretty(&contract)?;
        json.push('\n');
        fs::write(file, &*text::json(&json)).map_err(|source| CliError::File {
            verb: "write",
            path: file.to_owned(),
            source,
        })?;
        output.note(&format!("wrote the inventory to `{}`", file.display()));
    }
    let gaps = sources::gaps(&contract.sources, session.descriptor());
    for gap in &gaps {
        output.note(&format!("not read to the end: {gap}"));
    }
    Ok(if gaps.is_empty() {
        Exit::Done
    } else {
        Exit::Failure
    })
}
