//! How a gate behaves: how often it reads, how long it trusts, what it holds, what it learns, and what it refuses.

use std::{fmt, path::PathBuf, time::Duration};

use quotagate_contract::{Availability, Detail, Feed, QuotaOutcome, Verdict};

/// Gives each option a setter of its name.
macro_rules! setters {
    ($options:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        impl $options {
            $(
                #[doc = concat!("With another [`", stringify!($options), "::", stringify!($field), "`].")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

/// How a gate behaves. The defaults suit an orchestrator that lists every few seconds and launches now and then.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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
    /// Which findings the final check gives. Default: those that decide.
    pub verify_detail: Detail,
    /// Judge and log, and change nothing: lists stay whole and no launch is refused. Default: off.
    pub shadow: bool,
}

setters!(GateOptions {
    refresh: RefreshOptions,
    holds: HoldOptions,
    feedback: FeedbackOptions,
    list: ListOptions,
    plan: PhaseOptions,
    deploy: PhaseOptions,
    verify_detail: Detail,
    shadow: bool,
});

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
            verify_detail: Detail::default(),
            shadow: false,
        }
    }
}

/// When the account is read again, and how long an answer is trusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RefreshOptions {
    /// Owners, projects and places. Default: 10 minutes, trusted for a day.
    pub account: Freshness,
    /// Quota rows. Default: 2 minutes, trusted for 15.
    pub rows: Freshness,
    /// What the account holds. Default: 2 minutes, trusted for 15.
    pub holdings: Freshness,
    /// What projects are offered. Default: an hour, trusted for a day.
    pub types: Freshness,
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
#[non_exhaustive]
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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct ListOptions {
    /// Which offers are visible where a [`crate::Question`] does not say. Default: all but those that a quota provably blocks.
    pub strictness: Strictness,
}

/// Which offers a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// All.
    Advisory,
    /// All but those that a quota provably blocks.
    #[default]
    Balanced,
    /// Those that are available alone.
    Strict,
}

impl Strictness {
    /// Every case, the mildest first.
    pub const ALL: &'static [Self] = &[Self::Advisory, Self::Balanced, Self::Strict];

    /// The name under which configuration and the command line show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Balanced => "balanced",
            Self::Strict => "strict",
        }
    }

    /// Whether a list shows an offer.
    pub const fn shows(self, availability: Availability) -> bool {
        match self {
            Self::Advisory => true,
            Self::Balanced => !matches!(availability, Availability::NoQuota),
            Self::Strict => matches!(availability, Availability::Available),
        }
    }
}

impl fmt::Display for Strictness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
            rows: Freshness::seconds(120, 900),
            holdings: Freshness::seconds(120, 900),
            types: Freshness::seconds(3_600, 86_400),
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
    pub(crate) const fn of(&self, feed: Feed) -> Freshness {
        match feed {
            Feed::Account => self.account,
            Feed::Rows => self.rows,
            Feed::Holdings => self.holdings,
            Feed::Types => self.types,
            Feed::Capacities => self.capacities,
            Feed::Reservations => self.reservations,
        }
    }
}

setters!(RefreshOptions {
    account: Freshness,
    rows: Freshness,
    holdings: Freshness,
    types: Freshness,
    capacities: Freshness,
    reservations: Freshness,
    jitter: f64,
    first_retry: Duration,
    failures_to_open: u32,
    first_wait: Duration,
    verify_wait: Duration,
    give_up: Duration,
    concurrent: usize,
});

setters!(HoldOptions {
    time_to_live: Duration,
    settle: Duration,
    file: Option<PathBuf>,
});

setters!(FeedbackOptions {
    quota: Duration,
    limit: Duration,
    capacity: Duration,
    unclear: Duration,
    longest: Duration,
});

setters!(ListOptions {
    strictness: Strictness,
});

setters!(PhaseOptions {
    blocked: Action,
    unknown: Action,
    no_capacity: Action,
});

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
        match (verdict.quota, verdict.availability()) {
            (QuotaOutcome::Blocked, _) => self.blocked,
            (_, Availability::NoCapacity) => self.no_capacity,
            (QuotaOutcome::Unknown, _) => self.unknown,
            (QuotaOutcome::Fits, _) => Action::Allow,
        }
    }
}
