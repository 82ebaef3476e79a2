//! `quotagate plugin inspect`: what a component is and what it asks for.

use std::{path::Path, time::Instant};

use quotagate::{CompileCache, Needs, Plugin, PluginOptions, plugin::CONTRACT_VERSION, text};
use serde::Serialize;

use crate::{
    args::{Format, Global},
    error::{CliError, Exit},
    output::Output,
    session,
};

/// What a plugin is, as programs read it.
#[derive(Serialize)]
struct PluginJson<'a> {
    file: String,
    contract: &'static str,
    cloud: &'a str,
    version: &'a str,
    needs: Vec<&'static str>,
    imports: &'a [String],
    size: usize,
    sha256: &'a str,
    load_ms: f64,
}

/// Describes the component in `file`.
pub(crate) fn run(file: &Path, global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    let bytes = session::read(file)?;
    let options = PluginOptions {
        // A component that is only looked at leaves nothing behind.
        cache: CompileCache::Off,
        sha256: global.plugin_sha256.clone(),
        ..PluginOptions::default()
    };
    let start = Instant::now();
    let plugin = Plugin::load_with(&bytes, &options).map_err(|source| CliError::Plugin {
        path: Some(file.to_owned()),
        source,
    })?;
    let load_ms = start.elapsed().as_secs_f64() * 1000.0;
    let descriptor = plugin.descriptor();
    let described = PluginJson {
        file: file.display().to_string(),
        contract: CONTRACT_VERSION,
        cloud: &descriptor.cloud,
        version: &descriptor.version,
        needs: needs(descriptor.needs),
        imports: plugin.imports(),
        size: plugin.size(),
        sha256: plugin.sha256(),
        load_ms: (load_ms * 10.0).round() / 10.0,
    };
    match output.format {
        Format::Json => output.json(&described)?,
        Format::Table => output.data(&text(&described))?,
    }
    Ok(Exit::Done)
}

fn text(plugin: &PluginJson<'_>) -> String {
    let or_nothing = |words: String| {
        if words.is_empty() {
            String::from("nothing")
        } else {
            words
        }
    };
    let imports: Vec<_> = plugin
        .imports
        .iter()
        .map(|import| text::line(import))
        .collect();
    let lines = [
        ("file", text::line(&plugin.file).into_owned()),
        ("cloud", text::line(plugin.cloud).into_owned()),
        ("version", text::line(plugin.version).into_owned()),
        ("contract", plugin.contract.to_owned()),
        ("needs", or_nothing(plugin.needs.join(", "))),
        ("imports", or_nothing(imports.join("\n          "))),
        ("size", format!("{} bytes", plugin.size)),
        ("sha256", plugin.sha256.to_owned()),
        (
            "loads in",
            format!("{:.1} ms, without a cache", plugin.load_ms),
        ),
    ];
    lines
        .iter()
        .map(|(name, value)| format!("{name:<10}{value}\n"))
        .collect()
}

/// What a plugin asks the inventory for, by the names of the contract.
fn needs(needs: Needs) -> Vec<&'static str> {
    let names = [
        (Needs::ALLOWANCES, "allowances"),
        (Needs::INSTANCE_TYPES, "instance-types"),
        (Needs::CAPACITIES, "capacities"),
        (Needs::RESERVATIONS, "reservations"),
    ];
    let asked = names.into_iter().filter(|(need, _)| needs.contains(*need));
    asked.map(|(_, name)| name).collect()
}
