//! What each command does.

mod check;
mod config;
mod demo;
mod diagnose;
mod doctor;
mod export;
mod inspect;
mod offers;
mod plan;
mod quotas;
mod record;
mod watch;

use crate::{
    args::{Cli, Command, ConfigCommand, PluginCommand},
    error::{CliError, Exit},
    output::Output,
};

/// Does what the command line asks for.
pub(crate) async fn run(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo => demo::run(global, output).await,
        Command::Offers(options) => offers::run(global, options, output).await,
        Command::Check(options) => check::run(global, options, output).await,
        Command::Diagnose(options) => diagnose::run(global, options, output).await,
        Command::Quotas(options) => quotas::run(global, options, output).await,
        Command::Watch(options) => watch::run(global, options, output).await,
        Command::Record(options) => record::run(global, options, output).await,
        Command::Doctor => doctor::run(global, output).await,
        Command::Config(ConfigCommand::Show) => config::show(global, output),
        Command::Config(ConfigCommand::Default) => config::default(output),
        Command::Plugin(PluginCommand::Inspect { file }) => inspect::run(file, global, output),
        Command::Plugin(PluginCommand::Export {
            cloud,
            output: file,
        }) => export::run(cloud, file, output),
    }
}
