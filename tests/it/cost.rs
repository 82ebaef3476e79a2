//! What a judgement may cost, counted in steps of the machine: they come out the same everywhere, so that a regression
//! cannot hide in the noise of a clock.

use std::sync::Arc;

use nebius_api::world::World;
use quotagate::{
    CallError, Clock, CompileCache, Disk, Gate, Limits, Offer, Plugin, PluginOptions, Policy,
    Profile,
};
use quotagate_nebius::RecordedWorld;

use crate::{harness::acme, live};

const OFFERS: usize = 200;

/// Steps that the judgement of an offer may take, with its part of reading and sorting the rows: about a quarter more
/// than it takes.
const STEPS_AN_OFFER: u64 = 43707;

/// The plugin with its steps counted, and no bound to speak of.
fn plugin() -> Plugin {
    let options = PluginOptions {
        limits: limits(1 << 40),
        cache: CompileCache::Off,
        sha256: None,
    };
    Plugin::load_with(quotagate_plugins::NEBIUS.bytes, &options).unwrap()
}

fn limits(fuel: u64) -> Limits {
    Limits {
        fuel: Some(fuel),
        ..live::limits()
    }
}

#[tokio::test]
async fn a_judgement_stays_within_its_steps() {
    let plugin = plugin();
    let world = RecordedWorld::new(World::read(&acme()).unwrap()).unwrap();
    let gate = Gate::new(plugin.clone(), Arc::new(world)).unwrap();
    let inventory = gate.inventory().await;
    let project = inventory.projects_in("eu-north1").remove(0);
    let mut offers: Vec<Offer> = inventory.offers();
    offers.retain(|offer| offer.region == "eu-north1");
    let offers: Vec<Offer> = offers.into_iter().cycle().take(OFFERS).collect();
    let profile = Profile {
        project,
        disks: vec![Disk {
            kind: "network-ssd".to_owned(),
            bytes: 100 << 30,
            count: 1,
        }],
        private_addresses: 1,
        ..Profile::default()
    };
    let fits = |fuel: u64| {
        let plugin = plugin.with_limits(limits(fuel));
        // Reading and sorting the rows is once for a generation of the inventory; it is counted with the first call.
        let judged = plugin.assess(
            &inventory,
            &Clock::system(),
            &offers,
            1,
            &profile,
            &Policy::default(),
        );
        match judged {
            Ok(verdicts) => verdicts.len() == OFFERS,
            Err(CallError::OutOfFuel { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    };
    let mut steps = 1 << 16;
    while !fits(steps) {
        steps = steps * 11 / 10;
    }
    let each = steps / OFFERS as u64;
    println!("{each} steps an offer, rows read and sorted");
    if each * 2 < STEPS_AN_OFFER {
        println!(
            "that is less than half of {STEPS_AN_OFFER}: lower the bound, so that it is not lost again"
        );
    }
    assert!(each <= STEPS_AN_OFFER, "{each} steps an offer");
}
