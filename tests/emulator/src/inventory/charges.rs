//! What resources take of quotas and blocks, and the sums of it by owner.

use std::collections::BTreeMap;

/// Amounts by quota; an amount of zero is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charges(BTreeMap<String, u64>);

impl Charges {
    pub(crate) fn of<Q: Into<String>>(amounts: impl IntoIterator<Item = (Q, u64)>) -> Self {
        let mut charges = Self::default();
        for (quota, amount) in amounts {
            charges.add(&quota.into(), amount);
        }
        charges
    }

    pub(crate) fn add(&mut self, quota: &str, amount: u64) {
        if amount > 0 {
            let sum = self.0.entry(quota.to_owned()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        for (quota, amount) in others.iter() {
            self.add(quota, amount);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .map(|(quota, amount)| (quota.as_str(), *amount))
    }
}

/// Whose row it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Tenant,
    Project(String),
}

/// What names a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    pub(crate) scope: Scope,
    pub(crate) quota: String,
    pub(crate) region: String,
}

impl RowKey {
    pub(crate) fn new(scope: &Scope, quota: &str, region: &str) -> Self {
        Self {
            scope: scope.clone(),
            quota: quota.to_owned(),
            region: region.to_owned(),
        }
    }
}

/// The sums over all resources at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    rows: BTreeMap<RowKey, u64>,
    /// GPUs by block.
    blocks: BTreeMap<String, u64>,
    /// GPUs by project and block.
    slices: BTreeMap<(String, String), u64>,
}

impl Tally {
    /// Counts what a resource in a project takes, once for the project and once for the tenant (nebius rule 1).
    pub(super) fn count(&mut self, project_id: &str, region: &str, charges: &Charges) {
        let project = Scope::Project(project_id.to_owned());
        for (quota, amount) in charges.iter() {
            for scope in [&Scope::Tenant, &project] {
                let sum = self
                    .rows
                    .entry(RowKey::new(scope, quota, region))
                    .or_default();
                *sum = sum.saturating_add(amount);
            }
        }
    }

    /// Counts GPUs that are from a block.
    pub(super) fn count_block(&mut self, project_id: &str, block_id: &str, gpus: u64) {
        let of_block = self.blocks.entry(block_id.to_owned()).or_default();
        *of_block = of_block.saturating_add(gpus);
        let slice = (project_id.to_owned(), block_id.to_owned());
        let of_slice = self.slices.entry(slice).or_default();
        *of_slice = of_slice.saturating_add(gpus);
    }

    pub(crate) fn row(&self, key: &RowKey) -> u64 {
        self.rows.get(key).copied().unwrap_or_default()
    }

    pub(crate) fn block(&self, block_id: &str) -> u64 {
        self.blocks.get(block_id).copied().unwrap_or_default()
    }

    pub(crate) fn slice(&self, project_id: &str, block_id: &str) -> u64 {
        let key = (project_id.to_owned(), block_id.to_owned());
        self.slices.get(&key).copied().unwrap_or_default()
    }
}
