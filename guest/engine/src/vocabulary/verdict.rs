//! What is answered: outcomes, findings and the verdict that they add up to.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Scope;

/// Whether the quotas let a launch through. The order is the lattice: a later case beats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaOutcome {
    /// Every row that the launch draws on has room, by what was read.
    Fits,
    /// Nothing proves a shortage, and something needed could not be known.
    Unknown,
    /// At least one row proves a shortage.
    Blocked,
}

/// Whether hardware is likely to be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityOutcome {
    /// The cloud sees enough.
    Likely,
    /// The cloud sees too little.
    Unlikely,
    /// Nothing usable was said.
    Unknown,
}

/// Both outcomes in one word, for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// The quotas let it through and no advice speaks against it.
    Available,
    /// A quota blocks it.
    NoQuota,
    /// No quota blocks it, but hardware is unlikely to be free, or it is not offered there.
    NoCapacity,
    /// Nobody knows.
    Unknown,
}

impl Availability {
    /// Both outcomes in one word: quota first, since a launch that it blocks never gets to ask for hardware.
    pub const fn of(quota: QuotaOutcome, capacity: CapacityOutcome) -> Self {
        match (quota, capacity) {
            (QuotaOutcome::Blocked, _) => Self::NoQuota,
            (_, CapacityOutcome::Unlikely) => Self::NoCapacity,
            (QuotaOutcome::Unknown, _) => Self::Unknown,
            (QuotaOutcome::Fits, _) => Self::Available,
        }
    }
}

/// Why a finding says what it says; `wit/types.wit` defines each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "each is defined in wit/types.wit, word for word the same names"
)]
pub enum Reason {
    Fits,
    Shortage,
    ExceedsLimit,
    Frozen,
    Deleted,
    Provisioning,
    StateUnknown,
    UsageUnmeasured,
    LimitUnset,
    RowMissing,
    ScopeUnreadable,
    Stale,
    Contradictory,
    WrongUnit,
    ReservationExhausted,
    NotOffered,
    NoCapacity,
    CapacityUnknown,
    LimitReached,
    NotDecisive,
    NotChecked,
    /// A launch like this failed a short while ago, and nothing read since says that the next one would not.
    FailedBefore,
    /// Starts under way may take what the launch needs, or have it inside the usage already.
    MayBeHeld,
    /// Reserved capacity that the launch can use changes its amount within the launch's first day.
    ChangesSoon,
}

/// One quota's part in a verdict. Numbers are none where they are not known or mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// What this finding alone would make of the launch.
    pub outcome: QuotaOutcome,
    /// None where the finding is about capacity or about the offer itself.
    pub quota: Option<String>,
    /// The scope of the row.
    pub scope: Option<Scope>,
    /// The tenant or project whose row it is; none where it is not known or there is none.
    pub owner: Option<String>,
    /// The region.
    pub region: String,
    /// The unit of the numbers.
    pub unit: String,
    /// What the launch takes, all instances together; the largest number where it is larger than that. None where it is not
    /// known.
    pub required: Option<u64>,
    /// The row's limit.
    pub limit: Option<u64>,
    /// What is taken now, where that was measured.
    pub usage: Option<u64>,
    /// Promised for certain to launches that `usage` does not show yet.
    pub held: u64,
    /// limit - usage - held, never below zero.
    pub headroom: Option<u64>,
    /// required - headroom, where that is above zero.
    pub shortfall: Option<u64>,
    /// The smallest limit of this row under which the launch would fit as things stand.
    pub minimum_limit: Option<u64>,
    /// What was found, in words, where the numbers do not say it.
    pub detail: Option<String>,
    /// What to do about it, and where.
    pub remedy: Option<String>,
    /// The command that does it, word by word; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Under `explain`: the rule that was applied, and where it is written.
    pub rule: Option<String>,
}

/// What a person can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// The command that does it, word by word; empty where there is none.
    pub command: Vec<String>,
}

impl From<String> for Remedy {
    fn from(text: String) -> Self {
        Self {
            text,
            command: Vec::new(),
        }
    }
}

/// The judgement of one offer or launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the quotas let it through.
    pub quota: QuotaOutcome,
    /// Whether hardware is likely to be free.
    pub capacity: CapacityOutcome,
    /// Both in one word.
    pub availability: Availability,
    /// How many such instances fit the quotas now; none where that is not known or nothing bounds it.
    pub fits_count: Option<u32>,
    /// Whether the policy in force shows the offer.
    pub visible: bool,
    /// What decided, or everything under `explain`.
    pub findings: Vec<Finding>,
}

/// What a plan takes from one quota in one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldDemand {
    /// The quota's name.
    pub quota: String,
    /// The project.
    pub project: String,
    /// The region.
    pub region: String,
    /// Taken for certain.
    pub at_least: u64,
    /// Taken at most; the largest number where it is larger than that.
    pub at_most: u64,
}

/// What the launches of one project take from one reservation, in GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedDemand {
    /// The reservation, by id.
    pub reservation: String,
    /// The project.
    pub project: String,
    /// Taken for certain.
    pub at_least: u64,
    /// Taken at most.
    pub at_most: u64,
}

/// The judgement of launches that draw on the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// The plan as a whole; its `fits_count` counts launches, from the first.
    pub verdict: Verdict,
    /// What the plan takes, summed by quota, project and region, of rows that the lists hold or may hold.
    pub demands: Vec<HeldDemand>,
    /// What it takes of reservations, summed by reservation and project.
    pub reserved: Vec<ReservedDemand>,
    /// The first launch that a quota provably blocks; where none is, the first that is unknown.
    pub breaks_at: Option<BreakingLaunch>,
}

/// Where a plan stops fitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakingLaunch {
    /// Its place in the plan, from zero.
    pub index: u32,
    /// Instances of it that still fit after the launches before it, where that is known.
    pub fits_count: Option<u32>,
}

/// What went wrong with a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A quota was exceeded.
    Quota,
    /// There was no free hardware.
    Capacity,
    /// Too many calls.
    RateLimit,
    /// The credentials do not allow it.
    Access,
    /// The request itself is wrong.
    Invalid,
    /// The cloud failed; the same call may succeed.
    Transient,
    /// The error does not say which of these it was.
    Ambiguous,
}

/// What a launch error means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What went wrong.
    pub kind: FailureKind,
    /// What the cloud said, violation by violation.
    pub findings: Vec<Finding>,
    /// Whether the same launch can succeed if tried again unchanged.
    pub retry: bool,
    /// What to do about it.
    pub remedy: Option<String>,
}
