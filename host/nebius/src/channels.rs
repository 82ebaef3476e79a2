//! One HTTP/2 connection per service host, opened when it is first asked something.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::{
    address::{Address, Service},
    options::Deadlines,
};

/// What the cloud sees of us. The transport appends its own name.
const USER_AGENT: &str = concat!("quotagate/", env!("CARGO_PKG_VERSION"));
/// As the official SDKs: a connection that went dead is noticed within half a minute.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The open connections.
#[derive(Debug)]
pub(crate) struct Channels {
    address: Address,
    connect: Duration,
    open: Mutex<HashMap<String, Channel>>,
}

impl Channels {
    pub(crate) fn new(address: Address, deadlines: &Deadlines) -> Self {
        Self {
            address,
            connect: deadlines.connect,
            open: Mutex::default(),
        }
    }

    /// Where they lead.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// The host that answers for a service.
    pub(crate) fn host(&self, service: Service) -> String {
        self.address.host(service)
    }

    /// The connection to the host of a service; it connects with the first call, and again after it broke. TLS trusts
    /// the roots of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub(crate) fn to(&self, service: Service) -> Result<Channel, tonic::transport::Error> {
        let uri = self.address.uri(service);
        let origin = self.address.origin(service);
        let key = origin.as_ref().unwrap_or(&uri).clone();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = open.get(&key) {
            return Ok(channel.clone());
        }
        let mut endpoint = Endpoint::from_shared(uri)?
            .user_agent(USER_AGENT)?
            .connect_timeout(self.connect)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        if self.address.is_encrypted() {
            let tls = ClientTlsConfig::new()
                .with_native_roots()
                .timeout(self.connect);
            endpoint = endpoint.tls_config(tls)?;
        }
        if let Some(origin) = origin {
            endpoint = endpoint.origin(Endpoint::from_shared(origin)?.uri().clone());
        }
        let channel = endpoint.connect_lazy();
        open.insert(key, channel.clone());
        Ok(channel)
    }
}
