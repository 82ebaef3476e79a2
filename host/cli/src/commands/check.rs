//! `quotagate check`: the judgement of one launch, or of a plan.

use std::collections::BTreeSet;

use quotagate::{
    Alternative, Availability, Check as Verdict, Clock, Finding, Inventory, Launch, Offer, Policy,
    Reason,
};

use super::plan;
use crate::{
    args::{Check, Format, Global},
    error::{CliError, Exit},
    launch,
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
    let offer = Offer {
        instance_type: launch::type_name(&options.instance_type.join(" ")),
        region: options.region.clone().unwrap_or_default(),
        lifecycle: options.lifecycle,
    };
    let usual = session.usual_project.as_ref();
    let launch = launch::launch(offer, &options.launch, &inventory, usual)?;
    let policy = Policy {
        explain: options.explain,
        ..Policy::default()
    };
    let verdict = session.gate.check(&launch, &policy).await?;
    let instead = if verdict.verdict.availability == Availability::Available {
        Vec::new()
    } else {
        alternatives(session, &launch, output).await
    };
    match output.format {
        Format::Json => output.json(&check::json(&verdict, &instead, Clock::system().now_ms()))?,
        Format::Table => {
            output.data(&check::text(&verdict, &instead, &output.screen))?;
            tell_where_offered(&inventory, &verdict, output);
        }
    }
    Ok(Exit::of_judgement(verdict.verdict.quota, &verdict.sources))
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
fn tell_where_offered(inventory: &Inventory, verdict: &Verdict, output: &Output) {
    let offer = &verdict.launch.offer;
    let refused = |finding: &Finding| finding.reason == Reason::NotOffered;
    if !verdict.verdict.findings.iter().any(refused) {
        return;
    }
    let offers = inventory.offers();
    // It is offered where it was asked for, and not in the way it was asked for.
    if offers.contains(offer) {
        return;
    }
    let offers = offers.into_iter();
    let elsewhere: BTreeSet<String> = offers
        .filter(|other| {
            other.instance_type == offer.instance_type && other.lifecycle == offer.lifecycle
        })
        .map(|other| other.region)
        .filter(|region| *region != offer.region)
        .collect();
    if !elsewhere.is_empty() {
        let regions: Vec<String> = elsewhere.into_iter().collect();
        output.note(&format!("it is offered in {}", regions.join(", ")));
    }
}
