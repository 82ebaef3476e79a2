//! What is asked: offers, the profile of a launch, and how to judge.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

/// How long the cloud promises to keep an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifecycle {
    /// Until its owner deletes it.
    OnDemand,
    /// Until the cloud wants the hardware back.
    Preemptible,
}

/// Whether a launch may, must, or must not draw on reserved capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReservationUse {
    /// Reserved capacity first, ordinary quota for the rest.
    #[default]
    Auto,
    /// Ordinary quota alone.
    Forbid,
    /// Reserved capacity alone.
    Strict,
}

/// Disks, or shared file systems, that a launch creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// The cloud's name of the kind.
    pub kind: String,
    /// The size of each in bytes.
    pub bytes: u64,
    /// How many.
    pub count: u32,
}

/// What every instance of a launch brings with it besides its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The project to launch in.
    pub project: String,
    /// Whether to draw on reserved capacity.
    pub reservation: ReservationUse,
    /// Created with each instance.
    pub disks: Vec<Disk>,
    /// Created once for the whole launch.
    pub filesystems: Vec<Disk>,
    /// Newly assigned private addresses of each instance.
    pub private_addresses: u32,
    /// Public addresses of each instance that are released when it stops.
    pub dynamic_public_addresses: u32,
    /// Public addresses of each instance that it keeps while stopped.
    pub static_public_addresses: u32,
    /// True for starting stopped instances.
    pub restart: bool,
    /// True where the launch creates a cluster on one fabric.
    pub new_cluster: bool,
    /// True where the instances are nodes of the cloud's managed Kubernetes.
    pub node_group: bool,
    /// The fabric that the instances must be placed on.
    pub fabric: Option<String>,
}

/// An instance type in a region under a lifecycle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offer {
    /// The instance type's name.
    pub instance_type: String,
    /// The region.
    pub region: String,
    /// The lifecycle.
    pub lifecycle: Lifecycle,
}

/// Identical instances of one offer, asked for together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Which offers a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// All of them.
    Advisory,
    /// All but those that a quota provably blocks.
    #[default]
    Balanced,
    /// Those that are available.
    Strict,
}

/// How to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Which offers a list shows.
    pub strictness: Strictness,
    /// Whether verdicts carry every finding.
    pub explain: bool,
    /// Sources fetched longer ago, in milliseconds, count as unreadable; none for no bound.
    pub max_age_ms: Option<u64>,
}
