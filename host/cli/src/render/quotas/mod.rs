//! Quota rows with usage bars, those of outer owners and of projects side by side.

mod json;

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, Color};
use quotagate::{Descriptor, Limit, RowState, Standing};

pub(crate) use self::json::json;
use super::{
    style,
    table::{Column, cell, render},
};
use crate::{amount, output::Screen};

/// Which quota, and where it counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Which {
    region: Option<String>,
    zone: Option<String>,
    /// The quota's name.
    pub(crate) quota: String,
}

impl Which {
    /// Of a row.
    pub(crate) fn of(row: &Standing) -> Self {
        Self {
            region: row.place.region.clone(),
            zone: row.place.zone.clone(),
            quota: row.quota.clone(),
        }
    }

    fn place(&self) -> String {
        let names = [&self.region, &self.zone].map(Option::as_deref);
        let names: Vec<&str> = names.into_iter().flatten().collect();
        if names.is_empty() {
            String::from("all regions")
        } else {
            names.join(" ")
        }
    }
}

/// A row as the plugin reads it, with what is held of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The row.
    pub(crate) standing: Standing,
    /// Promised to launches under way, for certain.
    pub(crate) held_at_least: u64,
    /// The same at most.
    pub(crate) held_at_most: u64,
    /// The life of the row that the cloud lists; none where it lists none.
    pub(crate) state: Option<RowState>,
}

impl Row {
    /// The usage, where it is a measurement.
    fn used(&self) -> Option<u64> {
        used(&self.standing)
    }

    fn free(&self) -> Option<u64> {
        let headroom = self.standing.headroom?;
        let is_known = self.standing.measured;
        is_known.then(|| headroom.saturating_sub(self.held_at_most))
    }

    fn limit(&self) -> Option<u64> {
        self.standing.limit.number()
    }

    fn is_in_force(&self) -> bool {
        matches!(self.state, None | Some(RowState::InForce))
    }

    /// Whether something is used of it, or may be, or it is not as usual.
    fn is_touched(&self) -> bool {
        !self.is_in_force() || self.used() != Some(0)
    }

    fn show(&self, amount: u64, cloud: &Descriptor) -> String {
        amount::show(amount, &self.standing.unit, &cloud.units)
    }

    /// Usage, and the limit where there is one: without a limit of its own a project is bound by the outer rows alone.
    fn of_limit(&self, cloud: &Descriptor) -> String {
        let show = |amount| self.show(amount, cloud);
        let used = self.used().map_or_else(|| String::from("?"), show);
        let held = match self.held_at_most {
            0 => String::new(),
            held => format!(" + {} held", show(held)),
        };
        match self.limit() {
            Some(limit) => format!("{used}{held} of {}", show(limit)),
            None => format!("{used}{held}"),
        }
    }

    /// The same of a row that should have a limit.
    fn of_limit_or_none(&self, cloud: &Descriptor) -> String {
        let text = self.of_limit(cloud);
        match self.standing.limit {
            Limit::Amount(_) | Limit::ByDefault(_) => text,
            Limit::Unlimited => format!("{text}, unlimited"),
            Limit::Unset => format!("{text}, no limit"),
        }
    }

    fn free_text(&self, cloud: &Descriptor) -> String {
        self.free()
            .map_or_else(|| String::from("?"), |free| self.show(free, cloud))
    }
}

/// The usage of a row, where it is a measurement.
pub(crate) fn used(row: &Standing) -> Option<u64> {
    row.measured.then_some(row.usage.at_least)
}

/// Every row of one quota at one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quota {
    /// Those of owners that hold several projects, or of the account.
    pub(crate) outer: Vec<Row>,
    /// Those of projects.
    pub(crate) inner: Vec<Row>,
}

/// Quotas by place and name.
pub(crate) type Quotas = BTreeMap<Which, Quota>;

impl Quota {
    /// Whether a short list shows it: what is used, limited for a project or out of order.
    pub(crate) fn is_telling(&self) -> bool {
        self.outer.iter().any(Row::is_touched) || self.inner.iter().any(is_telling)
    }

    /// Leaves out projects that say nothing of it, where there are several.
    pub(crate) fn shorten(&mut self) {
        if self.inner.len() > 1 {
            self.inner.retain(is_telling);
        }
    }
}

/// Whether a project's row has a limit of its own, or is touched.
fn is_telling(row: &Row) -> bool {
    row.limit().is_some() || row.is_touched()
}

/// The list as a table per place.
pub(crate) fn tables(quotas: &Quotas, cloud: &Descriptor, screen: &Screen) -> String {
    let mut places: BTreeMap<String, Vec<(&str, &Quota)>> = BTreeMap::new();
    for (which, quota) in quotas {
        let place = places.entry(which.place()).or_default();
        place.push((&which.quota, quota));
    }
    let tables = places.into_iter().map(|(place, quotas)| {
        let title = style::paint(style::TITLE, &place);
        format!("{title}\n{}", table(&quotas, cloud, screen))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// A line of a table: the row of an outer owner beside the row of a project, where there are such.
struct Line<'a> {
    name: &'a str,
    outer: Option<&'a Row>,
    inner: Option<&'a Row>,
}

impl<'a> Line<'a> {
    fn all_of(name: &'a str, quota: &'a Quota) -> impl Iterator<Item = Self> {
        let lines = quota.outer.len().max(quota.inner.len());
        (0..lines).map(move |line| Self {
            name: if line == 0 { name } else { "" },
            outer: quota.outer.get(line),
            inner: quota.inner.get(line),
        })
    }

    fn project(&self) -> &'a str {
        self.inner.map_or("", |row| &row.standing.owner)
    }
}

fn table(quotas: &[(&str, &Quota)], cloud: &Descriptor, screen: &Screen) -> String {
    type Show<'a> = Box<dyn Fn(&Line<'_>) -> Cell + 'a>;
    let lines: Vec<Line<'_>> = quotas
        .iter()
        .flat_map(|(name, quota)| Line::all_of(name, quota))
        .collect();
    let projects: BTreeSet<&str> = lines
        .iter()
        .map(Line::project)
        .filter(|id| !id.is_empty())
        .collect();
    let of = |row: Option<&Row>, text: fn(&Row, &Descriptor) -> String| {
        cell(row.map(|row| text(row, cloud)).unwrap_or_default())
    };
    let level = |level: Option<&String>| level.map_or("account", String::as_str).to_uppercase();
    let uses = format!("{} USES", level(cloud.levels.first()));
    let inner = level(cloud.levels.last());
    let inner_id = format!("{inner} ID");
    // Columns that would say nothing here are not made.
    let mut columns: Vec<(Column<'_>, Show<'_>)> = Vec::new();
    columns.push((Column::new("QUOTA"), Box::new(|line| cell(line.name))));
    if lines.iter().any(|line| line.outer.is_some()) {
        columns.push((
            Column::new("").dispensable(2),
            Box::new(|line| bar(line.outer, screen)),
        ));
        columns.push((
            Column::new(&uses),
            Box::new(|line| of(line.outer, Row::of_limit_or_none)),
        ));
        columns.push((
            Column::new("FREE").right().dispensable(1),
            Box::new(|line| of(line.outer, Row::free_text)),
        ));
    }
    if projects.len() > 1 {
        columns.push((
            Column::new(&inner_id).wraps_to(14),
            Box::new(|line| cell(line.project())),
        ));
    }
    let is_limited = |line: &Line<'_>| line.inner.is_some_and(|row| row.limit().is_some());
    if lines.iter().any(is_limited) {
        columns.push((
            Column::new("").dispensable(0),
            Box::new(|line| bar(line.inner, screen)),
        ));
    }
    if !projects.is_empty() {
        columns.push((
            Column::new(&inner),
            Box::new(|line| of(line.inner, Row::of_limit)),
        ));
    }
    let state = |line: &Line<'_>| state(line, &cloud.levels);
    if lines.iter().any(|line| !state(line).is_empty()) {
        columns.push((
            Column::new("STATE").wraps_to(12),
            Box::new(move |line| cell(state(line))),
        ));
    }
    let cells = |line| columns.iter().map(|(_, show)| show(line)).collect();
    let rows = lines.iter().map(cells).collect();
    let columns: Vec<Column<'_>> = columns.iter().map(|(column, _)| *column).collect();
    render(&columns, rows, screen.width)
}

/// What is not as usual with the rows of a line.
fn state(line: &Line<'_>, levels: &[String]) -> String {
    let word = |row: &Row| match (row.state, row.used()) {
        (None | Some(RowState::InForce), None) => Some(String::from("usage not measured")),
        (None | Some(RowState::InForce), Some(_)) => None,
        (Some(state), _) => Some(state.to_string()),
    };
    let outer = line.outer.and_then(word);
    let inner = line.inner.and_then(word);
    let level = levels.last().map_or("project", String::as_str);
    let inner = inner.map(|word| format!("{level} {word}"));
    let words: Vec<String> = outer.into_iter().chain(inner).collect();
    words.join(", ")
}

/// Cells of a bar.
const BAR: u64 = 10;

/// How much of a row is taken, as a bar in a colour.
fn bar(row: Option<&Row>, screen: &Screen) -> Cell {
    let taken = |row: &Row| Some(row.used()?.saturating_add(row.held_at_most));
    let amounts = row.and_then(|row| Some((taken(row)?, row.limit()?)));
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
