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
use quotagate::{
    Capacity, Feed, InstanceType, Reservation, Row,
    source::{Account, Answer, Read, Share, Source, SourceError, SourceId},
};
use tonic::{Status, transport::Identity};

use crate::{
    ConnectError, ConnectOptions, CredentialsChoice, Deadlines, Environment, NebiusClient,
    RecordedWorld, Retries, convert,
};

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
        connect(&self.options()).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A client that has read the sample account, so that it knows where its projects live.
fn connect(options: &ConnectOptions) -> Result<NebiusClient, ConnectError> {
    let client = NebiusClient::new(options)?;
    let world = acme();
    let projects = convert::projects(&world.projects.answer().unwrap().items);
    let account = convert::account("tenant-e00acme", projects.into_read(None, None));
    client.remember(&account.value);
    Ok(client)
}

/// The questions of a source, each with the answer that belongs to it.
trait Questions: Source {
    async fn account(&self) -> Result<Read<Account>, SourceError> {
        let source = SourceId::of_account("account", Feed::Account);
        answer(self, source, |answer| match answer {
            Answer::Account(account) => Some(account),
            _ => None,
        })
        .await
    }

    async fn tenant_allowances(&self) -> Result<Read<Vec<Row>>, SourceError> {
        let source = SourceId::of_account("tenant_allowances", Feed::Rows);
        answer(self, source, rows).await
    }

    async fn project_allowances(&self, project: &str) -> Result<Read<Vec<Row>>, SourceError> {
        let source = SourceId::of_project("project_allowances", Feed::Rows, project);
        answer(self, source, rows).await
    }

    async fn instance_types(&self, project: &str) -> Result<Read<Vec<InstanceType>>, SourceError> {
        let source = SourceId::of_project("instance_types", Feed::Types, project);
        answer(self, source, |answer| match answer {
            Answer::Types { items, .. } => Some(items),
            _ => None,
        })
        .await
    }

    async fn capacities(&self) -> Result<Read<Vec<Capacity>>, SourceError> {
        let source = SourceId::of_account("capacities", Feed::Capacities);
        answer(self, source, |answer| match answer {
            Answer::Capacities(capacities) => Some(capacities),
            _ => None,
        })
        .await
    }

    async fn reservations(&self) -> Result<Read<Vec<Reservation>>, SourceError> {
        let source = SourceId::of_account("reservations", Feed::Reservations);
        answer(self, source, |answer| match answer {
            Answer::Reservations(reservations) => Some(reservations),
            _ => None,
        })
        .await
    }

    async fn reservation_shares(&self, project: &str) -> Result<Read<Vec<Share>>, SourceError> {
        let source = SourceId::of_project("reservation_shares", Feed::Reservations, project);
        answer(self, source, |answer| match answer {
            Answer::Shares(shares) => Some(shares),
            _ => None,
        })
        .await
    }
}

impl Questions for NebiusClient {}
impl Questions for RecordedWorld {}

async fn answer<T>(
    of: &(impl Source + ?Sized),
    source: SourceId,
    expected: impl FnOnce(Answer) -> Option<T>,
) -> Result<Read<T>, SourceError> {
    let read = of.ask(&source).await?;
    Ok(read.map(|answer| expected(answer).expect("an answer to another question")))
}

fn rows(answer: Answer) -> Option<Vec<Row>> {
    match answer {
        Answer::Rows(rows) => Some(rows),
        _ => None,
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
