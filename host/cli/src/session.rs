//! A gate for the account that the options name: live or recorded, with the plugin that they name.

use std::{fs, path::Path, sync::Arc, time::Duration};

use quotagate::{Gate, GateOptions, Plugin, PluginOptions, RefreshOptions, Source};
use quotagate_nebius::{
    ConnectOptions, CredentialsChoice, Deadlines, Environment, NebiusClient, RecordedWorld,
};

use crate::{args::Global, error::CliError};

/// A gate, and the account behind it.
pub(crate) struct Session {
    /// Judges launches.
    pub(crate) gate: Gate,
    /// The project of the profile in use: where launches go that could go to several.
    pub(crate) usual_project: Option<String>,
}

impl Session {
    /// Opens the account that the options name. With a project, nothing of the other projects is read.
    pub(crate) fn open(global: &Global, project: Option<&str>) -> Result<Self, CliError> {
        let (source, usual_project): (Arc<dyn Source>, _) = match &global.recorded {
            Some(world) => (Arc::new(RecordedWorld::read(world)?), None),
            None => {
                let client = connect(global, project)?;
                let usual = client.connection().project;
                (Arc::new(client), usual)
            }
        };
        let mut gate = Gate::builder(load_plugin(global)?, source).options(options(global));
        if let Some(project) = project {
            gate = gate.project(project);
        }
        Ok(Self {
            gate: gate.build()?,
            usual_project,
        })
    }
}

/// How a gate behaves that answers once: it waits for every source, as long as each may take.
fn options(global: &Global) -> GateOptions {
    let patience = global.timeout.saturating_add(Duration::from_secs(5));
    GateOptions {
        refresh: RefreshOptions {
            // The account is read before its projects are known.
            first_wait: patience.saturating_mul(2),
            verify_wait: patience,
            ..RefreshOptions::default()
        },
        ..GateOptions::default()
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
        },
        ..ConnectOptions::new(Environment::from_process())
    };
    Ok(NebiusClient::new(&options)?)
}

/// Loads the plugin that the options name, else the built-in one.
pub(crate) fn load_plugin(global: &Global) -> Result<Plugin, CliError> {
    let options = PluginOptions {
        sha256: global.plugin_sha256.clone(),
        ..PluginOptions::default()
    };
    let path = global.plugin.as_deref();
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
