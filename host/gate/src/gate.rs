//! The facade: a plugin and a source, put together.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use quotagate_contract::{
    Admission, Diagnosis, Failure, Launch, Offer, Policy, Profile, SourceReport, Verdict,
};

use crate::{
    builder::GateBuilder,
    clock::Clock,
    feedback::Report,
    holds::{HoldFileError, HoldRecord},
    inventory::{Cache, Inventory, Readings, Wanted, WarmUpError, read},
    judge::Judge,
    options::{Action, GateOptions},
    plugin::{AssessCall, CallError, Plugin, unknown_admission, unknown_verdicts},
    question::Question,
    rests_on::RestsOn,
    source::Source,
    telemetry::{self, Gauges},
};

/// Judges what an account can launch. Cheap to clone: clones are the same gate. Every method can be called from many tasks at
/// once, within a runtime of tokio.
///
/// The account is read in the background and every question answered from memory; only the very first waits, and only so
/// long ([`crate::RefreshOptions`]). [`Gate::verify`] reads again what matters before a launch, and holds the amounts.
#[derive(Clone)]
pub struct Gate(Arc<Parts>);

/// What a gate is made of.
struct Parts {
    judge: Arc<Judge>,
    cache: Arc<Cache>,
    options: Arc<GateOptions>,
    gauges: Gauges,
    rests_on: RestsOn,
}

/// A gate that may be gone.
pub(crate) struct WeakGate(Weak<Parts>);

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
    /// A launch names no project, and several can launch in its region.
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
    /// The name of a hold is empty or far too long.
    #[error("a hold's name has 1 to {longest} bytes, and this one has {bytes}", longest = crate::verify::LONGEST_NAME)]
    HoldName {
        /// How long it is.
        bytes: usize,
    },
    /// A hold of that name stands for something else.
    #[error("the hold `{hold}` is for {launch}: name this one otherwise")]
    HoldTaken {
        /// Its name.
        hold: String,
        /// What it is for, in words.
        launch: String,
    },
    /// The gate was closed.
    #[error("the gate was closed, so it promises nothing more")]
    Closed,
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
#[non_exhaustive]
pub struct Listing {
    /// An item per offer and project that it was judged in, in the order of the offers.
    pub items: Vec<JudgedOffer>,
    /// Where the judgement comes from.
    pub sources: Vec<SourceReport>,
}

/// One offer, judged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JudgedOffer {
    /// Its place in [`Question::offers`].
    pub index: usize,
    /// The project it was judged in; empty where the account has none in the offer's region.
    pub project: Arc<str>,
    /// The judgement; equal offers share it.
    pub verdict: Arc<Verdict>,
    /// Whether a list shows it, by the strictness that was asked for.
    pub visible: bool,
}

/// What a gate says about one launch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// The launch, with its project filled in.
    pub launch: Launch,
    /// The judgement.
    pub verdict: Verdict,
    /// Where the judgement comes from.
    pub sources: Vec<SourceReport>,
}

/// What a gate says about launches together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanCheck {
    /// The launches, with their projects filled in.
    pub plan: Vec<Launch>,
    /// The judgement.
    pub admission: Admission,
    /// What the options say of such a plan ([`GateOptions::plan`]).
    pub action: Action,
    /// Where the judgement comes from.
    pub sources: Vec<SourceReport>,
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

    pub(crate) fn from_parts(
        judge: Arc<Judge>,
        cache: Arc<Cache>,
        options: Arc<GateOptions>,
    ) -> Self {
        Self(Arc::new(Parts {
            judge,
            cache,
            options,
            gauges: Gauges::default(),
            rests_on: RestsOn::default(),
        }))
    }

    pub(crate) fn downgrade(&self) -> WeakGate {
        WeakGate(Arc::downgrade(&self.0))
    }

    pub(crate) fn upgrade(weak: &WeakGate) -> Option<Self> {
        weak.0.upgrade().map(Self)
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.0.judge
    }

    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.0.cache
    }

    pub(crate) fn rests_on(&self) -> &RestsOn {
        &self.0.rests_on
    }

    pub(crate) fn gauges(&self) -> &Gauges {
        &self.0.gauges
    }

    /// The plugin in use.
    pub fn plugin(&self) -> Plugin {
        self.judge().plugin()
    }

    /// Judges with another plugin from now on, and gives the one there was. Requests under way end with the plugin that
    /// they began with.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use quotagate::{ContractInventory, Gate, Plugin, StaticSource};
    ///
    /// let plugin = Plugin::load(quotagate_plugins::ALL[0].bytes)?;
    /// let source = StaticSource::new(&plugin.descriptor().cloud, ContractInventory::default());
    /// let gate = Gate::new(plugin.clone(), Arc::new(source))?;
    /// let before = gate.swap_plugin(plugin)?;
    /// assert_eq!(before.sha256(), gate.plugin().sha256());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the new one judges another cloud.
    pub fn swap_plugin(&self, plugin: Plugin) -> Result<Plugin, GateError> {
        check_cloud(&plugin, &**self.cache().source())?;
        tracing::info!(
            from = self.plugin().sha256(),
            to = plugin.sha256(),
            "judging with another plugin"
        );
        Ok(self.judge().swap(plugin))
    }

    /// How it behaves.
    pub fn options(&self) -> &GateOptions {
        &self.0.options
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.cache().clock()
    }

    /// What is known of the account now. The first question of all waits for the sources, and so does the next one after a
    /// fetch was cut off because its runtime ended; no other waits. Sources of regions that nobody has asked about yet are not
    /// read.
    pub async fn inventory(&self) -> Arc<Inventory> {
        self.inventory_of([]).await
    }

    /// The same, with the sources of these regions.
    pub(crate) async fn inventory_of<'a>(
        &self,
        regions: impl IntoIterator<Item = &'a str>,
    ) -> Arc<Inventory> {
        self.cache().inventory(regions).await
    }

    /// Reads every source again, and waits for the answers.
    pub async fn refresh(&self) -> Arc<Inventory> {
        let wait = self.options().refresh.give_up;
        self.cache().read_again(None, wait).await;
        self.inventory().await
    }

    /// Starts with what another source knew of the account, such as a world recorded on disk: it is used, with the age it
    /// has, until each source was read. Where the account turns out to be another one, it is dropped.
    ///
    /// # Errors
    /// When it is of another cloud or account, or does not say when it was recorded.
    pub async fn warm_up(&self, recorded: &dyn Source) -> Result<(), GateError> {
        check_cloud(&self.plugin(), recorded)?;
        Ok(self.cache().warm_up(recorded).await?)
    }

    /// Every offer of the account: each type at each place where a project is offered it, under each lifecycle there.
    pub async fn offers(&self) -> Vec<Offer> {
        self.inventory().await.offers()
    }

    /// Judges each offer alone: could it be launched now? In numbers: findings come without title, detail, remedy and rule;
    /// [`Gate::explain`] has them.
    ///
    /// Where the profile names a project, every offer is judged in it; otherwise in each project that can launch in the
    /// offer's region.
    ///
    /// # Errors
    /// When the launch makes no sense. A plugin that breaks makes verdicts unknown.
    #[tracing::instrument(name = "quotagate.filter", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), offers = question.offers().len(), count = question.count,
        generation, hidden,
    ))]
    pub async fn filter(&self, question: &Question<'_>) -> Result<Listing, GateError> {
        self.list(question, false).await
    }

    /// The same with words, for offers that somebody looks at.
    ///
    /// # Errors
    /// As for [`Gate::filter`].
    #[tracing::instrument(name = "quotagate.explain", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), offers = question.offers().len(), count = question.count,
        generation, hidden,
    ))]
    pub async fn explain(&self, question: &Question<'_>) -> Result<Listing, GateError> {
        self.list(question, true).await
    }

    async fn list(&self, question: &Question<'_>, in_words: bool) -> Result<Listing, GateError> {
        let offers = question.offers();
        let inventory = self.inventory_of(question.regions()).await;
        let (count, policy) = (question.count, question.policy);
        let strictness = question
            .strictness
            .unwrap_or(self.options().list.strictness);
        inventory.must_list(&question.profile.project)?;
        let mut items = Vec::with_capacity(offers.len());
        let mut hidden = 0_u64;
        let mut places = inventory.places(offers, &question.profile.project);
        for mut here in std::mem::take(&mut places.here) {
            let asked = AssessCall {
                offers: std::mem::take(&mut here.distinct).into(),
                count,
                profile: Profile {
                    project: here.project.to_string(),
                    ..question.profile.clone()
                },
                policy,
            };
            let distinct = Arc::clone(&asked.offers);
            let called = if in_words {
                self.judge()
                    .call("explain", &inventory, move |plugin, shown, clock| {
                        plugin.explain(shown, clock, &asked)
                    })
                    .await
                    .map(shared)
            } else {
                self.judge()
                    .call("assess", &inventory, move |plugin, shown, clock| {
                        plugin.assess(shown, clock, &asked)
                    })
                    .await
            };
            let verdicts = called.or_else(|error| unknown_verdicts(error, &distinct, count))?;
            telemetry::listed("list", &verdicts);
            for (number, verdict) in verdicts.into_iter().enumerate() {
                let is_shown = strictness.shows(verdict.availability());
                hidden += u64::from(!is_shown);
                for index in places.of(&here, number) {
                    items.push(JudgedOffer {
                        index: *index,
                        project: Arc::clone(&here.project),
                        verdict: Arc::clone(&verdict),
                        // Shadow mode says in the log what it would have hidden, and hides nothing.
                        visible: is_shown || self.options().shadow,
                    });
                }
            }
        }
        let span = tracing::Span::current();
        span.record("generation", inventory.generation());
        span.record("hidden", hidden);
        tracing::debug!(shadow = self.options().shadow, hidden, "judged a list");
        items.sort_by_key(|item| item.index);
        Ok(Listing {
            items,
            sources: inventory.sources(),
        })
    }

    /// Judges one launch by what is known now, with words. A profile without a project means the one project that can launch
    /// in the launch's region. Before a launch is really made, ask [`Gate::verify`].
    ///
    /// # Errors
    /// When the launch makes no sense, or its region has several projects and it names none. A plugin that breaks makes
    /// the verdict unknown.
    #[tracing::instrument(name = "quotagate.check", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), cloud.region = launch.offer.region,
        instance_type = launch.offer.instance_type, count = launch.count,
    ))]
    pub async fn check(&self, launch: &Launch, policy: &Policy) -> Result<Check, GateError> {
        let inventory = self.inventory_of([launch.offer.region.as_str()]).await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let asked = AssessCall {
            offers: Arc::from([launch.offer.clone()]),
            count: launch.count,
            profile: launch.profile.clone(),
            policy: *policy,
        };
        let offers = Arc::clone(&asked.offers);
        let verdict = self
            .judge()
            .call("explain", &inventory, move |plugin, shown, clock| {
                plugin.explain(shown, clock, &asked)
            })
            .await
            .map(shared)
            .or_else(|error| unknown_verdicts(error, &offers, launch.count))?
            .pop()
            .ok_or(CallError::WrongLength {
                asked: 1,
                answered: 0,
            })?;
        telemetry::judged("check", &verdict);
        Ok(Check {
            sources: inventory.sources_for(&launch.profile.project),
            launch,
            verdict: Arc::unwrap_or_clone(verdict),
        })
    }

    /// Judges launches together, in their order: they draw on the same rows. A profile without a project means the one
    /// project that can launch in the launch's region.
    ///
    /// # Errors
    /// As for [`Gate::check`]; the message says which launch of the plan it speaks of.
    #[tracing::instrument(name = "quotagate.admit", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), launches = plan.len(),
    ))]
    pub async fn admit(&self, plan: &[Launch], policy: &Policy) -> Result<PlanCheck, GateError> {
        let inventory = self.inventory_of(regions(plan)).await;
        let plan = inventory.with_projects(plan)?;
        let (asked, policy) = (plan.clone(), *policy);
        let admission = self
            .judge()
            .call("admit", &inventory, move |plugin, shown, clock| {
                plugin.admit(shown, clock, &asked, &policy)
            })
            .await
            .or_else(|error| unknown_admission(error, &plan))?;
        telemetry::judged("plan", &admission.verdict);
        Ok(PlanCheck {
            plan,
            action: self.options().plan.action(&admission.verdict),
            admission,
            sources: inventory.sources(),
        })
    }

    /// Says what a launch error means: more of it, where the launch is known.
    ///
    /// # Errors
    /// When the plugin gives no answer, or the launch names no project and its region has several.
    pub async fn diagnose(
        &self,
        failure: &Failure,
        launch: Option<&Launch>,
    ) -> Result<Diagnosis, GateError> {
        match launch {
            Some(launch) => {
                let inventory = self.inventory_of([launch.offer.region.as_str()]).await;
                let mut launch = launch.clone();
                launch.profile.project = inventory.project_for(&launch)?;
                self.diagnosed(&inventory, failure, Some(launch)).await
            }
            // An error by itself says what it says, whatever the account: nothing is read for it.
            None => {
                let known = self.cache().with(|state, now| state.current(now));
                self.diagnosed(&known, failure, None).await
            }
        }
    }

    async fn diagnosed(
        &self,
        inventory: &Arc<Inventory>,
        failure: &Failure,
        launch: Option<Launch>,
    ) -> Result<Diagnosis, GateError> {
        let failure = failure.clone();
        let diagnosis = self
            .judge()
            .call("diagnose", inventory, move |plugin, shown, clock| {
                plugin.diagnose(shown, clock, &failure, launch.as_ref())
            })
            .await?;
        Ok(diagnosis)
    }

    /// Learns from a launch that failed: says what the error means, and what it teaches of launches like it holds for a while.
    /// Where it contradicts what was read, that is read again in the background.
    ///
    /// # Errors
    /// When the plugin gives no answer, or the launch names no project and its region has several.
    #[tracing::instrument(name = "quotagate.report", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), cloud.region = launch.offer.region,
        instance_type = launch.offer.instance_type, kind,
    ))]
    pub async fn report(&self, launch: &Launch, failure: &Failure) -> Result<Report, GateError> {
        let inventory = self.inventory_of([launch.offer.region.as_str()]).await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let project = launch.profile.project.clone();
        let diagnosis = self.diagnosed(&inventory, failure, Some(launch)).await?;
        let rows = diagnosis
            .lessons
            .iter()
            .flat_map(|lesson| lesson.rows.iter().cloned());
        let rows: std::collections::BTreeSet<String> = rows.collect();
        let readings = if rows.is_empty() {
            Readings::new()
        } else {
            let wanted = Wanted::from([(project.clone(), rows)]);
            read(self.judge(), &inventory, &wanted).await
        };
        let lessons = self
            .cache()
            .with(|state, now| state.learn(diagnosis.lessons.clone(), &project, &readings, now));
        tracing::Span::current().record("kind", diagnosis.kind.as_str());
        tracing::info!(kind = %diagnosis.kind, lessons = lessons.len(), "a launch failed");
        self.cache().read_soon(&diagnosis.contradicts);
        Ok(Report { diagnosis, lessons })
    }

    /// The holds that stand.
    pub fn holds(&self) -> Vec<HoldRecord> {
        self.cache().with(|state, now| state.holds(now))
    }

    /// The launch of a hold was made: [`crate::Hold::commit`] by name, for holds of an earlier process too. Says whether
    /// there is such a hold.
    pub fn commit(&self, hold: &str, instances: &[String]) -> bool {
        self.cache().commit(hold, instances)
    }

    /// The launch of a hold was not made: [`crate::Hold::release`] by name. Also for what was committed and is deleted
    /// again so soon that no usage ever shows it: the hold would stand until its time is up. Says whether there is such a
    /// hold.
    pub fn release(&self, hold: &str) -> bool {
        self.cache().release(hold)
    }

    /// Ends it, for every clone: nothing more is read or promised, holds are written down where they are kept, and their file
    /// is free for another process. What is known stays, and ages.
    pub async fn close(&self) {
        let cache = Arc::clone(self.cache());
        if let Err(error) = tokio::task::spawn_blocking(move || cache.close()).await {
            tracing::error!(%error, "the gate did not close in order");
        }
    }

    /// Brings the gauges of metrics up to date; [`Gate::keep_fresh`] does so by itself.
    pub async fn show_metrics(&self) {
        telemetry::show(self).await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gate")
            .field("plugin", &self.plugin())
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

/// The regions that a plan goes to.
pub(crate) fn regions(plan: &[Launch]) -> impl Iterator<Item = &str> {
    plan.iter().map(|launch| launch.offer.region.as_str())
}

fn shared(verdicts: Vec<Verdict>) -> Vec<Arc<Verdict>> {
    verdicts.into_iter().map(Arc::new).collect()
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
