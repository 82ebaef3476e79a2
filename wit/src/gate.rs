//! What a plugin is, how it reads rows, what it says of plans and of failed launches.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    account::{Limit, Place, Usage},
    inventory::{Feed, Lesson, Take},
    verdict::{Finding, Remedy, Verdict},
};

/// How a lifecycle behaves, where hosts must know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleKind {
    /// The cloud's name of it.
    pub name: String,
    /// Other names that people use for it.
    pub aliases: Vec<String>,
    /// Whether the cloud may take the instance back.
    pub preemptible: bool,
}

/// A kind of need that a plugin knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedKind {
    /// The kind.
    pub kind: String,
    /// What it is, in a few words.
    pub title: String,
    /// Whether each piece has a size in bytes.
    pub sized: bool,
    /// How many a launch that says nothing has of it.
    pub default_pieces: u32,
    /// The size of each of those, in bytes.
    pub default_bytes: u64,
}

/// A list that a plugin asks the inventory for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceNeed {
    /// The source's name of it.
    pub kind: String,
    /// What it brings.
    pub feed: Feed,
}

cases! {
    /// How amounts of a unit are printed.
    UnitKind {
        /// As a number.
        Pieces = "pieces",
        /// In KiB, MiB, GiB, TiB.
        Bytes = "bytes",
    }
}

/// A unit of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// As rows and findings spell it.
    pub name: String,
    /// How to print amounts.
    pub kind: UnitKind,
}

/// What a plugin is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The cloud that it judges.
    pub cloud: String,
    /// The cloud's name, for people.
    pub title: String,
    /// The plugin's own version.
    pub version: String,
    /// The lists that it can use.
    pub sources: Vec<SourceNeed>,
    /// The lifecycles of the cloud, the usual one first.
    pub lifecycles: Vec<LifecycleKind>,
    /// The kinds of needs that launches may have.
    pub kinds: Vec<NeedKind>,
    /// What the cloud calls the levels of owners, outermost first.
    pub levels: Vec<String>,
    /// What the cloud calls the finest place that a launch can name.
    pub zone_word: String,
    /// Units of rows.
    pub units: Vec<Unit>,
}

impl Descriptor {
    /// The cloud's name of a lifecycle, by that name or an alias.
    pub fn lifecycle(&self, name: &str) -> Option<&str> {
        let is = |kind: &&LifecycleKind| {
            kind.name == name || kind.aliases.iter().any(|alias| alias == name)
        };
        self.lifecycles
            .iter()
            .find(is)
            .map(|kind| kind.name.as_str())
    }
}

cases! {
    /// Who is at fault if a call gives no verdict.
    ErrorCode {
        /// The launch makes no sense in this cloud.
        InvalidLaunch = "invalid-launch",
        /// The text is not what the function takes.
        InvalidText = "invalid-text",
        /// The plugin has no such function.
        Unsupported = "unsupported",
    }
}

/// Why a call gives no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who is at fault.
    pub code: ErrorCode,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// A row as the plugin reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The row's key.
    pub key: String,
    /// The quota.
    pub quota: String,
    /// What people call it.
    pub title: Option<String>,
    /// Whose row it is, by id.
    pub owner: String,
    /// The owner's level.
    pub level: String,
    /// Where it counts.
    pub place: Place,
    /// The unit of the numbers.
    pub unit: String,
    /// The limit.
    pub limit: Limit,
    /// The usage, counted from holdings where the cloud does not report it.
    pub usage: Usage,
    /// Whether the usage is a measurement.
    pub measured: bool,
    /// limit - usage, without what is held.
    pub headroom: Option<u64>,
    /// The keys of the sources that it rests on.
    pub rests_on: Vec<String>,
}

/// Where a plan stops fitting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaking {
    /// The launch's place in the plan, from zero.
    pub index: u32,
    /// Instances of it that still fit after the launches before it.
    pub fits_count: Option<u32>,
}

/// The judgement of launches that draw on the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// The plan as a whole.
    pub verdict: Verdict,
    /// What to hold while the launches are under way, by row key.
    pub takes: Vec<Take>,
    /// The keys of the sources to read again before the launch.
    pub rests_on: Vec<String>,
    /// The keys of the reservations that the launch must name.
    pub reservations: Vec<String>,
    /// The first launch that a quota provably blocks; where none is, the first that is unknown.
    pub breaks_at: Option<Breaking>,
}

/// A detail of a failure, as the cloud sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureDetail {
    /// A type URL or a media type.
    pub type_name: String,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// A failure as a client has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureParts {
    /// The cloud's own code, as it spells it.
    pub code: String,
    /// The status of the answer, where it came over HTTP.
    pub http_status: Option<u16>,
    /// The cloud's words.
    pub message: String,
    /// What came with it.
    pub details: Vec<FailureDetail>,
}

/// A failed launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// As a client has it.
    Parts(FailureParts),
    /// In any form that the cloud's tools print.
    Text(String),
}

cases! {
    /// What went wrong with a launch.
    FailureKind {
        /// A quota was exceeded.
        Quota = "quota",
        /// There was no free hardware.
        Capacity = "capacity",
        /// Too many calls.
        RateLimit = "rate-limit",
        /// The credentials do not allow it.
        Access = "access",
        /// The request itself is wrong.
        Invalid = "invalid",
        /// The cloud failed; the same call may succeed.
        Transient = "transient",
        /// The error does not say which of these it was.
        Ambiguous = "ambiguous",
    }
}

/// What a failure means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// The most specific kind of all failures in it.
    pub kind: FailureKind,
    /// Whether the same launch can succeed if tried again unchanged.
    pub retry: bool,
    /// What it says of quotas and hardware.
    pub findings: Vec<Finding>,
    /// What to do about it.
    pub remedy: Option<Remedy>,
    /// What it teaches of launches like this one.
    #[serde(default)]
    pub lessons: Vec<Lesson>,
    /// The keys of the sources whose answers it contradicts.
    #[serde(default)]
    pub contradicts: Vec<String>,
}
