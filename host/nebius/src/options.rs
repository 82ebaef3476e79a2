//! How to reach an account: everything that a client can be told, in one place.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::{clock::Clock, credentials::Environment};

/// What a [`NebiusClient`](crate::NebiusClient) is told. Start from [`ConnectOptions::new`] and set what differs:
///
/// ```ignore
/// let options = ConnectOptions {
///     tenant: Some("tenant-e00acme".to_owned()),
///     ..ConnectOptions::new(Environment::from_process())
/// };
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The variables and the home directory to look in.
    pub environment: Environment,
    /// Where the credentials come from.
    pub credentials: CredentialsChoice,
    /// The profile of `~/.nebius/config.yaml` to use; before `NEBIUS_PROFILE`, the file's `default` and its only
    /// profile. With credentials chosen here, the file is read only if this is set, so that
    /// the tenant of one account never meets the credentials of another.
    pub profile: Option<String>,
    /// The tenant, by id; before the profile's `tenant-id` and what the cloud says.
    pub tenant: Option<String>,
    /// The project, by id; before the profile's `parent-id`. Needed only to find the tenant with credentials that may
    /// not list tenants.
    pub project: Option<String>,
    /// The domain below which every service has a host of its own, such as `api.nebius.cloud`, with a port if it is
    /// not 443; before `NEBIUS_ENDPOINT` and the profile's `endpoint`.
    pub domain: Option<String>,
    /// `HOST:PORT` of one server that answers for every service, before any domain. The connection is plain text where
    /// the host is loopback (127.0.0.0/8, `::1`, `localhost`), and TLS everywhere else. Where a domain is chosen here, too,
    /// each service is asked for by the name of its host below it.
    pub endpoint: Option<String>,
    /// Whether to send a made-up token where no usable credentials are found and the connection is plain text to
    /// loopback, so that a local emulator just works. Set by default.
    pub placeholder_on_loopback: bool,
    /// How long to wait.
    pub deadlines: Deadlines,
    /// How often to ask again.
    pub retries: Retries,
    /// The time of day.
    pub clock: Clock,
}

impl ConnectOptions {
    /// Finds everything in `environment`, as the official tools do.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            credentials: CredentialsChoice::Find,
            profile: None,
            tenant: None,
            project: None,
            domain: None,
            endpoint: None,
            placeholder_on_loopback: true,
            deadlines: Deadlines::default(),
            retries: Retries::default(),
            clock: Clock::system(),
        }
    }
}

/// Where credentials come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CredentialsChoice {
    /// `NEBIUS_IAM_TOKEN`, else the profile.
    Find,
    /// This access token; it cannot be renewed.
    Token(SecretString),
    /// A service-account credentials file.
    ServiceAccountFile(PathBuf),
    /// A key of a service account.
    ServiceAccountKey {
        /// The account, such as `serviceaccount-e00...`.
        service_account: String,
        /// The public key that the cloud knows, such as `publickey-e00...`.
        public_key: String,
        /// The file of the private key, PEM.
        private_key_file: PathBuf,
    },
}

/// How long to wait for the cloud. Nothing here waits without a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// One attempt of one call, the connecting included: 20 s as in the official SDKs.
    pub call: Duration,
    /// One source with all its pages, and finding out the tenant where that is needed: 60 s.
    pub source: Duration,
    /// Connecting to a host, and once more the handshake of TLS: 5 s.
    pub connect: Duration,
    /// Getting a token from the cloud, for a key or from the metadata service of a virtual machine: 5 s.
    pub exchange: Duration,
    /// The official CLI, where it is asked for the token of a login: 20 s.
    pub helper: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(20),
            source: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            exchange: Duration::from_secs(5),
            helper: Duration::from_secs(20),
        }
    }
}

/// How often, and after how long, a call is made again that failed in a way that may pass: the cloud was not reached, did
/// not answer in time, was busy or asked to be asked less often. The wait doubles from attempt to attempt, and what is
/// really waited is any part of it, so that many who failed together do not come back together. Where the cloud says how
/// long to wait, that is waited first. Nothing is asked again that could not be answered before the deadline of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// All attempts of one call, the first included: 3 as in the official SDKs. With 1, nothing is
    /// asked again. The one renewal of a refused token is not counted.
    pub attempts: u32,
    /// The longest wait before the second attempt: 100 ms.
    pub first_wait: Duration,
    /// The longest wait before any attempt: 5 s. What the cloud itself asks for may be longer.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(5),
        }
    }
}
