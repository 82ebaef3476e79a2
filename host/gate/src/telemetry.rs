//! What can be watched from outside: metrics through the `metrics` facade. Without a recorder they cost next to nothing.
//! Names, labels and units are listed in [`describe`]; spans and logs are where the work is done.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "metrics")]
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use quotagate_contract::Verdict;

#[cfg(feature = "metrics")]
pub(crate) use self::gauges::{Gauges, show};
use crate::{
    plugin::CallError,
    source::{SourceError, SourceErrorKind, SourceId},
    verify::PlanVerification,
};

#[cfg(feature = "metrics")]
mod gauges;

/// Tells the recorder in use what each metric means. Call it once, after a recorder was installed.
#[cfg(feature = "metrics")]
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
        "quotagate_lessons",
        "Lessons of failed launches that stand, by kind"
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
    #[cfg(feature = "metrics")]
    {
        histogram!("quotagate_plugin_call_seconds", "function" => function).record(took);
        counter!("quotagate_plugin_calls_total", "function" => function, "result" => result)
            .increment(1);
    }
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
    count(phase, label(verdict), 1);
}

/// Counts the verdicts of a list. Most of them are alike.
pub(crate) fn listed(phase: &'static str, verdicts: &[Arc<Verdict>]) {
    let mut counts: Vec<(Labels, u64)> = Vec::new();
    for verdict in verdicts {
        let labels = label(verdict);
        match counts.iter_mut().find(|(other, _)| *other == labels) {
            Some((_, count)) => *count += 1,
            None => counts.push((labels, 1)),
        }
    }
    for (labels, times) in counts {
        count(phase, labels, times);
    }
}

/// What a verdict is counted under: outcome, availability, deciding reason.
type Labels = [&'static str; 3];

fn label(verdict: &Verdict) -> Labels {
    let reason = verdict.findings.first();
    [
        verdict.quota.as_str(),
        verdict.availability().as_str(),
        reason.map_or("fits", |finding| finding.reason.as_str()),
    ]
}

#[cfg(feature = "metrics")]
fn count(phase: &'static str, [outcome, availability, reason]: Labels, times: u64) {
    counter!(
        "quotagate_verdicts_total",
        "phase" => phase,
        "outcome" => outcome,
        "availability" => availability,
        "reason" => reason,
    )
    .increment(times);
}

#[cfg(not(feature = "metrics"))]
const fn count(_: &'static str, _: Labels, _: u64) {}

/// Counts a final check.
pub(crate) fn verified(verified: &PlanVerification, took: Duration) {
    let made = match &verified.hold {
        Some(_) => "held",
        None => "refused",
    };
    tracing::debug!(?took, made, "checked a launch");
    #[cfg(feature = "metrics")]
    {
        counter!("quotagate_verifications_total", "action" => verified.action.as_str(), "made" => made)
            .increment(1);
        histogram!("quotagate_verification_seconds").record(took);
    }
}

/// Notes how a source was read.
pub(crate) fn fetched(id: &SourceId, took: Duration, error: Option<&SourceError>) {
    #[cfg(feature = "metrics")]
    histogram!("quotagate_fetch_seconds", "source" => id.kind.clone()).record(took);
    let Some(error) = error else {
        tracing::debug!(source = id.key, ?took, "read a source");
        return;
    };
    let kind = match error.kind {
        SourceErrorKind::Unsupported => {
            tracing::debug!(source = id.key, ?took, "the cloud has no such list");
            return;
        }
        SourceErrorKind::Unauthenticated => "unauthenticated",
        SourceErrorKind::Denied => "denied",
        SourceErrorKind::RateLimited => "rate_limited",
        SourceErrorKind::Unavailable => "unavailable",
        SourceErrorKind::Invalid => "invalid",
        SourceErrorKind::NotFound => "not_found",
    };
    tracing::warn!(
        source = id.key,
        ?took,
        kind,
        error = error as &dyn std::error::Error,
        "cannot read a source"
    );
    #[cfg(feature = "metrics")]
    counter!("quotagate_source_errors_total", "source" => id.kind.clone(), "kind" => kind)
        .increment(1);
}

/// Without metrics there is nothing to show.
#[cfg(not(feature = "metrics"))]
#[derive(Debug, Default)]
pub(crate) struct Gauges;

#[cfg(not(feature = "metrics"))]
pub(crate) async fn show(_: &crate::gate::Gate) {}
