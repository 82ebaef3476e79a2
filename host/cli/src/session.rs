//! A gate for the account that the options name: live or recorded, with the plugin that they name.

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use quotagate::{
    Clock, CompileCache, Gate, GateOptions, HoldOptions, Plugin, PluginOptions, Source, Strictness,
};
use quotagate_config::{Config, Lookup, keys};
use quotagate_nebius::{
    ConnectOptions, CredentialsChoice, Deadlines, Environment, NebiusClient, RecordedWorld,
};

use crate::{args::Global, error::CliError, output::Output};

/// A gate, and the account behind it.
pub(crate) struct Session {
    /// Judges launches.
    pub(crate) gate: Gate,
    /// The project of the profile in use: where launches go that could go to several.
    pub(crate) usual_project: Option<String>,
    /// What lists leave out, where no option says so.
    pub(crate) strictness: Strictness,
}

impl Session {
    /// Opens the account that the options name, and says how old it is where it was recorded. With a project, nothing of
    /// the other projects is read.
    pub(crate) fn open(
        global: &Global,
        project: Option<&str>,
        output: &Output,
    ) -> Result<Self, CliError> {
        Self::open_with(global, project, output, |_| {})
    }

    /// The same, with changes to how the gate behaves.
    pub(crate) fn open_with(
        global: &Global,
        project: Option<&str>,
        output: &Output,
        change: impl FnOnce(&mut GateOptions),
    ) -> Result<Self, CliError> {
        let config = configure(global, output)?;
        let mut clock = Clock::system();
        let (source, usual_project): (Arc<dyn Source>, _) = match &global.recorded {
            Some(directory) => {
                let world = RecordedWorld::read(directory)?;
                for unknown in world.unknown_words() {
                    output.warn(&unknown);
                }
                if let Some(recorded_at) = world.recorded_at() {
                    output.note(&recorded(recorded_at));
                    // What was near then is near now.
                    clock = Clock::stopped_at(recorded_at);
                }
                (Arc::new(world), None)
            }
            None => {
                let client = connect(global, project)?;
                let connection = client.connection();
                for warning in &connection.warnings {
                    output.warn(warning);
                }
                (Arc::new(client), connection.project)
            }
        };
        let mut options = options(&config);
        change(&mut options);
        let mut gate = Gate::builder(load_plugin(&config)?, source)
            .options(options)
            .clock(clock);
        if let Some(project) = project {
            gate = gate.project(project);
        }
        Ok(Self {
            gate: gate.build()?,
            usual_project,
            strictness: config.settings().gate.list.strictness,
        })
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
    let gate = config.settings().gate.clone();
    GateOptions {
        holds: HoldOptions {
            file: None,
            ..gate.holds
        },
        ..gate
    }
}

/// Sets up a client for the live account that the options name.
pub(crate) fn connect(global: &Global, project: Option<&str>) -> Result<NebiusClient, CliError> {
    let usual = Deadlines::default();
    let credentials = match &global.credentials {
        Some(file) => CredentialsChoice::ServiceAccountFile(file.clone()),
        None => CredentialsChoice::Find,
    };
    let options = ConnectOptions {
        credentials,
        profile: global.profile.clone(),
        tenant: global.tenant.clone(),
        project: project.map(str::to_owned),
        endpoint: global.endpoint.clone(),
        deadlines: Deadlines {
            call: usual.call.min(global.timeout),
            source: global.timeout,
            connect: usual.connect.min(global.timeout),
            exchange: usual.exchange.min(global.timeout),
            helper: usual.helper.min(global.timeout),
        },
        ..ConnectOptions::new(Environment::from_process())
    };
    Ok(NebiusClient::new(&options)?)
}

/// Loads the plugin that the configuration names, else the built-in one.
pub(crate) fn load_plugin(config: &Config) -> Result<Plugin, CliError> {
    let configured = &config.settings().plugin;
    let options = PluginOptions {
        limits: configured.limits.clone(),
        sha256: configured.sha256.clone(),
        cache: CompileCache::User,
    };
    let path = configured.path.as_deref();
    let bytes = path.map(read).transpose()?;
    let bytes = bytes.as_deref().unwrap_or(quotagate_plugins::NEBIUS.bytes);
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
