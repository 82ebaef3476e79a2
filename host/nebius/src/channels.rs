//! One HTTP/2 connection per service host, opened when it is first asked something.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustls::pki_types::TrustAnchor;
use tokio::{sync::OnceCell, task::spawn_blocking};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::{
    address::{Address, AddressError, Service},
    credentials::Environment,
    options::Deadlines,
    proxy::Proxies,
    tls::{self, Distrust},
};

/// What the cloud sees of us. The transport appends its own name.
const USER_AGENT: &str = concat!("quotagate/", env!("CARGO_PKG_VERSION"));
/// As the official SDKs: a connection that went dead is noticed within half a minute.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection to be had.
#[derive(Debug)]
pub(crate) enum NoChannel {
    /// The address makes no sense to the transport.
    Address(tonic::transport::Error),
    /// Nobody is trusted.
    Distrust(Distrust),
}

impl From<tonic::transport::Error> for NoChannel {
    fn from(error: tonic::transport::Error) -> Self {
        Self::Address(error)
    }
}

/// The open connections.
#[derive(Debug)]
pub(crate) struct Channels {
    address: Address,
    environment: Environment,
    proxies: Proxies,
    /// Whom TLS trusts, once somebody has asked.
    authorities: OnceCell<Vec<TrustAnchor<'static>>>,
    connect: Duration,
    open: Mutex<HashMap<String, Channel>>,
}

impl Channels {
    pub(crate) fn new(
        address: Address,
        environment: &Environment,
        deadlines: &Deadlines,
    ) -> Result<Self, AddressError> {
        Ok(Self {
            address,
            environment: environment.clone(),
            proxies: Proxies::of(environment)?,
            authorities: OnceCell::new(),
            connect: deadlines.connect,
            open: Mutex::default(),
        })
    }

    /// Where they lead.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// The host that answers for a service.
    pub(crate) fn host(&self, service: Service) -> String {
        self.address.host(service)
    }

    /// The proxy on the way to the host of a service, by name.
    pub(crate) fn proxy(&self, service: Service) -> Option<String> {
        let proxy = self.proxies.to(&self.address.uri(service));
        proxy.map(|proxy| proxy.name())
    }

    /// Whom TLS trusts. Read once for all hosts, and on a thread that may wait for a disk.
    async fn authorities(&self) -> Result<&[TrustAnchor<'static>], NoChannel> {
        let read = || async {
            let environment = self.environment.clone();
            let read = spawn_blocking(move || tls::authorities(&environment)).await;
            read.unwrap_or_else(|error| {
                Err(Distrust {
                    reason: format!("reading the certificates of authorities failed: {error}"),
                    advice: "ask again",
                })
            })
        };
        let authorities = self.authorities.get_or_try_init(read).await;
        authorities.map(Vec::as_slice).map_err(NoChannel::Distrust)
    }

    /// The connection to the host of a service; it connects with the first call, and again after it broke. TLS trusts
    /// the roots of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub(crate) async fn to(&self, service: Service) -> Result<Channel, NoChannel> {
        let authorities = match self.address.is_encrypted() {
            true => Some(self.authorities().await?),
            false => None,
        };
        let uri = self.address.uri(service);
        let origin = self.address.origin(service);
        let key = origin.as_ref().unwrap_or(&uri).clone();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = open.get(&key) {
            return Ok(channel.clone());
        }
        let mut endpoint = Endpoint::from_shared(uri.clone())?
            .user_agent(USER_AGENT)?
            .connect_timeout(self.connect)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        if let Some(authorities) = authorities {
            let tls = ClientTlsConfig::new()
                .trust_anchors(authorities.iter().cloned())
                .timeout(self.connect);
            endpoint = endpoint.tls_config(tls)?;
        }
        if let Some(origin) = origin {
            endpoint = endpoint.origin(Endpoint::from_shared(origin)?.uri().clone());
        }
        let channel = match self.proxies.to(&uri) {
            Some(proxy) => endpoint.connect_with_connector_lazy(proxy.connector()),
            None => endpoint.connect_lazy(),
        };
        open.insert(key, channel.clone());
        Ok(channel)
    }
}
