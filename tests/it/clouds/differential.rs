//! Random accounts that count for themselves: what the gate says fits is let through, what it blocks is refused.
//!
//! Each account keeps its own numbers in its own way, and knows nothing of rows, bands or owners.

use std::collections::BTreeMap;

use fastrand::Rng;
use quotagate::{Attribute, Detail, Launch, Limit, QuotaOutcome, Usage};
use quotagate_clouds as components;
use quotagate_engine::Cloud;
use quotagate_imaginary_clouds::{Altus, Cirrus, Cumulus, Stratus};

use super::{
    natively, through,
    world::{World, launch},
};

/// An account with limits of its own.
trait Account {
    /// What its cloud would list of it.
    fn world(&self) -> World;

    /// A launch that somebody may make.
    fn wish(&self, rng: &mut Rng) -> Launch;

    /// Makes the launch, or refuses it and changes nothing.
    fn make(&mut self, launch: &Launch) -> bool;
}

/// What was seen of each outcome: fits, unknown, blocked.
type Seen = BTreeMap<QuotaOutcome, u32>;

/// Judges launches before they are made, and holds every proof to what then happens.
fn hold<C: Cloud + Copy, A: Account>(
    cloud: C,
    component: &[u8],
    new: impl Fn(&mut Rng) -> A,
) -> Seen {
    let mut seen = Seen::new();
    for seed in 0..60 {
        let rng = &mut Rng::with_seed(seed);
        let mut account = new(rng);
        for step in 0..12 {
            let (world, launch) = (account.world(), account.wish(rng));
            let verdict = natively(cloud, &world, &launch, Detail::Deciding);
            // The component is the same code; now and then it has to show that.
            if step == 0 && seed % 10 == 0 {
                assert_eq!(
                    through(component, &world, &launch, Detail::Deciding),
                    verdict
                );
            }
            let about = || format!("seed {seed}, step {step}: {}", super::told(&verdict));
            match (verdict.quota, account.make(&launch)) {
                (QuotaOutcome::Fits, made) => assert!(made, "false fits, {}", about()),
                (QuotaOutcome::Blocked, made) => assert!(!made, "false blocked, {}", about()),
                (QuotaOutcome::Unknown, _) => {}
            }
            *seen.entry(verdict.quota).or_default() += 1;
        }
    }
    seen
}

/// A limit and what counts against it.
#[derive(Clone, Copy, Debug)]
struct Counter {
    limit: u64,
    used: u64,
}

impl Counter {
    fn any(rng: &mut Rng, most: u64) -> Self {
        let limit = rng.u64(0..=most);
        Self {
            limit,
            used: rng.u64(0..=limit / 2),
        }
    }

    const fn has(self, amount: u64) -> bool {
        self.used + amount <= self.limit
    }
}

struct CirrusAccount {
    everywhere: Counter,
    standard: [Counter; 2],
    spot: [Option<Counter>; 2],
}

const REGIONS: [&str; 2] = ["r1", "r2"];

fn region_of(launch: &Launch) -> usize {
    usize::from(launch.offer.region == REGIONS[1])
}

impl Account for CirrusAccount {
    fn world(&self) -> World {
        let family =
            |row: &mut quotagate::Row| row.dimensions = vec![Attribute::new("family", "h")];
        let Counter { limit, used } = self.everywhere;
        let mut world = World::new("cirrus", &[("p", "project")])
            .offers("h4", "h", 4, 48, &REGIONS)
            .limited("p", "gpus-all-regions", "", limit, used);
        for (region, (standard, spot)) in REGIONS.iter().zip(self.standard.iter().zip(self.spot)) {
            world = world
                .limited(
                    "p",
                    "gpus-per-family",
                    region,
                    standard.limit,
                    standard.used,
                )
                .with_row(family);
            if let Some(spot) = spot {
                world = world.limited("p", "spot-h-gpus", region, spot.limit, spot.used);
            }
        }
        world
    }

    fn wish(&self, rng: &mut Rng) -> Launch {
        let lifecycle = if rng.bool() { "spot" } else { "on-demand" };
        launch(rng.u32(1..=4), "h4", REGIONS[rng.usize(0..2)], lifecycle)
    }

    fn make(&mut self, launch: &Launch) -> bool {
        let (gpus, region) = (u64::from(launch.count) * 4, region_of(launch));
        let spot = self.spot[region]
            .as_mut()
            .filter(|spot| launch.offer.lifecycle == "spot" && spot.limit > 0);
        let regional = spot.unwrap_or(&mut self.standard[region]);
        let is_let_through = regional.has(gpus) && self.everywhere.has(gpus);
        if is_let_through {
            regional.used += gpus;
            self.everywhere.used += gpus;
        }
        is_let_through
    }
}

#[test]
fn cirrus_lets_through_what_fits_and_refuses_what_is_blocked() {
    let seen = hold(Cirrus, components::CIRRUS, |rng| CirrusAccount {
        everywhere: Counter::any(rng, 40),
        standard: [Counter::any(rng, 24), Counter::any(rng, 24)],
        spot: [(); 2].map(|()| rng.bool().then(|| Counter::any(rng, 12))),
    });
    assert!(
        seen[&QuotaOutcome::Fits] > 50 && seen[&QuotaOutcome::Blocked] > 50,
        "{seen:?}"
    );
    // Everything of this account is read.
    assert!(!seen.contains_key(&QuotaOutcome::Unknown), "{seen:?}");
}

struct StratusAccount {
    family: Counter,
    total: Counter,
    spot: Counter,
}

impl Account for StratusAccount {
    fn world(&self) -> World {
        World::new("stratus", &[("p", "subscription")])
            .offers("n6", "family-n", 1, 6, &["r1"])
            .limited("p", "family-n", "r1", self.family.limit, self.family.used)
            .limited("p", "cores", "r1", self.total.limit, self.total.used)
            .limited(
                "p",
                "low-priority-cores",
                "r1",
                self.spot.limit,
                self.spot.used,
            )
    }

    fn wish(&self, rng: &mut Rng) -> Launch {
        let lifecycle = if rng.bool() { "spot" } else { "on-demand" };
        launch(rng.u32(1..=4), "n6", "r1", lifecycle)
    }

    fn make(&mut self, launch: &Launch) -> bool {
        let cores = u64::from(launch.count) * 6;
        let drawn = if launch.offer.lifecycle == "spot" {
            vec![&mut self.spot]
        } else {
            vec![&mut self.family, &mut self.total]
        };
        let is_let_through = drawn.iter().all(|counter| counter.has(cores));
        for counter in drawn.into_iter().filter(|_| is_let_through) {
            counter.used += cores;
        }
        is_let_through
    }
}

#[test]
fn stratus_lets_through_what_fits_and_refuses_what_is_blocked() {
    let seen = hold(Stratus, components::STRATUS, |rng| StratusAccount {
        family: Counter::any(rng, 90),
        total: Counter::any(rng, 90),
        spot: Counter::any(rng, 60),
    });
    assert!(
        seen[&QuotaOutcome::Fits] > 50 && seen[&QuotaOutcome::Blocked] > 50,
        "{seen:?}"
    );
    assert!(!seen.contains_key(&QuotaOutcome::Unknown), "{seen:?}");
}

/// Limits of three owners in two zones; those of folder and project may be unset.
struct CumulusAccount([[Option<Counter>; 3]; 2]);

const ZONES: [&str; 2] = ["r1/a", "r1/b"];
const OWNERS: [(&str, &str); 3] = [("o", "organisation"), ("f", "folder"), ("p", "project")];

impl Account for CumulusAccount {
    fn world(&self) -> World {
        let mut world = World::new("cumulus", &OWNERS)
            .offers("e4", "e", 0, 4, &ZONES)
            .with_type(|kind| {
                kind.draws = vec![quotagate::Draw {
                    quota: "e-cores".to_owned(),
                    each: 4,
                }];
            });
        for (zone, counters) in ZONES.iter().zip(&self.0) {
            for ((owner, _), counter) in OWNERS.iter().zip(counters) {
                if let Some(Counter { limit, used }) = counter {
                    world = world.limited(owner, "e-cores", zone, *limit, *used);
                }
            }
        }
        world
    }

    fn wish(&self, rng: &mut Rng) -> Launch {
        let at = ["r1/a", "r1/b", "r1"][rng.usize(0..3)];
        launch(rng.u32(1..=4), "e4", at, "on-demand")
    }

    fn make(&mut self, launch: &Launch) -> bool {
        let cores = u64::from(launch.count) * 4;
        // The cloud takes the zone that is named, else the first that has room.
        for (zone, counters) in ZONES.iter().zip(&mut self.0) {
            let is_the_one = launch
                .offer
                .zone
                .as_deref()
                .is_none_or(|named| named == *zone);
            if is_the_one && counters.iter().flatten().all(|counter| counter.has(cores)) {
                for counter in counters.iter_mut().flatten() {
                    counter.used += cores;
                }
                return true;
            }
        }
        false
    }
}

#[test]
fn cumulus_lets_through_what_fits_and_refuses_what_is_blocked() {
    let seen = hold(Cumulus, components::CUMULUS, |rng| {
        CumulusAccount([(); 2].map(|()| {
            [
                Some(Counter::any(rng, 60)),
                rng.bool().then(|| Counter::any(rng, 40)),
                rng.bool().then(|| Counter::any(rng, 40)),
            ]
        }))
    });
    assert!(
        seen[&QuotaOutcome::Fits] > 50 && seen[&QuotaOutcome::Blocked] > 50,
        "{seen:?}"
    );
}

/// vCPUs by state; of what is starting, the cloud counts a part that it does not tell.
struct AltusAccount {
    limit: u64,
    running: u64,
    starting: u64,
    counted: u64,
    slots: Counter,
}

impl Account for AltusAccount {
    fn world(&self) -> World {
        World::new("altus", &[("p", "account")])
            .offers("v1", "v", 0, 1, &ZONES)
            .row(
                "p",
                "running-vcpus",
                "r1",
                Limit::Amount(self.limit),
                Usage::UNKNOWN,
            )
            .holds(self.running + self.slots.limit, 1, "running", "r1/a")
            .holds(self.starting, 1, "starting", "r1/a")
            .reserves("cr", "v1", "r1/a", self.slots.limit, self.slots.used)
    }

    fn wish(&self, rng: &mut Rng) -> Launch {
        launch(rng.u32(1..=6), "v1", ZONES[rng.usize(0..2)], "on-demand")
    }

    fn make(&mut self, launch: &Launch) -> bool {
        let count = u64::from(launch.count);
        let is_in_zone = launch.offer.zone.as_deref() == Some(ZONES[0]);
        let reserved = if is_in_zone {
            count.min(self.slots.limit - self.slots.used)
        } else {
            0
        };
        let drawn = count - reserved;
        // Slots are paid for, so the cloud counts them whether they are used or not.
        let usage = self.running + self.slots.limit + self.counted;
        if drawn > 0 && usage + drawn > self.limit {
            return false;
        }
        self.slots.used += reserved;
        self.running += drawn;
        true
    }
}

#[test]
fn altus_lets_through_what_fits_and_refuses_what_is_blocked_whatever_it_counts() {
    let seen = hold(Altus, components::ALTUS, |rng| {
        let starting = rng.u64(0..=4);
        AltusAccount {
            limit: rng.u64(10..=40),
            running: rng.u64(0..=10),
            starting,
            counted: rng.u64(0..=starting),
            slots: Counter::any(rng, 5),
        }
    });
    assert!(
        seen[&QuotaOutcome::Fits] > 50 && seen[&QuotaOutcome::Blocked] > 50,
        "{seen:?}"
    );
    assert!(seen[&QuotaOutcome::Unknown] > 10, "{seen:?}");
}
