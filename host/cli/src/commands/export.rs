//! `quotagate plugin export`: the bytes of a built-in plugin, for packages of other languages.

use std::{fs, path::Path};

use crate::{
    error::{CliError, Exit},
    input,
    output::Output,
};

/// Writes the plugin for `cloud` to `file`, or to stdout where that is `-`.
pub(crate) fn run(cloud: &str, file: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let plugin = quotagate_plugins::ALL
        .iter()
        .find(|plugin| plugin.name == cloud)
        .ok_or_else(|| {
            let names: Vec<_> = quotagate_plugins::ALL
                .iter()
                .map(|plugin| plugin.name)
                .collect();
            CliError::UnknownName {
                kind: "built-in plugin",
                name: cloud.to_owned(),
                place: String::new(),
                hint: format!("there is {}", names.join(", ")),
            }
        })?;
    if input::is_stdin(file) {
        output.bytes(plugin.bytes)?;
    } else {
        fs::write(file, plugin.bytes).map_err(|source| CliError::File {
            verb: "write",
            path: file.to_owned(),
            source,
        })?;
    }
    output.note(&format!("sha256 {}", plugin.sha256));
    Ok(Exit::Done)
}
