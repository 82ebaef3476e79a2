//! The lists of an account as sources: what each is called, what it brings, and which question it stands for.

use std::collections::BTreeSet;

use quotagate::{
    Feed,
    source::{Account, SourceError, SourceErrorKind, SourceId},
};

use crate::convert::TENANT;

const ACCOUNT: &str = "account";
const TENANT_ALLOWANCES: &str = "tenant_allowances";
const PROJECT_ALLOWANCES: &str = "project_allowances";
const INSTANCE_TYPES: &str = "instance_types";
const CAPACITIES: &str = "capacities";
const RESERVATIONS: &str = "reservations";
const RESERVATION_SHARES: &str = "reservation_shares";

/// A source as a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    /// The tenant and its projects.
    Account,
    /// The tenant's quota rows, of every region.
    TenantAllowances,
    /// A project's quota rows.
    ProjectAllowances(&'a str),
    /// What a project can launch.
    InstanceTypes(&'a str),
    /// The advice on free hardware, of every region.
    Capacities,
    /// The tenant's reserved capacity, of every region.
    Reservations,
    /// What a project may take of it.
    ReservationShares(&'a str),
}

impl<'a> Asked<'a> {
    /// What a source asks.
    ///
    /// # Errors
    /// Where the cloud has no such list, or the source of a project names none.
    pub(crate) fn of(source: &'a SourceId) -> Result<Self, SourceError> {
        let project = || {
            let nobody = || {
                let text = format!("the source `{}` names no project", source.key);
                SourceError::new(SourceErrorKind::Invalid, text)
            };
            source.owner.as_deref().ok_or_else(nobody)
        };
        Ok(match source.kind.as_str() {
            ACCOUNT => Self::Account,
            TENANT_ALLOWANCES => Self::TenantAllowances,
            PROJECT_ALLOWANCES => Self::ProjectAllowances(project()?),
            INSTANCE_TYPES => Self::InstanceTypes(project()?),
            CAPACITIES => Self::Capacities,
            RESERVATIONS => Self::Reservations,
            RESERVATION_SHARES => Self::ReservationShares(project()?),
            other => return Err(SourceError::unsupported(&format!("`{other}`"))),
        })
    }
}

/// The sources of an account: those of the tenant at once, those of a project when the account names it. An account that is still
/// to be read may name a project without its tenant.
pub(crate) fn sources(tenant: Option<&str>, account: Option<&Account>) -> Vec<SourceId> {
    let rows = SourceId::of_account(TENANT_ALLOWANCES, Feed::Rows);
    let outermost = account.and_then(Account::outermost);
    let named = outermost.filter(|owner| owner.level == TENANT);
    let named = named.map(|owner| owner.id.as_str());
    let mut sources = vec![
        SourceId::of_account(ACCOUNT, Feed::Account),
        match named.or(tenant) {
            Some(tenant) => rows.owned_by(tenant),
            None => rows,
        },
        SourceId::of_account(CAPACITIES, Feed::Capacities),
        SourceId::of_account(RESERVATIONS, Feed::Reservations),
    ];
    let chains = account.into_iter().flat_map(|account| &account.projects);
    let projects = chains.filter_map(|chain| Some(chain.last()?.id.as_str()));
    let mut listed = BTreeSet::new();
    for project in projects.filter(|project| listed.insert(*project)) {
        sources.extend([
            SourceId::of_project(PROJECT_ALLOWANCES, Feed::Rows, project),
            SourceId::of_project(INSTANCE_TYPES, Feed::Types, project),
            SourceId::of_project(RESERVATION_SHARES, Feed::Reservations, project),
        ]);
    }
    sources
}

#[cfg(test)]
mod tests {
    use quotagate::Owner;

    use super::*;

    fn owner(level: &str, id: &str) -> Owner {
        Owner {
            id: id.to_owned(),
            level: level.to_owned(),
            ..Owner::default()
        }
    }

    fn keys(sources: &[SourceId]) -> Vec<&str> {
        sources.iter().map(|source| source.key.as_str()).collect()
    }

    #[test]
    fn the_tenants_sources_are_there_before_the_account_is_read() {
        let before = sources(None, None);
        let tenants = ["account", "tenant_allowances", "capacities", "reservations"];
        assert_eq!(keys(&before), tenants);
        assert!(before.iter().all(|source| source.owner.is_none()));
        let named = sources(Some("tenant-1"), None);
        let rows = named.iter().find(|source| source.feed == Feed::Rows);
        assert_eq!(rows.unwrap().owner.as_deref(), Some("tenant-1"));
    }

    #[test]
    fn a_project_has_three_sources_however_often_it_is_listed() {
        let chain = |project| vec![owner("tenant", "tenant-1"), owner("project", project)];
        let account = Account {
            projects: vec![chain("project-b"), chain("project-a"), chain("project-b")],
            ..Account::default()
        };
        let sources = sources(None, Some(&account));
        let expected = [
            "account",
            "tenant_allowances",
            "capacities",
            "reservations",
            "project_allowances.project-b",
            "instance_types.project-b",
            "reservation_shares.project-b",
            "project_allowances.project-a",
            "instance_types.project-a",
            "reservation_shares.project-a",
        ];
        assert_eq!(keys(&sources), expected);
        for source in &sources {
            let is_projects = source.key.contains('.');
            let project = source.key.split_once('.').map(|(_, project)| project);
            let tenant = (source.kind == TENANT_ALLOWANCES).then_some("tenant-1");
            let whose = if is_projects { project } else { tenant };
            assert_eq!(source.owner.as_deref(), whose, "{}", source.key);
            assert!(Asked::of(source).is_ok(), "{}", source.key);
        }
    }

    #[test]
    fn a_project_whose_tenant_is_not_known_is_not_taken_for_it() {
        for level in ["project", ""] {
            let account = Account {
                projects: vec![vec![owner(level, "project-1")]],
                ..Account::default()
            };
            let owner_of_rows = |tenant| {
                let sources = sources(tenant, Some(&account));
                let rows = sources
                    .into_iter()
                    .find(|known| known.kind == TENANT_ALLOWANCES);
                rows.unwrap().owner
            };
            assert_eq!(owner_of_rows(None), None);
            assert_eq!(owner_of_rows(Some("tenant-1")).as_deref(), Some("tenant-1"));
            assert_eq!(sources(None, Some(&account)).len(), 7);
        }
    }

    #[test]
    fn what_the_cloud_does_not_list_is_unsupported() {
        let other = SourceId::of_account("spot_prices", Feed::Capacities);
        let error = Asked::of(&other).unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unsupported);
        assert!(error.message.contains("`spot_prices`"), "{error}");
        let nobodys = SourceId::of_account(INSTANCE_TYPES, Feed::Types);
        let error = Asked::of(&nobodys).unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Invalid);
    }
}
