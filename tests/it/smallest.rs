//! The smallest plugin, for a cloud that there is not: nothing in the contract is of one cloud.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use quotagate::{
    ContractInventory, Gate, GateError, InstanceType, JudgedOffer, Launch, Limit, Listing, Offer,
    Offered, Owner, Place, Plugin, PluginOptions, Policy, Profile, Question, QuotaOutcome, Row,
    StaticSource, TypesOfProject, Usage, Verdict,
};
use quotagate_bad_plugins::MINIMAL;
use quotagate_nebius::RecordedWorld;

use crate::{
    harness::{PATIENCE, acme},
    live::{limits, plugin},
};

/// An account of a cloud that has one quota: 10 of it, of which 4 are used.
fn imaginary() -> StaticSource {
    let owner = Owner {
        id: "cumulus".to_owned(),
        level: "account".to_owned(),
        ..Owner::default()
    };
    let offered = Offered {
        place: Place::region("west"),
        lifecycles: vec!["on-demand".to_owned()],
        ..Offered::default()
    };
    let account = ContractInventory {
        owners: vec![vec![owner]],
        rows: vec![Row {
            key: "cumulus/instances/west".to_owned(),
            quota: "instances".to_owned(),
            owner: "cumulus".to_owned(),
            place: Place::region("west"),
            unit: "count".to_owned(),
            limit: Limit::Amount(10),
            usage: Usage::exactly(4),
            ..Row::default()
        }],
        types: vec![TypesOfProject {
            project: "cumulus".to_owned(),
            items: vec![InstanceType {
                name: "any".to_owned(),
                offered: vec![offered],
                ..InstanceType::default()
            }],
            ..TypesOfProject::default()
        }],
        ..ContractInventory::default()
    };
    StaticSource::new("minimal", account)
}

fn launch(instance_type: &str, region: &str, count: u32) -> Launch {
    Launch {
        offer: Offer {
            instance_type: instance_type.to_owned(),
            region: region.to_owned(),
            lifecycle: "on-demand".to_owned(),
            ..Offer::default()
        },
        count,
        profile: Profile {
            project: "cumulus".to_owned(),
            ..Profile::default()
        },
    }
}

async fn check(gate: &Gate, launch: &Launch) -> Verdict {
    let policy = Policy::default();
    gate.check(launch, &policy).await.unwrap().verdict
}

async fn list(gate: &Gate, offers: &[Offer]) -> Listing {
    gate.filter(&Question::new(offers)).await.unwrap()
}

fn smallest() -> Plugin {
    let mut options = PluginOptions::default();
    options.limits = limits();
    Plugin::load_with(MINIMAL, &options).unwrap()
}

fn gate_on_smallest(plugin: Plugin) -> Gate {
    Gate::new(plugin, Arc::new(imaginary())).unwrap()
}

fn gate_on_nebius() -> Gate {
    Gate::new(plugin(), Arc::new(RecordedWorld::read(&acme()).unwrap())).unwrap()
}

#[tokio::test]
async fn the_smallest_plugin_judges() {
    let gate = gate_on_smallest(smallest());
    for (count, quota) in [(6, QuotaOutcome::Fits), (7, QuotaOutcome::Blocked)] {
        let verdict = check(&gate, &launch("any", "west", count)).await;
        assert_eq!(verdict.quota, quota);
        assert_eq!(verdict.fits_count, Some(6));
    }
    let elsewhere = check(&gate, &launch("any", "east", 1)).await;
    assert_eq!(elsewhere.quota, QuotaOutcome::Unknown);
}

#[test]
fn the_guide_shows_the_smallest_plugin_as_it_is_built() {
    let guide = include_str!("../../wit/README.md");
    let plugin = include_str!("../../guest/minimal/src/lib.rs");
    assert!(guide.contains(&format!("```rust\n{plugin}```")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_swaps_clouds_and_plugins_while_it_lists() {
    let plugin = smallest();
    let nebius = gate_on_nebius();
    let refused = nebius.swap_plugin(plugin.clone()).unwrap_err();
    assert!(
        matches!(refused, GateError::CloudMismatch { .. }),
        "{refused}"
    );

    // A backend is a gate: the one of another cloud takes its place while others list.
    let backend = Arc::new(tokio::sync::RwLock::new(Arc::new(nebius)));
    let done = Arc::new(AtomicBool::new(false));
    let lists = {
        let (backend, done) = (Arc::clone(&backend), Arc::clone(&done));
        tokio::spawn(async move {
            let mut seen = [0_usize; 2];
            while !done.load(Ordering::SeqCst) || seen[1] == 0 {
                let gate = Arc::clone(&*backend.read().await);
                let cloud = gate.plugin().descriptor().cloud.clone();
                let offers = match cloud.as_str() {
                    "nebius" => gate.offers().await,
                    _ => vec![launch("any", "west", 1).offer],
                };
                let listing = list(&gate, &offers).await;
                assert_eq!(listing.items.len(), offers.len());
                let decided = |item: &JudgedOffer| item.verdict.quota != QuotaOutcome::Unknown;
                assert!(listing.items.iter().all(decided), "{cloud}");
                seen[usize::from(cloud == "minimal")] += 1;
                tokio::task::yield_now().await;
            }
            seen
        })
    };
    // The one in force has listed before it is replaced.
    let other = Arc::new(gate_on_smallest(plugin.clone()));
    list(&*backend.read().await, &[]).await;
    *backend.write().await = Arc::clone(&other);
    // A new build of the same plugin takes the old one's place in the gate itself.
    let old = other.swap_plugin(plugin.clone()).unwrap();
    assert_eq!(old.sha256(), plugin.sha256());
    done.store(true, Ordering::SeqCst);
    let seen = tokio::time::timeout(PATIENCE, lists).await;
    let seen = seen.expect("it never lists with the other one").unwrap();
    assert!(seen[1] > 0, "{seen:?}");
}
