//! What the account has: quota rows, instance types, capacity advice, reservations, each list with its source.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Lifecycle;

/// The level of the account that a quota row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The ceiling of the whole account.
    Tenant,
    /// The share of one project.
    Project,
}

/// The life of a quota row, as the cloud reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// In force.
    Active,
    /// Being allocated: its numbers may change within minutes.
    Provisioning,
    /// Allocated, but unusable now.
    Frozen,
    /// No longer allocated.
    Deleted,
    /// The cloud did not say, or said something unknown.
    Unknown,
}

/// What the cloud says of a `usage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageState {
    /// It is a measurement.
    Used,
    /// It was measured, and nothing is used.
    NotUsed,
    /// It could not be measured now.
    Unknown,
    /// It makes no sense for this row.
    NotApplicable,
    /// The cloud did not say.
    Unspecified,
}

/// One quota row: what one owner may take of one quota in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The quota's name.
    pub name: String,
    /// The tenant or project that the row belongs to.
    pub owner: String,
    /// The region it counts in.
    pub region: String,
    /// The cloud's name of the unit.
    pub unit: String,
    /// Its life.
    pub state: RowState,
    /// None where the row carries no limit, which is neither zero nor unlimited.
    pub limit: Option<u64>,
    /// Taken now, where `usage_state` says that it is a measurement.
    pub usage: u64,
    /// What the cloud says of `usage`.
    pub usage_state: UsageState,
    /// The usage as a fraction of the limit, as the cloud writes it; none where it says nothing.
    #[serde(default)]
    pub usage_fraction: Option<String>,
    /// Promised by the host, for certain, to launches that `usage` does not show yet.
    #[serde(default)]
    pub held: u64,
    /// The most that may be promised so: `held`, and what starts of stopped instances may take.
    #[serde(default)]
    pub held_at_most: u64,
}

/// What one instance of a type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceType {
    /// The name under which offers ask for it.
    pub name: String,
    /// The hardware it runs on.
    pub family: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// GPUs; zero for CPU types.
    pub gpus: u32,
    /// The cloud's name of the quota that counts its GPUs, where the cloud says so.
    pub gpu_quota: Option<String>,
    /// Whether the project may launch it as preemptible.
    pub preemptible: bool,
    /// Whether it can join a cluster on one fabric.
    pub clusterable: bool,
}

/// How much hardware the cloud believes to be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityLevel {
    /// Room for large requests.
    High,
    /// Room for medium requests.
    Medium,
    /// High risk that a launch finds no hardware.
    Low,
    /// The account's own limit is used up; says nothing of hardware.
    LimitReached,
    /// The cloud does not know.
    Unknown,
}

/// How far a statement about capacity can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// It speaks of now.
    Fresh,
    /// It was fetched long ago.
    Stale,
    /// The cloud could not find out.
    Unknown,
}

/// The kind of launch that a statement about capacity is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Kept until deleted.
    OnDemand,
    /// Kept until the cloud wants it back.
    Preemptible,
    /// On capacity that the account has reserved.
    Reserved,
}

/// What the cloud says about free hardware for one instance type on one fabric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The instance type.
    pub instance_type: String,
    /// The region.
    pub region: String,
    /// The fabric, where the cloud names one.
    pub fabric: Option<String>,
    /// The kind of launch it speaks of.
    pub lane: Lane,
    /// Instances of the type that could be placed now.
    pub available: u32,
    /// The cloud's own grade of it.
    pub level: CapacityLevel,
    /// How far to trust it.
    pub freshness: Freshness,
    /// When the cloud saw it, in milliseconds since the Unix epoch.
    pub observed_at: Option<u64>,
}

/// Capacity that the account has reserved, in GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub id: String,
    /// The instance family that it holds hardware of.
    pub family: String,
    /// The region.
    pub region: String,
    /// The fabric, where the cloud names one.
    pub fabric: Option<String>,
    /// Whether instances can be placed on it now.
    pub active: bool,
    /// All its GPUs.
    pub limit: u64,
    /// GPUs taken, where `usage_state` says that it is a measurement.
    pub usage: u64,
    /// What the cloud says of `usage`.
    pub usage_state: UsageState,
    /// The usage as a fraction of the limit, as the cloud writes it; none where it says nothing.
    #[serde(default)]
    pub usage_fraction: Option<String>,
    /// The asking project's share of it; none where that is not limited.
    pub project_limit: Option<u64>,
    /// What the project takes of its share.
    pub project_usage: u64,
    /// What the cloud says of `project_usage`.
    pub project_usage_state: UsageState,
    /// What the project takes as a fraction of its share, as the cloud writes it; none where it says nothing.
    #[serde(default)]
    pub project_usage_fraction: Option<String>,
    /// Promised by the host, for certain, to launches of any project that `usage` does not show yet.
    #[serde(default)]
    pub held: u64,
    /// The most that may be promised so: `held`, and what starts of stopped instances may take.
    #[serde(default)]
    pub held_at_most: u64,
    /// The part of `held` that the asking project was promised.
    #[serde(default)]
    pub project_held: u64,
    /// The part of `held_at_most` that is the asking project's.
    #[serde(default)]
    pub project_held_at_most: u64,
    /// An announced change of `limit`.
    pub next_change: Option<ReservationChange>,
}

/// An announced change of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationChange {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The limit from then on, where the cloud says.
    pub limit: Option<u64>,
}

/// How far the host got with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Read to its end.
    Complete,
    /// The credentials may not read it.
    Denied,
    /// It did not answer, or with an error.
    Unavailable,
    /// Read in part: what is not there is unknown.
    Incomplete,
}

/// Where a list comes from and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// How far the host got.
    pub state: SourceState,
    /// When the host read it, in milliseconds since the Unix epoch.
    pub fetched_at: u64,
    /// What went wrong, for people.
    pub detail: Option<String>,
}

/// The quota rows of one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowanceList {
    /// The tenant or project; empty where the host does not know it.
    pub owner: String,
    /// Its rows, as the cloud lists them.
    pub rows: Vec<Allowance>,
    /// Where they come from.
    pub source: Source,
}

/// The rows that govern a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowances {
    /// The tenant's.
    pub tenant: AllowanceList,
    /// Its own.
    pub project: AllowanceList,
}

/// What a project can launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceTypes {
    /// The region that the project lives in, where the host knows it.
    pub region: Option<String>,
    /// The project's state, in the cloud's own word; none where the cloud does not say.
    #[serde(default)]
    pub project_state: Option<String>,
    /// The types it is offered.
    pub items: Vec<InstanceType>,
    /// Where they come from.
    pub source: Source,
}

/// What the cloud says about free hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacities {
    /// A row per type, fabric and lane.
    pub items: Vec<Capacity>,
    /// Where they come from.
    pub source: Source,
}

/// Reserved capacity that a project can draw on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservations {
    /// The reservations of every region.
    pub items: Vec<Reservation>,
    /// Where they come from.
    pub source: Source,
}

/// Every source that a judgement in one project rests on, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The tenant's quota rows.
    pub tenant_allowances: Source,
    /// The project's.
    pub project_allowances: Source,
    /// What the project is offered.
    pub instance_types: Source,
    /// The advice on free hardware.
    pub capacities: Source,
    /// Reserved capacity.
    pub reservations: Source,
}

/// What a failed launch ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// A quota.
    Quota,
    /// Hardware: there was none free.
    Capacity,
    /// Either; the cloud did not say.
    Unclear,
}

/// What a failed launch taught the host, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it ran into.
    pub kind: BlockKind,
    /// Where.
    pub region: String,
    /// Of a quota: which one.
    pub quota: Option<String>,
    /// The project whose launches are concerned; none for those of every project.
    pub project: Option<String>,
    /// Of a quota: only launches that take at least this much of it.
    pub at_least: u64,
    /// Of the other kinds: the type that is concerned; none for every type.
    pub instance_type: Option<String>,
    /// Of the other kinds: the lifecycle that is concerned; none for every one.
    pub lifecycle: Option<Lifecycle>,
    /// Of capacity: only launches that name this fabric; none for all.
    pub fabric: Option<String>,
    /// What happened, for people.
    pub cause: String,
    /// When it ends, in milliseconds since the Unix epoch.
    pub until: u64,
}
