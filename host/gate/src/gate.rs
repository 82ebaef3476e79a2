//! The facade: a plugin and a source, put together.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    thread,
};

use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    builder::GateBuilder,
    clock::Clock,
    feedback::Report,
    holds::{HoldFileError, HoldRecord},
    inventory::{Cache, Inventory, NamedSource, SourceKey, SourceKind, WarmUpError},
    options::{Action, GateOptions},
    plugin::{CallError, Plugin, unknown_admission, unknown_verdicts},
    source::Source,
    telemetry::{self, Gauges},
    types::{
        Admission, Demand, Diagnosis, Failure, FailureKind, Launch, Offer, Policy, Profile, Verdict,
    },
};

/// Judges what an account can launch. Shared by reference; every method can be called from many tasks at once, within a
/// runtime of tokio.
///
/// The account is read in the background and every question answered from memory; only the very first waits, and only so
/// long ([`crate::RefreshOptions`]). [`Gate::verify`] reads again what matters before a launch, and holds the amounts.
pub struct Gate {
    // Read for a clone, written for a swap.
    plugin: RwLock<Plugin>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) options: Arc<GateOptions>,
    /// Calls of plugins at a time: as many as there are processors, since a call only computes.
    turns: Arc<Semaphore>,
    pub(crate) gauges: Gauges,
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
    /// A launch names a project that the account does not list.
    #[error("the account has no project {}", .0)]
    UnknownProject(UnknownProject),
    /// What was recorded cannot be used for a start.
    #[error("the recorded account cannot be used")]
    WarmUp(#[from] WarmUpError),
    /// Holds cannot be kept where they should be.
    #[error(transparent)]
    HoldFile(#[from] HoldFileError),
}

/// A project that the account does not list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProject {
    /// The project that was named.
    pub project: String,
    /// The projects whose ids are most like it, best first.
    pub nearest: Vec<String>,
}

impl fmt::Display for UnknownProject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.project)?;
        if !self.nearest.is_empty() {
            let nearest: Vec<_> = self.nearest.iter().map(|id| format!("`{id}`")).collect();
            write!(formatter, ": did you mean {}?", nearest.join(" or "))?;
        }
        Ok(())
    }
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
    /// What the options say of such a plan ([`GateOptions::plan`]).
    pub action: Action,
    /// Where the judgement comes from.
    pub sources: Vec<NamedSource>,
}

impl Gate {
    /// Puts a plugin and a source together, for every project of the account, with the default options.
    ///
    /// # Errors
    /// When they are of different clouds.
    pub fn new(plugin: Plugin, source: Arc<dyn Source>) -> Result<Self, GateError> {
        Self::builder(plugin, source).build()
    }

    /// A gate with other options.
    pub fn builder(plugin: Plugin, source: Arc<dyn Source>) -> GateBuilder {
        GateBuilder::new(plugin, source)
    }

    pub(crate) fn from_parts(plugin: Plugin, cache: Arc<Cache>, options: Arc<GateOptions>) -> Self {
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            plugin: RwLock::new(plugin),
            cache,
            options,
            turns: Arc::new(Semaphore::new(processors)),
            gauges: Gauges::default(),
        }
    }

    /// Calls the plugin on a thread where it blocks nobody: a call computes, for up to [`crate::Limits::time`].
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        function: &'static str,
        call: impl FnOnce(&Plugin, &Clock) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let (plugin, clock) = (self.plugin(), self.clock().clone());
        let span = tracing::Span::current();
        let run = move || span.in_scope(|| telemetry::called(function, || call(&plugin, &clock)));
        let Ok(runtime) = Handle::try_current() else {
            return run();
        };
        // Moved along, so that a call whose caller went away still counts until it ends.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let called = runtime.spawn_blocking(move || {
            let _turn = turn;
            run()
        });
        called
            .await
            .unwrap_or_else(|error| Err(CallError::Interrupted(Box::new(error))))
    }

    /// The plugin in use.
    pub fn plugin(&self) -> Plugin {
        self.plugin
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Judges with another plugin from now on, and gives the one there was. Requests under way end with the plugin that
    /// they began with.
    ///
    /// # Errors
    /// When the new one judges another cloud.
    pub fn swap_plugin(&self, plugin: Plugin) -> Result<Plugin, GateError> {
        check_cloud(&plugin, &**self.cache.source())?;
        tracing::info!(
            from = self.plugin().sha256(),
            to = plugin.sha256(),
            "judging with another plugin"
        );
        let mut current = self.plugin.write().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut *current, plugin))
    }

    /// How it behaves.
    pub fn options(&self) -> &GateOptions {
        &self.options
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.cache.clock()
    }

    /// What is known of the account now. The first question of all waits for the sources, and so does the next one after a
    /// fetch was cut off because its runtime ended; no other waits.
    pub async fn inventory(&self) -> Arc<Inventory> {
        self.cache.inventory().await
    }

    /// Reads every source again, and waits for the answers.
    pub async fn refresh(&self) -> Arc<Inventory> {
        self.cache
            .read_again(None, self.options.refresh.give_up)
            .await;
        self.inventory().await
    }

    /// Starts with what another source knew of the account, such as a world recorded on disk: it is used, with the age it
    /// has, until each source was read. Where the account turns out to be another one, it is dropped.
    ///
    /// # Errors
    /// When it is of another cloud or account, or does not say when it was recorded.
    pub async fn warm_up(&self, recorded: &dyn Source) -> Result<(), GateError> {
        check_cloud(&self.plugin(), recorded)?;
        Ok(self.cache.warm_up(recorded).await?)
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
    /// When the launch makes no sense. A plugin that breaks makes verdicts unknown.
    #[tracing::instrument(name = "quotagate.filter", skip_all, fields(
        cloud.provider = self.cache.source().cloud(), offers = offers.len(), count, generation, hidden,
    ))]
    pub async fn filter(
        &self,
        offers: &[Offer],
        count: u32,
        profile: &Profile,
        policy: &Policy,
    ) -> Result<Listing, GateError> {
        let inventory = self.inventory().await;
        inventory.must_list(&profile.project)?;
        let mut items = Vec::with_capacity(offers.len());
        let mut hidden = 0_u64;
        let policy = *policy;
        for (project, here) in inventory.places(offers, &profile.project) {
            let profile = Profile {
                project: project.clone(),
                ..profile.clone()
            };
            let (shown, distinct) = (Arc::clone(&inventory), Arc::<[Offer]>::from(here.distinct));
            let asked = Arc::clone(&distinct);
            let mut verdicts = self
                .call("assess", move |plugin, clock| {
                    plugin.assess(&shown, clock, &asked, count, &profile, &policy)
                })
                .await
                .or_else(|error| unknown_verdicts(error, &distinct, count, &policy))?;
            for verdict in &mut verdicts {
                telemetry::judged("list", verdict);
                hidden += u64::from(!verdict.visible);
                // Shadow mode says in the log what it would have hidden, and hides nothing.
                verdict.visible |= self.options.shadow;
            }
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
        let span = tracing::Span::current();
        span.record("generation", inventory.generation());
        span.record("hidden", hidden);
        tracing::debug!(shadow = self.options.shadow, hidden, "judged a list");
        items.sort_by_key(|item| item.index);
        Ok(Listing {
            items,
            sources: inventory.sources(),
        })
    }

    /// Judges one launch by what is known now. A profile without a project means the one project of the launch's region.
    /// Before a launch is really made, ask [`Gate::verify`].
    ///
    /// # Errors
    /// When the launch makes no sense, or its region has several projects and it names none. A plugin that breaks makes
    /// the verdict unknown.
    #[tracing::instrument(name = "quotagate.check", skip_all, fields(
        cloud.provider = self.cache.source().cloud(), cloud.region = launch.offer.region,
        instance_type = launch.offer.instance_type, count = launch.count,
    ))]
    pub async fn check(&self, launch: &Launch, policy: &Policy) -> Result<Check, GateError> {
        let inventory = self.inventory().await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let (shown, asked, policy) = (Arc::clone(&inventory), launch.clone(), *policy);
        let verdict = self
            .call("assess", move |plugin, clock| {
                let offers = std::slice::from_ref(&asked.offer);
                plugin.assess(&shown, clock, offers, asked.count, &asked.profile, &policy)
            })
            .await
            .or_else(|error| {
                let offers = std::slice::from_ref(&launch.offer);
                unknown_verdicts(error, offers, launch.count, &policy)
            })?
            .pop()
            .ok_or(CallError::WrongLength {
                asked: 1,
                answered: 0,
            })?;
        telemetry::judged("check", &verdict);
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
    #[tracing::instrument(name = "quotagate.admit", skip_all, fields(
        cloud.provider = self.cache.source().cloud(), launches = plan.len(),
    ))]
    pub async fn admit(&self, plan: &[Launch], policy: &Policy) -> Result<PlanCheck, GateError> {
        let inventory = self.inventory().await;
        let plan = inventory.with_projects(plan)?;
        let (shown, asked, policy) = (Arc::clone(&inventory), plan.clone(), *policy);
        let admission = self
            .call("admit", move |plugin, clock| {
                plugin.admit(&shown, clock, &asked, &policy)
            })
            .await
            .or_else(|error| unknown_admission(error, &plan, &policy))?;
        telemetry::judged("plan", &admission.verdict);
        Ok(PlanCheck {
            plan,
            action: self.options.plan.action(&admission.verdict),
            admission,
            sources: inventory.sources(),
        })
    }

    /// Says what a launch error means. Blocks while the plugin computes, which is microseconds for one that is sound.
    ///
    /// # Errors
    /// When the plugin gives no answer.
    pub fn diagnose(&self, failure: &Failure) -> Result<Diagnosis, GateError> {
        let plugin = self.plugin();
        Ok(telemetry::called("diagnose", || plugin.diagnose(failure))?)
    }

    /// Learns from a launch that failed: says what the error means, and blocks launches like it for a while, as far as the
    /// error speaks of them. Where a quota refused it, the rows are read again in the background: what was known is wrong.
    ///
    /// # Errors
    /// When the plugin gives no answer, or the launch names no project and its region has several.
    #[tracing::instrument(name = "quotagate.report", skip_all, fields(
        cloud.provider = self.cache.source().cloud(), cloud.region = launch.offer.region,
        instance_type = launch.offer.instance_type, kind,
    ))]
    pub async fn report(&self, launch: &Launch, failure: &Failure) -> Result<Report, GateError> {
        let reported = failure.clone();
        let diagnosis = self
            .call("diagnose", move |plugin, _| plugin.diagnose(&reported))
            .await?;
        let inventory = self.inventory().await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let demands = match diagnosis.kind {
            FailureKind::Quota => self.demands(&inventory, &launch).await,
            _ => Vec::new(),
        };
        let blocks = self
            .cache
            .with(|state, now| state.learn(&launch, &demands, &diagnosis, now));
        tracing::Span::current().record("kind", diagnosis.kind.as_str());
        tracing::info!(kind = %diagnosis.kind, blocks = blocks.len(), "a launch failed");
        if diagnosis.kind == FailureKind::Quota {
            self.cache.read_soon(&[
                SourceKey::tenant(SourceKind::TenantAllowances),
                SourceKey::project(SourceKind::ProjectAllowances, &launch.profile.project),
            ]);
        }
        Ok(Report { diagnosis, blocks })
    }

    /// What a launch takes by itself, since an error tells totals; nothing where the plugin does not say.
    async fn demands(&self, inventory: &Arc<Inventory>, launch: &Launch) -> Vec<Demand> {
        let (shown, plan) = (Arc::clone(inventory), [launch.clone()]);
        let admission = self
            .call("admit", move |plugin, clock| {
                plugin.admit(&shown, clock, &plan, &Policy::default())
            })
            .await;
        match admission {
            Ok(admission) => admission.demands,
            Err(error) => {
                tracing::warn!(%error, "what the failed launch takes is not known: nothing is learned of its size");
                Vec::new()
            }
        }
    }

    /// The holds that stand.
    pub fn holds(&self) -> Vec<HoldRecord> {
        self.cache.with(|state, now| state.holds(now))
    }

    /// The launch of a hold was made: [`crate::Hold::commit`] by name, for holds of an earlier process too. Says whether
    /// there is such a hold.
    pub fn commit(&self, hold: &str, instances: &[String]) -> bool {
        self.cache.commit(hold, instances)
    }

    /// The launch of a hold was not made: [`crate::Hold::release`] by name. Also for what was committed and is deleted
    /// again so soon that no usage ever shows it: the hold would stand until its time is up. Says whether there is such a
    /// hold.
    pub fn release(&self, hold: &str) -> bool {
        self.cache.release(hold)
    }
}

/// Whether a plugin judges the cloud that a source answers for.
pub(crate) fn check_cloud(plugin: &Plugin, source: &dyn Source) -> Result<(), GateError> {
    let (plugin_cloud, source_cloud) = (&plugin.descriptor().cloud, source.cloud());
    if plugin_cloud == source_cloud {
        return Ok(());
    }
    Err(GateError::CloudMismatch {
        plugin: plugin_cloud.clone(),
        source_cloud: source_cloud.to_owned(),
    })
}
