//! What can be watched from outside: metrics through the `metrics` facade. Without a recorder they cost next to nothing.
//! Names, labels and units are listed in [`describe`]; spans and logs are where the work is done.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics::{
    Key, Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::{
    feedback::measured,
    holds::HoldRecord,
    inventory::{Inventory, SourceKey},
    plugin::CallError,
    source::{SourceError, SourceErrorKind},
    text,
    types::{Allowance, Scope, SourceState, Verdict},
    verify::PlanVerification,
};

/// Tells the recorder in use what each metric means. Call it once, after a recorder was installed.
pub fn describe() {
    describe_gauge!(
        "quotagate_quota_limit",
        "Limit of a quota row, in the row's unit"
    );
    describe_gauge!(
        "quotagate_quota_usage",
        "Usage of a quota row as the cloud measured it, in the row's unit"
    );
    describe_gauge!(
        "quotagate_quota_held",
        "Held of a quota row for launches that its usage does not show yet"
    );
    describe_gauge!(
        "quotagate_quota_headroom",
        "Left of a quota row: limit less usage less held, never below zero"
    );
    describe_counter!(
        "quotagate_verdicts_total",
        "Verdicts by phase, outcome, availability and deciding reason"
    );
    describe_counter!(
        "quotagate_verifications_total",
        "Final checks by what was made of them"
    );
    describe_histogram!(
        "quotagate_verification_seconds",
        Unit::Seconds,
        "Duration of a final check, with everything it read"
    );
    describe_gauge!(
        "quotagate_source_up",
        "1 where a source can be trusted, 0 where it cannot be read or is too old"
    );
    describe_gauge!(
        "quotagate_source_fetched_timestamp_seconds",
        Unit::Seconds,
        "When a source was last read, in seconds since the Unix epoch"
    );
    describe_gauge!(
        "quotagate_source_age_seconds",
        Unit::Seconds,
        "How long ago a source was last read"
    );
    describe_counter!(
        "quotagate_source_errors_total",
        "Questions to a source that failed, by kind of error"
    );
    describe_histogram!(
        "quotagate_fetch_seconds",
        Unit::Seconds,
        "Duration of reading one source with all its pages"
    );
    describe_gauge!(
        "quotagate_inventory_generation",
        "Generation of the inventory: rises when anything changed"
    );
    describe_gauge!("quotagate_holds", "Holds that stand, by state");
    describe_gauge!(
        "quotagate_blocks",
        "Blocks that stand because of failed launches, by kind"
    );
    describe_counter!(
        "quotagate_plugin_calls_total",
        "Calls of the plugin by function and result"
    );
    describe_histogram!(
        "quotagate_plugin_call_seconds",
        Unit::Seconds,
        "Duration of a call of the plugin"
    );
}

/// Runs a call of the plugin and counts how it went.
pub(crate) fn called<T>(
    function: &'static str,
    call: impl FnOnce() -> Result<T, CallError>,
) -> Result<T, CallError> {
    let span = tracing::debug_span!("quotagate.plugin", function, result = tracing::field::Empty);
    let _entered = span.enter();
    let begun = Instant::now();
    let answer = call();
    let result = answer.as_ref().err().map_or("answered", CallError::as_str);
    span.record("result", result);
    let took = begun.elapsed();
    tracing::debug!(?took, "called the plugin");
    histogram!("quotagate_plugin_call_seconds", "function" => function).record(took);
    counter!("quotagate_plugin_calls_total", "function" => function, "result" => result)
        .increment(1);
    if let Err(error) = &answer
        && !matches!(error, CallError::Refused(_))
    {
        tracing::error!(
            error = error as &dyn std::error::Error,
            function,
            "the plugin gave no answer"
        );
    }
    answer
}

/// Counts a verdict.
pub(crate) fn judged(phase: &'static str, verdict: &Verdict) {
    let reason = verdict
        .findings
        .first()
        .map_or("fits", |finding| finding.reason.as_str());
    counter!(
        "quotagate_verdicts_total",
        "phase" => phase,
        "outcome" => verdict.quota.as_str(),
        "availability" => verdict.availability.as_str(),
        "reason" => reason,
    )
    .increment(1);
}

/// Counts a final check.
pub(crate) fn verified(verified: &PlanVerification, took: Duration) {
    let made = match &verified.hold {
        Some(_) => "held",
        None => "refused",
    };
    counter!("quotagate_verifications_total", "action" => verified.action.as_str(), "made" => made)
        .increment(1);
    histogram!("quotagate_verification_seconds").record(took);
}

/// Notes how a source was read.
pub(crate) fn fetched(key: &SourceKey, took: Duration, error: Option<&SourceError>) {
    let source = key.kind.as_str();
    histogram!("quotagate_fetch_seconds", "source" => source).record(took);
    let Some(error) = error else {
        tracing::debug!(?took, "read a source");
        return;
    };
    tracing::warn!(?took, %error, "cannot read a source");
    let kind = match error.kind {
        SourceErrorKind::Unauthenticated => "unauthenticated",
        SourceErrorKind::Denied => "denied",
        SourceErrorKind::RateLimited => "rate_limited",
        SourceErrorKind::Unavailable => "unavailable",
        SourceErrorKind::Invalid => "invalid",
        SourceErrorKind::NotFound => "not_found",
    };
    counter!("quotagate_source_errors_total", "source" => source, "kind" => kind).increment(1);
}

/// The gauges that were shown last, so that those of rows, projects and sources that are gone do not stay at their last
/// value for ever.
#[derive(Debug, Default)]
pub(crate) struct Gauges(Mutex<HashSet<Key>>);

/// The gauges of one showing.
#[derive(Default)]
struct Showing(HashSet<Key>);

impl Showing {
    fn set(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let labels: Vec<Label> = labels
            .iter()
            .map(|(label, value)| Label::new(*label, text::line(value).into_owned()))
            .collect();
        gauge!(name, labels.clone()).set(value);
        self.0.insert(Key::from_parts(name, labels));
    }
}

impl Gauges {
    /// Shows the account as it stands: rows, sources, holds, blocks. What was shown before and is gone has no value.
    pub(crate) fn show(&self, inventory: &Inventory, holds: &[HoldRecord], now_ms: u64) {
        let mut showing = Showing::default();
        show(&mut showing, inventory, holds, now_ms);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&showing.0) {
            let labels: Vec<Label> = gone.labels().cloned().collect();
            gauge!(gone.name().to_owned(), labels).set(f64::NAN);
        }
        *shown = showing.0;
    }
}

fn show(showing: &mut Showing, inventory: &Inventory, holds: &[HoldRecord], now_ms: u64) {
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    let float = |number: u64| number as f64;
    let generation = float(inventory.generation());
    showing.set("quotagate_inventory_generation", &[], generation);
    for source in inventory.sources() {
        let project = source.project.unwrap_or_default();
        let labels = [("source", source.name), ("project", project.as_str())];
        let is_up = matches!(
            source.report.state,
            SourceState::Complete | SourceState::Incomplete
        );
        let fetched_at = source.report.fetched_at;
        let age = now_ms.saturating_sub(fetched_at);
        showing.set("quotagate_source_up", &labels, f64::from(u8::from(is_up)));
        showing.set(
            "quotagate_source_fetched_timestamp_seconds",
            &labels,
            float(fetched_at) / 1_000.0,
        );
        showing.set(
            "quotagate_source_age_seconds",
            &labels,
            float(age) / 1_000.0,
        );
    }
    let mut rows = |project: Option<&str>, rows: &[Allowance]| {
        let scope = match project {
            None => Scope::Tenant,
            Some(_) => Scope::Project,
        };
        for row in rows {
            let held = inventory
                .held()
                .of_allowance(project, &row.name, &row.region)
                .at_most;
            let labels = [
                ("quota", row.name.as_str()),
                ("scope", scope.as_str()),
                ("owner", row.owner.as_str()),
                ("region", row.region.as_str()),
                ("unit", row.unit.as_str()),
            ];
            let usage = measured(row.usage, row.usage_state, row.usage_fraction.as_deref());
            let headroom = row
                .limit
                .zip(usage)
                .map(|(limit, usage)| limit.saturating_sub(usage).saturating_sub(held));
            // What is not known is no number: scrapers read that as an absent value.
            let known = |number: Option<u64>| number.map_or(f64::NAN, float);
            showing.set("quotagate_quota_held", &labels, float(held));
            showing.set("quotagate_quota_limit", &labels, known(row.limit));
            showing.set("quotagate_quota_usage", &labels, known(usage));
            showing.set("quotagate_quota_headroom", &labels, known(headroom));
        }
    };
    rows(None, &inventory.tenant_allowances().rows);
    for project in inventory.projects() {
        let owned = inventory.project_allowances(project);
        rows(Some(project), owned.map_or(&[], |owned| &owned.rows));
    }
    let committed = holds
        .iter()
        .filter(|hold| hold.committed_at.is_some())
        .count() as u64;
    for (state, count) in [
        ("committed", committed),
        ("under_way", holds.len() as u64 - committed),
    ] {
        showing.set("quotagate_holds", &[("state", state)], float(count));
    }
    for kind in crate::types::BlockKind::ALL {
        let of_kind = inventory
            .blocks()
            .iter()
            .filter(|block| block.kind == *kind);
        let count = float(of_kind.count() as u64);
        showing.set("quotagate_blocks", &[("kind", kind.as_str())], count);
    }
}
