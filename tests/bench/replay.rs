//! What it is worth: one day of launches, replayed against the emulator under three policies.
//!
//! `cargo bench -p quotagate-cli --bench replay -- --seed N --wishes N` prints one table. Every policy gets the same wishes
//! on a fresh copy of the bundled account, some of whose hardware runs out: (a) no check, as dstack does on Nebius; (b) the
//! tenant's GPU row against one instance, for every lifecycle alike, as Brev does; (c) quotagate. A wish has a list of
//! offers, cheapest first, of which at most 25 are tried until one launches. An offer that a policy skips is really
//! launched all the same and deleted at once, to see whether it was skipped wrongly.
//!
//! The advice on capacity follows the hardware at once, which the real one does not (nebius rule 33); a fourth line shows
//! quotagate with advice of another day. CPU hardware runs out too, of which no advice ever speaks. Usage does not lag.

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

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::Arc,
};

use nebius_emulator::{
    Emulator, Running, Settings,
    settings::{Advice, Hardware, Lane},
    worlds,
};
use quotagate::{
    Availability, Gate, InstanceType, Launch, Need, Offer, Plugin, Policy, Profile, RowState,
};
use quotagate_nebius::{ConnectOptions, Environment, NebiusClient};

use self::launcher::{Launched, Launcher, Outcome};

const SEED: u64 = 20_261_123;
const WISHES: usize = 300;
const ON_DEMAND: &str = "on-demand";
const PREEMPTIBLE: &str = "preemptible";
const MINUTES_OF_A_DAY: u64 = 24 * 60;
/// A refused launch: the boot disk is waited for, then the instance.
const REFUSED_SECONDS: u64 = 20 + 30;
/// A launch that finds no hardware is noticed after minutes.
const NO_HARDWARE_SECONDS: u64 = 6 * 60;
/// Launches that dstack tries for one wish.
const TRIES: usize = 25;

/// What is known of an offer before it is tried.
#[derive(Clone, Copy)]
enum Check {
    Nothing,
    GpuRow,
    Quotagate,
    /// The same, where the cloud's advice on capacity is of another day and calls itself fresh.
    QuotagateOutdated,
}

#[derive(Default)]
struct Tally {
    fulfilled: usize,
    unfulfilled: usize,
    over_quota: u64,
    no_hardware: u64,
    skipped: usize,
    wrongly_skipped: usize,
}

/// What somebody wants: machines of a model with so many GPUs, or CPU machines with so many vCPUs, for some minutes.
struct Wish {
    minute: u64,
    minutes: u64,
    family: &'static str,
    /// GPUs, or vCPUs of a CPU machine.
    size: u32,
    /// Whether a larger machine will do.
    at_least: bool,
    count: u32,
    disk_gib: u64,
    public: bool,
    /// The lifecycles that are put up with.
    lifecycles: &'static [&'static str],
    /// Orders offers of one price.
    luck: u64,
}

/// An offer of the account, and the type that it is of.
struct Listed {
    offer: Offer,
    project: String,
    instance_type: InstanceType,
}

/// An emulator with the account as the day goes on, and what looks at it and acts on it.
struct Day {
    emulator: Running,
    gate: Gate,
    launcher: Launcher,
    catalogue: Vec<Listed>,
    /// What fulfils wishes now, by the minute of its end and the place of its wish.
    running: BTreeMap<(u64, usize), Launched>,
    tally: Tally,
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

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

fn wishes(seed: u64, count: usize) -> Vec<Wish> {
    const MODELS: [(&str, u32); 12] = [
        ("gpu-h100", 1),
        ("gpu-h100", 8),
        ("gpu-h200", 1),
        ("gpu-h200", 1),
        ("gpu-h200", 8),
        ("gpu-b200", 1),
        ("gpu-b200", 8),
        ("gpu-b300", 8),
        ("gpu-l40s", 1),
        ("gpu-rtx6000", 1),
        ("cpu-", 4),
        ("cpu-", 16),
    ];
    const LIFECYCLES: [&[&str]; 4] = [
        &[ON_DEMAND],
        &[ON_DEMAND, PREEMPTIBLE],
        &[ON_DEMAND, PREEMPTIBLE],
        &[PREEMPTIBLE],
    ];
    let mut draw = Draw(seed);
    let mut wishes: Vec<Wish> = (0..count)
        .map(|_| {
            let (family, size) = draw.of(&MODELS);
            let mut lifecycles = draw.of(&LIFECYCLES);
            if family == "cpu-" {
                // CPU machines come as on-demand alone.
                lifecycles = LIFECYCLES[0];
            }
            Wish {
                minute: draw.below(MINUTES_OF_A_DAY),
                minutes: 10 + draw.below(240),
                family,
                size,
                at_least: draw.below(2) == 0,
                count: draw.of(&[1, 1, 1, 1, 2, 3]),
                disk_gib: draw.of(&[50, 100, 100, 400, 1000]),
                public: draw.below(3) == 0,
                lifecycles,
                luck: draw.below(1 << 20),
            }
        })
        .collect();
    wishes.sort_by_key(|wish| wish.minute);
    wishes
}

/// The hardware of every GPU fabric, by region, platform, fabric, and the GPUs free on-demand and as preemptible. Some has
/// room for whatever the quotas allow, some runs out in the course of the day, and some is short from the start.
fn hardware() -> Vec<Hardware> {
    const FABRICS: [(&str, &str, &str, u64, u64); 10] = [
        ("eu-north1", "gpu-h100-sxm", "fabric-3", 4, 16),
        ("eu-north1", "gpu-h200-sxm", "fabric-7", 1, 16),
        ("eu-north1", "gpu-l40s-a", "", 8, 0),
        ("eu-north1", "gpu-l40s-d", "", 8, 0),
        ("eu-west1", "gpu-h200-sxm", "fabric-5", 8, 8),
        ("us-central1", "gpu-h200-sxm", "us-central1-a", 16, 16),
        ("us-central1", "gpu-b200-sxm", "us-central1-b", 16, 16),
        ("us-central1", "gpu-rtx6000", "", 16, 8),
        ("me-west1", "gpu-b200-sxm-a", "me-west1-a", 16, 8),
        ("uk-south1", "gpu-b300-sxm", "uk-south1-a", 16, 32),
    ];
    let of_gpus = FABRICS.into_iter().flat_map(|fabric| {
        let (region, platform, name, on_demand, preemptible) = fabric;
        [
            (region, platform, name, Lane::OnDemand, on_demand),
            (region, platform, name, Lane::Preemptible, preemptible),
        ]
    });
    of_gpus
        .chain([
            // What the account has reserved is there.
            (
                "uk-south1",
                "gpu-b300-sxm",
                "uk-south1-a",
                Lane::Reserved,
                16,
            ),
            // Two CPU machines: no advice tells.
            ("eu-west1", "cpu-d3", "", Lane::OnDemand, 2),
        ])
        .map(|(region, platform, fabric, lane, free)| Hardware {
            region: region.to_owned(),
            platform: platform.to_owned(),
            fabric: fabric.to_owned(),
            lane,
            free,
        })
        .collect()
}

impl Wish {
    /// The launches that would fulfil it, cheapest first: a GPU, or a vCPU, costs the same everywhere, and half as
    /// preemptible.
    fn launches<'a>(&self, catalogue: &'a [Listed]) -> Vec<(&'a Listed, Launch)> {
        let mut listed: Vec<&Listed> = catalogue
            .iter()
            .filter(|listed| {
                let size = listed.size();
                listed.instance_type.family.starts_with(self.family)
                    && self.lifecycles.contains(&listed.offer.lifecycle.as_str())
                    && (size == self.size || self.at_least && size > self.size)
            })
            .collect();
        listed.sort_by_cached_key(|listed| {
            let mut luck = Draw(self.luck);
            let name = listed
                .offer
                .region
                .bytes()
                .chain(listed.instance_type.name.bytes());
            name.for_each(|byte| {
                luck.0 = luck.0.wrapping_add(luck.below(1 << 20) * u64::from(byte))
            });
            let preemptible = listed.offer.lifecycle == PREEMPTIBLE;
            let price = listed.size() * if preemptible { 1 } else { 2 };
            (price, luck.below(1 << 20))
        });
        let with_launch = |listed: &'a Listed| (listed, self.launch(listed));
        listed.into_iter().map(with_launch).collect()
    }

    fn launch(&self, listed: &Listed) -> Launch {
        let mut needs = vec![
            Need::sized("disk.network-ssd", self.disk_gib << 30),
            Need::pieces("address.private", 1),
        ];
        if self.public {
            needs.push(Need::pieces("address.public.dynamic", 1));
        }
        Launch {
            offer: listed.offer.clone(),
            count: self.count,
            profile: Profile {
                project: listed.project.clone(),
                needs,
                ..Profile::default()
            },
        }
    }
}

impl Listed {
    fn size(&self) -> u32 {
        let InstanceType { gpus, vcpus, .. } = self.instance_type;
        if gpus > 0 { gpus } else { vcpus }
    }
}

impl Day {
    async fn replay(check: Check, plugin: &Plugin, wishes: &[Wish]) -> Tally {
        let settings = Settings {
            hardware: hardware(),
            advice: match check {
                Check::QuotagateOutdated => Advice::Recorded,
                Check::Nothing | Check::GpuRow | Check::Quotagate => Advice::Derived,
            },
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
        let client = NebiusClient::new(&options).unwrap();
        let gate = Gate::new(plugin.clone(), Arc::new(client)).unwrap();
        let mut day = Self {
            catalogue: catalogue(&gate).await,
            gate,
            launcher: Launcher::connect(emulator.addr()).await,
            emulator,
            running: BTreeMap::new(),
            tally: Tally::default(),
        };
        for (index, wish) in wishes.iter().enumerate() {
            while let Some(entry) = day
                .running
                .first_entry()
                .filter(|entry| entry.key().0 <= wish.minute)
            {
                day.launcher.delete(&entry.remove()).await;
            }
            match day.fulfil(check, wish).await {
                Some(launched) => {
                    day.tally.fulfilled += 1;
                    let end = wish.minute + wish.minutes;
                    day.running.insert((end, index), launched);
                }
                None => day.tally.unfulfilled += 1,
            }
        }
        day.tally
    }

    /// Tries what the check leaves of a wish's offers: those known to be available first, otherwise in their order.
    async fn fulfil(&mut self, check: Check, wish: &Wish) -> Option<Launched> {
        if !matches!(check, Check::Nothing) {
            self.gate.refresh().await;
        }
        let (mut available, mut unknown) = (Vec::new(), Vec::new());
        for (listed, launch) in wish.launches(&self.catalogue) {
            match check.look(&self.gate, listed, &launch).await {
                Availability::Available => available.push(launch),
                Availability::Unknown => unknown.push(launch),
                Availability::NoQuota | Availability::NoCapacity => {
                    self.tally.skipped += 1;
                    if let Outcome::Launched(launched) = self.attempt(&launch).await {
                        self.tally.wrongly_skipped += 1;
                        self.launcher.delete(&launched).await;
                    }
                }
            }
        }
        for launch in available.into_iter().chain(unknown).take(TRIES) {
            match self.attempt(&launch).await {
                Outcome::Launched(launched) => return Some(launched),
                Outcome::OverQuota { .. } => self.tally.over_quota += 1,
                Outcome::NoHardware => self.tally.no_hardware += 1,
            }
        }
        None
    }

    /// Launches. An instance that finds no hardware stays behind stopped, and holds quota; it is deleted
    /// too, so that the next attempt finds the account as this one did.
    async fn attempt(&self, launch: &Launch) -> Outcome {
        let outcome = self.launcher.launch(launch).await;
        if matches!(outcome, Outcome::NoHardware) {
            let wanted: BTreeSet<&String> = self
                .running
                .values()
                .flat_map(|launched| &launched.instances)
                .collect();
            let mut strays = Launched::default();
            for instance in self.emulator.instances() {
                let id = instance.metadata.unwrap().id;
                if !wanted.contains(&id) {
                    strays.instances.push(id);
                }
            }
            self.launcher.delete(&strays).await;
        }
        outcome
    }
}

impl Check {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Nothing, "no check"),
        (Self::GpuRow, "GPU row of the tenant alone"),
        (Self::Quotagate, "quotagate"),
        (Self::QuotagateOutdated, "quotagate, outdated advice"),
    ];

    async fn look(self, gate: &Gate, listed: &Listed, launch: &Launch) -> Availability {
        match self {
            Self::Nothing => Availability::Unknown,
            Self::GpuRow => gpu_row(gate, listed).await,
            Self::Quotagate | Self::QuotagateOutdated => {
                let checked = gate.check(launch, &Policy::default()).await.unwrap();
                checked.verdict.availability()
            }
        }
    }
}

/// limit - usage of the tenant's active GPU row against one instance, whatever the lifecycle; no row, or none with a
/// limit, means no quota. CPU types pass.
async fn gpu_row(gate: &Gate, listed: &Listed) -> Availability {
    let InstanceType { gpus, draws, .. } = &listed.instance_type;
    let Some(drawn) = draws.first().filter(|_| *gpus > 0) else {
        return Availability::Available;
    };
    let inventory = gate.inventory().await.contract();
    let tenant = &inventory.owners[0][0].id;
    let row = inventory.rows.iter().find(|row| {
        row.quota == drawn.quota
            && row.owner == *tenant
            && row.place.region.as_deref() == Some(&listed.offer.region)
            && row.state == RowState::InForce
    });
    match row.and_then(|row| Some(row.limit.number()?.saturating_sub(row.usage.at_least))) {
        Some(free) if free >= u64::from(*gpus) => Availability::Available,
        _ => Availability::NoQuota,
    }
}

/// Every offer of the account, with its project and type.
async fn catalogue(gate: &Gate) -> Vec<Listed> {
    let inventory = gate.inventory().await;
    let lists = inventory.contract().types;
    let mut catalogue = Vec::new();
    for offer in inventory.offers() {
        for types in &lists {
            let mut items = types.items.iter();
            let found = items.find(|found| {
                let mut offered = found.offered.iter();
                found.name == offer.instance_type
                    && offered.any(|offered| offered.place.region.as_ref() == Some(&offer.region))
            });
            if let Some(instance_type) = found {
                catalogue.push(Listed {
                    offer: offer.clone(),
                    instance_type: instance_type.clone(),
                    project: types.project.clone(),
                });
            }
        }
    }
    catalogue
}

/// `--seed` and `--wishes`; cargo adds `--bench` of its own.
fn arguments() -> Result<(u64, usize), String> {
    let (mut seed, mut wishes) = (SEED, WISHES);
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let wrong = |error| format!("{name} `{value}`: {error}");
        match name.as_str() {
            "--seed" => seed = value.parse().map_err(wrong)?,
            "--wishes" => wishes = value.parse().map_err(wrong)?,
            _ => return Err(format!("{name} is neither --seed N nor --wishes N")),
        }
    }
    Ok((seed, wishes))
}

fn main() -> Result<(), String> {
    let (seed, count) = arguments()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let wishes = wishes(seed, count);
    println!("{count} wishes in a day, --seed {seed}\n");
    println!(
        "{:<28} {:>9} {:>11} {:>10} {:>11} {:>14} {:>7} {:>15}",
        "",
        "fulfilled",
        "unfulfilled",
        "over quota",
        "no hardware",
        "wasted minutes",
        "skipped",
        "wrongly skipped"
    );
    for (check, name) in Check::ALL {
        let tally = runtime.block_on(Day::replay(check, &plugin, &wishes));
        let wasted = tally.over_quota * REFUSED_SECONDS + tally.no_hardware * NO_HARDWARE_SECONDS;
        println!(
            "{name:<28} {:>9} {:>11} {:>10} {:>11} {:>14} {:>7} {:>15}",
            tally.fulfilled,
            tally.unfulfilled,
            tally.over_quota,
            tally.no_hardware,
            wasted / 60,
            tally.skipped,
            tally.wrongly_skipped
        );
    }
    Ok(())
}
