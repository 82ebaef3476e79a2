//! The contract: what the component imports, and the text of the contract itself. A change of either shows here first.

use crate::live::plugin;

#[test]
fn the_component_asks_for_the_inventory_and_the_time() {
    let plugin = plugin();
    insta::assert_snapshot!(plugin.imports().join("\n"), @r"
    quotagate:plugin/types@0.2.0
    quotagate:plugin/inventory@0.2.0
    wasi:clocks/wall-clock@0.2.12
    ");
}

#[test]
fn the_digest_that_is_handed_out_is_that_of_the_bytes() {
    let plugin = plugin();
    assert_eq!(plugin.sha256(), quotagate_plugins::NEBIUS.sha256);
    assert_eq!(plugin.descriptor().cloud, quotagate_plugins::NEBIUS.name);
}

/// Comments aside, the contract is what plugins of other people are built against.
#[test]
fn the_contract_changes_on_purpose() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let contract: String = ["types", "inventory", "gate", "world"]
        .iter()
        .map(|name| std::fs::read_to_string(root.join(format!("{name}.wit"))).unwrap())
        .flat_map(|text| {
            text.lines()
                .filter(|line| !line.trim_start().starts_with("///") && !line.trim().is_empty())
                .map(|line| format!("{line}\n"))
                .collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!("contract", contract);
}
