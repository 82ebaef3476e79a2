//! The same measurements at revision b0ffe39, for `judge` to compare with in one run. It is no part of this workspace: it is
//! built in a checkout of that revision, in the place of its bench `hosts`.
//!
//!     git worktree add BASE b0ffe39
//!     cp tests/bench/base/probe.rs BASE/tests/bench/hosts.rs
//!     (cd BASE && cargo bench -p quotagate-cli --bench hosts --no-run)
//!     mkdir -p BASE/bench && cp BASE/target/release/deps/hosts-* BASE/bench/probe     (the one without an extension)
//!     QUOTAGATE_BENCH_BASE=BASE cargo bench -p quotagate-cli --bench judge
//!
//! It takes a world and prints a line of JSON with medians in nanoseconds.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a measurement")]

use std::{path::Path, sync::Arc, time::Instant};

use nebius_api::world::World;
use quotagate::{CompileCache, Disk, Failure, Gate, Limits, Plugin, PluginOptions, Policy, Profile};
use quotagate_nebius::RecordedWorld;

const ROUNDS: u32 = 41;

fn main() {
    let world = std::env::args().skip(1).find(|argument| argument != "--bench").unwrap();
    let source = RecordedWorld::new(World::read(Path::new(&world)).unwrap()).unwrap();
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let gate = Gate::new(plugin, Arc::new(source)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let offers = runtime.block_on(gate.offers());
    let profile = Profile {
        disks: vec![Disk { kind: "network-ssd".to_owned(), bytes: 100 << 30, count: 1 }],
        private_addresses: 1,
        ..Profile::default()
    };
    let policy = Policy::default();
    let list = median(|round| {
        let listing = gate.filter(&offers, 1 + round % 16, &profile, &policy);
        assert_eq!(runtime.block_on(listing).unwrap().items.len(), offers.len());
    });
    let load = median(|_| drop(Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap()));
    let cold = Plugin::load_with(quotagate_plugins::NEBIUS.bytes, &PluginOptions {
        limits: Limits { warm_instances: 0, ..Limits::default() },
        cache: CompileCache::User,
        sha256: None,
    })
    .unwrap();
    let warm = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
    let failure = Failure { code: 8, message: String::new(), details: Vec::new() };
    let fresh = median(|_| drop(cold.diagnose(&failure).unwrap()));
    let called = median(|_| drop(warm.diagnose(&failure).unwrap()));
    println!("{{\"list\": {list}, \"load\": {load}, \"instantiate\": {}}}", fresh.saturating_sub(called));
}

fn median(mut run: impl FnMut(u32)) -> u128 {
    run(0);
    let mut taken: Vec<u128> = (0..ROUNDS)
        .map(|round| {
            let begun = Instant::now();
            run(round);
            begun.elapsed().as_nanos()
        })
        .collect();
    taken.sort_unstable();
    taken[taken.len() / 2]
}
