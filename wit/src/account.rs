//! What the cloud lists: rows, holdings, instance types, advice, reservations.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// Where something counts, or is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// None: everywhere.
    pub region: Option<String>,
    /// The finest place that a launch can name. None: the whole region.
    pub zone: Option<String>,
}

impl Place {
    /// Everywhere.
    pub const EVERYWHERE: Self = Self {
        region: None,
        zone: None,
    };

    /// A whole region.
    pub fn region(region: impl Into<String>) -> Self {
        Self {
            region: Some(region.into()),
            zone: None,
        }
    }

    /// A zone of a region.
    pub fn zone(region: impl Into<String>, zone: impl Into<String>) -> Self {
        Self {
            region: Some(region.into()),
            zone: Some(zone.into()),
        }
    }
}

/// The limit of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Set, or granted.
    Amount(u64),
    /// The cloud's default: it may prove that a launch fits, never that it does not.
    ByDefault(u64),
    /// The cloud says that nothing limits it.
    Unlimited,
    /// The row carries none.
    #[default]
    Unset,
}

impl Limit {
    /// The number, where there is one.
    pub const fn number(self) -> Option<u64> {
        match self {
            Self::Amount(number) | Self::ByDefault(number) => Some(number),
            Self::Unlimited | Self::Unset => None,
        }
    }
}

/// How much of a row is taken: somewhere between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Taken for certain.
    pub at_least: u64,
    /// Taken at most; none where nothing bounds it.
    pub at_most: Option<u64>,
    /// When the cloud measured it, in milliseconds since the Unix epoch.
    pub measured_at: Option<u64>,
}

impl Usage {
    /// A measurement.
    pub const fn exactly(amount: u64) -> Self {
        Self {
            at_least: amount,
            at_most: Some(amount),
            measured_at: None,
        }
    }

    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        at_least: 0,
        at_most: None,
        measured_at: None,
    };
}

cases! {
    /// The life of a row.
    #[derive(Default)]
    RowState {
        /// Its numbers hold.
        #[default]
        InForce = "in-force",
        /// Being allocated or changed.
        Changing = "changing",
        /// There, and it lets nothing through now.
        Suspended = "suspended",
        /// No longer there.
        Gone = "gone",
        /// Not known.
        Unknown = "unknown",
    }
}

/// An attribute of something of the cloud, in the cloud's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Attribute {
    /// An attribute.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// The value of the first attribute of that name.
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let mut named = attributes.iter().filter(|attribute| attribute.name == name);
    named.next().map(|attribute| attribute.value.as_str())
}

/// One quota row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Row {
    /// Names the row in this account, the same in every read.
    pub key: String,
    /// The cloud's name or code of the quota.
    pub quota: String,
    /// What people call the quota.
    pub title: Option<String>,
    /// Whose row it is, by id.
    pub owner: String,
    /// Where it counts.
    pub place: Place,
    /// Further coordinates of the entry.
    pub dimensions: Vec<Attribute>,
    /// The cloud's name of the unit.
    pub unit: String,
    /// Its state.
    pub state: RowState,
    /// Its limit.
    pub limit: Limit,
    /// As the cloud reports it.
    pub usage: Usage,
    /// What else the entry says, word for word.
    pub attributes: Vec<Attribute>,
}

/// Things of the account that quotas may count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holding {
    /// `instance`, `volume`, `address`, ...
    pub kind: String,
    /// Whose it is, by id.
    pub owner: String,
    /// Where it is.
    pub place: Place,
    /// How many there are.
    pub pieces: u64,
    /// The size of all of them together, in bytes.
    pub bytes: u64,
    /// What tells them apart.
    pub attributes: Vec<Attribute>,
}

/// What one instance of a type takes of a quota, by what the cloud itself says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// The quota.
    pub quota: String,
    /// In the unit of the quota's rows.
    pub each: u64,
}

/// Where something can be launched, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Offered {
    /// Without a zone: in the region, and the cloud does not say in which zones.
    pub place: Place,
    /// Under which lifecycles.
    pub lifecycles: Vec<String>,
    /// Whether instances can be placed close together there.
    pub together: bool,
    /// Why this account may not.
    pub restriction: Option<String>,
}

/// An instance type, as one project is offered it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceType {
    /// The name under which offers and launches ask for it.
    pub name: String,
    /// What it runs on.
    pub family: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// GPUs.
    pub gpus: u32,
    /// Which.
    pub gpu_model: Option<String>,
    /// Quotas that the cloud itself names for it.
    pub draws: Vec<Draw>,
    /// Where it can be launched.
    pub offered: Vec<Offered>,
}

/// Where a kind of need can be had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindOffered {
    /// The kind.
    pub kind: String,
    /// Where.
    pub offered: Vec<Offered>,
}

/// An announced change of an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The amount from then on.
    pub amount: Option<u64>,
}

/// Capacity that the account has paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reservation {
    /// Its amounts; the row's key names the reservation.
    pub row: Row,
    /// The one type that it serves.
    pub instance_type: Option<String>,
    /// The family that it serves.
    pub family: Option<String>,
    /// Whether a launch must name it.
    pub targeted: bool,
    /// When it starts to serve.
    pub begins: Option<u64>,
    /// When it ends.
    pub ends: Option<u64>,
    /// The asking project's share of it.
    pub share: Option<Row>,
    /// Whether the project may have a share that was not read.
    pub share_unread: bool,
    /// An announced change of the amount.
    pub next: Option<Change>,
    /// The cloud's own word for its state.
    pub state: String,
    /// What else decides.
    pub attributes: Vec<Attribute>,
}

cases! {
    /// How much hardware the cloud believes to be free.
    #[derive(Default)]
    Grade {
        /// Room for large requests.
        High = "high",
        /// Room for medium requests.
        Medium = "medium",
        /// A high risk that a launch finds no hardware.
        Low = "low",
        /// None is free.
        None = "none",
        /// It did not say.
        #[default]
        Unknown = "unknown",
    }
}

/// The `lifecycle` of advice for launches on reserved capacity.
pub const RESERVED: &str = "reserved";

/// What the cloud says of free hardware for one type at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// The type.
    pub instance_type: String,
    /// Where.
    pub place: Place,
    /// The lifecycle, or [`RESERVED`].
    pub lifecycle: String,
    /// Instances that could be placed now.
    pub available: Option<u32>,
    /// The number of instances that `grade` speaks of.
    pub for_count: Option<u32>,
    /// How much is free.
    pub grade: Grade,
    /// Whether the account's own limits cut the number.
    pub clipped: bool,
    /// Whether the cloud vouches for it now.
    pub fresh: bool,
    /// When it was measured.
    pub measured_at: Option<u64>,
}
