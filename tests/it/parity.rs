//! The same answers natively and through the component: proof that the bindings and conversions carry everything over.

use std::{path::Path, sync::Arc};

use nebius_api::world::World;
use quotagate::{Clock, Gate};
use quotagate_engine as engine;
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::json::{Refusal, admit_json, assess_json};
use serde_json::{Value, json};

use crate::{
    account::account,
    harness::{GPU_QUOTA, WorldBuilder, acme},
    live::plugin,
};

const NOW: u64 = 1_790_000_000_000;

async fn gate(world: &Path) -> Gate {
    let world = World::read(world).unwrap();
    Gate::builder(plugin(), Arc::new(RecordedWorld::new(world).unwrap()))
        .clock(Clock::from_fn(|| NOW))
        .build()
        .unwrap()
}

/// Asks both for the same and compares what they say, to the letter.
async fn compare(world: &Path, profiles: &[Value], counts: &[u32]) -> usize {
    let gate = gate(world).await;
    let inventory = gate.inventory().await;
    let mut compared = 0;
    for project in inventory.projects() {
        let account = Arc::new(account(&inventory, project));
        let region = inventory.region_of(project).unwrap();
        let mut offers = inventory.offers();
        offers.retain(|offer| offer.region == region);
        for (profile, count) in profiles
            .iter()
            .flat_map(|profile| counts.iter().map(move |count| (profile, count)))
        {
            let mut profile = profile.clone();
            profile["project"] = project.into();
            let policy = json!({"explain": true, "strictness": "strict"});
            let request =
                json!({"offers": offers, "count": count, "profile": profile, "policy": policy})
                    .to_string();
            let native = assess_json(&request, NOW, |_| account.clone()).unwrap();
            let component = gate
                .plugin()
                .assess_json(&inventory, &Clock::from_fn(|| NOW), &request)
                .unwrap();
            assert_eq!(native, component);

            let plan: Vec<Value> = offers
                .iter()
                .map(|offer| json!({"offer": offer, "count": count, "profile": profile}))
                .collect();
            let request = json!({"plan": plan, "policy": policy}).to_string();
            let native = admit_json(&request, NOW, |_| account.clone()).unwrap();
            let component = gate
                .plugin()
                .admit_json(&inventory, &Clock::from_fn(|| NOW), &request)
                .unwrap();
            assert_eq!(native, component);
            compared += offers.len();
        }
    }
    compared
}

fn profiles() -> Vec<Value> {
    let ssd = json!({"kind": "network-ssd", "bytes": 107_374_182_400_u64, "count": 1});
    vec![
        json!({}),
        json!({"disks": [ssd], "private_addresses": 1}),
        json!({"disks": [ssd, ssd], "private_addresses": 1, "static_public_addresses": 1, "reservation": "forbid"}),
        json!({"reservation": "strict", "new_cluster": true, "filesystems": [ssd]}),
        json!({"restart": true, "dynamic_public_addresses": 1, "fabric": "fabric-7"}),
    ]
}

#[tokio::test]
async fn the_component_says_what_the_rules_say() {
    assert!(compare(&acme(), &profiles(), &[1, 4, 1_000_000]).await > 500);
    let reserved = WorldBuilder::new()
        .tenant(GPU_QUOTA, 16, 8)
        .block("a", "fabric-7", 24, 8)
        .block("b", "fabric-8", 8, 0)
        .capacity_allowance("a", 8, 0)
        .advice("on_demand", "FRESH", 2, "LOW")
        .advice("reserved", "FRESH", 0, "LIMIT_REACHED")
        .build();
    compare(reserved.path(), &profiles(), &[1, 2, 3]).await;
    let unreadable = WorldBuilder::new()
        .tenant_denied()
        .project(GPU_QUOTA, 4, 0)
        .build();
    compare(unreadable.path(), &profiles(), &[1]).await;
}

/// The typed export and its JSON twin are one function in two dresses.
#[tokio::test]
async fn the_typed_export_and_its_twin_agree() {
    let gate = gate(&acme()).await;
    let inventory = gate.inventory().await;
    let offers = inventory.offers();
    let policy = quotagate::Policy {
        explain: true,
        ..quotagate::Policy::default()
    };
    let profile = quotagate::Profile {
        project: "project-e00eunorth1".to_owned(),
        private_addresses: 1,
        ..quotagate::Profile::default()
    };
    let clock = Clock::from_fn(|| NOW);
    let typed = gate
        .plugin()
        .assess(&inventory, &clock, &offers, 2, &profile, &policy)
        .unwrap();
    let request =
        json!({"offers": offers, "count": 2, "profile": profile, "policy": policy}).to_string();
    let twin: Value = serde_json::from_str(
        &gate
            .plugin()
            .assess_json(&inventory, &clock, &request)
            .unwrap(),
    )
    .unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), twin["verdicts"]);
}

#[tokio::test]
async fn both_refuse_the_same_nonsense() {
    let gate = gate(&acme()).await;
    let inventory = gate.inventory().await;
    for request in [
        "",
        "[]",
        "{\"offers\": 1}",
        "{\"offers\": [], \"unheard_of\": 1}",
        "{\"offers\": [], \"count\": -1}",
        "{\"offers\": [{\"instance_type\": \"x\"}]}",
    ] {
        let refused = gate
            .plugin()
            .assess_json(&inventory, &Clock::from_fn(|| NOW), request)
            .unwrap_err();
        let native = assess_json(request, NOW, |_| -> Arc<engine::Account> {
            panic!("asked")
        });
        let Err(Refusal::InvalidJson(why)) = native else {
            panic!("{request} was understood");
        };
        assert_eq!(refused.to_string(), why);
        assert_eq!(refused.code(), Some(quotagate::ErrorCode::InvalidJson));
    }
}
