//! What an inventory says: to whoever asks for the account, and to plugins in the words of the contract.

use std::collections::HashSet;

use super::{Answer, Inventory, Listed, SourceKey, SourceKind};
use crate::{
    bindings::quotagate::plugin::inventory as contract,
    clock::Moment,
    source::{Account, OwnedAllowances, ReservationShare},
    types::{Capacity, InstanceType, Reservation, SourceReport, SourceState, UsageState},
};

static NO_ACCOUNT: Account = Account {
    tenant: String::new(),
    projects: Vec::new(),
};
static NO_ALLOWANCES: OwnedAllowances = OwnedAllowances {
    owner: String::new(),
    rows: Vec::new(),
};

impl Inventory {
    /// The tenant and its projects, as far as they were read.
    pub fn account(&self) -> &Account {
        match self.answer(&SourceKey::tenant(SourceKind::Account)) {
            Some(Answer::Account(account)) => account,
            _ => &NO_ACCOUNT,
        }
    }

    /// The tenant's quota rows, as far as they were read.
    pub fn tenant_allowances(&self) -> &OwnedAllowances {
        self.owned(&SourceKey::tenant(SourceKind::TenantAllowances))
    }

    /// A project's quota rows, as far as they were read.
    pub fn project_allowances(&self, project: &str) -> Option<&OwnedAllowances> {
        let key = SourceKey::project(SourceKind::ProjectAllowances, project);
        self.lists().contains_key(&key).then(|| self.owned(&key))
    }

    /// The projects that were read, by id.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.lists()
            .keys()
            .filter(|key| key.kind == SourceKind::InstanceTypes)
            .filter_map(|key| key.project.as_deref())
    }

    /// The types that a project is offered, as far as they were read.
    pub fn types_of(&self, project: &str) -> &[InstanceType] {
        match self.answer(&SourceKey::project(SourceKind::InstanceTypes, project)) {
            Some(Answer::InstanceTypes(items)) => items,
            _ => &[],
        }
    }

    /// The region a project lives in, where it is known.
    pub fn region_of(&self, project: &str) -> Option<&str> {
        let projects = &self.account().projects;
        let found = projects.iter().find(|known| known.id == project)?;
        Some(found.region.as_str()).filter(|region| !region.is_empty())
    }

    /// The state that a project is in, in the cloud's own word, where the cloud says.
    pub fn state_of(&self, project: &str) -> Option<&str> {
        let projects = &self.account().projects;
        let found = projects.iter().find(|known| known.id == project)?;
        found.state.as_deref()
    }

    /// The projects that were read in one region, by id.
    pub fn projects_in(&self, region: &str) -> Vec<String> {
        self.projects()
            .filter(|project| self.region_of(project) == Some(region))
            .map(str::to_owned)
            .collect()
    }

    /// The tenant's reserved capacity, as far as it was read.
    pub fn reserved(&self) -> &[Reservation] {
        match self.answer(&SourceKey::tenant(SourceKind::Reservations)) {
            Some(Answer::Reservations(items)) => items,
            _ => &[],
        }
    }

    /// The cloud's advice on free hardware, as far as it was read.
    pub fn advice(&self) -> &[Capacity] {
        match self.answer(&SourceKey::tenant(SourceKind::Capacities)) {
            Some(Answer::Capacities(items)) => items,
            _ => &[],
        }
    }

    pub(crate) fn allowances(&self, project: &str, now: Option<Moment>) -> contract::Allowances {
        if let Some(shown) = self.shown.get(project) {
            return shown.allowances.clone();
        }
        let list = |key: SourceKey| {
            let owned = self.owned(&key);
            let mut rows = owned.rows.clone();
            if !self.held().is_empty() {
                let project = key.project.as_deref();
                for row in &mut rows {
                    let held = self.held().of_allowance(project, &row.name, &row.region);
                    (row.held, row.held_at_most) = (held.at_least, held.at_most);
                }
            }
            contract::AllowanceList {
                owner: owned.owner.clone(),
                rows,
                source: self.report_at(&key, now),
            }
        };
        contract::Allowances {
            tenant: list(SourceKey::tenant(SourceKind::TenantAllowances)),
            project: list(SourceKey::project(SourceKind::ProjectAllowances, project)),
        }
    }

    pub(crate) fn instance_types(
        &self,
        project: &str,
        now: Option<Moment>,
    ) -> contract::InstanceTypes {
        if let Some(shown) = self.shown.get(project) {
            return shown.instance_types.clone();
        }
        let key = SourceKey::project(SourceKind::InstanceTypes, project);
        if !self.lists().contains_key(&key) {
            // No project there: nothing is offered, if the list of projects is to be believed.
            return contract::InstanceTypes {
                region: None,
                project_state: None,
                items: Vec::new(),
                source: self.report_at(&SourceKey::tenant(SourceKind::Account), now),
            };
        }
        contract::InstanceTypes {
            region: self.region_of(project).map(str::to_owned),
            project_state: self.state_of(project).map(str::to_owned),
            items: self.types_of(project).to_vec(),
            source: self.report_at(&key, now),
        }
    }

    pub(crate) fn capacities(&self, now: Option<Moment>) -> contract::Capacities {
        contract::Capacities {
            items: self.advice().to_vec(),
            source: self.report_at(&SourceKey::tenant(SourceKind::Capacities), now),
        }
    }

    /// The tenant's reservations with the project's shares of them. Where the shares could not be read, the whole answer
    /// could not.
    pub(crate) fn reservations(
        &self,
        project: &str,
        now: Option<Moment>,
    ) -> contract::Reservations {
        if let Some(shown) = self.shown.get(project) {
            return shown.reservations.clone();
        }
        let shares = self.shares_of(project);
        let mut items = self.reserved().to_vec();
        for item in &mut items {
            let share = shares.iter().find(|share| share.reservation == item.id);
            (
                item.project_limit,
                item.project_usage,
                item.project_usage_state,
                item.project_usage_fraction,
            ) = share.map_or((None, 0, UsageState::Unspecified, None), |share| {
                let fraction = share.usage_fraction.clone();
                (share.limit, share.usage, share.usage_state, fraction)
            });
            let held = self.held().of_reservation(&item.id);
            (item.held, item.held_at_most) = (held.at_least, held.at_most);
            let held = self.held().of_share(&item.id, project);
            (item.project_held, item.project_held_at_most) = (held.at_least, held.at_most);
        }
        contract::Reservations {
            source: self.reservations_report(project, now),
            items,
        }
    }

    pub(crate) fn sources_shown(&self, project: &str, now: Option<Moment>) -> contract::Sources {
        if let Some(shown) = self.shown.get(project) {
            return contract::Sources {
                tenant_allowances: shown.allowances.tenant.source.clone(),
                project_allowances: shown.allowances.project.source.clone(),
                instance_types: shown.instance_types.source.clone(),
                capacities: self.report(&SourceKey::tenant(SourceKind::Capacities)),
                reservations: shown.reservations.source.clone(),
            };
        }
        let of_project = |kind| self.report_at(&SourceKey::project(kind, project), now);
        let types = SourceKey::project(SourceKind::InstanceTypes, project);
        contract::Sources {
            tenant_allowances: self
                .report_at(&SourceKey::tenant(SourceKind::TenantAllowances), now),
            project_allowances: of_project(SourceKind::ProjectAllowances),
            instance_types: if self.lists().contains_key(&types) {
                self.report_at(&types, now)
            } else {
                self.report_at(&SourceKey::tenant(SourceKind::Account), now)
            },
            capacities: self.report_at(&SourceKey::tenant(SourceKind::Capacities), now),
            reservations: self.reservations_report(project, now),
        }
    }

    /// Whether the lists that govern a project were both read to their end.
    pub(crate) fn allowances_are_whole(&self, project: &str) -> bool {
        let is_whole = |key| self.report(&key).state == SourceState::Complete;
        is_whole(SourceKey::tenant(SourceKind::TenantAllowances))
            && is_whole(SourceKey::project(SourceKind::ProjectAllowances, project))
    }

    /// The reservations that plugins are shown, by id.
    pub(crate) fn reservations_shown(&self) -> impl Iterator<Item = &str> {
        let as_written = self.shown.values();
        let as_written = as_written.flat_map(|shown| &shown.reservations.items);
        let all = self.reserved().iter().chain(as_written);
        all.map(|item| item.id.as_str())
    }

    /// The rows of a project, or without one of the tenant, to be looked up.
    pub(crate) fn rows_of(&self, project: Option<&str>) -> RowsOf<'_> {
        let key = match project {
            None => SourceKey::tenant(SourceKind::TenantAllowances),
            Some(project) => SourceKey::project(SourceKind::ProjectAllowances, project),
        };
        let rows = self.owned(&key).rows.iter();
        RowsOf {
            is_whole: self.report(&key).state == SourceState::Complete,
            rows: rows
                .map(|row| (row.name.as_str(), row.region.as_str()))
                .collect(),
        }
    }

    /// Whether a project has a share of a reservation, or may have one that was not read.
    pub(crate) fn may_have_share(&self, reservation: &str, project: &str) -> bool {
        let key = SourceKey::project(SourceKind::ReservationShares, project);
        self.report(&key).state != SourceState::Complete
            || self
                .shares_of(project)
                .iter()
                .any(|share| share.reservation == reservation)
    }

    fn reservations_report(&self, project: &str, now: Option<Moment>) -> SourceReport {
        let shares = SourceKey::project(SourceKind::ReservationShares, project);
        if self.reserved().is_empty() || self.report(&shares).state == SourceState::Complete {
            self.report_at(&SourceKey::tenant(SourceKind::Reservations), now)
        } else {
            self.report_at(&shares, now)
        }
    }

    fn shares_of(&self, project: &str) -> &[ReservationShare] {
        match self.answer(&SourceKey::project(SourceKind::ReservationShares, project)) {
            Some(Answer::Shares(items)) => items,
            _ => &[],
        }
    }

    fn owned(&self, key: &SourceKey) -> &OwnedAllowances {
        match self.answer(key) {
            Some(Answer::Allowances(owned)) => owned,
            _ => &NO_ALLOWANCES,
        }
    }

    fn answer(&self, key: &SourceKey) -> Option<&Answer> {
        self.lists().get(key)?.answer.as_deref()
    }

    /// How far a source was read; one that nobody asked for was not.
    pub(crate) fn report(&self, key: &SourceKey) -> SourceReport {
        self.report_at(key, None)
    }

    /// [`Self::report`] as plugins are told it at an instant.
    fn report_at(&self, key: &SourceKey, now: Option<Moment>) -> SourceReport {
        match (self.lists().get(key), now) {
            (Some(listed), Some(now)) => listed.report_at(now),
            (Some(listed), None) => listed.report.clone(),
            (None, _) => Listed::unread("it was not asked for").report,
        }
    }
}

/// Which rows one owner has.
pub(crate) struct RowsOf<'a> {
    is_whole: bool,
    rows: HashSet<(&'a str, &'a str)>,
}

impl RowsOf<'_> {
    /// Whether there is such a row, or may be one that was not read.
    pub(crate) fn may_have(&self, quota: &str, region: &str) -> bool {
        !self.is_whole || self.rows.contains(&(quota, region))
    }
}
