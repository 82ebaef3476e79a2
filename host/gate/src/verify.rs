//! The final check: reads again what a verdict rests on, judges, and promises the amounts, so that two launches never spend
//! the same unit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{
    gate::{Gate, GateError},
    holds::{HeldAmount, Hold, HoldRecord, Row, Written},
    inventory::{Cache, Inventory, NamedSource, Promise, RowsOf, SourceKey, SourceKind},
    options::Action,
    plugin::unknown_admission,
    telemetry,
    types::{
        Admission, Launch, Lifecycle, Policy, QuotaOutcome, Reason, ReservationUse, SourceState,
        Verdict,
    },
};

/// What the final check says of a launch.
#[derive(Debug)]
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
    pub sources: Vec<NamedSource>,
}

/// What the final check says of launches together: all of them, or none.
#[derive(Debug)]
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
    pub sources: Vec<NamedSource>,
}

impl Gate {
    /// The final check before a launch. Reads again just the sources that the verdict rests on, also before a refusal:
    /// what was short a minute ago may be free now. Where the launch is not refused, its amounts are held.
    ///
    /// A caller that stops waiting holds nothing.
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
    #[tracing::instrument(name = "quotagate.verify", skip_all, fields(
        cloud.provider = self.cache.source().cloud(), launches = plan.len(), action, hold,
    ))]
    pub async fn verify_plan(&self, plan: &[Launch]) -> Result<PlanVerification, GateError> {
        let begun = Instant::now();
        let plan = self.in_known_projects(plan).await?;
        let verified = self.decide(plan).await?;
        telemetry::verified(&verified, begun.elapsed());
        let span = tracing::Span::current();
        span.record("action", verified.action.as_str());
        span.record("hold", verified.hold.as_ref().map(Hold::id));
        if verified.action != Action::Allow {
            tracing::warn!(
                action = %verified.action,
                quota = %verified.admission.verdict.quota,
                shadow = self.options.shadow,
                reason = verified.admission.verdict.findings.first().map(|finding| finding.reason.as_str()),
                "a launch may fail"
            );
        }
        Ok(verified)
    }

    /// The plan with every launch in its project. A project that the account did not list a while ago may be there now.
    async fn in_known_projects(&self, plan: &[Launch]) -> Result<Vec<Launch>, GateError> {
        let inventory = self.inventory().await;
        let account = SourceKey::tenant(SourceKind::Account);
        match inventory.with_projects(plan) {
            Err(GateError::UnknownProject(_)) if self.cache.is_older_than_a_retry(&account) => {
                let wait = self.options.refresh.verify_wait;
                self.cache.read_again(Some(&[account]), wait).await;
                self.inventory().await.with_projects(plan)
            }
            found => found,
        }
    }

    /// Reads again, judges by what is in force, and promises what the plan takes if that is still in force afterwards; else
    /// judges again. Somebody else got a promise in between each time, so one of all that ask at once always gets on.
    async fn decide(&self, plan: Vec<Launch>) -> Result<PlanVerification, GateError> {
        let policy = Policy {
            strictness: self.options.list.strictness,
            ..Policy::default()
        };
        let wait = self.options.refresh.verify_wait;
        let plan: Arc<[Launch]> = plan.into();
        let mut read_again = BTreeSet::new();
        let mut unread = Vec::new();
        let mut to_read = rests_on(&plan, &*self.inventory().await);
        loop {
            to_read.retain(|key| read_again.insert(key.clone()));
            if !to_read.is_empty() {
                unread.extend(self.cache.read_again(Some(&to_read), wait).await);
            }
            let current = self.cache.with(|state, now| state.current(now));
            let inventory = if unread.is_empty() {
                Arc::clone(&current)
            } else {
                Arc::new(current.distrusting(&unread))
            };
            let (asked, shown) = (Arc::clone(&plan), Arc::clone(&inventory));
            let admission = self
                .call("admit", move |plugin, clock| {
                    plugin.admit(&shown, clock, &asked, &policy)
                })
                .await
                .or_else(|error| unknown_admission(error, &plan, &policy))?;
            to_read = a_no_rests_on(&plan, &admission.verdict, &inventory);
            if to_read.iter().any(|key| !read_again.contains(key)) {
                continue;
            }
            let action = self.options.deploy.action(&admission.verdict);
            let is_refused = action == Action::Refuse && !self.options.shadow;
            let record = (!is_refused)
                .then(|| record(&plan, &admission, &inventory, self.clock().now_ms()))
                .filter(|record| !record.amounts.is_empty());
            let hold = match record {
                None => None,
                Some(record) => {
                    let promise = self.cache.with(|state, now| {
                        state.promise(current.generation(), record, &inventory, now)
                    });
                    match promise {
                        Promise::Made(record, written) => {
                            let promised = Promised::new(record, &self.cache);
                            let written = promised.written_down(written, wait, self.options.shadow);
                            Some(written.await?)
                        }
                        Promise::Changed => continue,
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
            self.cache.release(&record.id);
        }
    }
}

/// The sources that a judgement of these launches rests on, and that change with every launch.
fn rests_on(plan: &[Launch], inventory: &Inventory) -> Vec<SourceKey> {
    let mut keys = vec![SourceKey::tenant(SourceKind::TenantAllowances)];
    for launch in plan {
        let project = &launch.profile.project;
        keys.push(SourceKey::project(SourceKind::ProjectAllowances, project));
        // Without its type nobody knows what a launch takes.
        if inventory.types_of(project).is_empty() {
            keys.push(SourceKey::project(SourceKind::InstanceTypes, project));
        }
        if !may_take_gpus(launch, inventory) {
            continue;
        }
        keys.push(SourceKey::tenant(SourceKind::Capacities));
        let reservations = SourceKey::tenant(SourceKind::Reservations);
        let are_none = inventory.reserved().is_empty()
            && inventory.report(&reservations).state == SourceState::Complete;
        let insists = launch.profile.reservation == ReservationUse::Strict;
        if may_use_reservations(launch) && (insists || !are_none) {
            keys.push(reservations);
            keys.push(SourceKey::project(SourceKind::ReservationShares, project));
        }
    }
    keys
}

/// The sources that a refusal rests on besides: what was not there when it was last read may be there now.
fn a_no_rests_on(plan: &[Launch], verdict: &Verdict, inventory: &Inventory) -> Vec<SourceKey> {
    let mut keys = Vec::new();
    let mut findings = verdict.findings.iter();
    if findings.any(|finding| finding.reason == Reason::NotOffered) {
        keys.push(SourceKey::tenant(SourceKind::Account));
        keys.extend(
            plan.iter().map(|launch| {
                SourceKey::project(SourceKind::InstanceTypes, &launch.profile.project)
            }),
        );
    }
    if verdict.quota == QuotaOutcome::Blocked {
        for launch in plan {
            if may_take_gpus(launch, inventory) && may_use_reservations(launch) {
                let project = &launch.profile.project;
                keys.push(SourceKey::tenant(SourceKind::Reservations));
                keys.push(SourceKey::project(SourceKind::ReservationShares, project));
            }
        }
    }
    keys
}

fn may_take_gpus(launch: &Launch, inventory: &Inventory) -> bool {
    let instance_type = inventory.instance_type(&launch.offer.instance_type);
    instance_type.is_none_or(|known| known.gpus > 0)
}

fn may_use_reservations(launch: &Launch) -> bool {
    launch.offer.lifecycle == Lifecycle::OnDemand
        && launch.profile.reservation != ReservationUse::Forbid
}

/// What a hold of these launches takes: of the tenant's row and of the project's, of reservations and of the project's
/// shares of them, where they exist or may exist.
fn record(
    plan: &[Launch],
    admission: &Admission,
    inventory: &Inventory,
    now_ms: u64,
) -> HoldRecord {
    let mut amounts = Vec::new();
    let mut lists: HashMap<Option<&str>, RowsOf<'_>> = HashMap::new();
    for demand in &admission.demands {
        for project in [None, Some(demand.project.as_str())] {
            let rows = lists
                .entry(project)
                .or_insert_with(|| inventory.rows_of(project));
            if rows.may_have(&demand.quota, &demand.region) {
                amounts.push(HeldAmount {
                    row: Row::Allowance {
                        project: project.map(str::to_owned),
                        quota: demand.quota.clone(),
                        region: demand.region.clone(),
                    },
                    at_least: demand.at_least,
                    at_most: demand.at_most,
                });
            }
        }
    }
    for reserved in &admission.reserved {
        amounts.push(HeldAmount {
            row: Row::Reservation {
                id: reserved.reservation.clone(),
            },
            at_least: reserved.at_least,
            at_most: reserved.at_most,
        });
        // The project's share is its own, whatever the others hold.
        if inventory.may_have_share(&reserved.reservation, &reserved.project) {
            amounts.push(HeldAmount {
                row: Row::Share {
                    reservation: reserved.reservation.clone(),
                    project: reserved.project.clone(),
                },
                at_least: reserved.at_least,
                at_most: reserved.at_most,
            });
        }
    }
    HoldRecord {
        id: Uuid::new_v4().to_string(),
        launch: words(plan),
        amounts,
        made_at: now_ms,
        committed_at: None,
        instances: Vec::new(),
    }
}

fn words(plan: &[Launch]) -> String {
    let launches = plan.iter().map(|launch| {
        let Launch {
            offer,
            count,
            profile,
        } = launch;
        format!(
            "{count} x {} ({}) in {}, {}",
            offer.instance_type, offer.lifecycle, offer.region, profile.project
        )
    });
    launches.collect::<Vec<_>>().join("; ")
}
