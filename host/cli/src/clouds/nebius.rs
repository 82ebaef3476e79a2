//! Nebius: how its account is found, live or recorded.

mod record;

use std::{path::Path, sync::Arc};

use quotagate_nebius::{
    ConnectOptions, CredentialsChoice, Deadlines, Environment, NebiusClient, RecordedWorld,
};

use super::{Account, Cloud};
use crate::{args::Global, error::CliError};

/// What it calls the finest place that a launch can name.
pub(crate) const ZONE_WORD: &str = "fabric";

/// Its place in the table.
pub(crate) const CLOUD: Cloud = Cloud {
    name: quotagate_nebius::CLOUD,
    plugin: &quotagate_plugins::NEBIUS,
    is_world: RecordedWorld::is_at,
    read,
    connect,
    record: |global, options, directory, output| {
        Box::pin(record::run(global, options, directory, output))
    },
};

/// Opens a recorded account.
fn read(directory: &Path) -> Result<Account, CliError> {
    let world = RecordedWorld::read(directory)?;
    Ok(Account {
        recorded_at: world.recorded_at(),
        usual_project: None,
        warnings: world.unknown_words().collect(),
        found: vec![("account", format!("in `{}`", directory.display()))],
        source: Arc::new(world),
    })
}

/// Finds the live account.
fn connect(global: &Global, project: Option<&str>) -> Result<Account, CliError> {
    let client = client(global, project)?;
    let connection = client.connection();
    let how = match (connection.is_encrypted, &connection.proxy) {
        (true, Some(proxy)) => format!("over TLS through the proxy {proxy}"),
        (true, None) => String::from("over TLS"),
        (false, _) => String::from("in plain text, on this machine"),
    };
    Ok(Account {
        recorded_at: None,
        found: vec![
            ("credentials", connection.credentials.to_string()),
            ("endpoint", format!("{}, {how}", connection.endpoint)),
        ],
        usual_project: connection.project,
        warnings: connection.warnings,
        source: Arc::new(client),
    })
}

/// A client for the live account.
fn client(global: &Global, project: Option<&str>) -> Result<NebiusClient, CliError> {
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
