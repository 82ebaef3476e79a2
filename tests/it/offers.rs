//! The same offers from a recorded world and from the emulator that serves it: the files, the wire and the conversions
//! say the same.

use std::{path::Path, sync::Arc};

use nebius_api::world::World;
use nebius_emulator::{Emulator, Faults};
use quotagate::{Availability, Gate, Question, Strictness};
use quotagate_nebius::RecordedWorld;
use serde_json::Value;

use crate::{
    harness::{GPU_QUOTA, Said, WorldBuilder, acme, quotagate},
    live::plugin,
};

/// Runs the command line beside the emulator, whose tasks go on meanwhile.
pub(crate) async fn ask(arguments: &[&str]) -> Said {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    tokio::task::spawn_blocking(move || {
        quotagate(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    })
    .await
    .unwrap()
}

fn items(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{said:?}");
    said.json()["offers"].clone()
}

/// A file that is missing and a server that refuses are described in other words.
fn without_words(mut offers: Value) -> Value {
    for offer in offers.as_array_mut().unwrap() {
        for finding in offer["findings"].as_array_mut().unwrap() {
            finding["detail"].take();
        }
    }
    offers
}

async fn same_offers(world: &Path) -> usize {
    let emulator = Emulator::builder(World::read(world).unwrap())
        .spawn()
        .await
        .unwrap();
    let address = emulator.addr().to_string();
    let recorded = ask(&[
        "offers",
        "--recorded",
        world.to_str().unwrap(),
        "--format",
        "json",
        "--explain",
    ])
    .await;
    let live = ask(&[
        "offers",
        "--endpoint",
        &address,
        "--format",
        "json",
        "--explain",
    ])
    .await;
    let (recorded, live) = (without_words(items(&recorded)), without_words(items(&live)));
    assert_eq!(recorded, live);
    recorded.as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_world_and_the_emulator_that_serves_it_offer_the_same() {
    assert!(same_offers(&acme()).await > 50);
    for world in [
        WorldBuilder::new(),
        WorldBuilder::new().tenant_denied(),
        WorldBuilder::new().project_denied().tenant(GPU_QUOTA, 0, 0),
        WorldBuilder::new()
            .tenant(GPU_QUOTA, None, 3)
            .advice("on_demand", "FRESH", 3, "HIGH")
            .advice("preemptible", "STALE", 0, "LOW")
            .block("a", "fabric-7", 16, 8)
            .capacity_allowance("a", 8, 0),
    ] {
        assert!(same_offers(world.build().path()).await > 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_hold_the_same_offers() {
    let world = World::read(&acme()).unwrap();
    let whole = Emulator::builder(world.clone()).spawn().await.unwrap();
    let small = Emulator::builder(world)
        .faults(Faults::from_json(r#"{"rules": [{"method": "*", "page_size": 3}]}"#).unwrap())
        .spawn()
        .await
        .unwrap();
    let offers = async |address: String| {
        items(&ask(&["offers", "--endpoint", &address, "--format", "json"]).await)
    };
    assert_eq!(
        offers(whole.addr().to_string()).await,
        offers(small.addr().to_string()).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_the_emulator_is_the_world_it_serves() {
    let emulator = Emulator::builder(World::read(&acme()).unwrap())
        .spawn()
        .await
        .unwrap();
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("copy");
    let said = ask(&[
        "record",
        folder.to_str().unwrap(),
        "--endpoint",
        &emulator.addr().to_string(),
    ])
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    let recorded = World::read(&folder).unwrap();
    assert!(recorded.recorded_at.is_some());
    let original = ask(&[
        "offers",
        "--recorded",
        acme().to_str().unwrap(),
        "--format",
        "json",
    ])
    .await;
    let copied = ask(&[
        "offers",
        "--recorded",
        folder.to_str().unwrap(),
        "--format",
        "json",
    ])
    .await;
    assert_eq!(items(&original), items(&copied));
}

#[test]
fn what_can_be_launched_comes_first() {
    let said = quotagate(&[
        "offers",
        "--recorded",
        acme().to_str().unwrap(),
        "--format",
        "json",
    ]);
    let rank = |offer: &Value| match offer["availability"].as_str().unwrap() {
        "available" => 0,
        "unknown" => 1,
        _ => 2,
    };
    let ranks: Vec<_> = items(&said).as_array().unwrap().iter().map(rank).collect();
    assert!(
        ranks.first() == Some(&0) && ranks.last() == Some(&2),
        "{ranks:?}"
    );
    let available = ranks.iter().take_while(|rank| **rank == 0).count();
    assert!(
        ranks.iter().skip(available).all(|rank| *rank > 0),
        "{ranks:?}"
    );
}

#[tokio::test]
async fn a_strictness_shows_what_it_says() {
    let world = RecordedWorld::new(World::read(&acme()).unwrap()).unwrap();
    let gate = Gate::new(plugin(), Arc::new(world)).unwrap();
    let offers = gate.offers().await;
    for (strictness, shows) in [
        (Strictness::Advisory, (|_| true) as fn(Availability) -> bool),
        (Strictness::Balanced, |shown| shown != Availability::NoQuota),
        (Strictness::Strict, |shown| shown == Availability::Available),
    ] {
        let question = Question::new(&offers).strictness(strictness);
        let listing = gate.filter(&question).await.unwrap();
        assert_eq!(listing.items.len(), offers.len());
        for item in &listing.items {
            let availability = item.verdict.availability();
            assert_eq!(
                item.visible,
                shows(availability),
                "{strictness:?}: {item:?}"
            );
        }
        // It makes a difference here.
        let shown = listing.items.iter().filter(|item| item.visible).count();
        let all = strictness == Strictness::Advisory;
        assert!(
            shown > 0 && (shown == offers.len()) == all,
            "{strictness:?}"
        );
    }
}

#[test]
fn the_demo_runs_without_an_account() {
    let said = quotagate(&["demo"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("gpu-h200-sxm"), "{said:?}");
}

#[test]
fn filters_and_catalogues_choose_what_is_judged() {
    let world = acme();
    let world = world.to_str().unwrap();
    let said = quotagate(&[
        "offers",
        "--recorded",
        world,
        "--gpu",
        "H200:8",
        "--region",
        "eu-west1",
        "--format",
        "json",
    ]);
    let found = items(&said);
    assert!(!found.as_array().unwrap().is_empty());
    for offer in found.as_array().unwrap() {
        assert_eq!(offer["instance_type"], "gpu-h200-sxm 8gpu-128vcpu-1600gb");
        assert_eq!(offer["region"], "eu-west1");
    }

    let folder = tempfile::tempdir().unwrap();
    let catalogue = folder.path().join("nebius.csv");
    let header = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data";
    let row = "gpu-h200-sxm 8gpu-128vcpu-1600gb,eu-north1,43.2,128,1600.0,8,H200,141.0,False,,nvidia,,x86,";
    let nowhere = "gpu-h200-sxm 8gpu-128vcpu-1600gb,eu-nowhere1,43.2,128,1600.0,8,H200,141.0,False,,nvidia,,x86,";
    std::fs::write(&catalogue, format!("{header}\n{row}\n{nowhere}\n")).unwrap();
    let said = quotagate(&[
        "offers",
        "--recorded",
        world,
        "--catalog",
        catalogue.to_str().unwrap(),
        "--format",
        "json",
    ]);
    let found = items(&said);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|offer| offer["price"] == 43.2),
        "{found:?}"
    );
    let somewhere = found
        .iter()
        .find(|offer| offer["region"] == "eu-north1")
        .unwrap();
    assert_eq!(somewhere["quota"], "blocked");
    let nowhere = found
        .iter()
        .find(|offer| offer["region"] == "eu-nowhere1")
        .unwrap();
    assert_eq!(nowhere["findings"][0]["reason"], "not-offered");
}

#[test]
fn a_catalogue_of_several_clouds_is_judged_for_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = folder.path().join("all.csv");
    let rows = [
        "cloud,InstanceType,AcceleratorName,AcceleratorCount,Price,Region,SpotPrice",
        "nebius,gpu-h200-sxm_8gpu-128vcpu-1600gb,H200,8.0,43.2,eu-west1,20.0",
        "aws,p5.48xlarge,H100,8.0,98.3,us-east-1,",
        "gcp,,TPU,,,,",
    ];
    std::fs::write(&catalogue, rows.join("\n")).unwrap();
    let said = quotagate(&[
        "offers",
        "--recorded",
        acme().to_str().unwrap(),
        "--catalog",
        catalogue.to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    let note = "passed over 2 rows of other clouds in the catalog";
    assert!(said.stderr.contains(note), "{said:?}");
    let found = items(&said);
    let mut prices: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|offer| {
            assert_eq!(offer["instance_type"], "gpu-h200-sxm 8gpu-128vcpu-1600gb");
            let reasons = offer["findings"].to_string();
            assert!(!reasons.contains("not-offered"), "{offer}");
            (offer["lifecycle"].to_string(), offer["price"].as_f64())
        })
        .collect();
    prices.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        prices,
        [
            (String::from("\"on-demand\""), Some(43.2)),
            (String::from("\"preemptible\""), Some(20.0)),
        ]
    );
}
