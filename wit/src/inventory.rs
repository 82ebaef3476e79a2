//! How far the account was read, whose rows a launch draws on, what is promised and what failed launches taught.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::account::{Capacity, Holding, InstanceType, KindOffered, Place, Reservation, Row};

cases! {
    /// How far the host got with a source.
    #[derive(Default)]
    SourceState {
        /// Read to its end.
        Complete = "complete",
        /// Read in part.
        Incomplete = "incomplete",
        /// The credentials may not read it.
        Denied = "denied",
        /// It did not answer, or answered with an error.
        #[default]
        Unavailable = "unavailable",
        /// The cloud has no such list.
        Unsupported = "unsupported",
    }
}

cases! {
    /// What a source brings.
    Feed {
        /// Owners, places and projects.
        Account = "account",
        /// Quota rows.
        Rows = "rows",
        /// What the account holds.
        Holdings = "holdings",
        /// Instance types and kinds, and where they are offered.
        Types = "types",
        /// Advice on free hardware.
        Capacities = "capacities",
        /// Reserved capacity, or projects' shares of it.
        Reservations = "reservations",
    }
}

/// One list of the cloud, and how far it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceReport {
    /// Names it in this account.
    pub key: String,
    /// What the source calls it.
    pub kind: String,
    /// What it brings.
    pub feed: Feed,
    /// Whose it is; none for those of the whole account.
    #[serde(default)]
    pub owner: Option<String>,
    /// Of which place.
    #[serde(default)]
    pub place: Place,
    /// How far it was read.
    pub state: SourceState,
    /// When it was read, or last tried, in milliseconds since the Unix epoch.
    pub fetched_at: u64,
    /// When what is in force was asked for.
    #[serde(default)]
    pub asked_at: u64,
    /// What went wrong.
    #[serde(default)]
    pub detail: Option<String>,
}

/// Whose quotas a launch draws on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Owner {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: Option<String>,
    /// Its level.
    pub level: String,
    /// Where it can launch.
    pub place: Place,
    /// Its state, in the cloud's own word.
    pub state: Option<String>,
}

/// A place of the cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceOffered {
    /// The place.
    pub place: Place,
    /// Why this account may not launch there.
    pub restriction: Option<String>,
}

/// An amount of a row, or of a reservation's row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// The row's key.
    pub row: String,
    /// Taken for certain.
    pub at_least: u64,
    /// Taken at most.
    pub at_most: u64,
}

cases! {
    /// What a lesson is about.
    LessonKind {
        /// A quota.
        Quota = "quota",
        /// Hardware.
        Capacity = "capacity",
        /// Either.
        Unclear = "unclear",
    }
}

/// What a failed launch taught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// What it is about.
    pub kind: LessonKind,
    /// Of kind quota: which one.
    #[serde(default)]
    pub quota: Option<String>,
    /// Of kind quota: whose row refused, by id; none: of any owner.
    #[serde(default)]
    pub owner: Option<String>,
    /// Where launches are concerned.
    #[serde(default)]
    pub place: Place,
    /// Of kind quota: only launches that take at least this much.
    #[serde(default)]
    pub at_least: u64,
    /// Of kind quota: whether that is more than the whole limit.
    #[serde(default)]
    pub beyond_limit: bool,
    /// Of other kinds: the type that is concerned.
    #[serde(default)]
    pub instance_type: Option<String>,
    /// Of other kinds: the lifecycle that is concerned.
    #[serde(default)]
    pub lifecycle: Option<String>,
    /// Of kind quota: the keys of the rows whose headroom, once it grows, contradicts it.
    #[serde(default)]
    pub rows: Vec<String>,
    /// What happened, for people.
    #[serde(default)]
    pub cause: String,
    /// When it happened.
    #[serde(default)]
    pub learned_at: u64,
    /// When it ends.
    #[serde(default)]
    pub until: u64,
}

impl Lesson {
    /// A lesson that says nothing but what it is about.
    pub const fn new(kind: LessonKind) -> Self {
        Self {
            kind,
            quota: None,
            owner: None,
            place: Place::EVERYWHERE,
            at_least: 0,
            beyond_limit: false,
            instance_type: None,
            lifecycle: None,
            rows: Vec::new(),
            cause: String::new(),
            learned_at: 0,
            until: 0,
        }
    }
}

/// Everything that a plugin is shown of an account: the imports' answers as data. Hosts without readers of their own give it as
/// JSON, and tests judge it natively.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inventory {
    /// Chains of owners, outermost first, one a project; the last of a chain is the project.
    pub owners: Vec<Vec<Owner>>,
    /// The places of the cloud.
    pub places: Vec<PlaceOffered>,
    /// Quota rows of every owner.
    pub rows: Vec<Row>,
    /// What the account holds.
    pub holdings: Vec<Holding>,
    /// What each project is offered.
    pub types: Vec<TypesOfProject>,
    /// Advice on free hardware.
    pub capacities: Vec<Capacity>,
    /// What each project can draw on.
    pub reservations: Vec<ReservationsOfProject>,
    /// How far each list was read.
    pub sources: Vec<SourceReport>,
    /// What is promised.
    pub held: Vec<Take>,
    /// What failed launches taught.
    pub lessons: Vec<Lesson>,
}

/// What one project is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TypesOfProject {
    /// The project, by id.
    pub project: String,
    /// Instance types; `offered` says in which regions.
    pub items: Vec<InstanceType>,
    /// Kinds of needs.
    pub kinds: Vec<KindOffered>,
}

/// The reserved capacity that one project can draw on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReservationsOfProject {
    /// The project, by id.
    pub project: String,
    /// The reservations.
    pub items: Vec<Reservation>,
}
