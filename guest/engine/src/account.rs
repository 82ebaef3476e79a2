//! What was read of an account for one project, sorted once so that every judgement finds its rows quickly.

use alloc::{format, string::String, vec::Vec};
use core::cmp::Ordering;

use crate::vocabulary::{
    Allowance, AllowanceList, Allowances, Capacities, Capacity, InstanceType, InstanceTypes,
    Policy, Reason, Reservations, Source, SourceState,
};

/// An account as one project sees it. Build it once for a generation of the inventory, judge with it often.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) project: String,
    pub(crate) tenant_rows: Rows,
    pub(crate) project_rows: Rows,
    pub(crate) region: Option<String>,
    types: Vec<InstanceType>,
    pub(crate) types_source: Source,
    capacities: Vec<Capacity>,
    pub(crate) capacities_source: Source,
    pub(crate) reservations: Reservations,
}

impl Account {
    /// Sorts what was read for `project`.
    pub fn new(
        project: &str,
        allowances: Allowances,
        instance_types: InstanceTypes,
        capacities: Capacities,
        reservations: Reservations,
    ) -> Self {
        let mut types = instance_types.items;
        types.sort_by(|a, b| a.name.cmp(&b.name));
        let mut advice = capacities.items;
        advice.sort_by(|a, b| capacity_key(a).cmp(&capacity_key(b)));
        Self {
            project: project.into(),
            tenant_rows: Rows::new(allowances.tenant),
            project_rows: Rows::new(allowances.project),
            region: instance_types.region,
            types,
            types_source: instance_types.source,
            capacities: advice,
            capacities_source: capacities.source,
            reservations,
        }
    }

    /// The type of that name, if the project is offered it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        let at = self
            .types
            .binary_search_by(|item| item.name.as_str().cmp(name))
            .ok()?;
        self.types.get(at)
    }

    /// The advice on one type in one region: all fabrics, all lanes.
    pub(crate) fn capacities(&self, region: &str, instance_type: &str) -> &[Capacity] {
        let key = (region, instance_type);
        equal_run(&self.capacities, |row| capacity_key(row).cmp(&key))
    }
}

/// The rows of one owner, found by region and name.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    owner: String,
    sorted: Vec<Allowance>,
    pub(crate) source: Source,
}

/// What a list says of one quota in one region.
pub(crate) enum Found<'a> {
    /// One row, or several that say the same.
    Row(&'a Allowance),
    /// Rows that contradict each other (design.md, "Twin rows").
    Twins,
    /// The list was read to its end and has no such row.
    Absent,
    /// Nobody knows, and why.
    Unreadable(Reason, String),
}

impl Rows {
    fn new(list: AllowanceList) -> Self {
        let AllowanceList {
            owner,
            mut rows,
            source,
        } = list;
        // Rows of another owner say nothing of this one (nebius.md section 9, case 17).
        rows.retain(|row| row.owner == owner);
        rows.sort_by(|a, b| row_key(a).cmp(&row_key(b)));
        Self {
            owner,
            sorted: rows,
            source,
        }
    }

    /// The rows of one region; `now` and the policy decide whether the list is too old to be believed.
    pub(crate) fn region(&self, region: &str, now: u64, policy: &Policy) -> RegionRows<'_> {
        RegionRows {
            rows: equal_run(&self.sorted, |row| row.region.as_str().cmp(region)),
            source: &self.source,
            owner: &self.owner,
            unreadable: unreadable(&self.source, now, policy),
        }
    }
}

/// The rows of one owner in one region, found by name.
pub(crate) struct RegionRows<'a> {
    rows: &'a [Allowance],
    source: &'a Source,
    pub(crate) owner: &'a str,
    unreadable: Option<(Reason, String)>,
}

impl<'a> RegionRows<'a> {
    /// Looks a row up.
    pub(crate) fn find(&self, name: &str) -> Found<'a> {
        if let Some((reason, why)) = &self.unreadable {
            return Found::Unreadable(*reason, why.clone());
        }
        let rows = equal_run(self.rows, |row| row.name.as_str().cmp(name));
        match rows.split_first() {
            Some((row, twins)) if twins.iter().all(|twin| twin == row) => Found::Row(row),
            Some(_) => Found::Twins,
            None if self.source.state == SourceState::Incomplete => {
                Found::Unreadable(Reason::ScopeUnreadable, read_in_part(self.source))
            }
            None => Found::Absent,
        }
    }
}

/// Why a source cannot be believed at all, if it cannot: it was not read, or too long ago. A source that was read in part
/// can be believed for what it holds.
pub(crate) fn unreadable(source: &Source, now: u64, policy: &Policy) -> Option<(Reason, String)> {
    match source.state {
        SourceState::Denied | SourceState::Unavailable => Some((
            Reason::ScopeUnreadable,
            source
                .detail
                .clone()
                .unwrap_or_else(|| String::from("the cloud did not say why")),
        )),
        SourceState::Complete | SourceState::Incomplete => {
            let age = now.saturating_sub(source.fetched_at);
            policy
                .max_age_ms
                .filter(|max_age| age > *max_age)
                .map(|max_age| {
                    (
                        Reason::Stale,
                        format!(
                            "read {} s ago, older than the {} s that the policy allows",
                            age / 1000,
                            max_age / 1000
                        ),
                    )
                })
        }
    }
}

fn read_in_part(source: &Source) -> String {
    match &source.detail {
        Some(detail) => format!("the list was read in part: {detail}"),
        None => String::from("the list was read in part"),
    }
}

fn row_key(row: &Allowance) -> (&str, &str) {
    (&row.region, &row.name)
}

fn capacity_key(row: &Capacity) -> (&str, &str) {
    (&row.region, &row.instance_type)
}

/// The run of a sorted slice that compares equal.
fn equal_run<T>(sorted: &[T], compare: impl Fn(&T) -> Ordering) -> &[T] {
    let start = sorted.partition_point(|item| compare(item) == Ordering::Less);
    let rest = sorted.get(start..).unwrap_or_default();
    let length = rest.partition_point(|item| compare(item) == Ordering::Equal);
    rest.get(..length).unwrap_or_default()
}
