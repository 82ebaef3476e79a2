//! The emulator as a server: how it is set up, served, and steered while it runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    ops::Deref,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use nebius_api::world::World;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::{
    access::{Access, ServiceAccountKey},
    account::{Account, SharedAccount},
    calls::Calls,
    clock::Clock,
    control::Control,
    faults::{FaultBook, Faults},
    front::Front,
    line::Line,
    services,
    settings::Settings,
};

/// How long an access token lives unless told otherwise.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a stopping emulator waits for clients to take their answers. It ends as soon as all have.
const GRACE: Duration = Duration::from_secs(10);

/// Why the emulator cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// Tokens must not cross a network in the clear.
    #[error("{0} is not a loopback address: anything else needs TLS")]
    PlainTextBeyondLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
    /// The server failed, or its certificate cannot be used.
    #[error("cannot serve: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Everything that the calls share.
pub(crate) struct Shared {
    /// The account of callers whose token is bound to no other.
    pub(crate) account: SharedAccount,
    /// The accounts of the tenants beside the first.
    others: Vec<SharedAccount>,
    pub(crate) access: Access,
    pub(crate) calls: Calls,
    pub(crate) clock: Clock,
    pub(crate) faults: Mutex<FaultBook>,
    pub(crate) page_size_limit: Option<NonZeroUsize>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    /// Every tenant's account, the first one's first.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &SharedAccount> {
        std::iter::once(&self.account).chain(&self.others)
    }

    /// Waits until the emulator is told to stop.
    pub(crate) async fn stopping(&self) {
        // The wait ends early only when the sender is gone, and it is ours.
        let mut told = self.stopping.subscribe();
        let _stopping = told.wait_for(|told| *told).await.is_ok();
    }
}

/// An emulator set up but not yet serving.
pub struct Emulator {
    shared: Arc<Shared>,
    tls: Option<Identity>,
}

/// Sets an emulator up.
#[must_use]
pub struct Builder {
    world: World,
    others: Vec<(World, Vec<String>)>,
    settings: Settings,
    faults: Faults,
    clock: Clock,
    keys: Vec<ServiceAccountKey>,
    static_tokens: BTreeSet<String>,
    token_life: Duration,
    page_size_limit: Option<NonZeroUsize>,
    tls: Option<Identity>,
}

impl Builder {
    /// Faults from the start.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Another tenant, which these tokens open, and only they. All other tokens open the first.
    pub fn tenant<T: Into<String>>(
        mut self,
        world: World,
        tokens: impl IntoIterator<Item = T>,
    ) -> Self {
        let tokens = tokens.into_iter().map(Into::into).collect();
        self.others.push((world, tokens));
        self
    }

    /// How the cloud behaves, for every tenant alike but each with hardware of its own; without it as by default.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The clock by which tokens and assertions expire and usage lags; without it the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Lets a service account trade assertions signed with this key for access tokens.
    pub fn service_account_key(mut self, key: ServiceAccountKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Accepts this token. Once one is named, only such tokens and the ones handed out are good; before, any is.
    pub fn static_token(mut self, token: impl Into<String>) -> Self {
        self.static_tokens.insert(token.into());
        self
    }

    /// How long an access token lives; without it twelve hours.
    pub const fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// No page of any list is longer than this, whatever the caller asks.
    pub const fn page_size_limit(mut self, limit: NonZeroUsize) -> Self {
        self.page_size_limit = Some(limit);
        self
    }

    /// Serves TLS with this certificate chain and key, both PEM.
    pub fn tls(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.tls = Some(Identity::from_pem(certificate, key));
        self
    }

    /// The emulator.
    #[must_use]
    pub fn build(self) -> Emulator {
        let account = |world| {
            let account = Account::new(world, self.settings.clone(), self.clock.clone());
            Arc::new(RwLock::new(account))
        };
        let mut others = Vec::new();
        let mut bound = BTreeMap::new();
        for (world, tokens) in self.others {
            let other: SharedAccount = account(world);
            bound.extend(tokens.into_iter().map(|token| (token, Arc::clone(&other))));
            others.push(other);
        }
        Emulator {
            tls: self.tls,
            shared: Arc::new(Shared {
                account: account(self.world),
                others,
                access: Access {
                    keys: self.keys,
                    static_tokens: self.static_tokens,
                    bound,
                    token_life: self.token_life,
                    handed_out: Mutex::new(BTreeMap::new()),
                },
                calls: Calls::new(),
                clock: self.clock,
                faults: Mutex::new(FaultBook::new(self.faults)),
                page_size_limit: self.page_size_limit,
                stopping: watch::Sender::new(false),
            }),
        }
    }

    /// Builds the emulator and starts it; see [`Emulator::spawn`].
    ///
    /// # Errors
    /// As [`Emulator::spawn`].
    pub async fn spawn(self) -> Result<Running, EmulatorError> {
        self.build().spawn().await
    }
}

impl Emulator {
    /// An emulator of the account that `world` holds.
    pub fn builder(world: World) -> Builder {
        Builder {
            world,
            others: Vec::new(),
            settings: Settings::default(),
            faults: Faults::default(),
            clock: Clock::system(),
            keys: Vec::new(),
            static_tokens: BTreeSet::new(),
            token_life: TOKEN_LIFE,
            page_size_limit: None,
            tls: None,
        }
    }

    /// Steers the emulator and reads its log.
    #[must_use]
    pub fn control(&self) -> Control {
        Control {
            shared: Arc::clone(&self.shared),
            account: Arc::clone(&self.shared.account),
        }
    }

    /// Serves every service on `listener`: the future is the server, and ends after `shutdown` does. Calls that hang are
    /// then answered, and clients get a moment to take their answers.
    ///
    /// # Errors
    /// At once when plain text would leave the machine or the certificate cannot be used; the future's when serving
    /// fails.
    pub fn serve<S>(
        self,
        listener: TcpListener,
        shutdown: S,
    ) -> Result<impl Future<Output = Result<(), EmulatorError>> + use<S>, EmulatorError>
    where
        S: Future<Output = ()>,
    {
        let address = listener.local_addr().map_err(EmulatorError::Listen)?;
        let mut server = Server::builder();
        match self.tls {
            Some(identity) => {
                server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
            }
            None if !address.ip().to_canonical().is_loopback() => {
                return Err(EmulatorError::PlainTextBeyondLoopback(address));
            }
            None => {}
        }
        let shared = self.shared;
        let front = Front {
            routes: services::routes(&shared),
            shared: Arc::clone(&shared),
        };
        let lines = TcpListenerStream::new(listener).map(|stream| stream.and_then(Line::new));
        Ok(async move {
            let told = async {
                shutdown.await;
                shared.stopping.send_replace(true);
            };
            tokio::select! {
                served = server.serve_with_incoming_shutdown(front, lines, told) => served?,
                () = async {
                    shared.stopping().await;
                    tokio::time::sleep(GRACE).await;
                } => {}
            }
            Ok(())
        })
    }

    /// Serves on a free port of 127.0.0.1, in a task of the current runtime.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn spawn(self) -> Result<Running, EmulatorError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(EmulatorError::Listen)?;
        let address = listener.local_addr().map_err(EmulatorError::Listen)?;
        let control = self.control();
        let until_told = self.control();
        let serving = self.serve(listener, async move { until_told.shared.stopping().await })?;
        Ok(Running {
            address,
            control,
            task: tokio::spawn(serving),
        })
    }
}

/// An emulator that serves in a task; it stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    control: Control,
    task: JoinHandle<Result<(), EmulatorError>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops, and waits until the port is free.
    ///
    /// # Errors
    /// When serving had failed.
    pub async fn stop(mut self) -> Result<(), EmulatorError> {
        self.control.shared.stopping.send_replace(true);
        match (&mut self.task).await {
            Ok(served) => served,
            Err(crashed) => Err(EmulatorError::Listen(io::Error::other(crashed))),
        }
    }
}

impl Deref for Running {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.shared.stopping.send_replace(true);
    }
}
