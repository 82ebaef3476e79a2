//! The owners of an account's projects, by project and by region.

use std::{collections::HashMap, sync::Arc};

use quotagate_contract::Owner;

use super::Answered;
use crate::source::{Account, Answer};

/// The chains of owners, with what is looked up in them.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    account: Account,
    /// The owners of the one project that is judged, where the account was not read.
    named: Vec<Owner>,
    /// The place of each project's chain.
    places: HashMap<Arc<str>, usize>,
    /// The projects in the order of the cloud.
    projects: Vec<Arc<str>>,
    /// The projects that live in one region.
    living_in: HashMap<String, Vec<Arc<str>>>,
    /// Those that span regions.
    spanning: Vec<Arc<str>>,
}

impl Chains {
    /// Of the account as it was read; where it was not, of the one project that is named by its owners.
    pub(super) fn new(answered: Option<&Answered>, named: &[Owner]) -> Self {
        let mut chains = Self::default();
        let Some(Answer::Account(account)) = answered.map(|answered| &answered.answer) else {
            chains.named = named.to_vec();
            return chains;
        };
        for (place, chain) in account.projects.iter().enumerate() {
            let Some(project) = chain.last() else {
                continue;
            };
            let id: Arc<str> = Arc::from(project.id.as_str());
            if chains.places.insert(Arc::clone(&id), place).is_some() {
                continue;
            }
            chains.projects.push(Arc::clone(&id));
            match &project.place.region {
                None => chains.spanning.push(id),
                Some(region) => {
                    let living = chains.living_in.entry(region.clone()).or_default();
                    living.push(id);
                }
            }
        }
        chains.account = account.clone();
        chains
    }

    pub(crate) const fn account(&self) -> &Account {
        &self.account
    }

    /// A project's owners, outermost first; empty where it is not listed.
    pub(crate) fn of(&self, project: &str) -> &[Owner] {
        let place = self.places.get(project);
        let chain = place.and_then(|place| self.account.projects.get(*place));
        let is_it = |owners: &&Vec<Owner>| owners.last().is_some_and(|own| own.id == project);
        let chain = chain.or_else(|| Some(&self.named).filter(is_it));
        chain.map_or(&[], Vec::as_slice)
    }

    /// The project itself.
    pub(crate) fn project(&self, project: &str) -> Option<&Owner> {
        self.of(project).last()
    }

    pub(crate) fn is_project(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The projects, in the order of the cloud.
    pub(crate) fn projects(&self) -> &[Arc<str>] {
        &self.projects
    }

    /// The projects that can launch in a region.
    pub(crate) fn in_region(&self, region: &str) -> impl Iterator<Item = &Arc<str>> {
        let living = self.living_in.get(region).into_iter().flatten();
        living.chain(&self.spanning)
    }
}
