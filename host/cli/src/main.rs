//! The command line `quotagate`: parse, run, exit.
//!
//! Modules, in reading order: [`args`] what can be typed · [`commands`] what each command does · [`clouds`] the clouds that
//! are built in · [`session`] the gate · [`account`] what was read · [`known`] and [`names`] mistyped names · [`launch`],
//! [`needs`], [`plan`], [`failure`], [`catalog`], [`gpu`], [`amount`], [`input`] what options and files mean · [`order`],
//! [`reason`] and [`render`] how verdicts look · [`watch`] what changes · [`output`] and [`progress`] where text goes ·
//! [`error`] exit codes.

mod account;
mod amount;
mod args;
mod catalog;
mod clouds;
mod commands;
mod error;
mod failure;
mod gpu;
mod input;
mod known;
mod launch;
mod names;
mod needs;
mod order;
mod output;
mod plan;
mod progress;
mod reason;
mod render;
mod session;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    args::{Cli, Global},
    error::{CliError, Exit},
    output::Output,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    trace(&cli.global);
    let mut output = Output::new(&cli.global);
    run(&cli, &mut output)
        .unwrap_or_else(|error| {
            output.error(&error);
            error.exit()
        })
        .into()
}

fn run(cli: &Cli, output: &mut Output) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CliError::Start)?;
    let outcome = runtime.block_on(commands::run(cli, output));
    // What still waits, for a file that blocks or for the name of a host, has been given up: nobody waits for it.
    runtime.shutdown_background();
    outcome
}

/// Tells what is done on stderr, where that is asked for.
fn trace(global: &Global) {
    let level = match global.verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = format!("off,quotagate={level},quotagate_nebius={level}");
    fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| output::Log)
        .with_ansi(output::stderr_is_coloured(global))
        .init();
}
