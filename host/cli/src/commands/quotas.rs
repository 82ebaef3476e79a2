//! `quotagate quotas`: what is used of each quota, by the tenant and by its projects.

use quotagate::{Clock, Inventory};

use crate::{
    args::{Format, Global, Quotas as Options},
    error::{CliError, Exit},
    known,
    output::Output,
    progress,
    render::{
        quotas::{self, Quota, Quotas},
        sources,
    },
    session::Session,
};

/// Lists the quotas that the options ask for.
pub(crate) async fn run(
    global: &Global,
    options: &Options,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::open(global, options.project.as_deref(), output)?;
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    if let Some(project) = &options.project {
        known::project(&inventory, project)?;
    }
    for region in &options.region {
        known::region(&inventory, region)?;
    }
    let mut quotas = collect(&inventory, options);
    if quotas.is_empty() {
        let lists = ["tenant_allowances", "account", "project_allowances"];
        known::all_read(&inventory, &lists, || String::from("what the quotas are"))?;
        output.note(&nothing(&inventory, options));
    }
    let listed = inventory.sources();
    match output.format {
        Format::Json => {
            output.json(&quotas::json(&quotas, &listed, Clock::system().now_ms()))?;
        }
        Format::Table => {
            let all = quotas.len();
            if !options.all {
                quotas.retain(|(_, name), quota| quota.is_telling(name));
                quotas.values_mut().for_each(Quota::shorten);
            }
            output.data(&quotas::tables(&quotas, &output.screen))?;
            let hidden = all - quotas.len();
            if hidden > 0 {
                output.note(&format!(
                    "{hidden} quotas that nothing is used of are left out; --all lists them"
                ));
            }
            for gap in sources::gaps(&listed) {
                output.note(&format!("not read to the end: {gap}"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Why nothing is listed.
fn nothing(inventory: &Inventory, options: &Options) -> String {
    let project = options.project.as_deref();
    let home = project.and_then(|project| Some((project, inventory.region_of(project)?)));
    match home.filter(|(_, home)| !options.region.iter().any(|region| region == home)) {
        Some((project, home)) if !options.region.is_empty() => {
            format!(
                "no quotas: project {project} lives in {home}, and sees the quotas of that region alone"
            )
        }
        _ => String::from("no quotas: the account lists none here"),
    }
}

/// The rows of the tenant and of the projects, by region and name.
fn collect<'a>(inventory: &'a Inventory, options: &Options) -> Quotas<'a> {
    let mut quotas = Quotas::new();
    let asked_for = |region: &String| options.region.is_empty() || options.region.contains(region);
    // A project sees its own region alone.
    let home = options
        .project
        .as_deref()
        .and_then(|project| inventory.region_of(project));
    let tenant = &inventory.tenant_allowances().rows;
    for row in tenant.iter().filter(|row| asked_for(&row.region)) {
        if home.is_none_or(|home| home == row.region) {
            let quota = quotas
                .entry((row.region.as_str(), row.name.as_str()))
                .or_default();
            quota.tenant.push(row);
        }
    }
    for project in inventory.projects() {
        let rows = inventory.project_allowances(project).into_iter();
        for row in rows
            .flat_map(|list| &list.rows)
            .filter(|row| asked_for(&row.region))
        {
            let quota = quotas
                .entry((row.region.as_str(), row.name.as_str()))
                .or_default();
            quota.projects.push((project, row));
        }
    }
    quotas
}
