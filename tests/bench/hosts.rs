//! How long a list takes in the Rust host, natively and by the component: a line of JSON for each length, as the hosts of
//! other languages print it (`tests/clients/table.py` puts them together).

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

use std::{path::Path, sync::Arc, time::Instant};

use nebius_api::world::World;
use quotagate::{Clock, Gate, Offer, Plugin, Policy, Profile, Question};
use quotagate_engine::{Engine, NativeReader, NumberedOffer, Reader as _};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::Nebius;
use serde_json::json;

const REPEATS: usize = 15;
const LENGTHS: [usize; 4] = [1, 200, 1_000, 5_000];

fn main() {
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/emulator/worlds/acme");
    let source = RecordedWorld::new(World::read(&world).unwrap()).unwrap();
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let gate = Gate::new(plugin, Arc::new(source)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let inventory = runtime.block_on(gate.inventory());
    let known = inventory.offers();
    let contract = inventory.contract();
    let project = contract.owners[0].last().unwrap().id.clone();
    let reader = NativeReader::new(contract, Clock::system().now_ms());
    let policy = Policy::default();
    for kind in ["catalog", "distinct"] {
        for length in LENGTHS {
            let (offers, profile) = if kind == "catalog" {
                let offers = known.iter().cycle().take(length).cloned().collect();
                (offers, Profile::default())
            } else {
                let named = |number| Offer {
                    instance_type: format!("{} {number}", known[0].instance_type),
                    ..known[0].clone()
                };
                let profile = Profile {
                    project: project.clone(),
                    ..Profile::default()
                };
                ((0..length).map(named).collect::<Vec<_>>(), profile)
            };
            report("rust-component", length, kind, || {
                let question = Question::new(&offers).profile(profile.clone());
                let listing = gate.filter(&question);
                assert!(runtime.block_on(listing).unwrap().items.len() >= length);
            });
            if kind == "distinct" {
                let numbered: Vec<NumberedOffer> = offers
                    .iter()
                    .map(|offer| NumberedOffer {
                        instance_type: reader.number_of(&offer.instance_type),
                        region: reader.number_of(&offer.region),
                        lifecycle: reader.number_of(&offer.lifecycle),
                        ..NumberedOffer::default()
                    })
                    .collect();
                let mut engine = Engine::new(Nebius);
                report("rust-native", length, kind, || {
                    let judged = engine.assess(&reader, &numbered, &[], 1, &profile, &policy);
                    assert!(judged.is_ok());
                });
            }
        }
    }
}

fn report(host: &str, offers: usize, kind: &str, mut judge: impl FnMut()) {
    let mut taken: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            judge();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    let median_ms = (taken[REPEATS / 2] * 1_000.0).round() / 1_000.0;
    println!(
        "{}",
        json!({"host": host, "offers": offers, "kind": kind, "median_ms": median_ms})
    );
}
