//! `quotagate demo`: the whole way, from a gRPC server to a verdict, in a made-up account.

use std::sync::Arc;

use clap::Parser as _;
use nebius_emulator::{Emulator, worlds};
use quotagate::Gate;
use quotagate_config::Config;
use quotagate_nebius::{ConnectOptions, Environment, NebiusClient};

use super::{check, offers};
use crate::{
    args::{Cli, Command, Format, Global},
    clouds::nebius,
    error::{CliError, Exit},
    output::Output,
    render::style,
    session::{Session, load_plugin, options, with_options},
};

const OFFERS: [&str; 4] = ["quotagate", "offers", "--gpu", "8"];
const CHECK: [&str; 5] = [
    "quotagate",
    "check",
    "gpu-h200-sxm/8gpu-128vcpu-1600gb",
    "--region",
    "eu-north1",
];

/// Serves the account, lists its offers, and judges a launch that does not fit.
pub(crate) async fn run(global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    if global.format == Format::Json {
        return Err(CliError::Usage {
            message: String::from("the demonstration is for people, and has no form as JSON"),
            hint: String::from("`quotagate offers --format json` prints the offers of an account"),
        });
    }
    let account = [
        ("--recorded", global.recorded.is_some()),
        ("--endpoint", global.endpoint.is_some()),
        ("--profile", global.profile.is_some()),
        ("--tenant", global.tenant.is_some()),
        ("--credentials", global.credentials.is_some()),
    ];
    if let Some((option, _)) = account.iter().find(|(_, is_given)| *is_given) {
        return Err(CliError::Usage {
            message: format!("{option}: the demonstration has an account of its own"),
            hint: String::from("`quotagate offers` lists what another account can launch"),
        });
    }
    let emulator = Emulator::builder(worlds::acme()?).spawn().await?;
    let connection = ConnectOptions {
        endpoint: Some(emulator.addr().to_string()),
        // Nothing of the user's own account is looked at.
        ..ConnectOptions::new(Environment::new::<String, String>([], None))
    };
    let client = NebiusClient::new(&connection)?;
    // Nor at what the user configured.
    let config = with_options(Config::default(), global);
    let gate = Gate::builder(load_plugin(&config, &nebius::CLOUD)?, Arc::new(client))
        .options(options(&config))
        .build()?;
    let session = Session::of(gate);
    output.note(&format!(
        "A made-up account, served on {} and asked over gRPC as the real one would be.",
        emulator.addr()
    ));
    output.note("");
    for line in [&OFFERS[..], &CHECK[..]] {
        output.note(&style::paint(
            style::FAINT,
            &format!("$ {}", line.join(" ")),
        ));
        let mut shown = Cli::try_parse_from(line);
        match shown.as_mut().map(|cli| &cli.command) {
            Ok(Command::Offers(options)) => {
                offers::list(&session, options, None, output).await?;
            }
            Ok(Command::Check(options)) => {
                check::judge(&session, options, output).await?;
            }
            _ => {}
        }
        output.note("");
    }
    for line in [
        "You saw what this account can launch now, why the rest cannot be, and what to do about one of them.",
        "For your own account: `quotagate doctor`, then `quotagate offers`. To keep an account and ask it again:",
        "`quotagate record DIR`, then any command with `--recorded DIR`.",
    ] {
        output.note(line);
    }
    Ok(Exit::Done)
}
