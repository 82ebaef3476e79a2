//! Quota rows with usage bars, the tenant's and the projects' side by side.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, Color};
use quotagate::{Allowance, NamedSource, RowState, UsageState, json::SourceJson};
use serde::Serialize;

use super::{
    style,
    table::{Column, cell, render},
};
use crate::{amount, output::Screen};

/// Every row of one quota in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quota<'a> {
    /// The tenant's; more than one where the cloud lists twins.
    pub(crate) tenant: Vec<&'a Allowance>,
    /// Each project's, by project id.
    pub(crate) projects: Vec<(&'a str, &'a Allowance)>,
}

/// Quotas by region and name.
pub(crate) type Quotas<'a> = BTreeMap<(&'a str, &'a str), Quota<'a>>;

impl Quota<'_> {
    /// Whether a short list shows it: what is used, limited for a project or out of order, and everything of instances.
    pub(crate) fn is_telling(&self, name: &str) -> bool {
        name.starts_with("compute.instance.")
            || self.tenant.iter().any(|row| is_touched(row))
            || self.projects.iter().any(|(_, row)| is_telling(row))
    }

    /// Leaves out projects that say nothing of it, where there are several.
    pub(crate) fn shorten(&mut self) {
        if self.projects.len() > 1 {
            self.projects.retain(|(_, row)| is_telling(row));
        }
    }
}

#[derive(Serialize)]
struct RowJson {
    state: RowState,
    limit: Option<u64>,
    usage: Option<u64>,
    usage_state: UsageState,
    held: u64,
    headroom: Option<u64>,
}

#[derive(Serialize)]
struct QuotaJson<'a> {
    quota: &'a str,
    region: &'a str,
    unit: &'a str,
    tenant: Vec<RowJson>,
    projects: BTreeMap<&'a str, Vec<RowJson>>,
}

/// The list as programs read it. Numbers are null where they are not known.
#[derive(Serialize)]
pub(crate) struct ListJson<'a> {
    quotas: Vec<QuotaJson<'a>>,
    sources: BTreeMap<String, SourceJson<'a>>,
}

/// The list as JSON.
pub(crate) fn json<'a>(
    quotas: &Quotas<'a>,
    sources: &'a [NamedSource],
    now_ms: u64,
) -> ListJson<'a> {
    let quotas = quotas.iter().map(|((region, name), quota)| {
        let mut projects: BTreeMap<&str, Vec<RowJson>> = BTreeMap::new();
        for (project, row) in &quota.projects {
            projects.entry(project).or_default().push(RowJson::of(row));
        }
        let tenant = quota.tenant.first().copied();
        let unit = tenant.or_else(|| Some(quota.projects.first()?.1));
        QuotaJson {
            quota: name,
            region,
            unit: unit.map_or("", |row| &row.unit),
            tenant: quota.tenant.iter().map(|row| RowJson::of(row)).collect(),
            projects,
        }
    });
    ListJson {
        quotas: quotas.collect(),
        sources: quotagate::json::sources(sources, now_ms),
    }
}

impl RowJson {
    fn of(row: &Allowance) -> Self {
        Self {
            state: row.state,
            limit: row.limit,
            usage: used(row),
            usage_state: row.usage_state,
            held: row.held,
            headroom: free(row),
        }
    }
}

/// The list as a table per region.
pub(crate) fn tables(quotas: &Quotas<'_>, screen: &Screen) -> String {
    let mut regions: BTreeMap<&str, Vec<(&str, &Quota<'_>)>> = BTreeMap::new();
    for ((region, name), quota) in quotas {
        regions.entry(region).or_default().push((name, quota));
    }
    let tables = regions.into_iter().map(|(region, quotas)| {
        let title = if region.is_empty() {
            "all regions"
        } else {
            region
        };
        format!(
            "{}\n{}",
            style::paint(style::TITLE, title),
            table(&quotas, screen)
        )
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// A line of a table: the row of the tenant beside the row of a project, where there are such.
struct Line<'a> {
    name: &'a str,
    tenant: Option<&'a Allowance>,
    project: Option<(&'a str, &'a Allowance)>,
}

impl<'a> Line<'a> {
    fn all_of(name: &'a str, quota: &'a Quota<'a>) -> impl Iterator<Item = Self> {
        let lines = quota.tenant.len().max(quota.projects.len());
        (0..lines).map(move |line| Self {
            name: if line == 0 { name } else { "" },
            tenant: quota.tenant.get(line).copied(),
            project: quota.projects.get(line).copied(),
        })
    }

    fn project_row(&self) -> Option<&'a Allowance> {
        self.project.map(|(_, row)| row)
    }
}

fn table(quotas: &[(&str, &Quota<'_>)], screen: &Screen) -> String {
    type Show<'a> = Box<dyn Fn(&Line<'_>) -> Cell + 'a>;
    let lines: Vec<Line<'_>> = quotas
        .iter()
        .flat_map(|(name, quota)| Line::all_of(name, quota))
        .collect();
    let projects: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.project.map(|(id, _)| id))
        .collect();
    let of = |row: Option<&Allowance>, text: fn(&Allowance) -> String| {
        cell(row.map(text).unwrap_or_default())
    };
    // Columns that would say nothing here are not made.
    let mut columns: Vec<(Column, Show<'_>)> = Vec::new();
    columns.push((Column::new("QUOTA"), Box::new(|line| cell(line.name))));
    if lines.iter().any(|line| line.tenant.is_some()) {
        columns.push((
            Column::new("").dispensable(2),
            Box::new(|line| bar(line.tenant, screen)),
        ));
        columns.push((
            Column::new("TENANT USES"),
            Box::new(|line| of(line.tenant, of_limit_or_none)),
        ));
        columns.push((
            Column::new("FREE").right().dispensable(1),
            Box::new(|line| of(line.tenant, free_text)),
        ));
    }
    if projects.len() > 1 {
        let id = |line: &Line<'_>| {
            line.project
                .map(|(id, _)| id)
                .unwrap_or_default()
                .to_owned()
        };
        columns.push((
            Column::new("PROJECT ID").wraps_to(14),
            Box::new(move |line| cell(id(line))),
        ));
    }
    let is_limited = |line: &Line<'_>| line.project_row().is_some_and(|row| row.limit.is_some());
    if lines.iter().any(is_limited) {
        columns.push((
            Column::new("").dispensable(0),
            Box::new(|line| bar(line.project_row(), screen)),
        ));
    }
    if !projects.is_empty() {
        columns.push((
            Column::new("PROJECT"),
            Box::new(|line| of(line.project_row(), of_limit)),
        ));
    }
    if lines.iter().any(|line| !state(line).is_empty()) {
        columns.push((
            Column::new("STATE").wraps_to(12),
            Box::new(|line| cell(state(line))),
        ));
    }
    let cells = |line| columns.iter().map(|(_, show)| show(line)).collect();
    let rows = lines.iter().map(cells).collect();
    let columns: Vec<Column> = columns.iter().map(|(column, _)| *column).collect();
    render(&columns, rows, screen.width)
}

/// Usage and limit of a tenant's row, which should have one.
fn of_limit_or_none(row: &Allowance) -> String {
    match row.limit {
        Some(_) => of_limit(row),
        None => format!("{}, no limit", of_limit(row)),
    }
}

/// Usage, and the limit where there is one: without a limit of its own a project is bound by the tenant's alone.
fn of_limit(row: &Allowance) -> String {
    let show = |amount| amount::show(amount, &row.unit);
    let used = used(row).map_or_else(|| String::from("?"), show);
    let held = match row.held {
        0 => String::new(),
        held => format!(" + {} held", show(held)),
    };
    match row.limit {
        Some(limit) => format!("{used}{held} of {}", show(limit)),
        None => format!("{used}{held}"),
    }
}

fn free_text(row: &Allowance) -> String {
    free(row).map_or_else(|| String::from("?"), |free| amount::show(free, &row.unit))
}

/// The usage, where it is a measurement: a zero without a state is none, nor is one beside a fraction above zero.
pub(crate) fn used(row: &Allowance) -> Option<u64> {
    let above_zero = |text: &str| text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    match row.usage_state {
        _ if row.usage == 0 && row.usage_fraction.as_deref().is_some_and(above_zero) => None,
        UsageState::Used => Some(row.usage),
        UsageState::NotUsed => Some(0).filter(|_| row.usage == 0),
        UsageState::Unspecified => Some(row.usage).filter(|usage| *usage > 0),
        UsageState::Unknown | UsageState::NotApplicable => None,
    }
}

fn free(row: &Allowance) -> Option<u64> {
    Some(
        row.limit?
            .saturating_sub(used(row)?)
            .saturating_sub(row.held),
    )
}

/// Whether a project's row has a limit of its own, or is touched.
fn is_telling(row: &Allowance) -> bool {
    row.limit.is_some() || is_touched(row)
}

/// Whether something is used of a row, or may be.
fn is_touched(row: &Allowance) -> bool {
    row.state != RowState::Active || used(row) != Some(0)
}

/// What is not as usual with the rows of a line.
fn state(line: &Line<'_>) -> String {
    let word = |row: &Allowance| match (row.state, used(row)) {
        (RowState::Active, None) => Some(String::from("usage not measured")),
        (RowState::Active, Some(_)) => None,
        (state, _) => Some(state.to_string()),
    };
    let tenant = line.tenant.and_then(word);
    let project = line.project_row().and_then(word);
    let project = project.map(|word| format!("project {word}"));
    let words: Vec<String> = tenant.into_iter().chain(project).collect();
    words.join(", ")
}

/// Cells of a bar.
const BAR: u64 = 10;

/// How much of a row is taken, as a bar in a colour.
fn bar(row: Option<&Allowance>, screen: &Screen) -> Cell {
    let amounts = row.and_then(|row| Some((used(row)?.saturating_add(row.held), row.limit?)));
    let Some((taken, limit)) = amounts else {
        return cell("");
    };
    let (text, color) = draw(taken, limit, screen.ascii);
    cell(text).fg(color)
}

fn draw(taken: u64, limit: u64, ascii: bool) -> (String, Color) {
    let tenths = |of: u64| u128::from(taken) * u128::from(of) / u128::from(limit.max(1));
    // An empty limit is full; a little use shows as a little bar.
    let filled = match limit {
        0 => BAR,
        _ => u64::try_from(tenths(BAR))
            .unwrap_or(BAR)
            .clamp(u64::from(taken > 0), BAR),
    };
    let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
    let times = |count: u64| usize::try_from(count).unwrap_or(0);
    let text = full.repeat(times(filled)) + &empty.repeat(times(BAR - filled));
    let color = match (limit, tenths(100)) {
        (0, _) => Color::DarkGrey,
        (_, 100..) => Color::DarkRed,
        (_, 80..) => Color::DarkYellow,
        _ => Color::DarkGreen,
    };
    (text, color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_a_little_use_and_never_run_over() {
        let text = |taken, limit| draw(taken, limit, true).0;
        assert_eq!(text(0, 10), "..........");
        assert_eq!(text(1, 1000), "#.........");
        assert_eq!(text(30, 32), "#########.");
        assert_eq!(text(32, 32), "##########");
        assert_eq!(text(64, 32), "##########");
        assert_eq!(text(0, 0), "##########");
        assert_eq!(text(u64::MAX, u64::MAX), "##########");
        assert_eq!(draw(5, 10, false).0, "█████░░░░░");
    }
}
