//! What was read of an account for one project, sorted once so that every judgement finds its rows quickly.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use crate::vocabulary::{
    Allowance, AllowanceList, Allowances, Block, Capacities, Capacity, InstanceType, InstanceTypes,
    Policy, Reason, Reservations, Source, SourceState, Sources,
};

/// What the projects of a tenant share, sorted: its quota rows, and the cloud's advice. Cheap to share: clones are the same.
#[derive(Clone, Debug)]
pub struct Tenant(Arc<Sorted>);

#[derive(Debug)]
struct Sorted {
    rows: Rows,
    rows_source: Source,
    capacities: Index<Capacity>,
    capacities_source: Source,
}

impl Tenant {
    /// Sorts what was read of a tenant.
    pub fn new(allowances: AllowanceList, capacities: Capacities) -> Self {
        let (rows, rows_source) = Rows::new(allowances);
        Self(Arc::new(Sorted {
            rows,
            rows_source,
            capacities: Index::new(capacities.items.into_iter(), |row| &row.instance_type),
            capacities_source: capacities.source,
        }))
    }
}

/// An account as one project sees it. Build it once for a generation of the inventory, judge with it often.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) project: String,
    tenant: Tenant,
    tenant_rows_source: Source,
    project_rows: Rows,
    project_rows_source: Source,
    pub(crate) region: Option<String>,
    pub(crate) project_state: Option<String>,
    types: Index<InstanceType>,
    pub(crate) types_source: Source,
    pub(crate) capacities_source: Source,
    pub(crate) reservations: Reservations,
    pub(crate) blocks: Arc<[Block]>,
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
        let tenant = Tenant::new(allowances.tenant, capacities);
        Self::of_tenant(
            project,
            &tenant,
            allowances.project,
            instance_types,
            reservations,
        )
    }

    /// [`Account::new`] for one project of a tenant whose part is sorted already.
    pub fn of_tenant(
        project: &str,
        tenant: &Tenant,
        allowances: AllowanceList,
        instance_types: InstanceTypes,
        reservations: Reservations,
    ) -> Self {
        let (project_rows, project_rows_source) = Rows::new(allowances);
        Self {
            project: project.into(),
            tenant: tenant.clone(),
            tenant_rows_source: tenant.0.rows_source.clone(),
            project_rows,
            project_rows_source,
            region: instance_types.region,
            project_state: instance_types.project_state,
            types: Index::new(instance_types.items.into_iter(), |item| &item.name),
            types_source: instance_types.source,
            capacities_source: tenant.0.capacities_source.clone(),
            reservations,
            blocks: Arc::new([]),
        }
    }

    /// The same account with what failed launches taught.
    #[must_use]
    pub fn with_blocks(mut self, blocks: impl Into<Arc<[Block]>>) -> Self {
        self.blocks = blocks.into();
        self
    }

    /// Takes in how far each list was read, and when: reading the same again changes nothing else.
    pub fn set_sources(&mut self, sources: Sources) {
        self.tenant_rows_source = sources.tenant_allowances;
        self.project_rows_source = sources.project_allowances;
        self.types_source = sources.instance_types;
        self.capacities_source = sources.capacities;
        self.reservations.source = sources.reservations;
    }

    /// The type of that name, if the project is offered it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.types.find(name).find(|item| item.name == name)
    }

    /// The tenant's rows in one region; `now` and the policy decide whether the list is too old to be believed.
    pub(crate) fn tenant_rows(&self, region: &str, now: u64, policy: &Policy) -> RegionRows<'_> {
        let rows = &self.tenant.0.rows;
        rows.region(region, &self.tenant_rows_source, now, policy)
    }

    /// The project's rows in one region, as [`Account::tenant_rows`].
    pub(crate) fn project_rows(&self, region: &str, now: u64, policy: &Policy) -> RegionRows<'_> {
        let rows = &self.project_rows;
        rows.region(region, &self.project_rows_source, now, policy)
    }

    /// The advice on one type in one region: all fabrics, all lanes.
    pub(crate) fn capacities<'a>(
        &'a self,
        region: &'a str,
        instance_type: &'a str,
    ) -> impl Iterator<Item = &'a Capacity> {
        self.tenant
            .0
            .capacities
            .find(instance_type)
            .filter(move |row| row.instance_type == instance_type && row.region == region)
    }
}

/// The rows of one owner, found by region and name.
#[derive(Clone, Debug)]
struct Rows {
    owner: String,
    by_region: Vec<(String, Index<Allowance>)>,
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
    /// Rows of one name that contradict each other.
    Twins,
    /// The list was read to its end and has no such row.
    Absent,
    /// Nobody knows, and why.
    Unreadable(Reason, String),
}

impl Rows {
    fn new(list: AllowanceList) -> (Self, Source) {
        let AllowanceList {
            owner,
            mut rows,
            source,
        } = list;
        // Rows of another owner say nothing of this one.
        rows.retain(|row| row.owner == owner);
        rows.sort_by(|one, other| one.region.cmp(&other.region));
        let mut by_region: Vec<(String, Vec<Allowance>)> = Vec::new();
        for row in rows {
            match by_region.last_mut() {
                Some((region, here)) if *region == row.region => here.push(row),
                _ => by_region.push((row.region.clone(), Vec::from([row]))),
            }
        }
        let by_region = by_region
            .into_iter()
            .map(|(region, here)| (region, Index::new(here.into_iter(), |row| &row.name)))
            .collect();
        (Self { owner, by_region }, source)
    }

    fn region<'a>(
        &'a self,
        region: &str,
        source: &'a Source,
        now: u64,
        policy: &Policy,
    ) -> RegionRows<'a> {
        RegionRows {
            rows: self
                .by_region
                .iter()
                .find(|(name, _)| name == region)
                .map(|(_, rows)| rows),
            source,
            owner: &self.owner,
            unreadable: unreadable(source, now, policy),
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
    /// How far the list was read.
    pub(crate) const fn state(&self) -> SourceState {
        self.source.state
    }

    /// Whether the list has a row of that name, or may have one that was not read. Its age does not matter here.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.source.state != SourceState::Complete
            || self
                .rows
                .is_some_and(|rows| rows.find(name).any(|row| row.name == name))
    }

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
