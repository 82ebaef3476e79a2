//! What is asked: offers, the profile of a launch, and how to judge.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

cases! {
    /// Whether a need comes with each instance or once with the launch.
    #[derive(Default)]
    Per {
        /// With each instance.
        #[default]
        Instance = "instance",
        /// Once.
        Launch = "launch",
    }
}

cases! {
    /// Whether a launch may, must, or must not draw on reserved capacity.
    #[derive(Default)]
    ReservationUse {
        /// Reserved capacity first, ordinary quota for the rest.
        #[default]
        Auto = "auto",
        /// Ordinary quota alone.
        Forbid = "forbid",
        /// Reserved capacity alone.
        Strict = "strict",
    }
}

/// A number that goes with a need.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedNumber {
    /// Its name, such as `iops`.
    pub name: String,
    /// Its value.
    pub value: u64,
}

/// What a launch creates besides its instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The kind, one of those that the plugin describes.
    pub kind: String,
    /// How many.
    #[serde(default = "one")]
    pub pieces: u32,
    /// The size of each in bytes; zero where it has none.
    #[serde(default)]
    pub bytes: u64,
    /// Numbers that go with it.
    #[serde(default)]
    pub numbers: Vec<NeedNumber>,
    /// Whether it comes with each instance.
    #[serde(default)]
    pub per: Per,
}

impl Need {
    /// Pieces without a size, with each instance.
    pub fn pieces(kind: impl Into<String>, pieces: u32) -> Self {
        Self {
            kind: kind.into(),
            pieces,
            bytes: 0,
            numbers: Vec::new(),
            per: Per::Instance,
        }
    }

    /// One piece of a size, with each instance.
    pub fn sized(kind: impl Into<String>, bytes: u64) -> Self {
        Self {
            bytes,
            ..Self::pieces(kind, 1)
        }
    }

    /// The same once for the whole launch.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.per = Per::Launch;
        self
    }
}

const fn one() -> u32 {
    1
}

/// What every instance of a launch brings with it besides its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The project to launch in, by id.
    pub project: String,
    /// Whether to draw on reserved capacity.
    pub reservation: ReservationUse,
    /// The one reservation that the launch names, by key.
    pub reservation_key: Option<String>,
    /// What it creates besides.
    pub needs: Vec<Need>,
    /// Whether stopped instances are started.
    pub restart: bool,
    /// Whether all instances are placed close together.
    pub together: bool,
}

/// An instance type at a place under a lifecycle, as an orchestrator lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The instance type's name.
    pub instance_type: String,
    /// The region.
    pub region: String,
    /// The zone, where the launch insists on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The lifecycle, as the cloud names it.
    pub lifecycle: String,
    /// What belongs to the offer itself, such as attached accelerators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
}

/// Identical instances of one offer, asked for together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// What to launch.
    pub offer: Offer,
    /// How many.
    pub count: u32,
    /// What each brings with it.
    #[serde(default)]
    pub profile: Profile,
}

cases! {
    /// Which findings a judgement carries.
    #[derive(Default)]
    Detail {
        /// None.
        None = "none",
        /// Those that are not `fits`; where all fit, the one with the least room.
        #[default]
        Deciding = "deciding",
        /// All.
        All = "all",
    }
}

/// How to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Which findings a judgement carries.
    pub detail: Detail,
    /// Sources fetched longer ago, in milliseconds, count as unreadable; none for no bound.
    pub max_age_ms: Option<u64>,
}
