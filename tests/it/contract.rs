//! The contract: what the component imports, and the text of the contract itself. A change of either shows here first.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// The sources below a folder of the repository.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "wit");
        if path.is_dir() {
            sources(&path, found);
        } else if is_source {
            found.push(path);
        }
    }
}

#[test]
fn what_every_cloud_shares_names_none() {
    const NAMES: &[&str] = &[
        "nebius",
        "aws",
        "amazon",
        "ec2",
        "gcp",
        "google cloud",
        "azure",
        "oci",
        "crusoe",
        "lambda",
        "h100",
        "h200",
        "b200",
        "infiniband",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["wit", "guest/engine/src", "guest/sdk/src", "host/gate/src"] {
        sources(&root.join(folder), &mut found);
    }
    assert!(found.len() > 80, "{} files", found.len());
    for path in found {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        let words: Vec<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .collect();
        for name in NAMES {
            let parts: Vec<&str> = name.split(' ').collect();
            let is_named = words.windows(parts.len()).any(|part| part == parts);
            assert!(!is_named, "{} names `{name}`", path.display());
        }
    }
}
