//! A gate for the account that the options name: live or recorded, with the plugin that they name.

use std::{fs, path::Path, time::Duration};

use jiff::Timestamp;
use quotagate::{
    Clock, CompileCache, Descriptor, Gate, GateOptions, Plugin, PluginOptions, Strictness,
};
use quotagate_config::{Config, Lookup, keys};

use crate::{
    args::Global,
    clouds::{self, Cloud},
    error::CliError,
    output::Output,
};

/// A gate, and the account behind it.
pub(crate) struct Session {
    /// Judges launches.
    pub(crate) gate: Gate,
    /// What its plugin says of the cloud.
    descriptor: Descriptor,
    /// The project of the profile in use: where launches go that could go to several.
    pub(crate) usual_project: Option<String>,
    /// What lists leave out, where no option says so.
    pub(crate) strictness: Strictness,
}

impl Session {
    /// Of a gate that is there already.
    pub(crate) fn of(gate: Gate) -> Self {
        Self {
            descriptor: gate.plugin().descriptor().clone(),
            gate,
            usual_project: None,
            strictness: Strictness::Advisory,
        }
    }

    /// Opens the account that the options name, and says how old it is where it was recorded. With a project, nothing of
    /// the other projects is read.
    pub(crate) fn open(
        global: &Global,
        project: Option<&str>,
        output: &Output,
    ) -> Result<Self, CliError> {
        Opening::new(global, output)?.open(global, project, output)
    }

    /// What its plugin says of the cloud.
    pub(crate) const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

/// All that a session needs besides the account: nothing was asked of the network yet.
pub(crate) struct Opening {
    /// The cloud that is meant.
    pub(crate) cloud: &'static Cloud,
    /// Judges it.
    pub(crate) plugin: Plugin,
    /// How the gate behaves.
    pub(crate) options: GateOptions,
    strictness: Strictness,
}

impl Opening {
    /// Reads the configuration, chooses the cloud and loads its plugin.
    pub(crate) fn new(global: &Global, output: &Output) -> Result<Self, CliError> {
        let config = configure(global, output)?;
        let cloud = clouds::choose(global)?;
        Ok(Self {
            cloud,
            plugin: load_plugin(&config, cloud)?,
            options: options(&config),
            strictness: config.settings().gate.list.strictness,
        })
    }

    /// Opens the account that the options name.
    pub(crate) fn open(
        self,
        global: &Global,
        project: Option<&str>,
        output: &Output,
    ) -> Result<Session, CliError> {
        let account = open_account(self.cloud, global, project)?;
        for warning in &account.warnings {
            output.warn(warning);
        }
        let descriptor = self.plugin.descriptor().clone();
        let mut gate = Gate::builder(self.plugin, account.source).options(self.options);
        if let Some(recorded_at) = account.recorded_at {
            output.note(&recorded(recorded_at));
            // What was near then is near now.
            gate = gate.clock(Clock::stopped_at(recorded_at));
        }
        if let Some(project) = project {
            gate = gate.project(project);
        }
        Ok(Session {
            gate: gate.build()?,
            descriptor,
            usual_project: account.usual_project,
            strictness: self.strictness,
        })
    }
}

/// Finds the account that the options name: recorded or live.
pub(crate) fn open_account(
    cloud: &Cloud,
    global: &Global,
    project: Option<&str>,
) -> Result<clouds::Account, CliError> {
    match &global.recorded {
        Some(directory) => (cloud.read)(directory),
        None => (cloud.connect)(global, project),
    }
}

/// When an account was recorded, and how long ago that is.
pub(crate) fn recorded(recorded_at: u64) -> String {
    let age = Duration::from_millis(Clock::system().now_ms().saturating_sub(recorded_at));
    let instant = i64::try_from(recorded_at)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    let at = instant.map_or_else(String::new, |instant| format!(" ({instant:.0})"));
    format!("recorded {} ago{at}; nothing here is newer", rough(age))
}

/// A duration as people say it.
fn rough(age: Duration) -> String {
    let seconds = age.as_secs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// Reads the configuration, with what the command line says over it, and tells what was passed over.
pub(crate) fn configure(global: &Global, output: &Output) -> Result<Config, CliError> {
    let config = Config::load(&Lookup::from_process(global.config.clone()))?;
    for note in config.notes() {
        output.warn(&note.to_string());
    }
    Ok(with_options(config, global))
}

/// A configuration with what the command line says over it, and with the defaults of a gate that answers once.
pub(crate) fn with_options(mut config: Config, global: &Global) -> Config {
    if let Some(path) = &global.plugin {
        config.set(keys::PLUGIN_PATH, "--plugin", |to| {
            to.plugin.path = Some(path.clone());
        });
    }
    if let Some(digest) = &global.plugin_sha256 {
        config.set(keys::PLUGIN_SHA256, "--plugin-sha256", |to| {
            to.plugin.sha256 = Some(digest.clone());
        });
    }
    // It waits for every source, as long as each may take; the account is read before its projects are known.
    let patience = global.timeout.saturating_add(Duration::from_secs(5));
    config.set_default(keys::FIRST_WAIT, "--timeout", |to| {
        to.gate.refresh.first_wait = patience.saturating_mul(2);
    });
    config.set_default(keys::VERIFY_WAIT, "--timeout", |to| {
        to.gate.refresh.verify_wait = patience;
    });
    // Who asks for a list wants to see why something is not available.
    config.set_default(keys::LIST_STRICTNESS, "default of `offers`", |to| {
        to.gate.list.strictness = Strictness::Advisory;
    });
    config
}

/// How a gate behaves that answers once: it makes no holds, and leaves the file to the process that does.
pub(crate) fn options(config: &Config) -> GateOptions {
    let mut options = config.settings().gate.clone();
    options.holds.file = None;
    options
}

/// Loads the plugin that the configuration names, else the built-in one of the cloud.
pub(crate) fn load_plugin(config: &Config, cloud: &Cloud) -> Result<Plugin, CliError> {
    let configured = &config.settings().plugin;
    let options = PluginOptions {
        limits: configured.limits.clone(),
        sha256: configured.sha256.clone(),
        cache: CompileCache::Default,
        ..PluginOptions::default()
    };
    let path = configured.path.as_deref();
    let bytes = path.map(read).transpose()?;
    let bytes = bytes.as_deref().unwrap_or(cloud.plugin.bytes);
    Plugin::load_with(bytes, &options).map_err(|source| CliError::Plugin {
        path: path.map(Path::to_owned),
        source,
    })
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|source| CliError::File {
        verb: "read",
        path: path.to_owned(),
        source,
    })
}
