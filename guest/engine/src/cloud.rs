//! What the engine must be told of a cloud: what a launch draws on, what rows mean, what to say about a shortage.
//!
//! Everything else is the same everywhere. A cloud is a value without state; each method is a pure function.

use alloc::{borrow::Cow, string::String, vec::Vec};

use quotagate_contract::{
    Attribute, Descriptor, Diagnosis, ErrorCode, Failure, Finding, Holding, InstanceType, Launch,
    Need, Owner, Profile, Reason, Refusal, Remedy, Reservation, ReservationUse, Row, SourceState,
    Usage,
};

/// Why a launch makes no sense in a cloud, for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLaunch(pub String);

/// What of an offer and its profile decides what one instance draws on.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The type.
    pub instance_type: &'a InstanceType,
    /// Where.
    pub region: &'a str,
    /// The zone, where the launch names one.
    pub zone: Option<&'a str>,
    /// Under which lifecycle.
    pub lifecycle: &'a str,
    /// What belongs to the offer itself. Needs of the profile are asked for by [`Cloud::profile_demands`].
    pub needs: &'a [Need],
    /// Whether a stopped instance is started.
    pub restart: bool,
    /// Whether reserved capacity may be used.
    pub reservation: ReservationUse,
    /// The reservation that the launch names.
    pub reservation_key: Option<&'a str>,
}

/// What one launch takes of one quota, or of one of several.
///
/// The engine sums demands on the same row before it compares them. Where one of them says that the row must be listed, that
/// reserved capacity may not cover it, or that an amount is certain, that holds for the sum as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand<'a> {
    /// The rows that may govern, best first. The first whose row lets anything through governs (an amount above zero, or
    /// unlimited); where none does, the last. One that is not known leaves open which governs. Most demands have one.
    pub any_of: Vec<Claim<'a>>,
    /// The units in which a row may count; the first is the usual one. Empty: any.
    pub units: &'static [&'static str],
    /// Taken by each instance. Wider than a row's numbers, since sums may exceed them.
    pub each: u128,
    /// Taken by the launch as a whole, besides its instances.
    pub once: u128,
    /// Whether the launch draws on it.
    pub draws: Draws,
    /// Whether reserved capacity spares it.
    pub is_reservable: bool,
    /// Whether the amount may be inside the usage already, or may not be taken: then a shortage proves nothing.
    pub is_uncertain: bool,
}

impl<'a> Demand<'a> {
    /// A demand of each instance on one quota of the region.
    pub fn each(
        quota: impl Into<Cow<'a, str>>,
        units: &'static [&'static str],
        amount: u128,
    ) -> Self {
        Self {
            any_of: alloc::vec![Claim::region(quota)],
            units,
            each: amount,
            once: 0,
            draws: Draws::Always,
            is_reservable: false,
            is_uncertain: false,
        }
    }

    /// A demand of the launch as a whole on one quota of the region.
    pub fn once(
        quota: impl Into<Cow<'a, str>>,
        units: &'static [&'static str],
        amount: u128,
    ) -> Self {
        Self {
            once: amount,
            ..Self::each(quota, units, 0)
        }
    }

    /// The same demand with other rows.
    #[must_use]
    pub fn on(mut self, any_of: Vec<Claim<'a>>) -> Self {
        self.any_of = any_of;
        self
    }

    /// The same demand, drawn as said.
    #[must_use]
    pub fn drawn(mut self, draws: Draws) -> Self {
        self.draws = draws;
        self
    }

    /// The same demand, spared by reserved capacity.
    #[must_use]
    pub fn reservable(mut self) -> Self {
        self.is_reservable = true;
        self
    }

    /// The same demand, of which nothing is certain.
    #[must_use]
    pub fn uncertain(mut self) -> Self {
        self.is_uncertain = true;
        self
    }
}

/// The rows of one quota that a launch draws on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim<'a> {
    /// The quota's name.
    pub quota: Cow<'a, str>,
    /// Coordinates of what is asked for. A row answers where its own dimensions are among them; the one with the most governs.
    pub dimensions: Vec<Attribute>,
    /// At which place.
    pub at: At,
    /// Of which owners of the project's chain; the row of each must have room.
    pub owners: Owners,
}

impl<'a> Claim<'a> {
    /// The quota's rows of the launch's region, of every owner.
    pub fn region(quota: impl Into<Cow<'a, str>>) -> Self {
        Self {
            quota: quota.into(),
            dimensions: Vec::new(),
            at: At::Region,
            owners: Owners::All,
        }
    }

    /// The quota's rows that count everywhere, of every owner.
    pub fn everywhere(quota: impl Into<Cow<'a, str>>) -> Self {
        Self {
            at: At::Everywhere,
            ..Self::region(quota)
        }
    }

    /// The quota's rows of the launch's zone, of every owner. Where the launch names none: of each zone in which its type is
    /// offered, any of which may be the one. Unless the profile keeps instances together, they may spread over these zones: then
    /// the rows block a launch where all of them together let fewer instances through.
    pub fn zone(quota: impl Into<Cow<'a, str>>) -> Self {
        Self {
            at: At::Zone,
            ..Self::region(quota)
        }
    }

    /// The same claim with one more coordinate.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.dimensions.push(Attribute::new(name, value));
        self
    }
}

/// The place of the rows of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Rows that count everywhere.
    Everywhere,
    /// Rows of the launch's region.
    Region,
    /// Rows of the launch's zone.
    Zone,
}

/// The owners whose rows of a quota a launch draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owners {
    /// Every owner of the chain.
    All,
    /// The outermost alone.
    Outermost,
    /// The project alone.
    Innermost,
}

/// Whether a launch draws on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Draws {
    /// It does not; the row is reported for orientation.
    Never,
    /// On the rows that owners have; where one has none, it limits nothing.
    WhereListed,
    /// On a row that must be there.
    Always,
}

/// What the rows of owners of one level mean where they give no number to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRules {
    /// A list that was read to its end and lacks the row.
    pub absent: Meaning,
    /// A row without a limit.
    pub unset: Meaning,
    /// A row that is changing.
    pub changing: Meaning,
    /// A row that is suspended.
    pub suspended: Meaning,
    /// A row that is gone.
    pub gone: Meaning,
}

/// What a row without a number to compare with says of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing is known.
    Unknown,
    /// It lets nothing through.
    Blocks,
    /// It does not constrain; other rows govern.
    Unconstrained,
}

/// How much of a row is used, as a cloud's rules read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The band.
    pub usage: Usage,
    /// Why it is not a measurement, where it is none.
    pub doubt: Option<UsageDoubt>,
}

impl Reading {
    /// What the cloud reports, as it is: a measurement where both ends are equal.
    pub fn reported(row: &Row) -> Self {
        let usage = row.usage;
        let is_measured = usage.at_most == Some(usage.at_least);
        Self {
            usage,
            doubt: (!is_measured).then_some(UsageDoubt {
                reason: Reason::UsageUnmeasured,
                detail: None,
            }),
        }
    }
}

/// Why a usage is not a measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageDoubt {
    /// `usage-unmeasured` or `contradictory`.
    pub reason: Reason,
    /// What was found, in words.
    pub detail: Option<String>,
}

/// What one reservation does for instances of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serves {
    /// What one instance takes of the reservation's row. Above zero.
    pub each: u64,
    /// Whether a launch as asked is placed on it if it has room. What only may serve proves no room and no shortage.
    pub is_certain: bool,
}

/// Whether an owner lets its launches through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerState {
    /// It does.
    Launches,
    /// It does not; what it is doing instead, to follow its name in a sentence.
    LaunchesNothing(&'static str),
    /// A state that the cloud's rules do not know.
    Unknown,
}

/// One cloud's rules.
pub trait Cloud {
    /// What the plugin is and needs.
    fn descriptor(&self) -> Descriptor;

    /// What rows of owners of a level mean where they give no number.
    fn level_rules(&self, level: &str) -> LevelRules;

    /// What one launch draws on by what its instances are, scarcest first.
    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>>;

    /// What a launch draws on by what its instances bring with them, whatever their type.
    ///
    /// # Errors
    /// When the profile makes no sense in this cloud.
    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch>;

    /// Whether amounts that the host holds count towards a proven shortage. Where they do not, a launch that fits without them
    /// is unknown.
    fn held_proves_shortage(&self) -> bool {
        true
    }

    /// How much of a row is used, of quota rows as of rows of reservations and shares. `holdings` are those of the row's owner in the
    /// row's region and of no region; of every region for a row that counts everywhere, and none for reservations. Where the cloud
    /// reports no usage, they are counted here.
    fn reading(&self, row: &Row, holdings: &[Holding]) -> Reading {
        let _ = holdings;
        Reading::reported(row)
    }

    /// The kinds of sources that the usage of a row rests on besides the row's own. Where one of them was not read to its end, more
    /// may be used than was counted.
    fn usage_rests_on(&self, row: &Row) -> &[&'static str] {
        let _ = row;
        &[]
    }

    /// Whether launches like this one can use reserved capacity at all.
    fn may_be_reserved(&self, asked: &Asked<'_>) -> bool {
        let _ = asked;
        false
    }

    /// What a reservation does for a launch; none where it does not serve it. The engine looks at region, zone, window and naming
    /// itself; the cloud's rules look at type, family, state and attributes.
    fn serves(&self, asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
        let _ = (asked, reservation);
        None
    }

    /// Whether an owner in this state launches.
    fn owner_state(&self, owner: &Owner) -> OwnerState {
        let _ = owner;
        OwnerState::Launches
    }

    /// A type that the cloud does not list and sells all the same, by its name.
    fn unlisted_type(&self, name: &str) -> Option<InstanceType> {
        let _ = name;
        None
    }

    /// Whether instances of two types run on the same hardware, so that one can stand in for the other.
    fn is_alike(&self, one: &InstanceType, other: &InstanceType) -> bool {
        one.gpus > 0 && other.gpus > 0 && one.family == other.family
    }

    /// The list of one level's rows, for people.
    fn list_name(&self, level: &str) -> String {
        alloc::format!("the {level}'s list of quotas")
    }

    /// The rows' title for people, where the cloud itself gives none.
    fn title(&self, quota: &str) -> Option<&'static str> {
        let _ = quota;
        None
    }

    /// What a person can do about a finding; `list` says how far the list was read that it rests on, where it does.
    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
        let _ = (finding, list);
        None
    }

    /// The rule that was applied in a finding, by its number in the cloud's list of rules.
    fn rule(&self, finding: &Finding) -> &'static str {
        let _ = finding;
        ""
    }

    /// What a launch may draw on that no row is known for, one sentence each.
    fn not_checked(&self, asked: &Asked<'_>) -> &[&'static str] {
        let _ = asked;
        &[]
    }

    /// Says what a failure means: kind, findings, remedy. Its lessons are of the error alone: quota, owner and place as far as the
    /// error names them, `at_least` as the error tells it or zero. The engine fills in what the launch itself takes and where: of a
    /// quota its own demand, of hardware the place where none is named, and the type and the lifecycle where neither is.
    ///
    /// # Errors
    /// When the text holds no failure.
    fn diagnose(&self, failure: &Failure, launch: Option<&Launch>) -> Result<Diagnosis, Refusal> {
        let _ = (failure, launch);
        Err(Refusal {
            code: ErrorCode::Unsupported,
            message: String::from("this plugin reads no errors"),
        })
    }
}
