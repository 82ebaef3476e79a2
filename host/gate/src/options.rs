//! How a gate behaves: how often it reads, how long it trusts, what it holds, what it learns, and what it refuses.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    inventory::SourceKind,
    types::{Availability, Policy, QuotaOutcome, Strictness, Verdict},
};

/// How a gate behaves. The defaults suit an orchestrator that lists every few seconds and launches now and then.
#[derive(Clone, Debug, PartialEq)]
pub struct GateOptions {
    /// When the account is read again.
    pub refresh: RefreshOptions,
    /// How amounts are held for launches under way.
    pub holds: HoldOptions,
    /// What failed launches teach, and for how long.
    pub feedback: FeedbackOptions,
    /// What lists leave out.
    pub list: ListOptions,
    /// What a plan that is only looked at warns of. Default: of everything.
    pub plan: PhaseOptions,
    /// What is refused before a launch. Default: proven shortages.
    pub deploy: PhaseOptions,
    /// Judge and log, and change nothing: lists stay whole and no launch is refused. Default: off.
    pub shadow: bool,
}

impl Default for GateOptions {
    /// Lists inform, plans warn, launches are refused on a proven shortage.
    fn default() -> Self {
        Self {
            refresh: RefreshOptions::default(),
            holds: HoldOptions::default(),
            feedback: FeedbackOptions::default(),
            list: ListOptions::default(),
            plan: PhaseOptions {
                blocked: Action::Warn,
                ..PhaseOptions::default()
            },
            deploy: PhaseOptions::default(),
            shadow: false,
        }
    }
}

/// When the account is read again, and how long an answer is trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshOptions {
    /// The tenant and its projects. Default: 10 minutes, trusted for a day.
    pub account: Freshness,
    /// Quota rows of either scope. Default: 2 minutes, trusted for 15.
    pub allowances: Freshness,
    /// What projects are offered. Default: an hour, trusted for a day.
    pub instance_types: Freshness,
    /// Advice on free hardware. Default: 1 minute, trusted for 10.
    pub capacities: Freshness,
    /// Reserved capacity and the projects' shares of it. Default: 2 minutes, trusted for 15.
    pub reservations: Freshness,
    /// By how much each wait differs from the interval at random, as a part of it, so that many processes do not ask at
    /// once. Default: 0.1.
    pub jitter: f64,
    /// The wait after a failure; it doubles with each further one, up to the source's interval. Default: 5 s.
    pub first_retry: Duration,
    /// After so many failures in a row, a source is not asked before its wait is over, not even before a launch.
    /// Default: 5.
    pub failures_to_open: u32,
    /// How long the first question of all waits for the sources; those that take longer count as unread until they
    /// answer. Default: 10 s.
    pub first_wait: Duration,
    /// How long the final check waits for what it reads again, and then for the file of holds. Default: 10 s.
    pub verify_wait: Duration,
    /// After which a source that does not answer is given up. Default: 2 minutes.
    pub give_up: Duration,
    /// How many sources are read at a time; the others wait for their turn, which does not count against `give_up`.
    /// Default: 16.
    pub concurrent: usize,
}

/// How often a source is read, and how long its answer is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// After which it is read again, in the background.
    pub interval: Duration,
    /// After which the source counts as unreadable.
    pub max_age: Duration,
}

/// How amounts are held for launches under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOptions {
    /// After which a hold ends that was neither committed nor released. Default: 15 minutes.
    pub time_to_live: Duration,
    /// After which a committed hold ends, even if no usage ever showed it. Default: 15 minutes.
    pub settle: Duration,
    /// Where holds are kept, so that they outlive the process. Default: nowhere.
    pub file: Option<PathBuf>,
}

/// What failed launches teach, and for how long. Each time doubles when the same thing happens again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackOptions {
    /// For a quota of which something is left. Default: 10 minutes.
    pub quota: Duration,
    /// For a quota whose limit the launch exceeds as a whole. Default: 1 hour.
    pub limit: Duration,
    /// For hardware that was not free. Default: 3 minutes.
    pub capacity: Duration,
    /// For an error that does not say which of these it was. Default: 1 minute.
    pub unclear: Duration,
    /// The longest of all. Default: 6 hours.
    pub longest: Duration,
}

/// What lists leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// Which offers are visible. Default: all but those that a quota provably blocks.
    pub strictness: Strictness,
}

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseOptions {
    /// What to do with a proven shortage.
    pub blocked: Action,
    /// What to do where the quotas are not known.
    pub unknown: Action,
    /// What to do where no quota stands in the way, but hardware is unlikely to be free.
    pub no_capacity: Action,
}

/// What to do with a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Let it through, and say nothing.
    Allow,
    /// Let it through, and say so in the log.
    Warn,
    /// Refuse it.
    Refuse,
}

impl Action {
    /// Every case, the mildest first.
    pub const ALL: &'static [Self] = &[Self::Allow, Self::Warn, Self::Refuse];

    /// The name under which configuration, metrics and logs show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Freshness {
    const fn seconds(interval: u64, max_age: u64) -> Self {
        Self {
            interval: Duration::from_secs(interval),
            max_age: Duration::from_secs(max_age),
        }
    }
}

impl Default for RefreshOptions {
    fn default() -> Self {
        Self {
            account: Freshness::seconds(600, 86_400),
            allowances: Freshness::seconds(120, 900),
            instance_types: Freshness::seconds(3_600, 86_400),
            capacities: Freshness::seconds(60, 600),
            reservations: Freshness::seconds(120, 900),
            jitter: 0.1,
            first_retry: Duration::from_secs(5),
            failures_to_open: 5,
            first_wait: Duration::from_secs(10),
            verify_wait: Duration::from_secs(10),
            give_up: Duration::from_secs(120),
            concurrent: 16,
        }
    }
}

impl RefreshOptions {
    pub(crate) const fn of(&self, kind: SourceKind) -> Freshness {
        match kind {
            SourceKind::Account => self.account,
            SourceKind::TenantAllowances | SourceKind::ProjectAllowances => self.allowances,
            SourceKind::InstanceTypes => self.instance_types,
            SourceKind::Capacities => self.capacities,
            SourceKind::Reservations | SourceKind::ReservationShares => self.reservations,
        }
    }
}

impl Default for HoldOptions {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(900),
            settle: Duration::from_secs(900),
            file: None,
        }
    }
}

impl Default for FeedbackOptions {
    fn default() -> Self {
        Self {
            quota: Duration::from_secs(600),
            limit: Duration::from_secs(3_600),
            capacity: Duration::from_secs(180),
            unclear: Duration::from_secs(60),
            longest: Duration::from_secs(21_600),
        }
    }
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            strictness: Strictness::Balanced,
        }
    }
}

impl ListOptions {
    /// The policy of a list.
    pub fn policy(&self) -> Policy {
        Policy {
            strictness: self.strictness,
            ..Policy::default()
        }
    }
}

impl Default for PhaseOptions {
    /// Refuses what is proven, and warns of the rest.
    fn default() -> Self {
        Self {
            blocked: Action::Refuse,
            unknown: Action::Warn,
            no_capacity: Action::Warn,
        }
    }
}

impl PhaseOptions {
    /// What to do with a launch of this verdict.
    pub fn action(&self, verdict: &Verdict) -> Action {
        match (verdict.quota, verdict.availability) {
            (QuotaOutcome::Blocked, _) => self.blocked,
            (_, Availability::NoCapacity) => self.no_capacity,
            (QuotaOutcome::Unknown, _) => self.unknown,
            (QuotaOutcome::Fits, _) => Action::Allow,
        }
    }
}
