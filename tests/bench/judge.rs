//! What a judgement costs, each number beside the one to reach, as ratios within one run: machines differ.
//!
//! `cargo bench -p quotagate-cli --bench judge` prints a table and exits with 1 where a number is missed. Rows that compare with
//! revision b0ffe39 need `QUOTAGATE_BENCH_BASE=DIR`, where `DIR/bench/probe` is built as `base/probe.rs` says.

#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

#[path = "account.rs"]
mod account;
#[path = "table.rs"]
mod table;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

use quotagate::{
    Clock, CompileCache, Detail, Failure, FailureParts, Gate, Launch, Limits, Need, Offer, Plugin,
    PluginOptions, Policy, Profile, Question, StaticSource,
};
use quotagate_engine::{Engine, NativeReader, NumberedOffer, Reader as _};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::Nebius;

use self::{
    account::{PROJECT, REGION, Size},
    table::{Row, median},
};

/// 200 offers of 125 types.
const SMALL: Size = Size {
    types: 125,
    rows: 200,
};
/// 10,000 offers of 6,250 types.
const LARGE: Size = Size {
    types: 6_250,
    rows: 10_000,
};
const ROUNDS: usize = 41;
/// Each round asks about another count, so that nothing is answered from memory.
const COUNTS: u32 = 16;

/// An account of a size, and what judges it.
struct Bench {
    runtime: tokio::runtime::Runtime,
    gate: Gate,
    offers: Vec<Offer>,
    profile: Profile,
    /// Its world, as long as the bench lives.
    world: tempfile::TempDir,
}

impl Bench {
    fn new(plugin: &Plugin, size: Size) -> Self {
        let world = tempfile::tempdir().unwrap();
        account::write(world.path(), size);
        let source = RecordedWorld::read(world.path()).unwrap();
        let gate = Gate::new(plugin.clone(), Arc::new(source)).unwrap();
        let runtime = runtime();
        let mut offers = runtime.block_on(gate.offers());
        // About three in five types have GPUs, and are offered as preemptible too.
        let wanted = size.types * 8 / 5;
        assert!(offers.len() >= wanted, "{} offers", offers.len());
        offers.truncate(wanted);
        Self {
            runtime,
            gate,
            offers,
            profile: Profile {
                project: PROJECT.to_owned(),
                needs: vec![
                    Need::sized("disk.network-ssd", 100 << 30),
                    Need::pieces("address.private", 1),
                ],
                ..Profile::default()
            },
            world,
        }
    }

    fn list(&self, offers: &[Offer], count: u32) -> Duration {
        let question = Question::new(offers)
            .count(count)
            .profile(self.profile.clone())
            .detail(Detail::Deciding);
        let begun = Instant::now();
        let listing = self.runtime.block_on(self.gate.filter(&question)).unwrap();
        let took = begun.elapsed();
        assert_eq!(listing.items.len(), offers.len());
        took
    }

    /// A warm list through the component.
    fn component(&self, offers: &[Offer]) -> Duration {
        self.list(offers, COUNTS);
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|round| self.list(offers, of(round)))
            .collect();
        median(&mut times)
    }

    /// The same judgements by the same rules, called natively.
    fn native(&self) -> Duration {
        let inventory = self.runtime.block_on(self.gate.inventory());
        let reader = NativeReader::new(inventory.contract(), Clock::system().now_ms());
        let offers: Vec<NumberedOffer> = self
            .offers
            .iter()
            .map(|offer| NumberedOffer {
                instance_type: reader.number_of(&offer.instance_type),
                region: reader.number_of(&offer.region),
                lifecycle: reader.number_of(&offer.lifecycle),
                ..NumberedOffer::default()
            })
            .collect();
        let mut engine = Engine::new(Nebius);
        let policy = Policy::default();
        let mut judge = |count| {
            let begun = Instant::now();
            let answer = engine.assess(&reader, &offers, &[], count, &self.profile, &policy);
            let took = begun.elapsed();
            assert_eq!(answer.unwrap().heads.len(), offers.len());
            took
        };
        judge(COUNTS);
        let mut times: Vec<_> = (0..ROUNDS).map(|round| judge(of(round))).collect();
        median(&mut times)
    }

    /// Offers of which there is nothing to judge: what is left is the way there and back.
    fn nothing(&self) -> Vec<Offer> {
        let named = |number| Offer {
            instance_type: format!("cpu-none {number}vcpu-1gb"),
            ..self.offers[0].clone()
        };
        (0..self.offers.len()).map(named).collect()
    }

    /// The first list after a hold, over the same list before it.
    fn after_a_hold(&self) -> f64 {
        let small = self
            .offers
            .iter()
            .find(|offer| offer.instance_type.starts_with("cpu"));
        let launch = Launch {
            offer: small.unwrap().clone(),
            count: 1,
            profile: self.profile.clone(),
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            self.list(&self.offers, COUNTS + 1);
            before.push(self.list(&self.offers, of(round)));
            let verified = self.runtime.block_on(self.gate.verify(&launch)).unwrap();
            let hold = verified.hold.unwrap();
            after.push(self.list(&self.offers, of(round + 1)));
            hold.release();
        }
        ratio(median(&mut after), median(&mut before))
    }
}

/// The count that a round asks about.
fn of(round: usize) -> u32 {
    1 + u32::try_from(round).unwrap() % COUNTS
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// How long a plugin takes to be there.
struct Start {
    /// From a compiled file of an earlier process.
    load: Duration,
    /// A fresh instance.
    instantiate: Duration,
}

fn start() -> Start {
    let folder = tempfile::tempdir().unwrap();
    let load = |warm_instances| {
        let options = PluginOptions {
            cache: CompileCache::At(folder.path().to_owned()),
            limits: Limits {
                warm_instances,
                ..Limits::default()
            },
            ..PluginOptions::default()
        };
        Plugin::load_with(quotagate_plugins::NEBIUS.bytes, &options).unwrap()
    };
    let timed = |run: &mut dyn FnMut()| {
        run();
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let begun = Instant::now();
                run();
                begun.elapsed()
            })
            .collect();
        median(&mut times)
    };
    let runtime = runtime();
    let failure = Failure::Parts(FailureParts {
        code: "8".to_owned(),
        ..FailureParts::default()
    });
    let called = |warm_instances| {
        let source = StaticSource::new(
            quotagate_nebius::CLOUD,
            quotagate_contract::Inventory::default(),
        );
        let gate = Gate::new(load(warm_instances), Arc::new(source)).unwrap();
        timed(&mut || drop(runtime.block_on(gate.diagnose(&failure, None)).unwrap()))
    };
    let (fresh, warm) = (called(0), called(4));
    Start {
        load: timed(&mut || drop(load(4))),
        instantiate: fresh.saturating_sub(warm),
    }
}

/// What the same takes at revision b0ffe39.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
struct Base {
    list: u64,
    load: u64,
    instantiate: u64,
}

impl Base {
    /// Measures it, where a checkout is named.
    fn measure(world: &Path) -> Option<Self> {
        let probe = PathBuf::from(env::var_os("QUOTAGATE_BENCH_BASE")?).join("bench/probe");
        let ran = Command::new(&probe).arg(world).output();
        let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", probe.display()));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {said}", probe.display());
        Some(serde_json::from_slice(&ran.stdout).unwrap())
    }
}

/// A number against that of the base.
fn against(
    what: &'static str,
    took: Duration,
    base: Option<u64>,
    reach: &'static str,
    most: f64,
) -> Row {
    let part = base.map(|base| ratio(took, Duration::from_nanos(base)));
    Row {
        what,
        measured: match part {
            Some(part) => format!("{part:.3} of b0ffe39 ({took:?})"),
            None => format!("{took:?}"),
        },
        reach,
        reached: part.map(|part| part <= most),
    }
}

fn main() -> ExitCode {
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let small = Bench::new(&plugin, SMALL);
    let base = Base::measure(small.world.path());
    let list = small.component(&small.offers);
    let native = small.native();
    let empty = small.component(&small.nothing());
    let one = small.component(&small.nothing()[..1]);
    let crossing = empty.saturating_sub(one);
    let held = small.after_a_hold();
    let large = Bench::new(&plugin, LARGE);
    let long = large.component(&large.offers);
    let start = start();
    println!(
        "{} offers in {REGION}, {ROUNDS} rounds each\n",
        small.offers.len()
    );
    table::print(&[
        against(
            "200 distinct offers with deciding findings, through the component",
            list,
            base.map(|base| base.list),
            "<= 1/15",
            1.0 / 15.0,
        ),
        Row {
            what: "the same over the same rules natively",
            measured: format!("{:.2} ({list:?} to {native:?})", ratio(list, native)),
            reach: "<= 1.5",
            reached: Some(ratio(list, native) <= 1.5),
        },
        Row {
            what: "200 offers there and back, nothing to judge, the gate's work too",
            measured: format!("{crossing:?}"),
            reach: "<= 10 us",
            reached: Some(crossing <= Duration::from_micros(10)),
        },
        Row {
            what: "10,000 distinct offers and rows over the 200",
            measured: format!("{:.1} ({long:?})", ratio(long, list)),
            reach: "<= 60",
            reached: Some(ratio(long, list) <= 60.0),
        },
        Row {
            what: "the first list after a hold over the same without",
            measured: format!("{held:.2}"),
            reach: "<= 1.1",
            reached: Some(held <= 1.1),
        },
        against(
            "load the component from the cache",
            start.load,
            base.map(|base| base.load),
            "<= 1/4",
            0.25,
        ),
        against(
            "instantiate it",
            start.instantiate,
            base.map(|base| base.instantiate),
            "no slower",
            1.1,
        ),
    ])
}
