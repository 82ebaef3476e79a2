//! The live account: connecting to the cloud, and its answers as a source.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use quotagate::{
    Owner, Place,
    source::{Account, Answer, Read, Source, SourceError, SourceId},
};
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    address::{Address, AddressError, Service},
    call::Caller,
    channels::Channels,
    clock::Clock,
    convert::{self, Converted},
    credentials::{Credentials, CredentialsError, CredentialsOrigin, find},
    error::CallError,
    options::{ConnectOptions, Deadlines},
    pages::Fetched,
    question::About,
    sources::{Asked, sources},
};

/// The cloud's name, which is the plugin's too.
pub const CLOUD: &str = "nebius";
const ENDPOINT_VARIABLE: &str = "NEBIUS_ENDPOINT";

/// A Nebius account, asked over gRPC.
///
/// It keeps its connections, its token and where each project lives, which never changes; no other answer is cached.
#[derive(Debug)]
pub struct NebiusClient {
    pub(crate) caller: Caller,
    pub(crate) clock: Clock,
    pub(crate) deadlines: Deadlines,
    /// The tenant that was named.
    pub(crate) named_tenant: Option<String>,
    /// The tenant that the cloud named; a failure to find out is not kept.
    pub(crate) found_tenant: OnceCell<String>,
    /// The project that was named.
    pub(crate) project: Option<String>,
    /// Where each project lives that was read: lists of what a project can launch name no region.
    homes: Mutex<BTreeMap<String, Place>>,
    profile: Option<String>,
    warnings: Vec<String>,
}

/// Why a client cannot be set up. Nothing was asked of the cloud yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address makes no sense.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There are no credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// How a client reaches its account; no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The domain of the cloud, or the one server that is asked.
    pub endpoint: String,
    /// Whether the connection is TLS.
    pub is_encrypted: bool,
    /// The proxy on the way to the hosts, by name.
    pub proxy: Option<String>,
    /// Where the credentials come from.
    pub credentials: CredentialsOrigin,
    /// The profile in use, also where the credentials come from elsewhere.
    pub profile: Option<String>,
    /// The tenant, where it was named or has been found.
    pub tenant: Option<String>,
    /// The project that was named.
    pub project: Option<String>,
    /// What a careful owner of the credentials would change.
    pub warnings: Vec<String>,
}

impl NebiusClient {
    /// Finds the address and the credentials. Connections are opened by the first questions, which need a runtime of
    /// tokio.
    ///
    /// # Errors
    /// When the address makes no sense, or no usable credentials are found.
    pub fn new(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let server = options
            .endpoint
            .as_deref()
            .map(Address::server)
            .transpose()?;
        let is_plain_text = server
            .as_ref()
            .is_some_and(|address| !address.is_encrypted());
        let found = find(options, is_plain_text)?;
        let address = match server {
            Some(server) => match &options.domain {
                Some(name) => server.naming(Address::domain(name, "the caller")?),
                None => server,
            },
            None => domain(options, found.domain.as_deref())?,
        };
        let channels = Arc::new(Channels::new(
            address,
            &options.environment,
            &options.deadlines,
        )?);
        let mut warnings = found.warnings.clone();
        if is_plain_text && found.origin != CredentialsOrigin::Placeholder {
            warnings.push(format!(
                "the access token goes in clear text to whatever listens on {}",
                channels.address()
            ));
        }
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let (tenant, project) = (found.tenant.clone(), found.project.clone());
        let profile = found.profile.clone();
        let credentials = Credentials::new(found, &channels, &options.clock, &options.deadlines);
        let client = Self {
            caller: Caller::new(channels, credentials, &options.deadlines, options.retries),
            clock: options.clock.clone(),
            deadlines: options.deadlines,
            named_tenant: options.tenant.clone().or(tenant),
            found_tenant: OnceCell::new(),
            project: options.project.clone().or(project),
            homes: Mutex::default(),
            profile,
            warnings,
        };
        tracing::debug!(connection = ?client.connection(), "set up");
        Ok(client)
    }

    /// How the account is reached.
    pub fn connection(&self) -> Connection {
        let address = self.caller.channels().address();
        Connection {
            endpoint: address.to_string(),
            is_encrypted: address.is_encrypted(),
            proxy: self.caller.channels().proxy(Service::Iam),
            credentials: self.caller.origin().clone(),
            profile: self.profile.clone(),
            tenant: self.known_tenant().map(str::to_owned),
            project: self.project.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// The tenant, by id: the one that was named, else the only one that the credentials see, else the one that the
    /// named project belongs to.
    ///
    /// # Errors
    /// When none of these is known, or the cloud does not answer.
    pub async fn tenant(&self) -> Result<&str, SourceError> {
        let until = self.deadline();
        self.resolve_tenant(until).await.map_err(SourceError::from)
    }

    /// The tenant, where it was named or has been found.
    fn known_tenant(&self) -> Option<&str> {
        let named = self.named_tenant.as_deref();
        named.or_else(|| self.found_tenant.get().map(String::as_str))
    }

    /// Remembers where the projects of an account live.
    pub(crate) fn remember(&self, account: &Account) {
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        for project in account.projects.iter().filter_map(|chain| chain.last()) {
            homes.insert(project.id.clone(), project.place.clone());
        }
    }

    /// Where a project lives. The cloud is asked where the account was not read, or did not list it.
    async fn home_of(&self, project: &str, until: Instant) -> Result<Place, CallError> {
        let known = {
            let homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
            homes.get(project).cloned()
        };
        match known {
            Some(place) => Ok(place),
            None => Ok(convert::region_of(
                &self.fetch_project(project, until).await?,
            )),
        }
    }

    /// When a question that is asked now has to be answered.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.deadlines.source
    }
}

/// The domain: from the options, else `NEBIUS_ENDPOINT`, else the profile, else the public cloud.
fn domain(options: &ConnectOptions, profile: Option<&str>) -> Result<Address, AddressError> {
    let variable = options.environment.variable(ENDPOINT_VARIABLE);
    match (&options.domain, &variable, profile) {
        (Some(name), _, _) => Address::domain(name, "the caller"),
        (None, Some(name), _) => Address::domain(name, ENDPOINT_VARIABLE),
        (None, None, Some(name)) => Address::domain(name, "the profile's `endpoint`"),
        (None, None, None) => Ok(Address::cloud()),
    }
}

/// A fetched list in the words of the contract.
fn read<Item, Row>(
    fetched: Fetched<Item>,
    convert: impl Fn(&[Item]) -> Converted<Row>,
) -> Read<Vec<Row>> {
    let interrupted_by = fetched.interrupted.map(|stop| stop.error.into());
    convert(&fetched.items).into_read(interrupted_by, None)
}

#[async_trait]
impl Source for NebiusClient {
    fn cloud(&self) -> &str {
        CLOUD
    }

    fn chain(&self, project: &str) -> Vec<Owner> {
        convert::chain(self.known_tenant(), project)
    }

    fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
        sources(self.known_tenant(), account)
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        let until = self.deadline();
        Ok(match Asked::of(source)? {
            Asked::Account => {
                let tenant = self.resolve_tenant(until).await?;
                let fetched = self.fetch_projects(tenant, until).await?;
                let account = convert::account(tenant, read(fetched, convert::projects));
                self.remember(&account.value);
                account.map(Answer::Account)
            }
            Asked::TenantAllowances => {
                let tenant = self.resolve_tenant(until).await?;
                let fetched = self.fetch_allowances(tenant, About::Tenant, until).await?;
                read(fetched, |rows| convert::allowances(tenant, rows)).map(Answer::Rows)
            }
            Asked::ProjectAllowances(project) => {
                let about = About::Project;
                let fetched = self.fetch_allowances(project, about, until).await?;
                read(fetched, |rows| convert::allowances(project, rows)).map(Answer::Rows)
            }
            Asked::InstanceTypes(project) => {
                let home = self.home_of(project, until).await?;
                let fetched = self.fetch_platforms(project, until).await?;
                read(fetched, |items| convert::instance_types(&home, items))
                    .map(convert::types_answer)
            }
            Asked::Capacities => {
                let tenant = self.resolve_tenant(until).await?;
                let fetched = self.fetch_advice(tenant, until).await?;
                read(fetched, convert::capacities).map(Answer::Capacities)
            }
            Asked::Reservations => {
                let tenant = self.resolve_tenant(until).await?;
                let fetched = self.fetch_blocks(tenant, until).await?;
                read(fetched, |blocks| convert::reservations(tenant, blocks))
                    .map(Answer::Reservations)
            }
            Asked::ReservationShares(project) => {
                let fetched = self.fetch_shares(project, until).await?;
                read(fetched, |rows| convert::reservation_shares(project, rows)).map(Answer::Shares)
            }
        })
    }
}
