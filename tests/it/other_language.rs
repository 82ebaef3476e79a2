//! A plugin in another language for a cloud that there is not: nothing in the contract is of Nebius or of Rust.
//!
//! `QUOTAGATE_NIMBUS_PLUGIN` names the component that `tests/clients/imaginary` builds; `.ci/clients` sets it, and
//! runs the tests that are ignored without it.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use quotagate::{
    CompileCache, ContractInventory, Gate, GateError, JudgedOffer, Launch, Limit, Listing, Offer,
    Owner, Place, Plugin, PluginOptions, Policy, Profile, Question, QuotaOutcome, Reason, Row,
    StaticSource, Usage, Verdict,
};
use quotagate_bad_plugins::MINIMAL;
use quotagate_nebius::RecordedWorld;

use crate::{
    harness::{PATIENCE, acme},
    live::{limits, plugin},
};

/// An account of a cloud that has one quota: 10 of it, of which 4 are used.
fn imaginary(cloud: &str, quota: &str) -> StaticSource {
    let owner = |id: &str, level: &str, place: Place| Owner {
        id: id.to_owned(),
        level: level.to_owned(),
        place,
        ..Owner::default()
    };
    let account = ContractInventory {
        owners: vec![vec![
            owner("sky", "tenant", Place::EVERYWHERE),
            owner("cumulus", "project", Place::region("west")),
        ]],
        rows: vec![Row {
            key: format!("sky/{quota}/west"),
            quota: quota.to_owned(),
            owner: "sky".to_owned(),
            place: Place::region("west"),
            unit: "count".to_owned(),
            limit: Limit::Amount(10),
            usage: Usage::exactly(4),
            ..Row::default()
        }],
        ..ContractInventory::default()
    };
    StaticSource::new(cloud, account)
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

/// The plugin in JavaScript, as it came out of `tests/clients/imaginary`.
fn nimbus() -> Plugin {
    let file = env::var_os("QUOTAGATE_NIMBUS_PLUGIN").expect("the name of the component");
    let mut options = PluginOptions::default();
    options.cache = CompileCache::Default;
    options.limits = limits();
    // It brings a whole JavaScript engine, whose functions stand in one table.
    options.limits.table_elements = 100_000;
    Plugin::load_with(&fs::read(file).unwrap(), &options).unwrap()
}

fn gate_on_nimbus(plugin: Plugin) -> Gate {
    Gate::new(plugin, Arc::new(imaginary("nimbus", "pods"))).unwrap()
}

fn gate_on_nebius() -> Gate {
    Gate::new(plugin(), Arc::new(RecordedWorld::read(&acme()).unwrap())).unwrap()
}

#[tokio::test]
async fn the_smallest_plugin_judges() {
    let mut options = PluginOptions::default();
    options.limits = limits();
    let plugin = Plugin::load_with(MINIMAL, &options).unwrap();
    let gate = Gate::new(plugin, Arc::new(imaginary("minimal", "instances"))).unwrap();
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
#[ignore = "QUOTAGATE_NIMBUS_PLUGIN names the component"]
async fn a_plugin_in_javascript_judges_a_cloud_that_there_is_not() {
    let gate = gate_on_nimbus(nimbus());
    let fits = check(&gate, &launch("pod-2", "west", 3)).await;
    assert_eq!((fits.quota, fits.fits_count), (QuotaOutcome::Fits, Some(3)));
    let blocked = check(&gate, &launch("pod-4", "west", 2)).await;
    assert_eq!(blocked.quota, QuotaOutcome::Blocked);
    let finding = &blocked.findings[0];
    assert_eq!(finding.reason, Reason::Shortage);
    assert_eq!(
        (finding.headroom, finding.shortfall, finding.minimum_limit),
        (Some(6), Some(2), Some(12))
    );
    let unread = check(&gate, &launch("pod-1", "east", 1)).await;
    assert_eq!(unread.quota, QuotaOutcome::Unknown);
    let stranger = check(&gate, &launch("car", "west", 1)).await;
    assert_eq!(stranger.findings[0].reason, Reason::NotOffered);

    let plan = [launch("pod-4", "west", 1), launch("pod-3", "west", 1)];
    let policy = Policy::default();
    let admission = gate.admit(&plan, &policy).await.unwrap().admission;
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(admission.breaks_at.unwrap().index, 1);
    let nobody = [launch("pod-1", "west", 0)];
    let Err(GateError::Call(error)) = gate.admit(&nobody, &policy).await else {
        panic!("a launch of nothing was admitted");
    };
    assert_eq!(error.code(), Some(quotagate::ErrorCode::InvalidLaunch));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "QUOTAGATE_NIMBUS_PLUGIN names the component"]
async fn one_host_swaps_clouds_and_plugins_while_it_lists() {
    let plugin = nimbus();
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
                    _ => vec![launch("pod-2", "west", 1).offer],
                };
                let listing = list(&gate, &offers).await;
                assert_eq!(listing.items.len(), offers.len());
                let decided = |item: &JudgedOffer| item.verdict.quota != QuotaOutcome::Unknown;
                assert!(listing.items.iter().all(decided), "{cloud}");
                seen[usize::from(cloud == "nimbus")] += 1;
                tokio::task::yield_now().await;
            }
            seen
        })
    };
    // The one in force has listed before it is replaced.
    let other = Arc::new(gate_on_nimbus(plugin.clone()));
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
