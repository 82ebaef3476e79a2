//! The words of the contract as Rust types: generated from `wit/types.wit`, whose comments document them; here they get
//! defaults and the names under which JSON, the command line and logs show them.

pub use crate::bindings::{
    exports::quotagate::plugin::gate::{
        Admission, BreakingLaunch, Demand, Descriptor, Diagnosis, ErrorCode, Failure, FailureKind,
        GateError as Refusal, Needs, ReservedDemand,
    },
    quotagate::plugin::{
        inventory::{Source as SourceReport, SourceState},
        types::{
            Allowance, Availability, Block, BlockKind, Capacity, CapacityLevel, CapacityOutcome,
            Disk, Finding, Freshness, InstanceType, Lane, Launch, Lifecycle, Offer, Policy,
            Profile, QuotaOutcome, Reason, Reservation, ReservationChange, ReservationUse,
            RowState, Scope, Strictness, UsageState, Verdict,
        },
    },
};

/// Gives each case of an enum the name that the contract spells it with.
macro_rules! names {
    ($($type:ty { $($case:ident = $name:literal),+ $(,)? })+) => {
        $(
            impl $type {
                /// Every case, in the order of the contract.
                pub const ALL: &'static [Self] = &[$(Self::$case),+];

                /// The name under which JSON, the command line and logs show it.
                pub const fn as_str(self) -> &'static str {
                    match self { $(Self::$case => $name),+ }
                }
            }

            impl std::fmt::Display for $type {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.pad(self.as_str())
                }
            }

            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl crate::from_json::FromJson for $type {
                fn from_json(value: &serde_json::Value, path: &str) -> Result<Self, crate::from_json::FromJsonError> {
                    let found = value.as_str().and_then(|name| Self::ALL.iter().find(|case| case.as_str() == name));
                    found.copied().ok_or_else(|| {
                        let names: Vec<_> = Self::ALL.iter().map(|case| case.as_str()).collect();
                        crate::from_json::wrong(path, &format!("must be one of {}", names.join(", ")))
                    })
                }
            }
        )+
    };
}

names! {
    Availability { Available = "available", NoQuota = "no_quota", NoCapacity = "no_capacity", Unknown = "unknown" }
    BlockKind { Quota = "quota", Capacity = "capacity", Unclear = "unclear" }
    CapacityLevel {
        High = "high",
        Medium = "medium",
        Low = "low",
        LimitReached = "limit-reached",
        Unknown = "unknown",
    }
    CapacityOutcome { Likely = "likely", Unlikely = "unlikely", Unknown = "unknown" }
    ErrorCode { InvalidLaunch = "invalid-launch", InvalidJson = "invalid-json" }
    FailureKind {
        Quota = "quota",
        Capacity = "capacity",
        RateLimit = "rate-limit",
        Access = "access",
        Invalid = "invalid",
        Transient = "transient",
        Ambiguous = "ambiguous",
    }
    Freshness { Fresh = "fresh", Stale = "stale", Unknown = "unknown" }
    Lane { OnDemand = "on-demand", Preemptible = "preemptible", Reserved = "reserved" }
    Lifecycle { OnDemand = "on-demand", Preemptible = "preemptible" }
    QuotaOutcome { Fits = "fits", Unknown = "unknown", Blocked = "blocked" }
    Reason {
        Fits = "fits",
        Shortage = "shortage",
        ExceedsLimit = "exceeds-limit",
        Frozen = "frozen",
        Deleted = "deleted",
        Provisioning = "provisioning",
        StateUnknown = "state-unknown",
        UsageUnmeasured = "usage-unmeasured",
        LimitUnset = "limit-unset",
        RowMissing = "row-missing",
        ScopeUnreadable = "scope-unreadable",
        Stale = "stale",
        Contradictory = "contradictory",
        WrongUnit = "wrong-unit",
        ReservationExhausted = "reservation-exhausted",
        NotOffered = "not-offered",
        NoCapacity = "no-capacity",
        CapacityUnknown = "capacity-unknown",
        LimitReached = "limit-reached",
        NotDecisive = "not-decisive",
        NotChecked = "not-checked",
        FailedBefore = "failed-before",
        MayBeHeld = "may-be-held",
        ChangesSoon = "changes-soon",
    }
    ReservationUse { Auto = "auto", Forbid = "forbid", Strict = "strict" }
    RowState {
        Active = "active",
        Provisioning = "provisioning",
        Frozen = "frozen",
        Deleted = "deleted",
        Unknown = "unknown",
    }
    Scope { Tenant = "tenant", Project = "project" }
    SourceState {
        Complete = "complete",
        Denied = "denied",
        Unavailable = "unavailable",
        Incomplete = "incomplete",
    }
    Strictness { Advisory = "advisory", Balanced = "balanced", Strict = "strict" }
    UsageState {
        Used = "used",
        NotUsed = "not-used",
        Unknown = "unknown",
        NotApplicable = "not-applicable",
        Unspecified = "unspecified",
    }
}

impl QuotaOutcome {
    /// Both at once: a proven shortage beats unknown, and unknown beats fits.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        // The contract lists the cases in the order of the lattice.
        if (self as u8) < (other as u8) {
            other
        } else {
            self
        }
    }
}

impl Default for Policy {
    /// Hides what is provably blocked, explains nothing beyond it, accepts sources of any age.
    fn default() -> Self {
        Self {
            strictness: Strictness::Balanced,
            explain: false,
            max_age_ms: None,
        }
    }
}

impl Default for Profile {
    /// Nothing besides the instance itself: no disk, no address; reservations are used where there are any.
    fn default() -> Self {
        Self {
            project: String::new(),
            reservation: ReservationUse::Auto,
            disks: Vec::new(),
            filesystems: Vec::new(),
            private_addresses: 0,
            dynamic_public_addresses: 0,
            static_public_addresses: 0,
            restart: false,
            new_cluster: false,
            node_group: false,
            fabric: None,
        }
    }
}

impl Descriptor {
    /// Of a plugin that has not been asked yet.
    pub(crate) fn unknown() -> Self {
        Self {
            cloud: String::new(),
            version: String::new(),
            needs: Needs::empty(),
        }
    }
}
