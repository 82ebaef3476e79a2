//! Names of the command line held against the account: a mistyped one is an error with the nearest names, and never a
//! verdict. Where the list that would know a name could not be read, that is said instead.

use std::collections::BTreeSet;

use quotagate::{Descriptor, Feed, SourceReport};

use crate::{
    account::Account,
    error::CliError,
    gpu::{GpuFilter, Gpus, same_model},
    names,
    render::sources,
};

/// Refuses a region that nothing of the account speaks of.
pub(crate) fn region(account: &Account, wanted: &str, cloud: &Descriptor) -> Result<(), CliError> {
    let known = account.regions();
    if known.contains(wanted) {
        return Ok(());
    }
    let what = || format!("whether there is a region `{wanted}`");
    all_read(account, &[Feed::Account], cloud, what)?;
    Err(CliError::UnknownName {
        kind: "region",
        name: wanted.to_owned(),
        place: String::from(" in this account"),
        hint: names::hint(wanted, known, "`quotagate quotas` lists the regions"),
    })
}

/// Refuses a project that the account does not list.
pub(crate) fn project(account: &Account, wanted: &str) -> Result<(), CliError> {
    // A project that the list does not show may still be asked by its id.
    if account.project(wanted).is_some() || is_unread(account, &[Feed::Account]) {
        return Ok(());
    }
    let mut projects = account.projects();
    let by_name = projects.find(|project| project.name.as_deref() == Some(wanted));
    let full_list = "`quotagate doctor` lists the projects";
    Err(CliError::UnknownName {
        kind: "project",
        name: wanted.to_owned(),
        place: String::from(" in this account"),
        hint: match by_name {
            Some(project) => format!("projects go by their id: did you mean `{}`?", project.id),
            None => {
                let ids = account.projects().map(|project| project.id.as_str());
                names::hint(wanted, ids, full_list)
            }
        },
    })
}

/// Refuses an instance type that no project of the account is offered.
pub(crate) fn instance_type(account: &Account, wanted: &str) -> Result<(), CliError> {
    let types = || account.types();
    if types().any(|known| known.name == wanted) {
        return Ok(());
    }
    // What the unread lists hold nobody knows: the verdict says so, and which.
    if is_unread(account, &[Feed::Account, Feed::Types]) {
        return Ok(());
    }
    let full_list = "`quotagate offers` lists the types";
    let families: BTreeSet<&str> = types().map(|known| known.family.as_str()).collect();
    let (family, _) = wanted.split_once(' ').unwrap_or((wanted, ""));
    let unknown = |name: &str, place, hint| CliError::UnknownName {
        kind: "instance type",
        name: name.to_owned(),
        place,
        hint,
    };
    let in_account = || String::from(" in this account");
    if families.contains(family) {
        let of_family = types().filter(|known| known.family == family);
        let of_family: BTreeSet<&str> = of_family.map(|known| known.name.as_str()).collect();
        let listed: Vec<_> = of_family.iter().map(|name| format!("`{name}`")).collect();
        let hint = format!("it has {}; {full_list}", listed.join(", "));
        if wanted == family {
            return Err(CliError::Usage {
                message: format!("`{wanted}` is a family of instance types, and none of them"),
                hint,
            });
        }
        return Err(unknown(wanted, format!(" of the family `{family}`"), hint));
    }
    if types().next().is_none() {
        let hint =
            String::from("its projects are offered no types at all: `quotagate doctor` says more");
        return Err(unknown(wanted, in_account(), hint));
    }
    // A mistyped family comes nearest to families, a mistyped name without one to names.
    let names: BTreeSet<&str> = types().map(|known| known.name.as_str()).collect();
    let hint = if wanted == family {
        names::hint(wanted, families.into_iter().chain(names), full_list)
    } else {
        names::hint(family, families, full_list)
    };
    Err(unknown(wanted, in_account(), hint))
}

/// Refuses a GPU that neither a type of the account nor the catalog carries.
pub(crate) fn gpu<'a>(
    account: &'a Account,
    wanted: &GpuFilter,
    offered: impl Iterator<Item = &'a Gpus>,
    cloud: &Descriptor,
) -> Result<(), CliError> {
    let Some(model) = &wanted.model else {
        return Ok(());
    };
    let mut known: BTreeSet<String> = account.types().map(|known| Gpus::of(known).model).collect();
    known.extend(offered.map(|gpus| gpus.model.clone()));
    known.retain(|name| !name.is_empty());
    if known.iter().any(|name| same_model(name, model)) {
        return Ok(());
    }
    let model = model.to_ascii_uppercase();
    all_read(account, &[Feed::Account, Feed::Types], cloud, || {
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

/// Refuses to go on where a source that brings one of these was not read to its end; `what` cannot be told then.
pub(crate) fn all_read(
    account: &Account,
    feeds: &[Feed],
    cloud: &Descriptor,
    what: impl FnOnce() -> String,
) -> Result<(), CliError> {
    let mut gaps = account.gaps();
    match gaps.find(|source| feeds.contains(&source.feed)) {
        Some(source) => Err(unreadable(source, cloud, what())),
        None => Ok(()),
    }
}

/// Refuses to go on where the types of one of these regions, or of any where none is named, were not read to their end.
pub(crate) fn types_read(
    account: &Account,
    regions: &[String],
    cloud: &Descriptor,
) -> Result<(), CliError> {
    let asked_for = |source: &&SourceReport| {
        let owner = source.owner.as_deref();
        let home = owner.and_then(|project| account.home_of(project));
        let place = source.place.region.as_deref().or(home);
        place.is_none_or(|place| regions.is_empty() || regions.iter().any(|region| region == place))
    };
    let gaps = account.gaps();
    let mut unread = gaps.filter(|source| matches!(source.feed, Feed::Account | Feed::Types));
    match unread.find(asked_for) {
        Some(source) => {
            let what = String::from("what the account is offered");
            Err(unreadable(source, cloud, what))
        }
        None => Ok(()),
    }
}

/// Whether a source that brings one of these was not read to its end.
fn is_unread(account: &Account, feeds: &[Feed]) -> bool {
    account.gaps().any(|source| feeds.contains(&source.feed))
}

/// The error that says so.
fn unreadable(source: &SourceReport, cloud: &Descriptor, what: String) -> CliError {
    let why = source.detail.clone();
    CliError::Unreadable {
        what,
        list: format!("the {}", sources::name(source, cloud)),
        why: why.unwrap_or_else(|| String::from(sources::state(source.state))),
    }
}
