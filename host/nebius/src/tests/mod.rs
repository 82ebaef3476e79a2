//! A cloud of one process for the tests: it serves a world over gRPC and misbehaves on request.

mod hangs;
mod identities;
mod lists;
mod retries;
mod secrets;
mod stub;
mod tenant;
mod tls;
mod token;
mod worlds;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use nebius_api::world::World;
use tonic::{Status, transport::Identity};

use crate::{ConnectOptions, CredentialsChoice, Deadlines, Environment, NebiusClient, Retries};

/// Longer than anything takes on a machine that has other things to do. Who has waited for so long fails.
const PATIENCE: Duration = Duration::from_secs(600);

/// A private key that opens nothing.
pub(crate) const PRIVATE_KEY: &str = include_str!("key.pem");
const PUBLIC_KEY: &str = include_str!("key.pub.pem");

/// What a server does instead of answering.
enum Misdeed {
    /// Refuses.
    Refuse(Box<Status>),
    /// Says nothing.
    Hang,
    /// Answers, and gives this token for the next page.
    NextPage(String),
}

/// A call as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    /// Such as `quotas.List`.
    method: &'static str,
    /// The id that was asked about.
    about: String,
    page_size: i64,
    page_token: String,
    authorization: Option<String>,
    idempotency_key: Option<String>,
    user_agent: Option<String>,
    /// What the client itself tells the server of its deadline.
    timeout: Option<String>,
}

type Temper = dyn Fn(&Seen) -> Option<Misdeed> + Send + Sync;

/// A server that stops with it.
struct Cloud {
    address: SocketAddr,
    stub: Arc<stub::Stub>,
    server: tokio::task::JoinHandle<()>,
}

impl Cloud {
    /// Serves a world in pages of at most so many rows.
    async fn of(
        world: World,
        rows_a_page: usize,
        temper: impl Fn(&Seen) -> Option<Misdeed> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(world, rows_a_page, None, Box::new(temper)).await
    }

    /// Serves the sample account over TLS, and behaves.
    async fn kind_over_tls(identity: Identity) -> Self {
        Self::serving(acme(), 1_000, Some(identity), Box::new(|_| None)).await
    }

    async fn serving(
        world: World,
        rows_a_page: usize,
        identity: Option<Identity>,
        temper: Box<Temper>,
    ) -> Self {
        let stub = Arc::new(stub::Stub::new(world, rows_a_page, temper));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(stub::serve(Arc::clone(&stub), listener, identity));
        Self {
            address,
            stub,
            server,
        }
    }

    /// Serves the sample account and behaves.
    async fn kind() -> Self {
        Self::of(acme(), 1_000, |_| None).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.stub.seen()
    }

    fn methods(&self) -> Vec<&'static str> {
        self.seen().iter().map(|seen| seen.method).collect()
    }

    /// Options that lead here, with a token that was handed in. A call is made once.
    fn options(&self) -> ConnectOptions {
        ConnectOptions {
            credentials: CredentialsChoice::Token("handed-in".into()),
            retries: Retries {
                attempts: 1,
                ..Retries::default()
            },
            ..options_to(self.address)
        }
    }

    fn client(&self) -> NebiusClient {
        NebiusClient::new(&self.options()).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An environment without variables or a home.
fn nowhere() -> Environment {
    Environment::new([("", ""); 0], None)
}

/// The key of a service account, written down in a folder.
fn key_in(folder: &Path) -> CredentialsChoice {
    let private_key_file = folder.join("key.pem");
    std::fs::write(&private_key_file, PRIVATE_KEY).unwrap();
    CredentialsChoice::ServiceAccountKey {
        service_account: "serviceaccount-e00robot".to_owned(),
        public_key: "publickey-e00robot".to_owned(),
        private_key_file,
    }
}

/// The sample account.
fn acme() -> World {
    static ACME: LazyLock<World> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/emulator/worlds/acme");
        World::read(&root).unwrap()
    });
    ACME.clone()
}

/// Options that lead to an address, and wait for every answer.
fn options_to(address: SocketAddr) -> ConnectOptions {
    ConnectOptions {
        endpoint: Some(address.to_string()),
        deadlines: Deadlines {
            call: PATIENCE,
            source: PATIENCE,
            connect: PATIENCE,
            exchange: PATIENCE,
            helper: PATIENCE,
        },
        ..ConnectOptions::new(nowhere())
    }
}

/// Gives up soon what hangs. No test may rest on an answer.
fn impatient() -> Deadlines {
    Deadlines {
        call: Duration::from_millis(40),
        source: PATIENCE,
        connect: PATIENCE,
        exchange: Duration::from_millis(40),
        helper: PATIENCE,
    }
}

/// Waits for what ends by itself unless it is broken.
async fn must_end<T>(future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE / 2, future).await;
    ended.expect("it does not end")
}

fn refuse(status: Status) -> Option<Misdeed> {
    Some(Misdeed::Refuse(Box::new(status)))
}
