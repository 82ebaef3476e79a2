//! `quotagate quotas`: what is used of each quota, by every owner of the account.

use std::collections::{BTreeMap, BTreeSet};

use quotagate::{Clock, Feed, RowState, Standing, Usage};

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

/// The rows of every owner as the plugin reads them, by place and quota. Rows that no project can draw on, it reads none of:
/// they are listed with their limits alone.
async fn collect(
    session: &Session,
    account: &Account,
    options: &Options,
) -> Result<Quotas, CliError> {
    let listed = &account.contract().rows;
    let states = listed.iter().map(|row| (row.key.as_str(), row.state));
    let states: BTreeMap<&str, RowState> = states.collect();
    let projects: Vec<&str> = match &options.project {
        Some(project) => vec![project],
        None => account
            .projects()
            .map(|project| project.id.as_str())
            .collect(),
    };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for project in projects {
        for held in session.gate.standings(project).await? {
            let row = Row {
                state: states.get(held.standing.key.as_str()).copied(),
                standing: held.standing,
                held_at_least: held.held_at_least,
                held_at_most: held.held_at_most,
            };
            rows.insert(row.standing.key.clone(), row);
        }
    }
    // A project that no list shows has no chain of owners for the plugin to follow.
    let project = options.project.as_deref();
    let is_followed = project.is_some_and(|project| account.project(project).is_some());
    let elsewhere = listed.iter().filter(|_| !is_followed);
    for row in elsewhere {
        if !rows.contains_key(&row.key) {
            rows.insert(row.key.clone(), unread(row, account));
        }
    }
    let home = project.and_then(|project| account.home_of(project));
    let is_asked_for = |row: &Row| match &row.standing.place.region {
        Some(region) => {
            let is_chosen = options.region.is_empty() || options.region.contains(region);
            // A project sees the quotas of the region that it lives in.
            is_chosen && home.is_none_or(|home| home == region)
        }
        None => options.region.is_empty(),
    };
    let levels = &session.descriptor().levels;
    // Those of a single level are the account's own.
    let innermost = levels.last().filter(|_| levels.len() > 1);
    let mut quotas = Quotas::new();
    for row in rows.into_values().filter(is_asked_for) {
        let quota = quotas.entry(Which::of(&row.standing)).or_default();
        if Some(&row.standing.level) == innermost {
            quota.inner.push(row);
        } else {
            quota.outer.push(row);
        }
    }
    Ok(quotas)
}

/// A row that the plugin was not asked about.
fn unread(row: &quotagate::Row, account: &Account) -> Row {
    let mut owners = account.contract().owners.iter().flatten();
    let owner = owners.find(|owner| owner.id == row.owner);
    Row {
        standing: Standing {
            key: row.key.clone(),
            quota: row.quota.clone(),
            title: row.title.clone(),
            owner: row.owner.clone(),
            level: owner.map(|owner| owner.level.clone()).unwrap_or_default(),
            place: row.place.clone(),
            unit: row.unit.clone(),
            limit: row.limit,
            usage: Usage::UNKNOWN,
            ..Standing::default()
        },
        held_at_least: 0,
        held_at_most: 0,
        state: Some(row.state),
    }
}
