//! The emulator as a program: reads a world, prints where it listens, serves until it is told to stop.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
    time::Duration,
};

use clap::Parser;
use nebius_api::world::World;
use nebius_emulator::{Emulator, Faults, ServiceAccountKey, Settings};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Serves one account, recorded in a directory, over the gRPC API of Nebius.
///
/// The first line on stdout says where: `listening on HOST:PORT`. RUST_LOG=info logs every call to stderr.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The directory that holds the account.
    #[arg(long, value_name = "DIR")]
    world: PathBuf,
    /// Where to listen; port 0 takes a free one. Without --tls only loopback addresses will do.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: String,
    /// Serve TLS with this certificate chain and key, both PEM.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    tls: Option<Vec<PathBuf>>,
    /// What goes wrong, as JSON.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// How the cloud behaves where the real one leaves a choice, and the hardware that is left, as JSON.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Another tenant, held in a directory, which this token opens; may be repeated.
    #[arg(long, value_name = "TOKEN=DIR")]
    tenant: Vec<Tenant>,
    /// A service account's key, by which signed assertions are checked; may be repeated.
    #[arg(long, value_name = "SERVICE_ACCOUNT:KEY_ID=PEM_FILE")]
    public_key: Vec<PublicKey>,
    /// Accept this token, and no others than these and the ones handed out; may be repeated. Without it any token
    /// passes.
    #[arg(long)]
    token: Vec<String>,
    /// How long a token that is handed out lives.
    #[arg(long, value_name = "SECONDS")]
    token_life: Option<u64>,
}

#[derive(Clone)]
struct PublicKey {
    service_account_id: String,
    key_id: String,
    file: PathBuf,
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once(':')
            .and_then(|(account, rest)| Some((account, rest.split_once('=')?)));
        match parts {
            Some((account, (key, file))) if ![account, key, file].contains(&"") => Ok(Self {
                service_account_id: account.to_owned(),
                key_id: key.to_owned(),
                file: PathBuf::from(file),
            }),
            _ => Err("expected SERVICE_ACCOUNT:KEY_ID=PEM_FILE"),
        }
    }
}

#[derive(Clone)]
struct Tenant {
    token: String,
    world: PathBuf,
}

impl FromStr for Tenant {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((token, world)) if ![token, world].contains(&"") => Ok(Self {
                token: token.to_owned(),
                world: PathBuf::from(world),
            }),
            _ => Err("expected TOKEN=DIR"),
        }
    }
}

/// A file that an argument names cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {source}", path.display())]
struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is closed.
            let _unheard = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut builder = Emulator::builder(World::read(&arguments.world)?);
    if let Some(file) = &arguments.faults {
        builder = builder.faults(Faults::read(file)?);
    }
    if let Some(file) = &arguments.settings {
        builder = builder.settings(Settings::read(file)?);
    }
    for tenant in arguments.tenant {
        builder = builder.tenant(World::read(&tenant.world)?, [tenant.token]);
    }
    for key in arguments.public_key {
        let pem = read(key.file)?;
        let key = ServiceAccountKey::from_pem(&key.service_account_id, &key.key_id, &pem)?;
        builder = builder.service_account_key(key);
    }
    for token in arguments.token {
        builder = builder.static_token(token);
    }
    if let Some(seconds) = arguments.token_life {
        builder = builder.token_life(Duration::from_secs(seconds));
    }
    if let Some([certificate, key]) = arguments.tls.as_deref() {
        builder = builder.tls(read(certificate.clone())?, read(key.clone())?);
    }

    let stop = stop_signal()?;
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on `{}`: {error}", arguments.listen))?;
    let address = listener.local_addr()?;
    let serving = builder.build().serve(listener, stop)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {address}")?;
    stdout.flush()?;
    serving.await?;
    Ok(())
}

fn read(path: PathBuf) -> Result<Vec<u8>, Unreadable> {
    fs::read(&path).map_err(|source| Unreadable { path, source })
}

/// Done on ctrl-c or SIGTERM. The handlers are in place before this returns, so that no early signal kills.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done on ctrl-c.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _stopped = tokio::signal::ctrl_c().await;
    })
}
