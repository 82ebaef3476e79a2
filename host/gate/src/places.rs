//! Where launches go: which offers an account has, and in which project each is judged.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use quotagate_contract::{Launch, Offer};

use crate::{
    gate::{GateError, UnknownProject},
    inventory::Inventory,
    names::nearest,
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
        let chains = self.chains();
        if project.is_empty() || chains.is_project(project) || !self.lists_every_project() {
            return Ok(());
        }
        let ids = chains.projects().iter().map(|id| &**id);
        Err(GateError::UnknownProject(UnknownProject {
            project: project.to_owned(),
            nearest: nearest(project, ids)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }))
    }

    /// The project that a launch is judged in: the one it names, else the one project that can launch in its region; empty
    /// where there is none.
    pub(crate) fn project_for(&self, launch: &Launch) -> Result<String, GateError> {
        if !launch.profile.project.is_empty() {
            self.must_list(&launch.profile.project)?;
            return Ok(launch.profile.project.clone());
        }
        let region = &launch.offer.region;
        let mut here: Vec<String> = self.projects_in(region).map(ToString::to_string).collect();
        if here.len() > 1 {
            return Err(GateError::AmbiguousProject {
                region: region.clone(),
                projects: here,
            });
        }
        Ok(here.pop().unwrap_or_default())
    }

    /// Every offer of the account: each type at each place where a project is offered it, under each lifecycle there.
    pub fn offers(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        let mut known = HashSet::new();
        for project in self.projects() {
            let everywhere = self.regions_of(project);
            for instance_type in self.types_of(project) {
                let open = instance_type
                    .offered
                    .iter()
                    .filter(|at| at.restriction.is_none());
                for offered in open {
                    let own = offered.place.region.as_deref();
                    let regions = match &own {
                        Some(region) => std::slice::from_ref(region),
                        None => everywhere.as_slice(),
                    };
                    for (region, lifecycle) in regions.iter().flat_map(|region| {
                        offered.lifecycles.iter().map(move |each| (region, each))
                    }) {
                        let offer = Offer {
                            instance_type: instance_type.name.clone(),
                            region: (*region).to_owned(),
                            zone: offered.place.zone.clone(),
                            lifecycle: lifecycle.clone(),
                            needs: Vec::new(),
                        };
                        if !known.contains(&offer) {
                            known.insert(offer.clone());
                            offers.push(offer);
                        }
                    }
                }
            }
        }
        offers
    }

    /// Where a project can launch what is offered without a region.
    fn regions_of(&self, project: &str) -> Vec<&str> {
        let lives_in = self
            .chains()
            .project(project)
            .and_then(|own| own.place.region.as_deref());
        if let Some(region) = lives_in {
            return vec![region];
        }
        let places = self.account().places.iter();
        let whole = places.filter(|at| at.place.zone.is_none() && at.restriction.is_none());
        whole.filter_map(|at| at.place.region.as_deref()).collect()
    }

    /// Which offers are judged in which project, each distinct one once: catalogues repeat themselves, and a judgement costs
    /// more than a look-up.
    pub(crate) fn places(&self, offers: &[Offer], project: &str) -> Places {
        let mut places = Places::default();
        let mut known: HashMap<&Offer, usize> = HashMap::with_capacity(offers.len());
        let mut distinct: Vec<&Offer> = Vec::new();
        for (index, offer) in offers.iter().enumerate() {
            let next = distinct.len();
            let which = *known.entry(offer).or_insert(next);
            if which == next {
                distinct.push(offer);
                places.occurrences.push(Vec::new());
            }
            if let Some(indexes) = places.occurrences.get_mut(which) {
                indexes.push(index);
            }
        }
        let named: Option<Arc<str>> = (!project.is_empty()).then(|| Arc::from(project));
        // The places in `here` of the projects of each region.
        let mut of_region: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut of_project: HashMap<Arc<str>, usize> = HashMap::new();
        for (which, offer) in distinct.into_iter().enumerate() {
            let projects = of_region.entry(&offer.region).or_insert_with(|| {
                let mut projects: Vec<Arc<str>> = match &named {
                    Some(named) => vec![Arc::clone(named)],
                    None => self.projects_in(&offer.region).cloned().collect(),
                };
                if projects.is_empty() {
                    // Judged all the same: the plugin says that nothing is offered there.
                    projects.push(Arc::from(""));
                }
                let here = projects.into_iter().map(|project| {
                    *of_project.entry(Arc::clone(&project)).or_insert_with(|| {
                        places.here.push(Here::in_project(project));
                        places.here.len() - 1
                    })
                });
                here.collect()
            });
            for at in projects {
                if let Some(here) = places.here.get_mut(*at) {
                    here.distinct.push(offer.clone());
                    here.which.push(which);
                }
            }
        }
        places
    }
}

/// Offers by the projects that they are judged in.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) here: Vec<Here>,
    /// Where each distinct offer stands in the list that was asked about.
    occurrences: Vec<Vec<usize>>,
}

/// The offers judged in one project.
pub(crate) struct Here {
    pub(crate) project: Arc<str>,
    pub(crate) distinct: Vec<Offer>,
    /// The number of each among all distinct ones.
    which: Vec<usize>,
}

impl Here {
    const fn in_project(project: Arc<str>) -> Self {
        Self {
            project,
            distinct: Vec::new(),
            which: Vec::new(),
        }
    }
}

impl Places {
    /// Where an offer of a project stands in the list that was asked about.
    pub(crate) fn of<'a>(&'a self, here: &'a Here, number: usize) -> &'a [usize] {
        let which = here.which.get(number);
        let indexes = which.and_then(|which| self.occurrences.get(*which));
        indexes.map_or(&[], Vec::as_slice)
    }
}
