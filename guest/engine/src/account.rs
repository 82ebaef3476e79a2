//! What was read of an account for one project, sorted once so that every judgement finds its rows quickly.

use alloc::{format, string::String, vec::Vec};

use crate::vocabulary::{
    Allowance, AllowanceList, Allowances, Block, Capacities, Capacity, InstanceType, InstanceTypes,
    Policy, Reason, Reservations, Source, SourceState, Sources,
};

/// An account as one project sees it. Build it once for a generation of the inventory, judge with it often.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) project: String,
    pub(crate) tenant_rows: Rows,
    pub(crate) project_rows: Rows,
    pub(crate) region: Option<String>,
    types: Index<InstanceType>,
    pub(crate) types_source: Source,
    capacities: Index<Capacity>,
    pub(crate) capacities_source: Source,
    pub(crate) reservations: Reservations,
    pub(crate) blocks: Vec<Block>,
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
        Self {
            project: project.into(),
            tenant_rows: Rows::new(allowances.tenant),
            project_rows: Rows::new(allowances.project),
            region: instance_types.region,
            types: Index::new(instance_types.items.into_iter(), |item| &item.name),
            types_source: instance_types.source,
            capacities: Index::new(capacities.items.into_iter(), |row| &row.instance_type),
            capacities_source: capacities.source,
            reservations,
            blocks: Vec::new(),
        }
    }

    /// The same account with what failed launches taught.
    #[must_use]
    pub fn with_blocks(mut self, blocks: Vec<Block>) -> Self {
        self.blocks = blocks;
        self
    }

    /// Takes in how far each list was read, and when: reading the same again changes nothing else.
    pub fn set_sources(&mut self, sources: Sources) {
        self.tenant_rows.source = sources.tenant_allowances;
        self.project_rows.source = sources.project_allowances;
        self.types_source = sources.instance_types;
        self.capacities_source = sources.capacities;
        self.reservations.source = sources.reservations;
    }

    /// The type of that name, if the project is offered it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.types.find(name).find(|item| item.name == name)
    }

    /// The advice on one type in one region: all fabrics, all lanes.
    pub(crate) fn capacities<'a>(
        &'a self,
        region: &'a str,
        instance_type: &'a str,
    ) -> impl Iterator<Item = &'a Capacity> {
        self.capacities
            .find(instance_type)
            .filter(move |row| row.instance_type == instance_type && row.region == region)
    }
}

/// The rows of one owner, found by region and name.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    owner: String,
    by_region: Vec<(String, Index<Allowance>)>,
    source: Source,
}

/// Items found by a name. Names of the cloud share long beginnings, and comparing them byte by byte was most of a
/// judgement's cost; a fingerprint of each is compared first.
#[derive(Clone, Debug)]
struct Index<T> {
    sorted: Vec<(u64, T)>,
}

impl<T> Index<T> {
    fn new(items: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Self {
        let mut sorted: Vec<(u64, T)> =
            items.map(|item| (fingerprint(name(&item)), item)).collect();
        sorted.sort_by_key(|(key, _)| *key);
        Self { sorted }
    }

    /// Every item of that name, and rarely some other whose fingerprint is the same: the caller compares names.
    fn find<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a T> + Clone + use<'a, T> {
        let wanted = fingerprint(name);
        let start = self.sorted.partition_point(|(key, _)| *key < wanted);
        let rest = self.sorted.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(move |(key, _)| *key == wanted)
            .map(|(_, item)| item)
    }
}

/// A number that differs for different names, nearly always.
fn fingerprint(name: &str) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    name.as_bytes()
        .chunks(8)
        .fold(name.len() as u64, |sum, chunk| {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            (sum ^ u64::from_le_bytes(word))
                .wrapping_mul(SPREAD)
                .rotate_left(29)
        })
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
        let mut regions: Vec<String> = rows.iter().map(|row| row.region.clone()).collect();
        regions.sort();
        regions.dedup();
        let by_region = regions
            .into_iter()
            .map(|region| {
                let here = rows.iter().filter(|row| row.region == region).cloned();
                let index = Index::new(here, |row| &row.name);
                (region, index)
            })
            .collect();
        Self {
            owner,
            by_region,
            source,
        }
    }

    /// The rows of one region; `now` and the policy decide whether the list is too old to be believed.
    pub(crate) fn region(&self, region: &str, now: u64, policy: &Policy) -> RegionRows<'_> {
        RegionRows {
            rows: self
                .by_region
                .iter()
                .find(|(name, _)| name == region)
                .map(|(_, rows)| rows),
            source: &self.source,
            owner: &self.owner,
            unreadable: unreadable(&self.source, now, policy),
        }
    }
}

/// The rows of one owner in one region, found by name.
pub(crate) struct RegionRows<'a> {
    rows: Option<&'a Index<Allowance>>,
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
        let mut rows = self
            .rows
            .into_iter()
            .flat_map(|rows| rows.find(name))
            .filter(|row| row.name == name);
        match rows.next() {
            Some(row) if rows.all(|twin| twin == row) => Found::Row(row),
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
