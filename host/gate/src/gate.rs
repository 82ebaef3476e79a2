//! The facade: a plugin and a source, put together.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures::lock::Mutex;

use crate::{
    clock::Clock,
    inventory::{self, Inventory, NamedSource, Projects},
    plugin::{CallError, Plugin},
    source::Source,
    types::{Admission, Diagnosis, Failure, Launch, Lifecycle, Offer, Policy, Profile, Verdict},
};

/// Judges what an account can launch. Shared by reference; every method can be called from many tasks at once.
///
/// The account is read at the first question and kept; [`Gate::refresh`] reads it again.
pub struct Gate {
    plugin: Plugin,
    source: Arc<dyn Source>,
    projects: Projects,
    clock: Clock,
    // Held while the account is read, so that concurrent first questions read it once.
    latest: Mutex<Option<Arc<Inventory>>>,
}

/// Why a gate could not be built or gave no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The plugin judges one cloud, the source answers for another.
    #[error("the plugin judges {plugin}, the source answers for {source_cloud}")]
    CloudMismatch {
        /// The plugin's cloud.
        plugin: String,
        /// The source's cloud.
        source_cloud: String,
    },
    /// A launch names no project, and its region has several.
    #[error("{region} has several projects, so the launch must name one: {}", projects.join(", "))]
    AmbiguousProject {
        /// The launch's region.
        region: String,
        /// The projects there.
        projects: Vec<String>,
    },
    /// The plugin gave no answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a gate says about a list of offers.
#[derive(Clone, Debug)]
pub struct Listing {
    /// An item per offer and project that it was judged in, in the order of the offers.
    pub items: Vec<JudgedOffer>,
    /// Where the judgement comes from.
    pub sources: Vec<NamedSource>,
}

/// One offer, judged.
#[derive(Clone, Debug)]
pub struct JudgedOffer {
    /// The offer.
    pub offer: Offer,
    /// Its place in the list that was asked about.
    pub index: usize,
    /// The project it was judged in; empty where the account has none in the offer's region.
    pub project: String,
    /// The judgement; equal offers share it.
    pub verdict: Arc<Verdict>,
}

/// What a gate says about one launch.
#[derive(Clone, Debug)]
pub struct Check {
    /// The launch, with its project filled in.
    pub launch: Launch,
    /// The judgement.
    pub verdict: Verdict,
    /// Where the judgement comes from.
    pub sources: Vec<NamedSource>,
}

/// What a gate says about launches together.
#[derive(Clone, Debug)]
pub struct PlanCheck {
    /// The launches, with their projects filled in.
    pub plan: Vec<Launch>,
    /// The judgement.
    pub admission: Admission,
    /// Where the judgement comes from.
    pub sources: Vec<NamedSource>,
}

impl Gate {
    /// Puts a plugin and a source together, for every project of the account.
    ///
    /// # Errors
    /// When they are of different clouds.
    pub fn new(plugin: Plugin, source: Arc<dyn Source>) -> Result<Self, GateError> {
        let (plugin_cloud, source_cloud) = (&plugin.descriptor().cloud, source.cloud());
        if plugin_cloud != source_cloud {
            return Err(GateError::CloudMismatch {
                plugin: plugin_cloud.clone(),
                source_cloud: source_cloud.to_owned(),
            });
        }
        Ok(Self {
            plugin,
            source,
            projects: Projects::All,
            clock: Clock::system(),
            latest: Mutex::new(None),
        })
    }

    /// The same gate for one project alone: nothing of the others is read.
    #[must_use]
    pub fn for_project(mut self, project: &str) -> Self {
        self.projects = Projects::One(project.to_owned());
        self
    }

    /// The same gate under another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The plugin in use.
    pub const fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What was read of the account; reads it if that has not happened yet.
    pub async fn inventory(&self) -> Arc<Inventory> {
        let mut latest = self.latest.lock().await;
        match &*latest {
            Some(inventory) => Arc::clone(inventory),
            None => self.read(&mut latest).await,
        }
    }

    /// Reads every source again, and keeps the answers for the questions to come.
    pub async fn refresh(&self) -> Arc<Inventory> {
        let mut latest = self.latest.lock().await;
        self.read(&mut latest).await
    }

    async fn read(&self, latest: &mut Option<Arc<Inventory>>) -> Arc<Inventory> {
        let read = inventory::fetch(&*self.source, &self.clock, &self.projects).await;
        *latest = Some(Arc::clone(&read));
        read
    }

    /// Every offer of the account: each type in each region, under each lifecycle that a project may use there.
    pub async fn offers(&self) -> Vec<Offer> {
        self.inventory().await.offers()
    }

    /// Judges each offer alone: could `count` instances of it be launched now, each with `profile`?
    ///
    /// Where the profile names a project, every offer is judged in it; otherwise in each project of the offer's region.
    ///
    /// # Errors
    /// When the plugin gives no answer, or the launch makes no sense.
    #[tracing::instrument(name = "quotagate.filter", skip_all, fields(offers = offers.len()))]
    pub async fn filter(
        &self,
        offers: &[Offer],
        count: u32,
        profile: &Profile,
        policy: &Policy,
    ) -> Result<Listing, GateError> {
        let inventory = self.inventory().await;
        let mut items = Vec::with_capacity(offers.len());
        for (project, here) in inventory.places(offers, &profile.project) {
            let profile = Profile {
                project: project.clone(),
                ..profile.clone()
            };
            let verdicts = self.plugin.assess(
                &inventory,
                &self.clock,
                &here.distinct,
                count,
                &profile,
                policy,
            )?;
            let verdicts: Vec<Arc<Verdict>> = verdicts.into_iter().map(Arc::new).collect();
            for (index, which) in here.places {
                if let (Some(offer), Some(verdict)) = (offers.get(index), verdicts.get(which)) {
                    items.push(JudgedOffer {
                        offer: offer.clone(),
                        index,
                        project: project.clone(),
                        verdict: Arc::clone(verdict),
                    });
                }
            }
        }
        items.sort_by_key(|item| item.index);
        Ok(Listing {
            items,
            sources: inventory.sources(),
        })
    }

    /// Judges one launch. A profile without a project means the one project of the launch's region.
    ///
    /// # Errors
    /// When the plugin gives no answer, the launch makes no sense, or its region has several projects and it names none.
    #[tracing::instrument(name = "quotagate.check", skip_all, fields(
        instance_type = launch.offer.instance_type, region = launch.offer.region, count = launch.count,
    ))]
    pub async fn check(&self, launch: &Launch, policy: &Policy) -> Result<Check, GateError> {
        let inventory = self.inventory().await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let verdict = self
            .plugin
            .assess(
                &inventory,
                &self.clock,
                std::slice::from_ref(&launch.offer),
                launch.count,
                &launch.profile,
                policy,
            )?
            .pop()
            .ok_or(CallError::WrongLength {
                asked: 1,
                answered: 0,
            })?;
        Ok(Check {
            sources: inventory.sources_for(&launch.profile.project),
            launch,
            verdict,
        })
    }

    /// Judges launches together, in their order: they draw on the same rows. A profile without a project means the one
    /// project of the launch's region.
    ///
    /// # Errors
    /// As for [`Gate::check`]; the message says which launch of the plan it speaks of.
    #[tracing::instrument(name = "quotagate.admit", skip_all, fields(launches = plan.len()))]
    pub async fn admit(&self, plan: &[Launch], policy: &Policy) -> Result<PlanCheck, GateError> {
        let inventory = self.inventory().await;
        let mut plan = plan.to_vec();
        for launch in &mut plan {
            launch.profile.project = inventory.project_for(launch)?;
        }
        let admission = self.plugin.admit(&inventory, &self.clock, &plan, policy)?;
        Ok(PlanCheck {
            plan,
            admission,
            sources: inventory.sources(),
        })
    }

    /// Says what a launch error means.
    ///
    /// # Errors
    /// When the plugin gives no answer.
    pub fn diagnose(&self, failure: &Failure) -> Result<Diagnosis, GateError> {
        Ok(self.plugin.diagnose(failure)?)
    }
}

impl Inventory {
    /// The project that a launch is judged in: the one it names, else the one project of its region; empty where there is
    /// none.
    fn project_for(&self, launch: &Launch) -> Result<String, GateError> {
        if !launch.profile.project.is_empty() {
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
    fn places<'a>(&self, offers: &'a [Offer], project: &str) -> BTreeMap<String, Here<'a>> {
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
struct Here<'a> {
    distinct: Vec<Offer>,
    /// Place in the list that was asked about, and in `distinct`.
    places: Vec<(usize, usize)>,
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
