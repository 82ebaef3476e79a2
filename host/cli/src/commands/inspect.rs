//! `quotagate plugin inspect`: what a component is and what it asks for.

use std::{path::Path, time::Instant};

use quotagate::{
    CompileCache, LifecycleKind, NeedKind, Plugin, PluginOptions, SourceNeed, Unit, text,
};
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
    title: &'a str,
    version: &'a str,
    sources: &'a [SourceNeed],
    lifecycles: &'a [LifecycleKind],
    kinds: &'a [NeedKind],
    levels: &'a [String],
    zone_word: &'a str,
    units: &'a [Unit],
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
        contract: quotagate_contract::VERSION,
        cloud: &descriptor.cloud,
        title: &descriptor.title,
        version: &descriptor.version,
        sources: &descriptor.sources,
        lifecycles: &descriptor.lifecycles,
        kinds: &descriptor.kinds,
        levels: &descriptor.levels,
        zone_word: &descriptor.zone_word,
        units: &descriptor.units,
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
    let shown = |words: &mut dyn Iterator<Item = &str>| {
        let words: Vec<String> = words.map(|word| text::line(word).into_owned()).collect();
        words
    };
    let imports = shown(&mut plugin.imports.iter().map(String::as_str));
    let needs = shown(&mut plugin.sources.iter().map(|source| source.kind.as_str()));
    let lifecycles = shown(&mut plugin.lifecycles.iter().map(|kind| kind.name.as_str()));
    let kinds = shown(&mut plugin.kinds.iter().map(|kind| kind.kind.as_str()));
    let owners = shown(&mut plugin.levels.iter().map(String::as_str));
    let lines = [
        ("file", text::line(&plugin.file).into_owned()),
        ("cloud", text::line(plugin.cloud).into_owned()),
        ("version", text::line(plugin.version).into_owned()),
        ("contract", plugin.contract.to_owned()),
        ("needs", or_nothing(needs.join(", "))),
        ("sells", or_nothing(lifecycles.join(", "))),
        ("judges", or_nothing(kinds.join("\n          "))),
        ("owners", or_nothing(owners.join(", "))),
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
