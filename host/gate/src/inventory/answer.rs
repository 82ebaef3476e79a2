//! The sources of an account, and what each answers.

use std::fmt;

use crate::{
    source::{Account, OwnedAllowances, Read, ReservationShare, Source, SourceError},
    types::{Capacity, InstanceType, Reservation},
};

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// The tenant and its projects.
    Account,
    /// The tenant's quota rows.
    TenantAllowances,
    /// The cloud's advice on free hardware.
    Capacities,
    /// The tenant's reserved capacity.
    Reservations,
    /// A project's quota rows.
    ProjectAllowances,
    /// What a project can launch.
    InstanceTypes,
    /// What a project may take of the tenant's reservations.
    ReservationShares,
}

impl SourceKind {
    /// The tenant's sources.
    pub(crate) const OF_TENANT: [Self; 4] = [
        Self::Account,
        Self::TenantAllowances,
        Self::Capacities,
        Self::Reservations,
    ];
    /// The sources that every project has one of.
    pub(crate) const OF_PROJECT: [Self; 3] = [
        Self::ProjectAllowances,
        Self::InstanceTypes,
        Self::ReservationShares,
    ];

    /// The name under which JSON, metrics and logs show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::TenantAllowances => "tenant_allowances",
            Self::Capacities => "capacities",
            Self::Reservations => "reservations",
            Self::ProjectAllowances => "project_allowances",
            Self::InstanceTypes => "instance_types",
            Self::ReservationShares => "reservation_shares",
        }
    }
}

/// One source of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceKey {
    /// The project it belongs to; none for the tenant's, which therefore come first.
    pub(crate) project: Option<String>,
    pub(crate) kind: SourceKind,
}

impl SourceKey {
    pub(crate) const fn tenant(kind: SourceKind) -> Self {
        Self {
            project: None,
            kind,
        }
    }

    pub(crate) fn project(kind: SourceKind, project: &str) -> Self {
        Self {
            project: Some(project.to_owned()),
            kind,
        }
    }

    pub(crate) fn all_of_tenant() -> impl Iterator<Item = Self> {
        SourceKind::OF_TENANT.into_iter().map(Self::tenant)
    }

    pub(crate) fn all_of_project(project: &str) -> impl Iterator<Item = Self> {
        SourceKind::OF_PROJECT
            .into_iter()
            .map(move |kind| Self::project(kind, project))
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind.as_str())?;
        match &self.project {
            Some(project) => write!(formatter, ".{project}"),
            None => Ok(()),
        }
    }
}

/// What a source answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Account(Account),
    Allowances(OwnedAllowances),
    InstanceTypes(Vec<InstanceType>),
    Capacities(Vec<Capacity>),
    Reservations(Vec<Reservation>),
    Shares(Vec<ReservationShare>),
}

/// Asks one source.
pub(crate) async fn ask(source: &dyn Source, key: &SourceKey) -> Result<Read<Answer>, SourceError> {
    let project = key.project.as_deref().unwrap_or_default();
    match key.kind {
        SourceKind::Account => source
            .account()
            .await
            .map(|read| wrap(read, Answer::Account)),
        SourceKind::TenantAllowances => source
            .tenant_allowances()
            .await
            .map(|read| wrap(read, Answer::Allowances)),
        SourceKind::Capacities => source
            .capacities()
            .await
            .map(|read| wrap(read, Answer::Capacities)),
        SourceKind::Reservations => source
            .reservations()
            .await
            .map(|read| wrap(read, Answer::Reservations)),
        SourceKind::ProjectAllowances => source
            .project_allowances(project)
            .await
            .map(|read| wrap(read, Answer::Allowances)),
        SourceKind::InstanceTypes => source
            .instance_types(project)
            .await
            .map(|read| wrap(read, Answer::InstanceTypes)),
        SourceKind::ReservationShares => source
            .reservation_shares(project)
            .await
            .map(|read| wrap(read, Answer::Shares)),
    }
}

fn wrap<T>(read: Read<T>, answer: impl Fn(T) -> Answer) -> Read<Answer> {
    Read {
        value: answer(read.value),
        interrupted_by: read.interrupted_by,
        recorded_at: read.recorded_at,
    }
}
