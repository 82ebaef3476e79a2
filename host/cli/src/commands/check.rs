//! `quotagate check`: the judgement of one launch, or of a plan.

use std::collections::BTreeSet;

use quotagate::{
    Alternative, Availability, Check as Judged, Clock, Detail, Launch, Policy, Reason, Verdict,
};

use super::plan;
use crate::{
    account::Account,
    args::{Check, Format, Global},
    error::{CliError, Exit},
    launch::{self, Typed},
    output::Output,
    progress,
    render::check,
    session::Session,
};

/// Judges the launch that the options describe, or the plan that they name.
pub(crate) async fn run(
    global: &Global,
    options: &Check,
    output: &mut Output,
) -> Result<Exit, CliError> {
    if let Some(file) = &options.plan {
        return plan::run(global, file, options.explain, output).await;
    }
    let session = Session::open(global, options.launch.project.as_deref(), output)?;
    judge(&session, options, output).await
}

/// Judges the launch in an account that is open.
pub(crate) async fn judge(
    session: &Session,
    options: &Check,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    let account = Account::of(&inventory);
    let cloud = session.descriptor();
    let typed = Typed {
        instance_type: &options.instance_type.join(" "),
        region: options.region.as_deref().unwrap_or_default(),
        lifecycle: options.lifecycle.as_deref(),
        accelerators: &options.accelerator,
    };
    let usual = session.usual_project.as_ref();
    let proposed = launch::launch(&typed, &options.launch, &account, cloud, usual)?;
    let judged = session
        .gate
        .check(&proposed.launch, &policy(options.explain))
        .await;
    let is_refused = |judged: &Judged| is_refused(&judged.verdict);
    let judged = match (judged, proposed.doubt) {
        (Ok(judged), Some(doubt)) if is_refused(&judged) => return Err(doubt),
        (Err(_), Some(doubt)) => return Err(doubt),
        (judged, _) => judged?,
    };
    let instead = if judged.verdict.availability() == Availability::Available {
        Vec::new()
    } else {
        alternatives(session, &judged.launch, output).await
    };
    match output.format {
        Format::Json => {
            let now_ms = Clock::system().now_ms();
            output.json(&check::json(&judged, &instead, cloud, now_ms))?;
        }
        Format::Table => {
            output.data(&check::text(&judged, &instead, cloud, &output.screen))?;
            tell_where_offered(&account, &judged, output);
        }
    }
    Ok(Exit::of_judgement(judged.verdict.quota, &judged.sources))
}

/// Whether a plugin says that something is not offered.
pub(crate) fn is_refused(verdict: &Verdict) -> bool {
    let mut findings = verdict.findings.iter();
    findings.any(|finding| finding.reason == Reason::NotOffered)
}

/// How a launch is judged that somebody looks at.
pub(crate) fn policy(explain: bool) -> Policy {
    Policy {
        detail: if explain {
            Detail::All
        } else {
            Detail::Deciding
        },
        ..Policy::default()
    }
}

/// What would do instead. The verdict stands without it.
async fn alternatives(session: &Session, launch: &Launch, output: &Output) -> Vec<Alternative> {
    let found = session.gate.alternatives(launch, &Policy::default()).await;
    found.unwrap_or_else(|error| {
        output.note(&format!("what would do instead cannot be told: {error}"));
        Vec::new()
    })
}

/// Where a type is not offered, names the regions where it is.
fn tell_where_offered(account: &Account, judged: &Judged, output: &Output) {
    let offer = &judged.launch.offer;
    if !is_refused(&judged.verdict) {
        return;
    }
    let offers = account.offers.iter().filter(|other| {
        other.instance_type == offer.instance_type && other.lifecycle == offer.lifecycle
    });
    let regions: BTreeSet<&str> = offers.map(|other| other.region.as_str()).collect();
    // Where it is offered where it was asked for, it is not in the way it was asked for.
    if !regions.is_empty() && !regions.contains(offer.region.as_str()) {
        let regions: Vec<&str> = regions.into_iter().collect();
        output.note(&format!("it is offered in {}", regions.join(", ")));
    }
}
