//! `quotagate config`: what is in force and where it came from, and a file with every default.

use quotagate_config::default_file;

use crate::{
    args::{Format, Global},
    error::{CliError, Exit},
    output::Output,
    render::config,
    session::configure,
};

/// Prints every key in force.
pub(crate) fn show(global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    let in_force = configure(global, output)?;
    match output.format {
        Format::Json => output.json(&config::json(&in_force))?,
        Format::Table => {
            output.data(&config::text(&in_force, &output.screen))?;
            output.note(&match in_force.file() {
                Some(file) => format!("the file is `{}`", file.display()),
                None => String::from(
                    "there is no file: neither ./quotagate.toml nor one of the user's own; `quotagate config default` prints one to start from",
                ),
            });
        }
    }
    Ok(Exit::Done)
}

/// Prints a file with every default. What is configured does not matter here, so that it can be mended by this.
pub(crate) fn default(output: &mut Output) -> Result<Exit, CliError> {
    output.data(&default_file())?;
    Ok(Exit::Done)
}
