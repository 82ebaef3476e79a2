//! Where launches go: which offers an account has, and in which project each is judged.

use std::collections::{BTreeMap, HashMap};

use crate::{
    gate::{GateError, UnknownProject},
    inventory::{Inventory, SourceKey, SourceKind},
    names::nearest,
    types::{Launch, Lifecycle, Offer, SourceState},
};

impl Inventory {
    /// The plan with every launch in its project.
    pub(crate) fn with_projects(&self, plan: &[Launch]) -> Result<Vec<Launch>, GateError> {
        let mut plan = plan.to_vec();
        for launch in &mut plan {
            launch.profile.project = self.project_for(launch)?;
        }
        Ok(plan)
    }

    /// Refuses a project that the account, whose list was read to its end, does not list. No project is none of them.
    pub(crate) fn must_list(&self, project: &str) -> Result<(), GateError> {
        let account = self.report(&SourceKey::tenant(SourceKind::Account));
        let listed = || self.account().projects.iter();
        if project.is_empty()
            || account.state != SourceState::Complete
            || listed().any(|known| known.id == project)
        {
            return Ok(());
        }
        let ids = listed().map(|known| known.id.as_str());
        Err(GateError::UnknownProject(UnknownProject {
            project: project.to_owned(),
            nearest: nearest(project, ids)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }))
    }

    /// The project that a launch is judged in: the one it names, else the one project of its region; empty where there is
    /// none.
    pub(crate) fn project_for(&self, launch: &Launch) -> Result<String, GateError> {
        if !launch.profile.project.is_empty() {
            self.must_list(&launch.profile.project)?;
            return Ok(launch.profile.project.clone());
        }
        let region = &launch.offer.region;
        let mut here = self.projects_in(region);
        if here.len() > 1 {
            return Err(GateError::AmbiguousProject {
                region: region.clone(),
                projects: here,
            });
        }
        Ok(here.pop().unwrap_or_default())
    }

    /// Every offer of the account: each type in each region, under each lifecycle that a project may use there.
    pub fn offers(&self) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        for project in self.projects() {
            let Some(region) = self.region_of(project) else {
                continue;
            };
            for instance_type in self.types_of(project) {
                let preemptible = instance_type.preemptible.then_some(Lifecycle::Preemptible);
                for lifecycle in [Some(Lifecycle::OnDemand), preemptible]
                    .into_iter()
                    .flatten()
                {
                    let offer = Offer {
                        instance_type: instance_type.name.clone(),
                        region: region.to_owned(),
                        lifecycle,
                    };
                    if !offers.contains(&offer) {
                        offers.push(offer);
                    }
                }
            }
        }
        offers
    }

    /// Which offers are judged in which project.
    pub(crate) fn places<'a>(
        &self,
        offers: &'a [Offer],
        project: &str,
    ) -> BTreeMap<String, Here<'a>> {
        let mut places: BTreeMap<String, Here<'a>> = BTreeMap::new();
        let mut projects_by_region: HashMap<&str, Vec<String>> = HashMap::new();
        for (index, offer) in offers.iter().enumerate() {
            let projects = projects_by_region
                .entry(offer.region.as_str())
                .or_insert_with(|| match project {
                    "" => self.projects_in(&offer.region),
                    named => vec![named.to_owned()],
                });
            if projects.is_empty() {
                // Judged all the same: the plugin says that nothing is offered there.
                projects.push(String::new());
            }
            for project in projects {
                match places.get_mut(project) {
                    Some(here) => here.add(index, offer),
                    None => places.entry(project.clone()).or_default().add(index, offer),
                }
            }
        }
        places
    }
}

/// The offers judged in one project, each distinct one once: catalogues repeat themselves, and a judgement costs more
/// than a look-up.
#[derive(Default)]
pub(crate) struct Here<'a> {
    pub(crate) distinct: Vec<Offer>,
    /// Place in the list that was asked about, and in `distinct`.
    pub(crate) places: Vec<(usize, usize)>,
    known: HashMap<(&'a str, &'a str, bool), usize>,
}

impl<'a> Here<'a> {
    fn add(&mut self, index: usize, offer: &'a Offer) {
        let key = (
            offer.instance_type.as_str(),
            offer.region.as_str(),
            offer.lifecycle == Lifecycle::Preemptible,
        );
        let which = *self.known.entry(key).or_insert_with(|| {
            self.distinct.push(offer.clone());
            self.distinct.len() - 1
        });
        self.places.push((index, which));
    }
}
