//! `quotagate quotas`: what is used of each quota, by every owner of the account.

use std::collections::{BTreeMap, BTreeSet};

use quotagate::{Clock, Feed, RowState};

use crate::{
    account::Account,
    args::{Format, Global, Quotas as Options},
    error::{CliError, Exit},
    known,
    output::Output,
    progress,
    render::{
        quotas::{self, Quota, Quotas, Row, Which},
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
    let account = Account::of(&inventory);
    let cloud = session.descriptor();
    if let Some(project) = &options.project {
        known::project(&account, project)?;
    }
    for region in &options.region {
        known::region(&account, region, cloud)?;
    }
    let mut quotas = collect(&session, &account, options).await?;
    if quotas.is_empty() {
        let feeds = [Feed::Account, Feed::Rows, Feed::Holdings];
        known::all_read(&account, &feeds, cloud, || {
            String::from("what the quotas are")
        })?;
        output.note(&nothing(&account, options));
    }
    match output.format {
        Format::Json => {
            let now_ms = Clock::system().now_ms();
            output.json(&quotas::json(&quotas, account.sources(), cloud, now_ms))?;
        }
        Format::Table => {
            let all = quotas.len();
            if !options.all {
                let drawn = drawn(&account);
                quotas.retain(|which, quota| {
                    drawn.contains(which.quota.as_str()) || quota.is_telling()
                });
                quotas.values_mut().for_each(Quota::shorten);
            }
            output.data(&quotas::tables(&quotas, cloud, &output.screen))?;
            let hidden = all - quotas.len();
            if hidden > 0 {
                output.note(&format!(
                    "{hidden} quotas that nothing is used of are left out; --all lists them"
                ));
            }
            for gap in sources::gaps(account.sources(), cloud) {
                output.note(&format!("not read to the end: {gap}"));
            }
        }
    }
    Ok(Exit::Done)
}

/// The quotas that types name themselves: a short list has them, used or not.
fn drawn(account: &Account) -> BTreeSet<&str> {
    let draws = account.types().flat_map(|known| &known.draws);
    draws.map(|draw| draw.quota.as_str()).collect()
}

/// Why nothing is listed.
fn nothing(account: &Account, options: &Options) -> String {
    let project = options.project.as_deref();
    let home = project.and_then(|project| Some((project, account.home_of(project)?)));
    match home.filter(|(_, home)| !options.region.iter().any(|region| region == home)) {
        Some((project, home)) if !options.region.is_empty() => {
            format!(
                "no quotas: project {project} lives in {home}, and sees the quotas of that region alone"
            )
        }
        _ => String::from("no quotas: the account lists none here"),
    }
}

/// The rows of every owner as the plugin reads them, by place and quota.
async fn collect(
    session: &Session,
    account: &Account,
    options: &Options,
) -> Result<Quotas, CliError> {
    let rows = account.contract().rows.iter();
    let states: BTreeMap<&str, RowState> = rows.map(|row| (row.key.as_str(), row.state)).collect();
    let outer_levels = session.descriptor().levels.len().saturating_sub(1).max(1);
    let outer_levels: Vec<&String> = session
        .descriptor()
        .levels
        .iter()
        .take(outer_levels)
        .collect();
    let projects: Vec<&str> = match &options.project {
        Some(project) => vec![project],
        None => account
            .projects()
            .map(|project| project.id.as_str())
            .collect(),
    };
    let mut seen = BTreeSet::new();
    let mut quotas = Quotas::new();
    for project in projects {
        for held in session.gate.standings(project).await? {
            let standing = &held.standing;
            let is_asked_for = match &standing.place.region {
                Some(region) => options.region.is_empty() || options.region.contains(region),
                None => options.region.is_empty(),
            };
            if !is_asked_for || !seen.insert(standing.key.clone()) {
                continue;
            }
            let quota = quotas.entry(Which::of(standing)).or_default();
            let is_outer = outer_levels.contains(&&standing.level);
            let row = Row {
                state: states.get(standing.key.as_str()).copied(),
                held,
            };
            if is_outer {
                quota.outer.push(row);
            } else {
                quota.inner.push(row);
            }
        }
    }
    Ok(quotas)
}
