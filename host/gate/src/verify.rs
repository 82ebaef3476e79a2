//! The final check: reads again what a verdict rests on, judges, and promises the amounts, so that two launches never spend
//! the same unit.

use std::{sync::Arc, time::Instant};

use uuid::Uuid;

use crate::{
    gate::{Gate, GateError},
    holds::{HeldAmount, Hold, HoldRecord, Row},
    inventory::{Inventory, NamedSource, Promise, SourceKey, SourceKind, Unread},
    options::Action,
    plugin::unknown_admission,
    telemetry,
    types::{Admission, Launch, Lifecycle, Policy, Reason, ReservationUse, SourceState, Verdict},
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
    /// The amounts, promised to this launch; none where it is refused.
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
    /// The amounts of all launches; none where the plan is refused.
    pub hold: Option<Hold>,
    /// Where the judgement comes from.
    pub sources: Vec<NamedSource>,
}

impl Gate {
    /// The final check before a launch. Reads again just the sources that the verdict rests on, also before a refusal:
    /// what was short a minute ago may be free now. Where the launch is not refused, its amounts are held.
    ///
    /// # Errors
    /// When the launch makes no sense, or its region has several projects and it names none.
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
        let inventory = self.inventory().await;
        let plan = inventory.with_projects(plan)?;
        let keys = rests_on(&plan, &inventory);
        let wait = self.options.refresh.verify_wait;
        let mut unread = self.cache.read_again(Some(&keys), wait).await;
        let mut verified = self.decide(&plan, &unread)?;
        let is_not_offered = |verified: &PlanVerification| {
            let findings = &verified.admission.verdict.findings;
            findings
                .iter()
                .any(|finding| finding.reason == Reason::NotOffered)
        };
        if is_not_offered(&verified) {
            // A type that was not offered an hour ago may be by now.
            let keys = rests_on_offers(&plan);
            unread.extend(self.cache.read_again(Some(&keys), wait).await);
            if let Some(hold) = verified.hold {
                hold.release();
            }
            verified = self.decide(&plan, &unread)?;
        }
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

    /// Judges by what is in force, and promises what it takes if that is still in force afterwards; else judges again.
    /// Somebody else got a promise in between each time, so one of all that ask at once always gets on.
    fn decide(&self, plan: &[Launch], unread: &Unread) -> Result<PlanVerification, GateError> {
        let plugin = self.plugin();
        let policy = Policy {
            strictness: self.options.list.strictness,
            ..Policy::default()
        };
        loop {
            let current = self.cache.with(|state, now| state.current(now));
            let inventory = if unread.is_empty() {
                Arc::clone(&current)
            } else {
                Arc::new(current.distrusting(unread))
            };
            let admission = telemetry::called("admit", || {
                plugin.admit(&inventory, self.clock(), plan, &policy)
            })
            .or_else(|error| unknown_admission(error, plan, &policy))?;
            let action = self.options.deploy.action(&admission.verdict);
            let hold = if action == Action::Refuse && !self.options.shadow {
                None
            } else {
                let record = record(plan, &admission, &inventory, self.clock().now_ms());
                let promise = self
                    .cache
                    .with(|state, now| state.promise(current.generation(), record, now));
                match promise {
                    Promise::Made(record) => Some(Hold::new(record, Arc::clone(&self.cache))),
                    Promise::Changed => continue,
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

/// The sources that a judgement of these launches rests on, and that change with every launch.
fn rests_on(plan: &[Launch], inventory: &Inventory) -> Vec<SourceKey> {
    let mut keys = vec![SourceKey::tenant(SourceKind::TenantAllowances)];
    for launch in plan {
        let project = &launch.profile.project;
        keys.push(SourceKey::project(SourceKind::ProjectAllowances, project));
        let instance_type = inventory.instance_type(&launch.offer.instance_type);
        if instance_type.is_some_and(|known| known.gpus == 0) {
            continue;
        }
        keys.push(SourceKey::tenant(SourceKind::Capacities));
        let reservations = SourceKey::tenant(SourceKind::Reservations);
        let are_none = inventory.reserved().is_empty()
            && inventory.report(&reservations).state == SourceState::Complete;
        if launch.offer.lifecycle == Lifecycle::OnDemand
            && launch.profile.reservation != ReservationUse::Forbid
            && !are_none
        {
            keys.push(reservations);
            keys.push(SourceKey::project(SourceKind::ReservationShares, project));
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The sources that say what is offered at all.
fn rests_on_offers(plan: &[Launch]) -> Vec<SourceKey> {
    let types = plan
        .iter()
        .map(|launch| SourceKey::project(SourceKind::InstanceTypes, &launch.profile.project));
    let mut keys: Vec<SourceKey> = types
        .chain([SourceKey::tenant(SourceKind::Account)])
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// What a hold of these launches takes: of the tenant's row and of the project's, where they exist or may exist.
fn record(
    plan: &[Launch],
    admission: &Admission,
    inventory: &Inventory,
    now_ms: u64,
) -> HoldRecord {
    let mut amounts = Vec::new();
    let mut add = |row: Row, amount: u64| {
        if amount > 0 {
            amounts.push(HeldAmount {
                row,
                amount,
                shown_at: None,
            });
        }
    };
    let tenant = &inventory.account().tenant;
    for demand in &admission.demands {
        for owner in [tenant, &demand.project] {
            if inventory.may_have_row(owner, &demand.quota, &demand.region) {
                add(
                    Row::Allowance {
                        owner: owner.clone(),
                        quota: demand.quota.clone(),
                        region: demand.region.clone(),
                    },
                    demand.at_most,
                );
            }
        }
    }
    for reserved in &admission.reserved {
        add(
            Row::Reservation {
                id: reserved.reservation.clone(),
            },
            reserved.at_most,
        );
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
