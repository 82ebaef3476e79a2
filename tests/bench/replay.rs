//! What it is worth: one day of launches, replayed against the emulator under three policies.
//!
//! `cargo bench -p quotagate-cli --bench replay` prints one table. Every policy gets the same wishes on a fresh copy of the
//! bundled account: (a) no check, offers tried in order, as dstack does on Nebius; (b) the tenant's GPU row alone, for every
//! lifecycle, as others do; (c) quotagate. An offer that a policy skips is tried all the same and deleted at once, to see
//! whether it was refused wrongly.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "an experiment"
)]

#[path = "../it/launcher.rs"]
#[allow(
    dead_code,
    reason = "written for the tests, which restart launches too"
)]
mod launcher;

use std::{collections::BTreeMap, sync::Arc};

use nebius_emulator::{
    Emulator, Settings,
    settings::{Hardware, Lane},
    worlds,
};
use quotagate::{Availability, Disk, Gate, Launch, Offer, Plugin, Policy, Profile, Verdict};
use quotagate_nebius::{ConnectOptions, Environment, NebiusClient};

use self::launcher::{Launched, Launcher, Outcome};

const WISHES: u64 = 300;
/// Launches of the account's day, a wish every few minutes.
const MINUTES_OF_A_DAY: u64 = 24 * 60;
/// A refused launch: the boot disk is waited for, then the instance (nebius.md 7).
const REFUSED_SECONDS: u64 = 20 + 30;
/// A launch that finds no hardware is noticed after minutes (nebius.md 4.11).
const NO_HARDWARE_SECONDS: u64 = 6 * 60;
/// Offers that dstack tries for one wish.
const TRIES: usize = 25;

/// The ways of choosing.
#[derive(Clone, Copy, PartialEq)]
enum Chooser {
    NoCheck,
    GpuRow,
    Quotagate,
}

#[derive(Default)]
struct Tally {
    fulfilled: u64,
    unfulfilled: u64,
    over_quota: u64,
    no_hardware: u64,
    wrongly_skipped: u64,
}

/// What somebody wants: GPUs of a model, or a CPU machine, for some minutes, with or without a public address.
struct Wish {
    minute: u64,
    model: &'static str,
    gpus: u32,
    minutes: u64,
    is_public: bool,
}

/// Numbers that look random and are the same on every machine.
struct Draw(u64);

impl Draw {
    const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn wishes() -> Vec<Wish> {
    const MODELS: [(&str, u32); 8] = [
        ("gpu-h100", 8),
        ("gpu-h200", 8),
        ("gpu-h200", 1),
        ("gpu-b200", 8),
        ("gpu-b300", 8),
        ("gpu-l40s", 1),
        ("gpu-rtx6000", 1),
        ("cpu-d3", 0),
    ];
    let mut draw = Draw(20_261_123);
    let mut wishes: Vec<Wish> = (0..WISHES)
        .map(|_| {
            let (model, gpus) = MODELS[usize::try_from(draw.below(MODELS.len() as u64)).unwrap()];
            Wish {
                minute: draw.below(MINUTES_OF_A_DAY),
                model,
                gpus,
                minutes: 10 + draw.below(240),
                is_public: draw.below(3) == 0,
            }
        })
        .collect();
    wishes.sort_by_key(|wish| wish.minute);
    wishes
}

/// Fabrics that run out in the course of the day.
fn hardware() -> Vec<Hardware> {
    [
        ("eu-north1", "gpu-h100-sxm", "fabric-3", Lane::OnDemand, 4),
        ("eu-west1", "gpu-h200-sxm", "fabric-5", Lane::Preemptible, 8),
        (
            "me-west1",
            "gpu-b200-sxm-a",
            "me-west1-a",
            Lane::Preemptible,
            8,
        ),
    ]
    .into_iter()
    .map(|(region, platform, fabric, lane, free)| Hardware {
        region: region.to_owned(),
        platform: platform.to_owned(),
        fabric: fabric.to_owned(),
        lane,
        free,
    })
    .collect()
}

async fn replay(chooser: Chooser, plugin: &Plugin, wishes: &[Wish]) -> Tally {
    let settings = Settings {
        hardware: hardware(),
        advice: nebius_emulator::settings::Advice::Derived,
        ..Settings::default()
    };
    let emulator = Emulator::builder(worlds::acme().unwrap())
        .settings(settings)
        .spawn()
        .await
        .unwrap();
    let options = ConnectOptions {
        endpoint: Some(emulator.addr().to_string()),
        ..ConnectOptions::new(Environment::new(Vec::<(String, String)>::new(), None))
    };
    let gate = Gate::new(
        plugin.clone(),
        Arc::new(NebiusClient::new(&options).unwrap()),
    )
    .unwrap();
    let launcher = Launcher::connect(emulator.addr()).await;
    let mut running: BTreeMap<(u64, usize), Launched> = BTreeMap::new();
    let mut tally = Tally::default();
    for (index, wish) in wishes.iter().enumerate() {
        while let Some(entry) = running
            .first_entry()
            .filter(|entry| entry.key().0 <= wish.minute)
        {
            launcher.delete(&entry.remove()).await;
        }
        let launched = fulfil(chooser, wish, &gate, &launcher, &mut tally).await;
        match launched {
            Some(launched) => {
                tally.fulfilled += 1;
                running.insert((wish.minute + wish.minutes, index), launched);
            }
            None => tally.unfulfilled += 1,
        }
    }
    tally
}

/// Tries the offers of a wish in order, skipping those that the policy thinks nothing of.
async fn fulfil(
    chooser: Chooser,
    wish: &Wish,
    gate: &Gate,
    launcher: &Launcher,
    tally: &mut Tally,
) -> Option<Launched> {
    gate.refresh().await;
    for launch in candidates(gate, wish).await.into_iter().take(TRIES) {
        let attempt = launcher.launch(&launch);
        if !takes(chooser, gate, &launch).await {
            if let Outcome::Launched(launched) = attempt.await {
                tally.wrongly_skipped += 1;
                launcher.delete(&launched).await;
            }
            continue;
        }
        match attempt.await {
            Outcome::Launched(launched) => return Some(launched),
            Outcome::OverQuota { .. } => tally.over_quota += 1,
            Outcome::NoHardware => tally.no_hardware += 1,
        }
        // A failed launch may have moved what others see, so the next verdict rests on a new reading.
        gate.refresh().await;
    }
    None
}

/// Every launch that would fulfil a wish, in the order of the account: on-demand and preemptible, in every region.
async fn candidates(gate: &Gate, wish: &Wish) -> Vec<Launch> {
    let inventory = gate.inventory().await;
    let mut launches = Vec::new();
    for offer in inventory.offers() {
        let item = inventory.instance_type(&offer.instance_type).unwrap();
        if !item.family.starts_with(wish.model) || item.gpus != wish.gpus {
            continue;
        }
        for project in inventory.projects_in(&offer.region) {
            launches.push(Launch {
                offer: offer.clone(),
                count: 1,
                profile: Profile {
                    project,
                    disks: vec![Disk {
                        kind: "network-ssd".to_owned(),
                        bytes: 100 << 30,
                        count: 1,
                    }],
                    private_addresses: 1,
                    dynamic_public_addresses: wish.is_public.into(),
                    ..Profile::default()
                },
            });
        }
    }
    launches
}

async fn takes(chooser: Chooser, gate: &Gate, launch: &Launch) -> bool {
    match chooser {
        Chooser::NoCheck => true,
        Chooser::GpuRow => gpu_row_has_room(gate, &launch.offer).await,
        Chooser::Quotagate => {
            let verdict: Verdict = gate
                .check(launch, &Policy::default())
                .await
                .unwrap()
                .verdict;
            !matches!(
                verdict.availability,
                Availability::NoQuota | Availability::NoCapacity
            )
        }
    }
}

/// limit - usage of the tenant's GPU row against one instance, whatever the lifecycle; CPU types pass.
async fn gpu_row_has_room(gate: &Gate, offer: &Offer) -> bool {
    let inventory = gate.inventory().await;
    let item = inventory.instance_type(&offer.instance_type).unwrap();
    let Some(quota) = &item.gpu_quota else {
        return true;
    };
    let rows = &inventory.tenant_allowances().rows;
    rows.iter()
        .find(|row| row.name == *quota && row.region == offer.region)
        .is_some_and(|row| {
            row.limit
                .is_some_and(|limit| limit.saturating_sub(row.usage) >= item.gpus.into())
        })
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let wishes = wishes();
    println!("{} wishes in a day\n", wishes.len());
    println!(
        "{:<34} {:>9} {:>10} {:>11} {:>14} {:>15}",
        "", "fulfilled", "over quota", "no hardware", "wasted minutes", "wrongly skipped"
    );
    for (chooser, name) in [
        (Chooser::NoCheck, "no check"),
        (Chooser::GpuRow, "GPU row of the tenant alone"),
        (Chooser::Quotagate, "quotagate"),
    ] {
        let tally = runtime.block_on(replay(chooser, &plugin, &wishes));
        assert_eq!(tally.fulfilled + tally.unfulfilled, WISHES);
        let wasted = tally.over_quota * REFUSED_SECONDS + tally.no_hardware * NO_HARDWARE_SECONDS;
        println!(
            "{name:<34} {:>9} {:>10} {:>11} {:>14} {:>15}",
            tally.fulfilled,
            tally.over_quota,
            tally.no_hardware,
            wasted / 60,
            tally.wrongly_skipped
        );
    }
}
