//! The same answers natively and through the component: proof that the bindings and conversions carry everything over.

use std::{path::Path, sync::Arc};

use nebius_api::world::World;
use quotagate::{Clock, Detail, ErrorCode, Gate, Policy, Profile, Question, Verdict};
use quotagate_guest::{
    Engine, NativeReader,
    json::{admit_json, assess_json},
};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::Nebius;
use serde_json::{Value, json};

use crate::{
    harness::{GPU_QUOTA, WorldBuilder, acme},
    live::{address, plugin},
};

const NOW: u64 = 1_790_000_000_000;

async fn gate(world: &Path) -> Gate {
    let world = World::read(world).unwrap();
    Gate::builder(plugin(), Arc::new(RecordedWorld::new(world).unwrap()))
        .clock(Clock::from_fn(|| NOW))
        .build()
        .unwrap()
}

/// Asks both for the same and compares what they say, to the letter. The engine is one for all questions, as in a component.
async fn compare(world: &Path, profiles: &[Value], counts: &[u32]) -> usize {
    let gate = gate(world).await;
    let inventory = gate.inventory().await;
    let reader = NativeReader::new(inventory.contract(), NOW);
    let mut engine = Engine::new(Nebius);
    let (plugin, clock) = (gate.plugin(), Clock::from_fn(|| NOW));
    let asked = plugin.on(&inventory, &clock);
    let mut compared = 0;
    for chain in &reader.inventory().owners {
        let project = chain.last().unwrap();
        let mut offers = inventory.offers();
        offers.retain(|offer| Some(&offer.region) == project.place.region.as_ref());
        for (profile, count) in profiles
            .iter()
            .flat_map(|profile| counts.iter().map(move |count| (profile, count)))
        {
            let mut profile = profile.clone();
            profile["project"] = project.id.as_str().into();
            if let Some(zone) = profile.as_object_mut().unwrap().remove("zone") {
                for offer in &mut offers {
                    offer.zone = Some(zone.as_str().unwrap().to_owned());
                }
            }
            let policy = json!({"detail": "all"});
            let request =
                json!({"offers": offers, "count": count, "profile": profile, "policy": policy})
                    .to_string();
            let native = assess_json(&mut engine, &reader, &request).unwrap();
            let component = asked.assess_json(&request).unwrap();
            assert_eq!(native, component);

            let plan: Vec<Value> = offers
                .iter()
                .map(|offer| json!({"offer": offer, "count": count, "profile": profile}))
                .collect();
            let request = json!({"plan": plan, "policy": policy}).to_string();
            let native = admit_json(&mut engine, &reader, &request).unwrap();
            let component = asked.admit_json(&request).unwrap();
            assert_eq!(native, component);
            compared += offers.len();
        }
    }
    compared
}

fn profiles() -> Vec<Value> {
    let ssd = json!({"kind": "disk.network-ssd", "bytes": 107_374_182_400_u64});
    let private = json!({"kind": "address.private"});
    let public = |kind: &str| json!({"kind": format!("address.public.{kind}")});
    let shared =
        json!({"kind": "filesystem.network-ssd", "bytes": 107_374_182_400_u64, "per": "launch"});
    let cluster = json!({"kind": "cluster", "per": "launch"});
    vec![
        json!({}),
        json!({"needs": [ssd, private]}),
        json!({"needs": [ssd, ssd, private, public("static")], "reservation": "forbid"}),
        json!({"needs": [shared, cluster], "reservation": "strict", "together": true}),
        json!({"needs": [public("dynamic")], "restart": true, "zone": "fabric-7"}),
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

/// The typed exports and their JSON twin are one function in three dresses: in numbers, in words, as text.
#[tokio::test]
async fn the_typed_exports_and_their_twin_agree() {
    let gate = gate(&acme()).await;
    let inventory = gate.inventory().await;
    let mut offers = inventory.offers();
    offers.retain(|offer| offer.region == "eu-north1");
    let policy = Policy {
        detail: Detail::All,
        ..Policy::default()
    };
    let profile = Profile {
        project: "project-e00eunorth1".to_owned(),
        needs: vec![address()],
        ..Profile::default()
    };
    let request =
        json!({"offers": offers, "count": 2, "profile": profile, "policy": policy}).to_string();
    let (plugin, clock) = (gate.plugin(), Clock::from_fn(|| NOW));
    let asked = plugin.on(&inventory, &clock);
    let twin: Value = serde_json::from_str(&asked.assess_json(&request).unwrap()).unwrap();
    let question = || {
        let question = Question::new(&offers).count(2);
        question.profile(profile.clone()).detail(Detail::All)
    };
    let told = gate.explain(&question()).await.unwrap();
    let numbered = gate.filter(&question()).await.unwrap();
    assert_eq!(told.items.len(), offers.len());
    for (told, numbered) in told.items.iter().zip(&numbered.items) {
        let twin: &Value = &twin["verdicts"][told.index];
        assert_eq!(&serde_json::to_value(&*told.verdict).unwrap(), twin);
        // In numbers it is the same without words.
        let mut wordless = Verdict::clone(&told.verdict);
        for finding in &mut wordless.findings {
            let finding = Arc::make_mut(finding);
            finding.title = None;
            finding.detail = None;
            finding.remedy = None;
            finding.rule = None;
        }
        assert_eq!(*numbered.verdict, wordless);
    }
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
            .on(&inventory, &Clock::from_fn(|| NOW))
            .assess_json(request)
            .unwrap_err();
        let reader = NativeReader::new(inventory.contract(), NOW);
        let native = assess_json(&mut Engine::new(Nebius), &reader, request).unwrap_err();
        assert_eq!(native.code, ErrorCode::InvalidText);
        assert_eq!(refused.to_string(), native.message);
        assert_eq!(refused.code(), Some(ErrorCode::InvalidText));
    }
}
