//! `quotagate check --plan`: the judgement of launches that draw on the same quotas.

use std::path::Path;

use quotagate::{Clock, GateError, Inventory, Launch, Offer, Policy};

use crate::{
    args::{Format, Global},
    error::{CliError, Exit},
    input, launch,
    output::Output,
    plan::{self, Planned},
    progress,
    render::plan as render,
    session::Session,
};

/// Judges the launches of a file together.
pub(crate) async fn run(
    global: &Global,
    file: &Path,
    explain: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let planned = plan::parse(&input::read(file)?)?;
    let session = Session::open(global, only_project(&planned), output)?;
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    let mut launches = Vec::with_capacity(planned.len());
    for (number, planned) in (1..).zip(planned) {
        let launch = resolve(planned, &inventory, session.usual_project.as_ref());
        launches.push(launch.map_err(|source| CliError::InPlan {
            number,
            source: Box::new(source),
        })?);
    }
    let policy = Policy {
        explain,
        ..Policy::default()
    };
    let check = session.gate.admit(&launches, &policy).await?;
    match output.format {
        Format::Json => output.json(&render::json(&check, Clock::system().now_ms()))?,
        Format::Table => output.data(&render::text(&check, &output.screen))?,
    }
    Ok(Exit::of_judgement(
        check.admission.verdict.quota,
        &check.sources,
    ))
}

/// The project that every launch names: nothing of the others needs to be read then.
fn only_project(planned: &[Planned]) -> Option<&str> {
    let mut named = planned
        .iter()
        .map(|launch| launch.options.project.as_deref());
    let first = named.next()??;
    named.all(|name| name == Some(first)).then_some(first)
}

/// A launch with everything that the account adds to it.
fn resolve(
    planned: Planned,
    inventory: &Inventory,
    usual_project: Option<&String>,
) -> Result<Launch, CliError> {
    let offer = Offer {
        instance_type: planned.instance_type,
        region: planned.region,
        lifecycle: planned.lifecycle,
    };
    let launch = launch::launch(offer, &planned.options, inventory, usual_project)?;
    let projects = inventory.projects_in(&launch.offer.region);
    // The gate would refuse it too, without saying which launch it is.
    if launch.profile.project.is_empty() && projects.len() > 1 {
        let region = launch.offer.region;
        return Err(GateError::AmbiguousProject { region, projects }.into());
    }
    Ok(launch)
}
