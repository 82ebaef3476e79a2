//! The account as it was read, with what commands look up in it.

use std::collections::BTreeSet;

use quotagate::{InstanceType, Inventory, Offer, Owner, SourceReport, SourceState};

/// An account, as plugins are shown it.
pub(crate) struct Account {
    contract: quotagate_contract::Inventory,
    /// Every offer of it.
    pub(crate) offers: Vec<Offer>,
}

impl Account {
    /// What was read.
    pub(crate) fn of(inventory: &Inventory) -> Self {
        Self {
            contract: inventory.contract(),
            offers: inventory.offers(),
        }
    }

    /// All of it.
    pub(crate) const fn contract(&self) -> &quotagate_contract::Inventory {
        &self.contract
    }

    /// The projects that it lists.
    pub(crate) fn projects(&self) -> impl Iterator<Item = &Owner> {
        self.contract.owners.iter().filter_map(|chain| chain.last())
    }

    /// A project that it lists.
    pub(crate) fn project(&self, id: &str) -> Option<&Owner> {
        self.projects().find(|project| project.id == id)
    }

    /// The projects in which launches of a region can be.
    pub(crate) fn projects_in(&self, region: &str) -> Vec<&str> {
        let here = |project: &&Owner| match &project.place.region {
            Some(home) => home == region,
            None => true,
        };
        self.projects()
            .filter(here)
            .map(|project| project.id.as_str())
            .collect()
    }

    /// The region in which a project lives, where it lives in one.
    pub(crate) fn home_of(&self, project: &str) -> Option<&str> {
        self.project(project)?.place.region.as_deref()
    }

    /// The types that a project is offered.
    pub(crate) fn types_of(&self, project: &str) -> impl Iterator<Item = &InstanceType> {
        let lists = self.contract.types.iter();
        let own = lists.filter(move |list| list.project == project);
        own.flat_map(|list| &list.items)
    }

    /// The types that some project is offered.
    pub(crate) fn types(&self) -> impl Iterator<Item = &InstanceType> {
        self.contract.types.iter().flat_map(|list| &list.items)
    }

    /// Every region that something of the account speaks of.
    pub(crate) fn regions(&self) -> BTreeSet<&str> {
        let homes = self.projects().map(|project| &project.place);
        let rows = self.contract.rows.iter().map(|row| &row.place);
        let listed = self.contract.places.iter().map(|listed| &listed.place);
        let offered = self.types().flat_map(|known| &known.offered);
        let places = homes.chain(rows).chain(listed);
        let places = places.chain(offered.map(|offered| &offered.place));
        places.filter_map(|place| place.region.as_deref()).collect()
    }

    /// Every source, with how far it was read.
    pub(crate) fn sources(&self) -> &[SourceReport] {
        &self.contract.sources
    }

    /// The sources that were not read to their end. What a cloud has no list of is read.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &SourceReport> {
        self.contract.sources.iter().filter(|source| is_gap(source))
    }
}

/// Whether a source was not read to its end.
pub(crate) const fn is_gap(source: &SourceReport) -> bool {
    !matches!(
        source.state,
        SourceState::Complete | SourceState::Unsupported
    )
}
