//! Rows as the plugin reads them, with what is held of them.

use quotagate_contract::Standing;

use crate::gate::{Gate, GateError};

/// A row, and what is promised of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldStanding {
    /// The row as the plugin reads it.
    pub standing: Standing,
    /// Promised to launches that its usage does not show yet, for certain.
    pub held_at_least: u64,
    /// The same at most.
    pub held_at_most: u64,
}

impl Gate {
    /// The rows that launches of a project may draw on.
    ///
    /// # Errors
    /// When the plugin gives no answer, or the account lists no such project.
    pub async fn standings(&self, project: &str) -> Result<Vec<HeldStanding>, GateError> {
        let inventory = self.inventory().await;
        inventory.must_list(project)?;
        let project = project.to_owned();
        let standings = self
            .judge()
            .call("standings", &inventory, move |plugin, shown, clock| {
                plugin.standings(shown, clock, &project, None)
            })
            .await?;
        let held = standings.into_iter().map(|standing| {
            let held = inventory.held_of(&standing.key);
            HeldStanding {
                held_at_least: held.map_or(0, |held| held.at_least),
                held_at_most: held.map_or(0, |held| held.at_most),
                standing,
            }
        });
        Ok(held.collect())
    }
}
