//! What a cloud must answer for a gate to judge: a trait with one question per source.
//!
//! A source does network or file work and nothing else: it neither caches nor judges. Each question can fail on its own,
//! and each can be answered in part.

use std::time::Duration;

use async_trait::async_trait;

use crate::types::{Allowance, Capacity, InstanceType, Reservation, UsageState};

/// Answers of one cloud account.
///
/// Implementations are called concurrently, once per question and project. They return when they are done or their own
/// deadline has passed; the gate gives them up much later ([`crate::RefreshOptions::give_up`]), and asks each source one
/// question at a time.
#[async_trait]
pub trait Source: Send + Sync {
    /// The cloud's name, which must be the plugin's too, such as `nebius`.
    fn cloud(&self) -> &str;

    /// The tenant and its projects.
    async fn account(&self) -> Result<Read<Account>, SourceError>;

    /// The tenant's quota rows, of every region.
    async fn tenant_allowances(&self) -> Result<Read<OwnedAllowances>, SourceError>;

    /// A project's quota rows.
    async fn project_allowances(&self, project: &str)
    -> Result<Read<OwnedAllowances>, SourceError>;

    /// What a project can launch.
    async fn instance_types(&self, project: &str) -> Result<Read<Vec<InstanceType>>, SourceError>;

    /// The cloud's advice on free hardware, of every region.
    async fn capacities(&self) -> Result<Read<Vec<Capacity>>, SourceError>;

    /// The tenant's reserved capacity, of every region. The fields on the project's share are left at "not limited":
    /// the gate fills them in from [`Source::reservation_shares`].
    async fn reservations(&self) -> Result<Read<Vec<Reservation>>, SourceError>;

    /// What a project may take of the tenant's reservations.
    async fn reservation_shares(
        &self,
        project: &str,
    ) -> Result<Read<Vec<ReservationShare>>, SourceError>;
}

/// What was read of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<T> {
    /// Everything that arrived.
    pub value: T,
    /// Why there may be more: a page that failed, a token that came twice. None where all was read.
    pub interrupted_by: Option<SourceError>,
    /// When the cloud was asked, in milliseconds since the Unix epoch, where that was not just now (a recorded answer).
    pub recorded_at: Option<u64>,
}

impl<T> Read<T> {
    /// All of it, just now.
    pub const fn complete(value: T) -> Self {
        Self {
            value,
            interrupted_by: None,
            recorded_at: None,
        }
    }
}

/// A tenant and its projects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The tenant's id.
    pub tenant: String,
    /// Its projects, in the order of the cloud.
    pub projects: Vec<Project>,
}

/// A project: it lives in one region and holds the instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id, which launches name.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The region it lives in.
    pub region: String,
    /// Its state, in the cloud's own word; none where the cloud does not say. What it means is the plugin's to know.
    pub state: Option<String>,
}

/// Quota rows and whose they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedAllowances {
    /// The tenant or project that was asked for, by id.
    pub owner: String,
    /// The rows, as the cloud lists them.
    pub rows: Vec<Allowance>,
}

/// What a project may take of one reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationShare {
    /// The reservation, by id.
    pub reservation: String,
    /// The most it may take; none where it is not limited.
    pub limit: Option<u64>,
    /// What it takes.
    pub usage: u64,
    /// Whether `usage` is a measurement.
    pub usage_state: UsageState,
    /// What it takes as a fraction of `limit`, as the cloud writes it; none where it says nothing.
    pub usage_fraction: Option<String>,
}

/// Why a source could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// Who is at fault.
    pub kind: SourceErrorKind,
    /// What failed, on what, and what to do about it; no secrets.
    pub message: String,
    /// How long the cloud asked to be left alone, where it said so.
    pub retry_after: Option<Duration>,
}

impl SourceError {
    /// An error of a cloud that did not say how long to wait.
    pub const fn new(kind: SourceErrorKind, message: String) -> Self {
        Self {
            kind,
            message,
            retry_after: None,
        }
    }
}

/// The ways in which a source cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The cloud does not know who asks: no credentials, or expired ones.
    Unauthenticated,
    /// The credentials may not read this.
    Denied,
    /// The cloud asks to be asked less often.
    RateLimited,
    /// It did not answer in time, or not at all, or failed.
    Unavailable,
    /// It answered something that makes no sense.
    Invalid,
    /// What was asked for does not exist.
    NotFound,
}
