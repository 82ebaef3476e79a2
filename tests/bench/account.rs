//! What a gate shows a plugin, as the engine takes it: for tests and measurements that call the engine natively.

use quotagate::Inventory;
use quotagate_engine as engine;

/// The account of a project.
pub(crate) fn account(inventory: &Inventory, project: &str) -> engine::Account {
    #[derive(serde::Deserialize)]
    struct Shown {
        allowances: engine::Allowances,
        instance_types: engine::InstanceTypes,
        capacities: engine::Capacities,
        reservations: engine::Reservations,
        blocks: Vec<engine::Block>,
    }
    let shown = serde_json::json!(inventory.shown_for(project));
    let shown: Shown = serde_json::from_value(shown).unwrap();
    engine::Account::new(
        project,
        shown.allowances,
        shown.instance_types,
        shown.capacities,
        shown.reservations,
    )
    .with_blocks(shown.blocks)
}
