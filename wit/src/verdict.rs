//! What is answered: outcomes, findings and the verdict that they add up to.

use alloc::{string::String, sync::Arc, vec::Vec};

use serde::{Deserialize, Serialize};

cases! {
    /// Whether the quotas let a launch through. The order is the lattice: a later case beats an earlier one.
    QuotaOutcome {
        /// Every row that the launch draws on has room, by what was read.
        Fits = "fits",
        /// Nothing proves a shortage, and something needed could not be known.
        Unknown = "unknown",
        /// At least one row proves that it has not.
        Blocked = "blocked",
    }
}

cases! {
    /// Whether hardware is likely to be free. A later case beats an earlier one.
    CapacityOutcome {
        /// The cloud's advice says so.
        Likely = "likely",
        /// Nothing usable is known.
        Unknown = "unknown",
        /// The cloud's advice, or a launch that failed, says that it is not.
        Unlikely = "unlikely",
    }
}

cases! {
    /// Both outcomes in one word, for lists.
    Availability {
        /// The quotas let it through and no advice speaks against it.
        Available = "available",
        /// A quota blocks it.
        NoQuota = "no_quota",
        /// No quota blocks it, but hardware is unlikely to be free, or it is not offered there.
        NoCapacity = "no_capacity",
        /// Nobody knows.
        Unknown = "unknown",
    }
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

cases! {
    /// Why a finding says what it says.
    Reason {
        /// The row has room.
        Fits = "fits",
        /// Less is free than the launch takes.
        Shortage = "shortage",
        /// The launch takes more than the whole limit: it would not fit even if nothing else ran.
        ExceedsLimit = "exceeds-limit",
        /// The row is suspended.
        Frozen = "frozen",
        /// The row is gone.
        Deleted = "deleted",
        /// The row is changing; ask again in minutes.
        Provisioning = "provisioning",
        /// The row, or an owner, is in a state that the plugin does not know.
        StateUnknown = "state-unknown",
        /// How much is used is not known.
        UsageUnmeasured = "usage-unmeasured",
        /// The row carries no limit.
        LimitUnset = "limit-unset",
        /// A list was read and lacks a row that the launch draws on.
        RowMissing = "row-missing",
        /// The list that would hold the row could not be read, or only in part.
        ScopeUnreadable = "scope-unreadable",
        /// The list that holds the row is older than the policy allows.
        Stale = "stale",
        /// Rows, or the numbers of one row, contradict each other.
        Contradictory = "contradictory",
        /// The row counts in a unit that the plugin does not expect.
        WrongUnit = "wrong-unit",
        /// The reserved capacity that the launch insists on has too little left.
        ReservationExhausted = "reservation-exhausted",
        /// The project is not offered this type, or not there, or not under this lifecycle, or launches nothing now.
        NotOffered = "not-offered",
        /// The cloud sees no free hardware.
        NoCapacity = "no-capacity",
        /// The advice on capacity is missing or not fresh.
        CapacityUnknown = "capacity-unknown",
        /// The advice speaks of a used-up limit while the rows have room.
        LimitReached = "limit-reached",
        /// Reported for orientation; the launch does not draw on the row.
        NotDecisive = "not-decisive",
        /// A launch of this kind may draw on this, and nothing says how much is left.
        NotChecked = "not-checked",
        /// A launch like this failed a short while ago, and nothing read since says that the next one would not.
        FailedBefore = "failed-before",
        /// Launches under way may take what this one needs, or have it inside the usage already.
        MayBeHeld = "may-be-held",
        /// Reserved capacity that the launch can use changes its amount within the launch's first day.
        ChangesSoon = "changes-soon",
        /// The cloud has no list that would say.
        Unsupported = "unsupported",
        /// The cloud offers it, and not to this account.
        Restricted = "restricted",
    }
}

/// What to do about a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// One sentence.
    pub text: String,
    /// A command that does it, as an argument vector; empty where there is none.
    #[serde(default)]
    pub command: Vec<String>,
    /// Where it can be done in a browser.
    #[serde(default)]
    pub link: Option<String>,
}

impl From<String> for Remedy {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Remedy {
    fn from(text: &str) -> Self {
        String::from(text).into()
    }
}

/// One row's part in a verdict. Numbers are none where they are not known or mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Why it says what it says.
    pub reason: Reason,
    /// What this finding alone would make of the launch.
    pub outcome: QuotaOutcome,
    /// The quota; none where the finding is about hardware or about the offer itself.
    pub quota: Option<String>,
    /// What people call the quota.
    pub title: Option<String>,
    /// Whose row it is, by id.
    pub owner: Option<String>,
    /// The owner's level.
    pub level: Option<String>,
    /// Where the row counts; none: everywhere.
    pub region: Option<String>,
    /// The zone in which the row counts; none: the whole region.
    pub zone: Option<String>,
    /// The unit of the numbers.
    pub unit: String,
    /// What the launch takes, all instances together; it saturates.
    pub required: Option<u64>,
    /// The row's limit.
    pub limit: Option<u64>,
    /// Taken for certain.
    pub usage: Option<u64>,
    /// Taken at most.
    pub usage_at_most: Option<u64>,
    /// Promised to launches that the usage does not show yet, for certain.
    pub held: u64,
    /// limit - usage - held, never below zero.
    pub headroom: Option<u64>,
    /// required - headroom, where that is above zero.
    pub shortfall: Option<u64>,
    /// The smallest limit of this row under which the launch would fit as things stand.
    pub minimum_limit: Option<u64>,
    /// What was found, where the numbers do not say it.
    pub detail: Option<String>,
    /// What to do about it.
    pub remedy: Option<Remedy>,
    /// The rule that was applied.
    pub rule: Option<String>,
}

impl Finding {
    /// A finding that says nothing but why.
    pub const fn new(reason: Reason, outcome: QuotaOutcome) -> Self {
        Self {
            reason,
            outcome,
            quota: None,
            title: None,
            owner: None,
            level: None,
            region: None,
            zone: None,
            unit: String::new(),
            required: None,
            limit: None,
            usage: None,
            usage_at_most: None,
            held: 0,
            headroom: None,
            shortfall: None,
            minimum_limit: None,
            detail: None,
            remedy: None,
            rule: None,
        }
    }
}

/// The judgement of one offer or launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether the quotas let it through.
    pub quota: QuotaOutcome,
    /// Whether hardware is likely to be free.
    pub capacity: CapacityOutcome,
    /// How many such instances (in a plan: launches, from the first) fit now.
    pub fits_count: Option<u32>,
    /// What was found; verdicts of one list share equal findings.
    pub findings: Vec<Arc<Finding>>,
}

impl Verdict {
    /// Both outcomes in one word.
    pub const fn availability(&self) -> Availability {
        Availability::of(self.quota, self.capacity)
    }
}
