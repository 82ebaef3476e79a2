//! What a judgement may cost, counted in steps of the machine: they come out the same everywhere, so that a regression
//! cannot hide in the noise of a clock.

use std::sync::Arc;

use nebius_api::world::World;
use quotagate::{
    CompileCache, Gate, JudgedOffer, Limits, Plugin, PluginOptions, Profile, Question, Reason,
};
use quotagate_nebius::RecordedWorld;

use crate::{harness::acme, live};

/// Steps that the judgement of an offer may take, with its part of reading and sorting the rows: about a quarter more
/// than it takes.
const STEPS_AN_OFFER: u64 = 65_000;

/// The plugin with its steps counted, and no bound to speak of.
fn plugin() -> Plugin {
    let mut options = PluginOptions::default();
    options.limits = limits(1 << 40);
    options.cache = CompileCache::Off;
    Plugin::load_with(quotagate_plugins::NEBIUS.bytes, &options).unwrap()
}

fn limits(fuel: u64) -> Limits {
    let mut limits = live::limits();
    limits.fuel = Some(fuel);
    limits
}

#[tokio::test]
async fn a_judgement_stays_within_its_steps() {
    let plugin = plugin();
    let world = RecordedWorld::new(World::read(&acme()).unwrap()).unwrap();
    let gate = Gate::new(plugin.clone(), Arc::new(world)).unwrap();
    let mut offers = gate.offers().await;
    offers.retain(|offer| offer.region == "eu-north1");
    let question = Question::new(&offers).profile(Profile {
        project: "project-e00eunorth1".to_owned(),
        needs: vec![live::disk(100 << 30), live::address()],
        ..Profile::default()
    });
    let mut steps = 1 << 16;
    loop {
        // Reading and sorting the rows is once for a generation of the inventory; it is counted with the first call.
        gate.swap_plugin(plugin.with_limits(limits(steps))).unwrap();
        let listing = gate.filter(&question).await.unwrap();
        assert_eq!(listing.items.len(), offers.len());
        let is_judged = |item: &JudgedOffer| {
            let mut findings = item.verdict.findings.iter();
            findings.all(|finding| finding.reason != Reason::NotChecked)
        };
        if listing.items.iter().all(is_judged) {
            break;
        }
        steps = steps * 11 / 10;
    }
    let each = steps / offers.len() as u64;
    println!("{each} steps an offer, rows read and sorted");
    if each * 2 < STEPS_AN_OFFER {
        println!(
            "that is less than half of {STEPS_AN_OFFER}: lower the bound, so that it is not lost again"
        );
    }
    assert!(each <= STEPS_AN_OFFER, "{each} steps an offer");
}
