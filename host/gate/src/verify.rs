//! The final check: reads again what a verdict rests on, judges, and promises the amounts, so that two launches never spend
//! the same unit.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use quotagate_contract::{Admission, Launch, Policy, SourceReport, Verdict};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    gate::{Gate, GateError, regions},
    holds::{HeldAmount, Hold, HoldRecord, Written},
    inventory::{Cache, Inventory, Promise, Readings, Wanted, read},
    options::Action,
    plugin::unknown_admission,
    telemetry,
};

/// The longest name of a hold, in bytes.
pub(crate) const LONGEST_NAME: usize = 256;

/// What the final check says of a launch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The launch, with its project filled in.
    pub launch: Launch,
    /// The judgement, by what was read just now. What could not be read again counts as unreadable. Its `fits_count` says
    /// how many of the instances fit where not all do, and nothing where they do.
    pub verdict: Verdict,
    /// What the options make of it ([`crate::GateOptions::deploy`]).
    pub action: Action,
    /// The amounts, promised to this launch; none where it is refused, and where nobody knows what it takes (the plugin
    /// failed).
    pub hold: Option<Hold>,
    /// Where the judgement comes from.
    pub sources: Vec<SourceReport>,
}

/// What the final check says of launches together: all of them, or none.
#[derive(Debug)]
#[non_exhaustive]
pub struct PlanVerification {
    /// The launches, with their projects filled in.
    pub plan: Vec<Launch>,
    /// The judgement, by what was read just now.
    pub admission: Admission,
    /// What the options make of it ([`crate::GateOptions::deploy`]).
    pub action: Action,
    /// The amounts of all launches; none where the plan is refused, and where nobody knows what it takes (the plugin failed).
    pub hold: Option<Hold>,
    /// Where the judgement comes from.
    pub sources: Vec<SourceReport>,
}

impl Gate {
    /// The final check before a launch. Reads again just the sources that the verdict rests on, also before a refusal:
    /// what was short a minute ago may be free now. Where the launch is not refused, its amounts are held.
    ///
    /// A caller that stops waiting holds nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// use quotagate::{Action, ContractInventory, Gate, Launch, Offer, Owner, Plugin, Profile, StaticSource};
    ///
    /// let plugin = Plugin::load(quotagate_plugins::ALL[0].bytes)?;
    /// let lifecycle = plugin.descriptor().lifecycles[0].name.clone();
    /// let account = ContractInventory {
    ///     owners: vec![vec![Owner { id: "mine".into(), ..Owner::default() }]],
    ///     ..ContractInventory::default()
    /// };
    /// let source = StaticSource::new(&plugin.descriptor().cloud, account);
    /// let gate = Gate::new(plugin, Arc::new(source))?;
    /// let launch = Launch {
    ///     offer: Offer { instance_type: "big".into(), region: "here".into(), lifecycle, ..Offer::default() },
    ///     count: 2,
    ///     profile: Profile { project: "mine".into(), ..Profile::default() },
    /// };
    /// match gate.verify(&launch).await {
    ///     Ok(verified) if verified.action == Action::Refuse => println!("{:?}", verified.verdict),
    ///     Ok(verified) => {
    ///         // Launch now; then say what came of it.
    ///         if let Some(hold) = verified.hold {
    ///             hold.commit(&["the instance's id".into()]);
    ///         }
    ///     }
    ///     Err(error) => println!("the launch makes no sense: {error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the launch makes no sense, names a project that the account does not list, or names none where its region has
    /// several; when holds are kept in a file and it cannot be written.
    pub async fn verify(&self, launch: &Launch) -> Result<Verification, GateError> {
        let verified = self.verify_plan(std::slice::from_ref(launch)).await?;
        // A plan counts the launches that fit; here it is instances.
        let fits_count = verified.admission.breaks_at.and_then(|at| at.fits_count);
        Ok(Verification {
            launch: verified
                .plan
                .into_iter()
                .next()
                .unwrap_or_else(|| launch.clone()),
            verdict: Verdict {
                fits_count,
                ..verified.admission.verdict
            },
            action: verified.action,
            hold: verified.hold,
            sources: verified.sources,
        })
    }

    /// [`Gate::verify`] for launches that are made together.
    ///
    /// # Errors
    /// As for [`Gate::verify`].
    pub async fn verify_plan(&self, plan: &[Launch]) -> Result<PlanVerification, GateError> {
        self.verify_named(Uuid::new_v4().to_string(), plan).await
    }

    /// [`Gate::verify_plan`] with a hold that the caller names: an idempotency key. Where a hold of that name stands already,
    /// it is given again, and nothing more is held.
    ///
    /// # Errors
    /// As for [`Gate::verify`]; when the name is empty or far too long, or stands for something else.
    pub async fn verify_as(
        &self,
        hold: &str,
        plan: &[Launch],
    ) -> Result<PlanVerification, GateError> {
        if !(1..=LONGEST_NAME).contains(&hold.len()) {
            return Err(GateError::HoldName { bytes: hold.len() });
        }
        self.verify_named(hold.to_owned(), plan).await
    }

    #[tracing::instrument(name = "quotagate.verify", skip_all, fields(
        cloud.provider = self.cache().source().cloud(), launches = plan.len(), action, hold,
    ))]
    async fn verify_named(
        &self,
        name: String,
        plan: &[Launch],
    ) -> Result<PlanVerification, GateError> {
        let begun = Instant::now();
        let plan = self.in_known_projects(plan).await?;
        let verified = self.decide(name, plan).await?;
        telemetry::verified(&verified, begun.elapsed());
        let span = tracing::Span::current();
        span.record("action", verified.action.as_str());
        span.record("hold", verified.hold.as_ref().map(Hold::id));
        if verified.action != Action::Allow {
            tracing::warn!(
                action = %verified.action,
                quota = %verified.admission.verdict.quota,
                shadow = self.options().shadow,
                reason = verified.admission.verdict.findings.first().map(|finding| finding.reason.as_str()),
                "a launch may fail"
            );
        }
        Ok(verified)
    }

    /// The plan with every launch in its project. A project that the account did not list a while ago may be there now.
    async fn in_known_projects(&self, plan: &[Launch]) -> Result<Vec<Launch>, GateError> {
        let inventory = self.inventory_of(regions(plan)).await;
        let found = inventory.with_projects(plan);
        if !matches!(found, Err(GateError::UnknownProject(_))) {
            return found;
        }
        let accounts = self.cache().old_accounts();
        if accounts.is_empty() {
            return found;
        }
        let wait = self.options().refresh.verify_wait;
        self.cache().read_again(Some(&accounts), wait).await;
        self.inventory().await.with_projects(plan)
    }

    /// Judges by what is in force, reads again what that rests on, and judges again until the judgement rests on nothing that
    /// was not read for it. Then it promises what the plan takes if that is still in force; else it judges again. Somebody
    /// else got a promise in between each time, so one of all that ask at once always gets on.
    async fn decide(&self, name: String, plan: Vec<Launch>) -> Result<PlanVerification, GateError> {
        let policy = Policy {
            detail: self.options().verify_detail,
            ..Policy::default()
        };
        let wait = self.options().refresh.verify_wait;
        let plan: Arc<[Launch]> = plan.into();
        let known = self.cache().with(|state, now| state.current(now));
        let begins = self.rests_on().of(self.judge(), &known, &plan).await;
        let mut read_again: BTreeSet<String> = begins.iter().cloned().collect();
        let mut unread = Vec::new();
        if !begins.is_empty() {
            unread.extend(self.cache().read_again(Some(&begins), wait).await);
        }
        loop {
            let (current, standing) = self
                .cache()
                .with(|state, now| (state.current(now), state.hold(&name, now)));
            if let Some(standing) = &standing {
                must_be_for(standing, &plan)?;
            }
            let inventory = judged_by(&current, &unread, standing.as_ref());
            let asked = Arc::clone(&plan);
            let admission = self
                .judge()
                .call("admit", &inventory, move |plugin, shown, clock| {
                    plugin.admit(shown, clock, &asked, &policy)
                })
                .await
                .or_else(|error| unknown_admission(error, &plan))?;
            let mut to_read = admission.rests_on.clone();
            to_read.retain(|key| read_again.insert(key.clone()));
            if !to_read.is_empty() {
                unread.extend(self.cache().read_again(Some(&to_read), wait).await);
                continue;
            }
            let action = self.options().deploy.action(&admission.verdict);
            let is_refused = action == Action::Refuse && !self.options().shadow;
            let hold = match standing {
                Some(standing) => {
                    let told = self
                        .cache()
                        .with(|state, now| state.tell(current.generation(), &standing.id, now));
                    match told {
                        Some(standing) => Some(Hold::new(standing, Arc::clone(self.cache()))),
                        None => continue,
                    }
                }
                None if is_refused || admission.takes.is_empty() => None,
                None => {
                    let record = record(name.clone(), &plan, &admission, self.clock().now_ms());
                    let readings = self.readings(&record, &inventory, &unread).await;
                    let promise = self.cache().with(|state, now| {
                        state.promise(current.generation(), record, &readings, now)
                    });
                    match promise {
                        Promise::Made(record, written) => {
                            let promised = Promised::new(record, self.cache());
                            let written =
                                promised.written_down(written, wait, self.options().shadow);
                            Some(written.await?)
                        }
                        Promise::Standing | Promise::Changed => continue,
                        Promise::Closed => return Err(GateError::Closed),
                    }
                }
            };
            telemetry::judged("deploy", &admission.verdict);
            return Ok(PlanVerification {
                sources: inventory.sources(),
                plan: plan.to_vec(),
                admission,
                action,
                hold,
            });
        }
    }

    /// What is used of the rows of a hold to be, as far as that is not known. What rests on a list that could not be read again
    /// is no measure of others.
    async fn readings(
        &self,
        record: &HoldRecord,
        inventory: &Arc<Inventory>,
        unread: &[(String, String)],
    ) -> Readings {
        let rows: BTreeSet<String> = self.cache().with(|state, _| {
            let rows = record.amounts.iter().map(|amount| &amount.row);
            rows.filter(|row| state.is_unread(row)).cloned().collect()
        });
        if rows.is_empty() {
            return Readings::new();
        }
        let projects = record.projects.iter();
        let wanted: Wanted = projects
            .map(|project| (project.clone(), rows.clone()))
            .collect();
        let mut readings = read(self.judge(), inventory, &wanted).await;
        let is_unread = |key: &String| unread.iter().any(|(unread, _)| unread == key);
        for reading in readings.values_mut() {
            if reading.rests_on.iter().any(is_unread) {
                (reading.usage, reading.headroom) = (None, None);
            }
        }
        readings
    }
}

/// What a plan is judged by: without what could not be read again, and without its own hold, where that stands already.
fn judged_by(
    current: &Arc<Inventory>,
    unread: &[(String, String)],
    own: Option<&HoldRecord>,
) -> Arc<Inventory> {
    if unread.is_empty() && own.is_none() {
        return Arc::clone(current);
    }
    let mut inventory = current.distrusting(unread);
    if let Some(own) = own {
        inventory.give_back(&own.amounts);
    }
    Arc::new(inventory)
}

/// A hold's name stands for one plan.
fn must_be_for(standing: &HoldRecord, plan: &[Launch]) -> Result<(), GateError> {
    let is_it = match standing.plan.as_str() {
        "" => standing.launch == words(plan),
        digest => digest == digest_of(plan),
    };
    if is_it {
        return Ok(());
    }
    Err(GateError::HoldTaken {
        hold: standing.id.clone(),
        launch: standing.launch.clone(),
    })
}

/// A hold that nobody was told of yet: it is released where its caller goes away first.
struct Promised {
    record: Option<HoldRecord>,
    cache: Arc<Cache>,
}

impl Promised {
    fn new(record: HoldRecord, cache: &Arc<Cache>) -> Self {
        Self {
            record: Some(record),
            cache: Arc::clone(cache),
        }
    }

    /// The hold, once it is written down. A disk that hangs keeps nobody for longer than `wait`, and in shadow mode a file
    /// that cannot be written stops nobody.
    async fn written_down(
        mut self,
        written: Option<Written>,
        wait: Duration,
        shadow: bool,
    ) -> Result<Hold, GateError> {
        if let Some(written) = written {
            let outcome = written.within(wait).await;
            if let (Err(error), false) = (outcome, shadow) {
                return Err(error.into());
            }
        }
        let record = self.record.take().unwrap_or_default();
        Ok(Hold::new(record, Arc::clone(&self.cache)))
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.cache.release_unshared(&record.id);
        }
    }
}

/// What a hold of these launches takes, as the plugin says.
fn record(name: String, plan: &[Launch], admission: &Admission, now_ms: u64) -> HoldRecord {
    let projects: BTreeSet<&String> = plan.iter().map(|launch| &launch.profile.project).collect();
    let amounts = admission.takes.iter().map(|take| HeldAmount {
        row: take.row.clone(),
        at_least: take.at_least,
        at_most: take.at_most,
    });
    HoldRecord {
        id: name,
        launch: words(plan),
        plan: digest_of(plan),
        amounts: amounts.collect(),
        projects: projects.into_iter().cloned().collect(),
        made_at: now_ms,
        committed_at: None,
        instances: Vec::new(),
    }
}

/// The SHA-256 of launches in full.
fn digest_of(plan: &[Launch]) -> String {
    let written = serde_json::to_vec(plan).unwrap_or_default();
    let digest = Sha256::digest(written);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn words(plan: &[Launch]) -> String {
    let launches = plan.iter().map(|launch| {
        let Launch {
            offer,
            count,
            profile,
        } = launch;
        let zone = offer
            .zone
            .as_ref()
            .map_or_else(String::new, |zone| format!(" {zone}"));
        format!(
            "{count} x {} ({}) in {}{zone}, {}",
            offer.instance_type, offer.lifecycle, offer.region, profile.project
        )
    });
    launches.collect::<Vec<_>>().join("; ")
}
