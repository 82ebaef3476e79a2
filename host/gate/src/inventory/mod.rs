//! The host's view of the account: what each source answered, with its state and age. A snapshot never changes; a new
//! fetch makes a new one.

mod fetch;

use std::{collections::BTreeMap, sync::Arc};

pub(crate) use self::fetch::{Projects, fetch};
use crate::{
    bindings::quotagate::plugin::inventory as contract,
    source::{Account, OwnedAllowances, Read, ReservationShare, SourceError, SourceErrorKind},
    types::{Capacity, InstanceType, Reservation, SourceReport, SourceState, UsageState},
};

/// One account at one time.
#[derive(Clone, Debug)]
pub struct Inventory {
    generation: u64,
    account: Listed<Account>,
    tenant_allowances: Listed<OwnedAllowances>,
    capacities: Listed<Vec<Capacity>>,
    reservations: Listed<Vec<Reservation>>,
    projects: BTreeMap<String, ProjectInventory>,
}

/// What belongs to one project.
#[derive(Clone, Debug)]
struct ProjectInventory {
    region: Option<String>,
    allowances: Listed<OwnedAllowances>,
    instance_types: Listed<Vec<InstanceType>>,
    reservation_shares: Listed<Vec<ReservationShare>>,
}

/// A source's answer and how far it can be trusted. The value is empty where nothing was read.
#[derive(Clone, Debug)]
struct Listed<T> {
    value: T,
    report: SourceReport,
}

/// One source of an inventory, for reports.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSource {
    /// What it holds, such as `tenant_allowances`.
    pub name: &'static str,
    /// The project it belongs to; none for the tenant's.
    pub project: Option<String>,
    /// How far it was read, and when.
    pub report: SourceReport,
}

/// What a plugin is shown for one project; its JSON is what the engine reads natively.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ShownInventory {
    allowances: contract::Allowances,
    instance_types: contract::InstanceTypes,
    capacities: contract::Capacities,
    reservations: contract::Reservations,
}

impl Inventory {
    /// An inventory that nothing was read for.
    pub(crate) fn empty() -> Arc<Self> {
        Arc::new(Self {
            generation: 0,
            account: Listed::unread(),
            tenant_allowances: Listed::unread(),
            capacities: Listed::unread(),
            reservations: Listed::unread(),
            projects: BTreeMap::new(),
        })
    }

    /// Unique among the inventories of this process, and rising: a plugin may keep what it derived from one.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The tenant and its projects, as far as they were read.
    pub const fn account(&self) -> &Account {
        &self.account.value
    }

    /// The tenant's quota rows, as far as they were read.
    pub const fn tenant_allowances(&self) -> &OwnedAllowances {
        &self.tenant_allowances.value
    }

    /// A project's quota rows, as far as they were read.
    pub fn project_allowances(&self, project: &str) -> Option<&OwnedAllowances> {
        Some(&self.projects.get(project)?.allowances.value)
    }

    /// The projects that were read, by id.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.projects.keys().map(String::as_str)
    }

    /// The types that a project is offered, as far as they were read.
    pub fn types_of(&self, project: &str) -> &[InstanceType] {
        self.projects
            .get(project)
            .map_or(&[], |project| &project.instance_types.value)
    }

    /// The region a project lives in, where it is known.
    pub fn region_of(&self, project: &str) -> Option<&str> {
        self.projects.get(project)?.region.as_deref()
    }

    /// Every source with its state and age: the tenant's first, then each project's.
    pub fn sources(&self) -> Vec<NamedSource> {
        let named = |name, project: Option<&String>, report: &SourceReport| NamedSource {
            name,
            project: project.cloned(),
            report: report.clone(),
        };
        let mut sources = vec![
            named("account", None, &self.account.report),
            named("tenant_allowances", None, &self.tenant_allowances.report),
            named("capacities", None, &self.capacities.report),
            named("reservations", None, &self.reservations.report),
        ];
        for (id, project) in &self.projects {
            sources.push(named(
                "project_allowances",
                Some(id),
                &project.allowances.report,
            ));
            sources.push(named(
                "instance_types",
                Some(id),
                &project.instance_types.report,
            ));
            sources.push(named(
                "reservation_shares",
                Some(id),
                &project.reservation_shares.report,
            ));
        }
        sources
    }

    /// The sources that a judgement in one project rests on.
    pub fn sources_for(&self, project: &str) -> Vec<NamedSource> {
        let mut sources = self.sources();
        sources.retain(|source| source.project.as_deref().is_none_or(|id| id == project));
        sources
    }

    /// The projects that were read in one region, by id.
    pub fn projects_in(&self, region: &str) -> Vec<String> {
        self.projects
            .iter()
            .filter(|(_, project)| project.region.as_deref() == Some(region))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// What a plugin is shown for one project, whole: for tests, records and hosts of other languages.
    pub fn shown_for(&self, project: &str) -> ShownInventory {
        ShownInventory {
            allowances: self.allowances(project),
            instance_types: self.instance_types(project),
            capacities: self.capacities(),
            reservations: self.reservations(project),
        }
    }

    pub(crate) fn allowances(&self, project: &str) -> contract::Allowances {
        let list = |listed: &Listed<OwnedAllowances>| contract::AllowanceList {
            owner: listed.value.owner.clone(),
            rows: listed.value.rows.clone(),
            source: listed.report.clone(),
        };
        let unread = Listed::unread();
        contract::Allowances {
            tenant: list(&self.tenant_allowances),
            project: list(
                self.projects
                    .get(project)
                    .map_or(&unread, |project| &project.allowances),
            ),
        }
    }

    pub(crate) fn instance_types(&self, project: &str) -> contract::InstanceTypes {
        match self.projects.get(project) {
            Some(project) => contract::InstanceTypes {
                region: project.region.clone(),
                items: project.instance_types.value.clone(),
                source: project.instance_types.report.clone(),
            },
            // No project there: nothing is offered, if the list of projects is to be believed.
            None => contract::InstanceTypes {
                region: None,
                items: Vec::new(),
                source: self.account.report.clone(),
            },
        }
    }

    pub(crate) fn sources_shown(&self, project: &str) -> contract::Sources {
        let allowances = self.allowances(project);
        contract::Sources {
            tenant_allowances: allowances.tenant.source,
            project_allowances: allowances.project.source,
            instance_types: self.instance_types(project).source,
            capacities: self.capacities.report.clone(),
            reservations: self.reservations(project).source,
        }
    }

    pub(crate) const fn blocks(&self) -> &[contract::Block] {
        &[]
    }

    pub(crate) fn capacities(&self) -> contract::Capacities {
        contract::Capacities {
            items: self.capacities.value.clone(),
            source: self.capacities.report.clone(),
        }
    }

    /// The tenant's reservations with the project's shares of them. Where the shares could not be read, the whole answer
    /// could not.
    pub(crate) fn reservations(&self, project: &str) -> contract::Reservations {
        let unread = Listed::unread();
        let shares = self
            .projects
            .get(project)
            .map_or(&unread, |project| &project.reservation_shares);
        let mut items = self.reservations.value.clone();
        for item in &mut items {
            let share = shares
                .value
                .iter()
                .find(|share| share.reservation == item.id);
            (
                item.project_limit,
                item.project_usage,
                item.project_usage_state,
            ) = share.map_or((None, 0, UsageState::Unspecified), |share| {
                (share.limit, share.usage, share.usage_state)
            });
        }
        let source = if items.is_empty() || shares.report.state == SourceState::Complete {
            &self.reservations.report
        } else {
            &shares.report
        };
        contract::Reservations {
            items,
            source: source.clone(),
        }
    }
}

impl<T: Default> Listed<T> {
    fn unread() -> Self {
        Self {
            value: T::default(),
            report: SourceReport {
                state: SourceState::Unavailable,
                fetched_at: 0,
                detail: Some(String::from("it was not asked for")),
            },
        }
    }

    fn new(answer: Result<Read<T>, SourceError>, now_ms: u64) -> Self {
        match answer {
            Ok(read) => Self {
                report: SourceReport {
                    state: if read.interrupted_by.is_some() {
                        SourceState::Incomplete
                    } else {
                        SourceState::Complete
                    },
                    fetched_at: read.recorded_at.unwrap_or(now_ms),
                    detail: read.interrupted_by.map(|error| error.message),
                },
                value: read.value,
            },
            Err(error) => Self {
                value: T::default(),
                report: SourceReport {
                    state: match error.kind {
                        SourceErrorKind::Denied => SourceState::Denied,
                        _ => SourceState::Unavailable,
                    },
                    fetched_at: now_ms,
                    detail: Some(error.message),
                },
            },
        }
    }
}
