//! What a cloud must answer for a gate to judge: a list of sources, and one question each.
//!
//! A source does network or file work and nothing else: it neither caches nor judges. Each question can fail on its own, and
//! each can be answered in part.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use quotagate_contract::{
    Capacity, Feed, Holding, InstanceType, KindOffered, Owner, Place, PlaceOffered, Reservation,
    Row,
};

/// Answers of one cloud account.
///
/// Implementations are called concurrently, once per source. They return when they are done or their own deadline has passed;
/// the gate gives them up much later ([`crate::RefreshOptions::give_up`]), and asks each source one question at a time.
///
/// ```
/// use async_trait::async_trait;
/// use quotagate::{
///     Feed, Limit, Owner, Row, Source, SourceError, SourceId, Usage,
///     source::{Account, Answer, Read},
/// };
///
/// /// One project with one quota.
/// struct Mine;
///
/// #[async_trait]
/// impl Source for Mine {
///     fn cloud(&self) -> &str {
///         "mine"
///     }
///
///     fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
///         let mut sources = vec![SourceId::of_account("account", Feed::Account)];
///         for project in account.into_iter().flat_map(|account| &account.projects).filter_map(|chain| chain.last()) {
///             sources.push(SourceId::of_project("rows", Feed::Rows, &project.id));
///         }
///         sources
///     }
///
///     async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
///         Ok(Read::complete(match source.feed {
///             Feed::Account => {
///                 let project = Owner { id: "p".into(), level: "project".into(), ..Owner::default() };
///                 Answer::Account(Account { projects: vec![vec![project]], places: Vec::new() })
///             }
///             Feed::Rows => Answer::Rows(vec![Row {
///                 key: "p/cpus".into(),
///                 quota: "cpus".into(),
///                 owner: "p".into(),
///                 limit: Limit::Amount(64),
///                 usage: Usage::exactly(8),
///                 ..Row::default()
///             }]),
///             _ => return Err(SourceError::unsupported(&source.kind)),
///         }))
///     }
/// }
/// # assert_eq!(Mine.sources(None).len(), 1);
/// ```
#[async_trait]
pub trait Source: Send + Sync {
    /// The cloud's name, which must be the plugin's too.
    fn cloud(&self) -> &str;

    /// The sources that there are. Asked with none before anything is read, and again whenever the account was read. The one of
    /// [`Feed::Account`] MUST be there from the start.
    fn sources(&self, account: Option<&Account>) -> Vec<SourceId>;

    /// The owners of a project that a gate is for, outermost first, the project itself last: as far as they are known where the
    /// account could not be read.
    fn chain(&self, project: &str) -> Vec<Owner> {
        vec![Owner {
            id: project.to_owned(),
            ..Owner::default()
        }]
    }

    /// Reads one of them.
    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError>;
}

/// One source of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId {
    /// Names it in this account.
    pub key: String,
    /// What it is called, such as `rows` or `instances`: the same for every owner and place.
    pub kind: String,
    /// What it brings.
    pub feed: Feed,
    /// Whose it is; none for those of the whole account.
    pub owner: Option<String>,
    /// Of which place; without a region, of every place or of none.
    pub place: Place,
}

impl SourceId {
    /// A source of the whole account.
    pub fn of_account(kind: &str, feed: Feed) -> Self {
        Self {
            key: kind.to_owned(),
            kind: kind.to_owned(),
            feed,
            owner: None,
            place: Place::EVERYWHERE,
        }
    }

    /// A source of one project, whose key is `KIND.PROJECT`.
    pub fn of_project(kind: &str, feed: Feed, project: &str) -> Self {
        Self {
            key: format!("{kind}.{project}"),
            owner: Some(project.to_owned()),
            ..Self::of_account(kind, feed)
        }
    }

    /// The same source, of one owner.
    #[must_use]
    pub fn owned_by(mut self, owner: &str) -> Self {
        self.owner = Some(owner.to_owned());
        self
    }
}

/// What a source answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Owners, projects and places.
    Account(Account),
    /// Quota rows.
    Rows(Vec<Row>),
    /// What the account holds.
    Holdings(Vec<Holding>),
    /// What can be launched.
    Types {
        /// Instance types; `offered` says where.
        items: Vec<InstanceType>,
        /// Kinds of needs.
        kinds: Vec<KindOffered>,
    },
    /// Advice on free hardware.
    Capacities(Vec<Capacity>),
    /// Reserved capacity, without projects' shares.
    Reservations(Vec<Reservation>),
    /// What the source's owner may take of reservations.
    Shares(Vec<Share>),
}

/// An account and its projects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// A chain of owners for each project, outermost first, the project itself last; in the order of the cloud.
    pub projects: Vec<Vec<Owner>>,
    /// The places of the cloud, where it lists them.
    pub places: Vec<PlaceOffered>,
}

impl Account {
    /// The regions that the cloud lists.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &str> {
        let places = self.places.iter();
        places.filter_map(|known| known.place.region.as_deref())
    }

    /// The outermost owner: what accounts are told apart by.
    pub fn outermost(&self) -> Option<&Owner> {
        self.projects.first()?.first()
    }
}

/// What a project may take of one reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The key of the reservation's row.
    pub reservation: String,
    /// The share's amounts.
    pub row: Row,
}

/// What was read of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<T> {
    /// Everything that arrived.
    pub value: T,
    /// Why there may be more: a page that failed, a token that came twice. None where all was read.
    pub interrupted_by: Option<SourceError>,
    /// When the cloud was asked, in milliseconds since the Unix epoch, where that was not just now (a recorded answer).
    pub recorded_at: Option<u64>,
}

impl<T> Read<T> {
    /// All of it, just now.
    pub const fn complete(value: T) -> Self {
        Self {
            value,
            interrupted_by: None,
            recorded_at: None,
        }
    }

    /// The same reading of something made of it.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Read<U> {
        Read {
            value: make(self.value),
            interrupted_by: self.interrupted_by,
            recorded_at: self.recorded_at,
        }
    }
}

/// Why a source could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// Who is at fault.
    pub kind: SourceErrorKind,
    /// What failed, on what, and what to do about it; no secrets. It does not repeat its cause.
    pub message: String,
    /// How long the cloud asked to be left alone, where it said so.
    pub retry_after: Option<Duration>,
    /// The error below it.
    #[source]
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl PartialEq for SourceError {
    /// Equal where they say the same; causes are not compared.
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message, self.retry_after)
            == (other.kind, &other.message, other.retry_after)
    }
}

impl SourceError {
    /// An error without a cause, of a cloud that did not say how long to wait.
    pub const fn new(kind: SourceErrorKind, message: String) -> Self {
        Self {
            kind,
            message,
            retry_after: None,
            cause: None,
        }
    }

    /// The answer of a cloud that has no such list.
    pub fn unsupported(what: &str) -> Self {
        Self::new(
            SourceErrorKind::Unsupported,
            format!("the cloud has no list of {what}"),
        )
    }

    /// The same error, because of another.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }
}

/// The ways in which a source cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The cloud does not know who asks: no credentials, or expired ones.
    Unauthenticated,
    /// The credentials may not read this.
    Denied,
    /// The cloud asks to be asked less often.
    RateLimited,
    /// It did not answer in time, or not at all, or failed.
    Unavailable,
    /// It answered something that makes no sense.
    Invalid,
    /// What was asked for does not exist.
    NotFound,
    /// The cloud has no such list, which is an answer: it is not asked for again before the next account.
    Unsupported,
}
