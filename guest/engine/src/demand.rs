//! What a launch takes, quota by quota, and the trait through which a cloud says so.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::vocabulary::{Finding, InstanceType, Launch, Profile, Reason, Scope};

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
    pub(crate) const fn is_reservable(self) -> bool {
        matches!(self, Self::Reservable | Self::PerhapsHeldReservable)
    }

    pub(crate) const fn may_be_held(self) -> bool {
        matches!(self, Self::PerhapsHeld | Self::PerhapsHeldReservable)
    }
}

/// A launch that makes no sense, and why: no verdict can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLaunch(pub String);

/// What the engine does not know of itself: one cloud.
pub trait Cloud {
    /// What the instances of `launch` take by themselves, each quota named once. The type is the one that the launch asks
    /// for.
    fn instance_demands<'a>(
        &self,
        launch: &Launch,
        instance_type: &'a InstanceType,
    ) -> Vec<Demand<'a>>;

    /// What a launch takes by what its instances bring with them, whatever their type: quotas other than those of
    /// [`Cloud::instance_demands`], each named once.
    ///
    /// # Errors
    /// When the profile makes no sense on this cloud, such as a kind of disk that it does not have.
    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch>;

    /// What a person can do about a finding that is not `fits`, and where.
    fn remedy(&self, finding: &Finding) -> Option<String>;

    /// The rule behind a reason, and where it is written.
    fn rule(&self, reason: Reason) -> &'static str;

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
