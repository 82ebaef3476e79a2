//! How much is used of rows that something is held of, or that a failed launch spoke of, as the plugin reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use quotagate_contract::Standing;

use super::Inventory;

/// Asks a plugin how rows stand.
#[async_trait]
pub(crate) trait AskStandings: Send + Sync {
    /// These rows as a project sees them; none where the plugin does not say.
    async fn standings(
        &self,
        inventory: &Arc<Inventory>,
        project: &str,
        rows: &[String],
    ) -> Option<Vec<Standing>>;
}

/// Rows by the project that is asked for them.
pub(crate) type Wanted = BTreeMap<String, BTreeSet<String>>;

/// What one snapshot says of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// How much is used at most; none where that is not a measurement, or has no upper end.
    pub(crate) usage: Option<u64>,
    /// How much is left; none where that is not known.
    pub(crate) headroom: Option<u64>,
    /// The keys of the sources that it rests on.
    pub(crate) rests_on: Arc<[String]>,
}

impl From<Standing> for Reading {
    fn from(standing: Standing) -> Self {
        let is_measured = standing.measured;
        Self {
            usage: standing.usage.at_most.filter(|_| is_measured),
            headroom: standing.headroom.filter(|_| is_measured),
            rests_on: standing.rests_on.into(),
        }
    }
}

/// Readings by the row's key.
pub(crate) type Readings = BTreeMap<String, Reading>;

/// Asks for all of these rows. A row that several projects see is read as the first of them sees it.
pub(crate) async fn read(
    plugin: &dyn AskStandings,
    inventory: &Arc<Inventory>,
    wanted: &Wanted,
) -> Readings {
    let mut readings = Readings::new();
    for (project, rows) in wanted {
        let rows: Vec<String> = rows
            .iter()
            .filter(|row| !readings.contains_key(*row))
            .cloned()
            .collect();
        if rows.is_empty() {
            continue;
        }
        let standings = plugin.standings(inventory, project, &rows).await;
        for standing in standings.unwrap_or_default() {
            let row = standing.key.clone();
            if rows.contains(&row) {
                readings.entry(row).or_insert_with(|| standing.into());
            }
        }
    }
    readings
}
