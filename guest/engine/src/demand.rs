//! What a launch takes, quota by quota, and the trait through which a cloud says so.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::{
    band::Band,
    vocabulary::{Finding, InstanceType, Launch, Profile, Remedy, Scope, SourceState},
};

/// What one launch takes from one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand<'a> {
    /// The quota's name.
    pub quota: Cow<'a, str>,
    /// The units in which a row of it may count; the first is the usual one.
    pub units: &'static [&'static str],
    /// Taken by each instance. Wider than a row's numbers, since sums of disks may exceed them.
    pub each: u128,
    /// Taken by the launch as a whole, besides its instances.
    pub once: u128,
    /// How much the row's word counts.
    pub bearing: Bearing,
}

/// How much a row's word counts in a verdict.
///
/// Where several demands of one launch name the same quota, the engine adds them up, and the stricter reading counts: the
/// row must be listed where one of them says so, reserved capacity covers the sum only where it may cover each, and the row
/// must count in a unit that is right for each. As much of the sum is certain as the certain demands take. What is not
/// decisive adds nothing to what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// The launch draws on the row.
    Decisive,
    /// The launch draws on the row where the tenant has it; without the row nothing is limited.
    WhereListed,
    /// The launch draws on the row for GPUs that reserved capacity may cover.
    Reservable,
    /// The launch may draw on the row, or its amount may be inside the usage already: a shortage proves nothing.
    PerhapsHeld,
    /// [`Bearing::PerhapsHeld`] for GPUs that reserved capacity may cover.
    PerhapsHeldReservable,
    /// The launch does not draw on the row; it is reported for orientation.
    NotDecisive,
}

impl Bearing {
    const fn is_reservable(self) -> bool {
        matches!(self, Self::Reservable | Self::PerhapsHeldReservable)
    }

    const fn may_be_held(self) -> bool {
        matches!(self, Self::PerhapsHeld | Self::PerhapsHeldReservable)
    }
}

/// What a launch takes from one quota: the sum of its demands on it.
#[derive(Clone, Debug)]
pub(crate) struct Sum<'a> {
    pub(crate) quota: Cow<'a, str>,
    pub(crate) units: &'static [&'static str],
    /// Taken by each instance.
    pub(crate) each: Band,
    /// Taken by the launch as a whole, besides its instances.
    pub(crate) once: Band,
    pub(crate) draws: Draws,
    /// Whether reserved capacity may cover it.
    pub(crate) is_reservable: bool,
}

/// Whether a launch draws on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Draws {
    /// It does not; the row is reported for orientation.
    Never,
    /// Where the tenant has the row.
    WhereListed,
    /// On a row that must be there.
    Always,
}

impl<'a> Sum<'a> {
    fn of(demand: Demand<'a>) -> Self {
        let band = if demand.bearing.may_be_held() {
            Band::up_to
        } else {
            Band::exactly
        };
        Self {
            quota: demand.quota,
            units: demand.units,
            each: band(demand.each),
            once: band(demand.once),
            draws: match demand.bearing {
                Bearing::NotDecisive => Draws::Never,
                Bearing::WhereListed => Draws::WhereListed,
                _ => Draws::Always,
            },
            is_reservable: demand.bearing.is_reservable(),
        }
    }

    /// Adds up demands on the same quotas, in the order in which each quota is named first.
    pub(crate) fn up(demands: Vec<Demand<'a>>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::with_capacity(demands.len());
        for demand in demands {
            let sum = Self::of(demand);
            match sums.iter_mut().find(|known| known.quota == sum.quota) {
                Some(known) => known.add(&sum),
                None => sums.push(sum),
            }
        }
        sums
    }

    /// Adds another sum on the same quota.
    pub(crate) fn add(&mut self, other: &Sum<'_>) {
        match (self.draws, other.draws) {
            (Draws::WhereListed | Draws::Always, Draws::Never) => {}
            (Draws::Never, Draws::WhereListed | Draws::Always) => {
                (self.units, self.each, self.once) = (other.units, other.each, other.once);
                (self.draws, self.is_reservable) = (other.draws, other.is_reservable);
            }
            _ => {
                self.units = common(self.units, other.units);
                self.each = self.each.plus(other.each);
                self.once = self.once.plus(other.once);
                self.draws = self.draws.max(other.draws);
                self.is_reservable &= other.is_reservable;
            }
        }
    }

    /// Whether it takes nothing at all: such a demand asks no row.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.each.at_most == 0 && self.once.at_most == 0
    }

    /// Whether part of it is only possible: the instances' own may be inside the usage already.
    pub(crate) const fn may_be_held(&self) -> bool {
        self.each.doubtful() > 0 || self.once.doubtful() > 0
    }
}

/// The units in which a row may count for both. Where neither list holds the other there is none, and any row counts in a
/// wrong one.
fn common(one: &'static [&'static str], other: &'static [&'static str]) -> &'static [&'static str] {
    let within = |inner: &[&str], outer: &[&str]| inner.iter().all(|unit| outer.contains(unit));
    if within(one, other) {
        one
    } else if within(other, one) {
        other
    } else {
        &[]
    }
}

/// A launch that makes no sense, and why: no verdict can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLaunch(pub String);

/// What a project can launch in the state that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectState {
    /// What it is offered.
    Launches,
    /// Nothing; the words continue "the project", such as "is being created".
    LaunchesNothing(&'static str),
    /// The cloud's rules do not know the word.
    Unknown,
}

/// What the engine does not know of itself: one cloud.
pub trait Cloud {
    /// What the instances of `launch` take by themselves. The type is the one that the launch asks for. A quota may be
    /// named more than once, here and in [`Cloud::profile_demands`]: the engine adds up ([`Bearing`]).
    fn instance_demands<'a>(
        &self,
        launch: &Launch,
        instance_type: &'a InstanceType,
    ) -> Vec<Demand<'a>>;

    /// What a launch takes by what its instances bring with them, whatever their type.
    ///
    /// # Errors
    /// When the profile makes no sense on this cloud, such as a kind of disk that it does not have.
    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch>;

    /// What a person can do about a finding that is not `fits`, and where. Where the finding rests on how far a list was
    /// read, `list` says how far: a list that is denied needs another remedy than one that did not answer, or than one that
    /// was read to its end and lacks the row.
    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy>;

    /// What a project in this state can launch; the state is the cloud's own word.
    fn project_state(&self, state: &str) -> ProjectState;

    /// The rule that was applied in a finding, and where it is written.
    fn rule(&self, finding: &Finding) -> &'static str;

    /// What a launch of this kind may draw on that nothing says anything about.
    fn not_checked(&self, launch: &Launch, instance_type: &InstanceType) -> &[&'static str];

    /// The name of the list that holds the rows of a scope, for people.
    fn list_name(&self, scope: Scope) -> &'static str {
        match scope {
            Scope::Tenant => "the tenant's quota list",
            Scope::Project => "the project's quota list",
        }
    }
}
