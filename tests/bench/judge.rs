//! What a judgement costs: the component against the same rules called natively, on the same offers, in one run.
//!
//! `cargo bench -p quotagate-cli --bench judge` prints criterion's figures and, below them, the ratios that mean something
//! on a shared machine.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

#[path = "account.rs"]
mod account;

use std::{fs, hint::black_box, path::Path, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use nebius_api::world::World;
use quotagate::{
    CompileCache, Disk, Failure, Gate, Launch, Lifecycle, Limits, Offer, Plugin, PluginOptions,
    Policy, Profile,
};
use quotagate_engine as engine;
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::{Nebius, diagnose};

use self::account::account;

const SIZES: [usize; 2] = [200, 10_000];

struct Bench {
    runtime: tokio::runtime::Runtime,
    gate: Gate,
    /// Offers of every project in turn, as a catalogue of prices lists them: each many times over.
    catalogue: Vec<Offer>,
    profile: Profile,
    accounts: Vec<(String, engine::Account)>,
}

impl Bench {
    fn new() -> Self {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/emulator/worlds/acme");
        let source = RecordedWorld::new(World::read(&world).unwrap()).unwrap();
        let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
        let gate = Gate::new(plugin, Arc::new(source)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let inventory = runtime.block_on(gate.inventory());
        let offers = inventory.offers();
        let accounts = inventory
            .projects()
            .map(|project| {
                let account = account(&inventory, project);
                (inventory.region_of(project).unwrap().to_owned(), account)
            })
            .collect();
        let profile = Profile {
            disks: vec![Disk {
                kind: "network-ssd".to_owned(),
                bytes: 100 << 30,
                count: 1,
            }],
            private_addresses: 1,
            ..Profile::default()
        };
        Self {
            runtime,
            gate,
            catalogue: offers.into_iter().cycle().take(SIZES[1]).collect(),
            profile,
            accounts,
        }
    }

    /// The engine called natively: every offer in the account of its region.
    fn native(&self, offers: &[engine::Offer], profile: &engine::Profile) -> usize {
        let policy = engine::Policy::default();
        self.accounts
            .iter()
            .map(|(region, account)| {
                let here: Vec<engine::Offer> = offers
                    .iter()
                    .filter(|offer| offer.region == *region)
                    .cloned()
                    .collect();
                engine::assess(&Nebius, account, 0, &here, 1, profile, &policy)
                    .unwrap()
                    .len()
            })
            .sum()
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1))
        .configure_from_args();
    let bench = Bench::new();
    filter(&mut criterion, &bench);
    others(&mut criterion, &bench);
    start(&mut criterion);
    criterion.final_summary();
    ratios();
}

fn filter(criterion: &mut Criterion, bench: &Bench) {
    let mut group = criterion.benchmark_group("filter");
    let native_profile: engine::Profile =
        serde_json::from_value(serde_json::to_value(&bench.profile).unwrap()).unwrap();
    for size in SIZES {
        let offers = &bench.catalogue[..size];
        let native: Vec<engine::Offer> =
            serde_json::from_value(serde_json::to_value(offers).unwrap()).unwrap();
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(
            BenchmarkId::new("native", size),
            &native,
            |bencher, offers| {
                bencher.iter(|| black_box(bench.native(offers, &native_profile)));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("component", size),
            offers,
            |bencher, offers| {
                let policy = Policy::default();
                bencher.iter(|| {
                    let listing = bench.gate.filter(offers, 1, &bench.profile, &policy);
                    black_box(bench.runtime.block_on(listing).unwrap().items.len())
                });
            },
        );
        // Each offer crosses the boundary and is judged, repeated or not.
        group.bench_with_input(
            BenchmarkId::new("component-undeduplicated", size),
            offers,
            |bencher, offers| {
                let policy = Policy::default();
                let inventory = bench.runtime.block_on(bench.gate.inventory());
                let project = inventory.projects_in("eu-north1").remove(0);
                let profile = Profile {
                    project,
                    ..bench.profile.clone()
                };
                let here: Vec<Offer> = offers
                    .iter()
                    .filter(|offer| offer.region == "eu-north1")
                    .cycle()
                    .take(size)
                    .cloned()
                    .collect();
                let clock = quotagate::Clock::system();
                bencher.iter(|| {
                    let verdicts = bench
                        .gate
                        .plugin()
                        .assess(&inventory, &clock, &here, 1, &profile, &policy);
                    black_box(verdicts.unwrap().len())
                });
            },
        );
        group.bench_with_input(
            BenchmarkId::new("native-one-account", size),
            &native,
            |bencher, offers| {
                let (_, account) = bench
                    .accounts
                    .iter()
                    .find(|(region, _)| region == "eu-north1")
                    .unwrap();
                let here: Vec<engine::Offer> = offers
                    .iter()
                    .filter(|offer| offer.region == "eu-north1")
                    .cycle()
                    .take(size)
                    .cloned()
                    .collect();
                let policy = engine::Policy::default();
                bencher.iter(|| {
                    let verdicts =
                        engine::assess(&Nebius, account, 0, &here, 1, &native_profile, &policy);
                    black_box(verdicts.unwrap().len())
                });
            },
        );
    }
    group.finish();
}

fn others(criterion: &mut Criterion, bench: &Bench) {
    let launch = Launch {
        offer: Offer {
            instance_type: "gpu-h100-sxm 8gpu-128vcpu-1600gb".to_owned(),
            region: "eu-north1".to_owned(),
            lifecycle: Lifecycle::OnDemand,
        },
        count: 1,
        profile: bench.profile.clone(),
    };
    let plan = vec![launch; 10];
    criterion.bench_function("admit/10", |bencher| {
        let policy = Policy::default();
        bencher.iter(|| {
            black_box(
                bench
                    .runtime
                    .block_on(bench.gate.admit(&plan, &policy))
                    .unwrap(),
            )
        });
    });
    let failure = Failure {
        code: 8,
        message: "refused".to_owned(),
        details: Vec::new(),
    };
    criterion.bench_function("diagnose/component", |bencher| {
        bencher.iter(|| black_box(bench.gate.diagnose(&failure).unwrap()));
    });
    criterion.bench_function("diagnose/native", |bencher| {
        bencher.iter(|| {
            black_box(diagnose::diagnose(&diagnose::Failure::from_status(
                failure.code,
                &failure.message,
                &failure.details,
            )))
        });
    });
}

fn start(criterion: &mut Criterion) {
    let cold = Plugin::load_with(
        quotagate_plugins::NEBIUS.bytes,
        &PluginOptions {
            limits: Limits {
                warm_instances: 0,
                ..Limits::default()
            },
            cache: CompileCache::Off,
            sha256: None,
        },
    )
    .unwrap();
    let failure = Failure {
        code: 8,
        message: String::new(),
        details: Vec::new(),
    };
    criterion.bench_function("start/fresh-instance-and-call", |bencher| {
        bencher.iter(|| black_box(cold.diagnose(&failure).unwrap()));
    });
    criterion.bench_function("start/load-from-cache", |bencher| {
        bencher.iter(|| black_box(Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap()));
    });
}

/// The medians that criterion has just written, as ratios.
fn ratios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/criterion");
    let median = |name: &str| -> Option<f64> {
        let text = fs::read_to_string(root.join(name).join("new/estimates.json")).ok()?;
        let estimates: serde_json::Value = serde_json::from_str(&text).ok()?;
        estimates["median"]["point_estimate"].as_f64()
    };
    println!("\n{:<58} {:>12} {:>8}", "", "median", "ratio");
    for size in SIZES {
        for (component, native) in [
            (
                format!("filter/component/{size}"),
                format!("filter/native/{size}"),
            ),
            (
                format!("filter/component-undeduplicated/{size}"),
                format!("filter/native-one-account/{size}"),
            ),
        ] {
            if let (Some(of_component), Some(of_native)) = (median(&component), median(&native)) {
                println!("{native:<58} {:>9.1} us {:>8}", of_native / 1e3, "1");
                println!(
                    "{component:<58} {:>9.1} us {:>8.2}",
                    of_component / 1e3,
                    of_component / of_native
                );
            }
        }
    }
    for name in [
        "admit/10",
        "diagnose/native",
        "diagnose/component",
        "start/fresh-instance-and-call",
        "start/load-from-cache",
    ] {
        // Outside a group criterion keeps a benchmark in one folder.
        if let Some(median) = median(&name.replace('/', "_")) {
            println!("{name:<58} {:>9.1} us", median / 1e3);
        }
    }
}
