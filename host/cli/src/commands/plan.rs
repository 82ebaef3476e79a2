//! `quotagate check --plan`: the judgement of launches that draw on the same quotas.

use std::path::Path;

use quotagate::{Clock, GateError};

use super::check::{is_refused, policy};
use crate::{
    account::Account,
    args::{Format, Global},
    error::{CliError, Exit},
    input,
    launch::{self, Proposed, Typed},
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
    let account = Account::of(&inventory);
    let mut launches = Vec::with_capacity(planned.len());
    let mut doubt = None;
    for (number, planned) in (1..).zip(planned) {
        let in_plan = |source| CliError::InPlan {
            number,
            source: Box::new(source),
        };
        let proposed = resolve(&planned, &account, &session).map_err(in_plan)?;
        doubt = doubt.or_else(|| proposed.doubt.map(in_plan));
        launches.push(proposed.launch);
    }
    let judged = session.gate.admit(&launches, &policy(explain)).await;
    let check = match (judged, doubt) {
        (Ok(judged), Some(doubt)) if is_refused(&judged.admission.verdict) => return Err(doubt),
        (Err(_), Some(doubt)) => return Err(doubt),
        (judged, _) => judged?,
    };
    let cloud = session.descriptor();
    match output.format {
        Format::Json => output.json(&render::json(&check, cloud, Clock::system().now_ms()))?,
        Format::Table => output.data(&render::text(&check, cloud, &output.screen))?,
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
fn resolve(planned: &Planned, account: &Account, session: &Session) -> Result<Proposed, CliError> {
    let typed = Typed {
        instance_type: &planned.instance_type,
        region: &planned.region,
        lifecycle: planned.lifecycle.as_deref(),
        accelerators: &planned.accelerators,
    };
    let usual = session.usual_project.as_ref();
    let cloud = session.descriptor();
    let proposed = launch::launch(&typed, &planned.options, account, cloud, usual)?;
    let launch = &proposed.launch;
    let projects = account.projects_in(&launch.offer.region);
    // The gate would refuse it too, without saying which launch it is.
    if launch.profile.project.is_empty() && projects.len() > 1 {
        return Err(proposed.doubt.unwrap_or_else(|| {
            CliError::from(GateError::AmbiguousProject {
                region: launch.offer.region.clone(),
                projects: projects.into_iter().map(str::to_owned).collect(),
            })
        }));
    }
    Ok(proposed)
}
