//! A field of an account that is left out, or is something else, never turns a blocked launch into one that fits.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use nebius_api::world::World;
use quotagate::{Clock, Gate};
use quotagate_guest::{Engine, NativeReader, json::assess_json};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::Nebius;
use serde_json::{Value, json};

use crate::live::plugin;

const NOW: u64 = 1_790_000_000_000;

const FILES: [&str; 5] = [
    "tenant/tenant.json",
    "tenant/projects.json",
    "tenant/allowances.json",
    "projects/project-e00test/allowances.json",
    "projects/project-e00test/platforms.json",
];

/// The quotas that the launch draws on.
const DRAWN: [&str; 2] = ["compute.instance.gpu.h200", "compute.instance.count"];

/// What is said of the quotas of a launch in an account; none where its files are refused.
async fn quota(files: &BTreeMap<&str, Value>) -> Option<String> {
    let texts = files
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect();
    let world = World::from_texts(&texts).ok()?;
    let source = Arc::new(RecordedWorld::new(world).ok()?);
    let clock = Clock::from_fn(|| NOW);
    let gate = Gate::builder(plugin(), source).clock(clock).build();
    let inventory = gate.unwrap().inventory().await;
    let request = json!({
        "offers": [{
            "instance_type": "gpu-h200-sxm 8gpu-128vcpu-1600gb",
            "region": "eu-north1",
            "lifecycle": "on-demand",
        }],
        "count": 1,
        "profile": {"project": "project-e00test"},
    });
    let reader = NativeReader::new(inventory.contract(), NOW);
    let mut engine = Engine::new(Nebius);
    let answer = assess_json(&mut engine, &reader, &request.to_string()).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    Some(answer["verdicts"][0]["quota"].as_str().unwrap().to_owned())
}

/// Every place in a value that has a key.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let place = format!("{at}/{name}");
                places(inner, &place, found);
                found.push(place);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                places(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn no_field_that_is_missing_or_wrong_makes_a_blocked_launch_fit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/worlds/small");
    let mut files: BTreeMap<&str, Value> = FILES
        .iter()
        .map(|name| {
            let text = fs::read_to_string(root.join(name)).unwrap();
            let mut value: Value = serde_json::from_str(&text).unwrap();
            if let Some(rows) = value["items"].as_array_mut() {
                // What the launch does not draw on says nothing.
                rows.retain(|row| {
                    let name = row["metadata"]["name"].as_str().unwrap_or_default();
                    !name.contains('.') || DRAWN.contains(&name)
                });
            }
            (*name, value)
        })
        .collect();
    assert_eq!(quota(&files).await.as_deref(), Some("fits"));
    let rows = files.get_mut("tenant/allowances.json").unwrap();
    for row in rows["items"].as_array_mut().unwrap() {
        if row["metadata"]["name"] == "compute.instance.gpu.h200" {
            row["status"]["usage"] = json!("60");
        }
    }
    assert_eq!(quota(&files).await.as_deref(), Some("blocked"));
    let mut tried = 0;
    for name in FILES {
        let mut all = Vec::new();
        places(&files[name], "", &mut all);
        for place in all {
            let (parent, field) = place.rsplit_once('/').unwrap();
            let other = [
                None,
                Some(Value::Null),
                Some(json!({})),
                Some(json!([])),
                Some(json!("")),
                Some(json!("x")),
                Some(json!(0.5)),
                Some(json!(-1)),
            ];
            for value in other {
                let mut damaged = files.clone();
                let file = damaged.get_mut(name).unwrap();
                let inside = file.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                match &value {
                    None => drop(inside.remove(field)),
                    Some(value) => drop(inside.insert(field.to_owned(), value.clone())),
                }
                // The CLI leaves a usage of zero out: this one is not wrong, it says something else.
                let is_zero = matches!(value, None | Some(Value::Null)) && field == "usage";
                let said = quota(&damaged).await;
                assert!(
                    is_zero || said.as_deref() != Some("fits"),
                    "{name}{place} as {value:?}: {said:?}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}
