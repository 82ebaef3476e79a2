//! Names of the command line held against the account: a mistyped one is an error with the nearest names, and never a
//! verdict. Where the list that would know a name could not be read, that is said instead.

use std::collections::BTreeSet;

use quotagate::{Inventory, NamedSource, SourceState};

use crate::{
    error::CliError,
    gpu::{GpuFilter, Gpus, same_model},
    names,
    render::sources,
};

/// Refuses a region that nothing of the account speaks of.
pub(crate) fn region(inventory: &Inventory, wanted: &str) -> Result<(), CliError> {
    let homes = inventory
        .account()
        .projects
        .iter()
        .map(|project| project.region.as_str());
    let rows = inventory
        .tenant_allowances()
        .rows
        .iter()
        .map(|row| row.region.as_str());
    let own = inventory
        .projects()
        .filter_map(|project| inventory.project_allowances(project))
        .flat_map(|list| list.rows.iter().map(|row| row.region.as_str()));
    let known: BTreeSet<&str> = homes
        .chain(rows)
        .chain(own)
        .filter(|name| !name.is_empty())
        .collect();
    if known.contains(wanted) {
        return Ok(());
    }
    let what = || format!("whether there is a region `{wanted}`");
    all_read(inventory, &["account"], what)?;
    Err(CliError::UnknownName {
        kind: "region",
        name: wanted.to_owned(),
        place: String::from(" in this account"),
        hint: names::hint(wanted, known, "`quotagate quotas` lists the regions"),
    })
}

/// Refuses a project that the account does not list.
pub(crate) fn project(inventory: &Inventory, wanted: &str) -> Result<(), CliError> {
    let projects = &inventory.account().projects;
    if projects.iter().any(|project| project.id == wanted) {
        return Ok(());
    }
    // A project that the list does not show may still be asked by its id.
    if not_read(inventory, &["account"]).is_some() {
        return Ok(());
    }
    let by_name = projects.iter().find(|project| project.name == wanted);
    let full_list = "`quotagate doctor` lists the projects";
    Err(CliError::UnknownName {
        kind: "project",
        name: wanted.to_owned(),
        place: String::from(" in this account"),
        hint: match by_name {
            Some(project) => format!("projects go by their id: did you mean `{}`?", project.id),
            None => names::hint(
                wanted,
                projects.iter().map(|project| project.id.as_str()),
                full_list,
            ),
        },
    })
}

/// Refuses an instance type that no project of the account is offered.
pub(crate) fn instance_type(inventory: &Inventory, wanted: &str) -> Result<(), CliError> {
    let types = || {
        inventory
            .projects()
            .flat_map(|project| inventory.types_of(project))
    };
    if types().any(|known| known.name == wanted) {
        return Ok(());
    }
    // What the unread lists hold nobody knows: the verdict says so, and which.
    if not_read(inventory, &["account", "instance_types"]).is_some() {
        return Ok(());
    }
    let full_list = "`quotagate offers` lists the types";
    let families: BTreeSet<&str> = types().map(|known| known.family.as_str()).collect();
    let (family, _) = wanted.split_once(' ').unwrap_or((wanted, ""));
    let unknown = |kind, name: &str, place, hint| CliError::UnknownName {
        kind,
        name: name.to_owned(),
        place,
        hint,
    };
    Err(if families.contains(family) {
        let presets = types().filter(|known| known.family == family);
        let presets: BTreeSet<&str> = presets.map(|known| known.name.as_str()).collect();
        let listed: Vec<_> = presets.iter().map(|name| format!("`{name}`")).collect();
        let hint = format!("it has {}; {full_list}", listed.join(", "));
        if wanted == family {
            return Err(CliError::Usage {
                message: format!(
                    "`{wanted}` is a platform, and an instance type is a platform with a preset"
                ),
                hint,
            });
        }
        unknown(
            "instance type",
            wanted,
            format!(" on the platform `{family}`"),
            hint,
        )
    } else if types().next().is_none() {
        let hint =
            String::from("its projects are offered no types at all: `quotagate doctor` says more");
        unknown(
            "instance type",
            wanted,
            String::from(" in this account"),
            hint,
        )
    } else {
        let hint = names::hint(family, families, full_list);
        unknown("platform", family, String::from(" in this account"), hint)
    })
}

/// Refuses a GPU that neither a type of the account nor the catalog carries.
pub(crate) fn gpu<'a>(
    inventory: &'a Inventory,
    wanted: &GpuFilter,
    offered: impl Iterator<Item = &'a Gpus>,
) -> Result<(), CliError> {
    let Some(model) = &wanted.model else {
        return Ok(());
    };
    let types = inventory
        .projects()
        .flat_map(|project| inventory.types_of(project));
    let mut known: BTreeSet<String> = types.map(|known| Gpus::of(known).model).collect();
    known.extend(offered.map(|gpus| gpus.model.clone()));
    known.retain(|name| !name.is_empty());
    if known.iter().any(|name| same_model(name, model)) {
        return Ok(());
    }
    let model = model.to_ascii_uppercase();
    all_read(inventory, &["account", "instance_types"], || {
        format!("whether there is a GPU `{model}`")
    })?;
    Err(CliError::UnknownName {
        kind: "GPU",
        place: String::from(" in this account"),
        hint: names::hint(
            &model,
            known.iter().map(String::as_str),
            "`quotagate offers` lists the types",
        ),
        name: model,
    })
}

/// Refuses to go on where one of these sources was not read to its end; `what` cannot be told then.
pub(crate) fn all_read(
    inventory: &Inventory,
    sources: &[&str],
    what: impl FnOnce() -> String,
) -> Result<(), CliError> {
    not_read(inventory, sources).map_or(Ok(()), |source| Err(unreadable(&source, what())))
}

/// Refuses to go on where the types of one of these regions, or of any where none is named, were not read to their end.
pub(crate) fn types_read(inventory: &Inventory, regions: &[String]) -> Result<(), CliError> {
    let asked_for = |source: &NamedSource| {
        let home = source
            .project
            .as_ref()
            .and_then(|project| inventory.region_of(project));
        home.is_none_or(|home| regions.is_empty() || regions.iter().any(|region| region == home))
    };
    let mut unread = gaps(inventory, &["account", "instance_types"]);
    unread.find(asked_for).map_or(Ok(()), |source| {
        Err(unreadable(
            &source,
            String::from("what the account is offered"),
        ))
    })
}

/// The first of these sources that was not read to its end.
fn not_read(inventory: &Inventory, named: &[&str]) -> Option<NamedSource> {
    gaps(inventory, named).next()
}

/// Those of these sources that were not read to their end.
fn gaps(inventory: &Inventory, named: &[&str]) -> impl Iterator<Item = NamedSource> {
    inventory.sources().into_iter().filter(|source| {
        named.contains(&source.name) && source.report.state != SourceState::Complete
    })
}

/// The error that says so.
fn unreadable(source: &NamedSource, what: String) -> CliError {
    CliError::Unreadable {
        what,
        list: format!("the {}", sources::name(source)),
        why: source
            .report
            .detail
            .clone()
            .unwrap_or_else(|| String::from(sources::state(source.report.state))),
    }
}
