//! The proof by experiment: random accounts, random launches, each judged and then really launched in the emulator, whose
//! accounting shares no code with the engine. Counted are verdicts that the cloud contradicts.
//!
//! `QUOTAGATE_DIFFERENTIAL_LAUNCHES=10000` makes it long; `QUOTAGATE_DIFFERENTIAL_SEED=N` draws others than the usual
//! ones; the seed is printed first. A failure shrinks to the smallest account and the shortest row of launches that still show it.

use std::{
    env,
    time::{Duration, SystemTime},
};

use nebius_api::world::World;
use nebius_emulator::{
    Clock, Emulator, Faults, Running, Settings,
    settings::{BlockOrder, Hardware, Lane, QuotaFailures},
};
use proptest::{
    collection::vec as vec_of,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use quotagate::{
    Detail, Gate, Launch, Need, Offer, Policy, Profile, QuotaOutcome, ReservationUse, Verdict,
};

use crate::{
    harness::{CPU, GPU_QUOTA, H200, PROJECT, REGION, SECOND, TENANT, WorldBuilder, row},
    launcher::{Launcher, Outcome},
    live::{Hands, address, builder, disk, offer},
};

const LAUNCHES_A_CASE: usize = 10;
const TIB: u64 = 1 << 40;

/// A quota's name, limit, usage, state, and what is said of the usage.
type Row = (&'static str, Option<u64>, u64, &'static str, &'static str);

/// An account, as far as it differs from one with ample room.
#[derive(Clone, Debug)]
struct Account {
    tenant: Vec<Row>,
    project: Vec<Row>,
    blocks: Vec<(u64, u64)>,
    share: Option<u64>,
    /// A row of the tenant that the list holds a second time, with this limit.
    twin: Option<(&'static str, u64)>,
    /// GPUs that there is hardware for beside blocks; none where it never runs out.
    hardware: Option<u64>,
    settings: Settings,
}

/// What is done, one after another.
#[derive(Clone, Debug)]
enum Step {
    Launch(Launch),
    /// The same, after a disk was made that the first instance attaches.
    LaunchWith(Launch, Need),
    /// Deletes one of the launches that run.
    Delete(usize),
    /// Stops one of the launches that run, and starts it again.
    Restart(usize),
}

/// What came of a run.
#[derive(Debug, Default)]
struct Tally {
    launches: usize,
    launched: usize,
    refused: usize,
    unknown: usize,
    without_hardware: usize,
    /// "Fits" that were refused while a row showed less usage than there was.
    excused: usize,
}

const COUNTED: &[&str] = &[
    GPU_QUOTA,
    "compute.instance.count",
    "compute.instance.preemptible.count",
    "compute.instance.non-gpu.vcpu",
    "compute.disk.count",
    "compute.filesystem.count",
    "compute.gpucluster.count",
    "vpc.allocation.count",
    "vpc.ipv4-address.public.count",
];
const SIZED: &[&str] = &[
    "compute.disk.size.network-ssd",
    "compute.disk.size.network-ssd-io-m3",
];

fn rows(limit_set: f64, at_most: usize) -> BoxedStrategy<Vec<Row>> {
    let state = prop_oneof![
        24 => Just("STATE_ACTIVE"),
        1 => select(vec!["STATE_FROZEN", "STATE_PROVISIONING", "STATE_DELETED"]),
    ];
    let usage_state = prop_oneof![
        12 => Just("USAGE_STATE_USED"),
        1 => select(vec!["USAGE_STATE_UNKNOWN", "USAGE_STATE_NOT_USED", "USAGE_STATE_UNSPECIFIED"]),
    ];
    let counted = (
        select(COUNTED),
        option::weighted(limit_set, 0..40_u64),
        0..12_u64,
        state.clone(),
        usage_state.clone(),
    );
    let sized = (
        select(SIZED),
        option::weighted(limit_set, 0..4 * TIB),
        0..TIB,
        state,
        usage_state,
    );
    vec_of(
        prop_oneof![4 => counted.boxed(), 1 => sized.boxed()],
        0..at_most,
    )
    .boxed()
}

fn account() -> BoxedStrategy<Account> {
    (
        rows(0.97, 7),
        rows(0.7, 4),
        vec_of((0..33_u64, 0..12_u64), 0..3),
        option::weighted(0.3, 0..24_u64),
        option::weighted(0.1, (select(COUNTED), 0..40_u64)),
        option::weighted(0.2, 0..48_u64),
        settings(),
    )
        .prop_map(
            |(tenant, project, blocks, share, twin, hardware, settings)| Account {
                tenant,
                project,
                blocks,
                share,
                twin,
                hardware,
                settings,
            },
        )
        .boxed()
}

/// How the cloud behaves, as far as no answer depends on it.
fn settings() -> BoxedStrategy<Settings> {
    let orders = vec![BlockOrder::First, BlockOrder::Last, BlockOrder::Fullest];
    let failures = vec![QuotaFailures::Synchronous, QuotaFailures::InOperation];
    (
        select(failures),
        any::<bool>(),
        any::<bool>(),
        select(orders),
    )
        .prop_map(|(quota_failures, hold, refuse, block_order)| Settings {
            quota_failures,
            stopped_instances_hold_gpus: hold,
            deleted_project_rows_refuse: refuse,
            block_order,
            ..Settings::default()
        })
        .boxed()
}

fn launch() -> BoxedStrategy<Launch> {
    let kinds = vec!["network-ssd", "network-ssd-io-m3"];
    let disks = (select(kinds), 1..(TIB / 2), 1..3_u32).prop_map(|(kind, bytes, pieces)| {
        let bytes = match kind {
            "network-ssd-io-m3" => bytes.next_multiple_of(93 << 30),
            _ => bytes,
        };
        Need {
            pieces,
            ..Need::sized(format!("disk.{kind}"), bytes)
        }
    });
    let filesystem = (1..TIB).prop_map(|bytes| Need::sized("filesystem.network-ssd", bytes).once());
    (
        (
            select(vec![H200, "gpu-h200-sxm 1gpu-16vcpu-200gb", CPU]),
            any::<bool>(),
            1..4_u32,
        ),
        (
            vec_of(disks, 1..3),
            option::weighted(0.1, filesystem),
            0..3_u32,
        ),
        (
            select(vec![
                ReservationUse::Auto,
                ReservationUse::Forbid,
                ReservationUse::Strict,
            ]),
            prop::bool::weighted(0.1),
            select(vec![PROJECT, PROJECT, SECOND]),
        ),
    )
        .prop_map(
            |(
                (instance_type, preemptible, count),
                (mut needs, filesystem, public),
                (reservation, cluster, project),
            )| {
                let gpus = instance_type != CPU;
                let preemptible = preemptible && gpus;
                // Reservations serve on-demand GPU instances; which of them a cluster takes is the cloud's to choose.
                let cluster = cluster && instance_type == H200 && !preemptible;
                let reservation = if preemptible || !gpus || cluster {
                    ReservationUse::Forbid
                } else {
                    reservation
                };
                let lifecycle = if preemptible {
                    "preemptible"
                } else {
                    "on-demand"
                };
                needs.push(address());
                needs.extend(filesystem);
                let public = match public {
                    0 => None,
                    1 => Some("address.public.dynamic"),
                    _ => Some("address.public.static"),
                };
                needs.extend(public.map(|kind| Need::pieces(kind, 1)));
                let launch = Launch {
                    offer: Offer {
                        lifecycle: lifecycle.to_owned(),
                        ..offer(instance_type)
                    },
                    count,
                    profile: Profile {
                        project: project.to_owned(),
                        reservation,
                        needs,
                        ..Profile::default()
                    },
                };
                if cluster { in_cluster(launch) } else { launch }
            },
        )
        .boxed()
}

/// A launch that creates a cluster besides.
fn in_cluster(mut launch: Launch) -> Launch {
    if !launch.profile.together {
        launch.profile.needs.push(Need::pieces("cluster", 1).once());
        launch.profile.together = true;
    }
    launch
}

fn steps() -> BoxedStrategy<Vec<Step>> {
    let step = prop_oneof![
        6 => launch().prop_map(Step::Launch),
        1 => (launch(), 1..(TIB / 8)).prop_map(|(launch, bytes)| {
            Step::LaunchWith(launch, disk(bytes))
        }),
        2 => any::<usize>().prop_map(Step::Delete),
        1 => any::<usize>().prop_map(Step::Restart),
    ];
    vec_of(step, LAUNCHES_A_CASE..LAUNCHES_A_CASE * 2).boxed()
}

impl Account {
    fn world(&self) -> World {
        let mut world = WorldBuilder::new().second_project();
        for (name, limit, usage, state, usage_state) in &self.tenant {
            let set = |row: &mut serde_json::Value| {
                row["status"]["state"] = (*state).into();
                row["status"]["usage_state"] = (*usage_state).into();
            };
            world = world.tenant(name, *limit, *usage).edit_tenant(name, set);
        }
        let mut named = Vec::new();
        for (name, limit, usage, state, usage_state) in &self.project {
            if !named.contains(name) {
                named.push(name);
                let set = |row: &mut serde_json::Value| {
                    row["status"]["state"] = (*state).into();
                    row["status"]["usage_state"] = (*usage_state).into();
                };
                world = world.project(name, *limit, *usage).edit_project(name, set);
            }
        }
        for (index, (limit, usage)) in self.blocks.iter().enumerate() {
            world = world.block(
                &format!("block-{index}"),
                &format!("fabric-{}", 7 + index),
                *limit,
                *usage,
            );
        }
        if let Some((name, limit)) = self.twin {
            world = world.extra_tenant_row(row(TENANT, name, "count", Some(limit), 0));
        }
        if let Some(share) = self.share.filter(|_| !self.blocks.is_empty()) {
            world = world.capacity_allowance("block-0", share, 0);
        }
        World::read(world.build().path()).unwrap()
    }

    fn settings(&self) -> Settings {
        let mut settings = self.settings.clone();
        for lane in [Lane::OnDemand, Lane::Preemptible] {
            if let Some(free) = self.hardware {
                settings.set_hardware(Hardware {
                    region: REGION.to_owned(),
                    platform: "gpu-h200-sxm".to_owned(),
                    fabric: String::new(),
                    lane,
                    free,
                });
            }
        }
        settings
    }
}

fn gate(emulator: &Running) -> Gate {
    builder(emulator, &Hands::new()).build().unwrap()
}

/// A verdict that the cloud contradicted.
#[derive(Debug)]
#[expect(dead_code, reason = "read by whoever reads the failure")]
struct Contradiction {
    launch: Launch,
    verdict: Verdict,
    outcome: Outcome,
}

/// What stands between quotagate and the truth.
enum Hindrance {
    Nothing,
    /// Sources that cannot be read.
    Faults(Faults),
    /// Usage that is shown minutes late; between two steps, half a minute goes by.
    Lag,
}

/// Judges and does every step. Where nothing hinders, "blocked" must be right too.
async fn run(
    account: &Account,
    steps: &[Step],
    hindrance: Hindrance,
    tally: &mut Tally,
) -> Result<(), Contradiction> {
    let trusted = matches!(hindrance, Hindrance::Nothing);
    let mut settings = account.settings();
    if matches!(hindrance, Hindrance::Lag) {
        settings.usage_lag_ms = 300_000;
    }
    let emulator = Emulator::builder(account.world())
        .settings(settings)
        .clock(Clock::stopped_at(
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        ))
        .spawn()
        .await
        .unwrap();
    let lags = matches!(hindrance, Hindrance::Lag);
    if let Hindrance::Faults(faults) = hindrance {
        emulator.set_faults(faults);
    }
    let (gate, launcher) = (gate(&emulator), Launcher::connect(emulator.addr()).await);
    let mut running = Vec::new();
    for step in steps {
        emulator.clock().advance(Duration::from_secs(30));
        let (launch, outcome, verdict) = match step {
            Step::Launch(launch) | Step::LaunchWith(launch, _) => {
                let disk = match step {
                    Step::LaunchWith(_, disk) => {
                        launcher.create_disk(&launch.profile.project, disk).await
                    }
                    _ => None,
                };
                let verdict = judge(&gate, launch).await;
                let outcome = launcher.launch_with(launch, disk).await;
                if let Outcome::Launched(launched) = &outcome {
                    running.push((launch.clone(), launched.clone()));
                }
                (launch.clone(), outcome, verdict)
            }
            Step::Delete(which) if !running.is_empty() => {
                let (_, launched) = running.remove(which % running.len());
                launcher.delete(&launched).await;
                continue;
            }
            Step::Restart(which) if !running.is_empty() => {
                let (launch, launched) = running.remove(which % running.len());
                launcher.stop(&launched).await;
                let restart = Launch {
                    profile: Profile {
                        restart: true,
                        ..launch.profile.clone()
                    },
                    ..launch.clone()
                };
                let verdict = judge(&gate, &restart).await;
                let outcome = launcher.start(&launched).await;
                match &outcome {
                    Outcome::Launched(_) => running.push((launch, launched)),
                    _ => launcher.delete(&launched).await,
                }
                (restart, outcome, verdict)
            }
            Step::Delete(_) | Step::Restart(_) => continue,
        };
        tally.launches += 1;
        let wrong = match (&outcome, verdict.quota) {
            (Outcome::Launched(_), quota) => {
                tally.launched += 1;
                trusted && quota == QuotaOutcome::Blocked
            }
            // What the quotas let through may still find no hardware. Who insists on a reservation waits for no other.
            (Outcome::NoHardware, _)
                if account.hardware.is_some()
                    && launch.profile.reservation != ReservationUse::Strict =>
            {
                tally.without_hardware += 1;
                false
            }
            (_, quota) => {
                tally.refused += 1;
                let wrong = quota == QuotaOutcome::Fits;
                let excused = wrong && lags && shows_less_than_the_truth(&gate, &emulator).await;
                tally.excused += usize::from(excused);
                wrong && !excused
            }
        };
        tally.unknown += usize::from(verdict.quota == QuotaOutcome::Unknown);
        if wrong {
            return Err(Contradiction {
                launch,
                verdict,
                outcome,
            });
        }
    }
    Ok(())
}

/// Whether a row, as the verdict saw it, showed less usage than there was: the only excuse for a "fits" that was refused.
async fn shows_less_than_the_truth(gate: &Gate, emulator: &Running) -> bool {
    let shown = gate.inventory().await.contract();
    let late = shown.rows.iter().any(|row| {
        let region = row.place.region.as_deref().unwrap_or_default();
        let truth = emulator.true_usage(&row.owner, &row.quota, region);
        truth.is_some_and(|truth| truth > row.usage.at_least)
    });
    let mut blocks = shown.reservations.iter().flat_map(|list| &list.items);
    late || blocks.any(|block| {
        let id = block.row.key.strip_prefix("reservation/").unwrap();
        emulator.true_block_usage(id) > Some(block.row.usage.at_least)
    })
}

async fn judge(gate: &Gate, launch: &Launch) -> Verdict {
    gate.refresh().await;
    let policy = Policy {
        detail: Detail::All,
        ..Policy::default()
    };
    gate.check(launch, &policy).await.unwrap().verdict
}

/// Cases for about as many launches as asked for.
fn cases(launches: usize) -> u32 {
    let launches = env::var("QUOTAGATE_DIFFERENTIAL_LAUNCHES")
        .map_or(launches, |launches| launches.parse().unwrap());
    u32::try_from(launches.div_ceil(LAUNCHES_A_CASE)).unwrap()
}

fn runner(cases: u32) -> TestRunner {
    let seed =
        env::var("QUOTAGATE_DIFFERENTIAL_SEED").map_or_else(|_| 1, |seed| seed.parse().unwrap());
    println!("QUOTAGATE_DIFFERENTIAL_SEED={seed}");
    TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn the_cloud_does_what_the_verdict_says() {
    let (runtime, tally) = (runtime(), std::cell::RefCell::new(Tally::default()));
    let cases = cases(500);
    let result = runner(cases).run(&(account(), steps()), |(account, steps)| {
        let ran = runtime.block_on(run(
            &account,
            &steps,
            Hindrance::Nothing,
            &mut tally.borrow_mut(),
        ));
        ran.map_err(|contradiction| TestCaseError::fail(format!("{contradiction:#?}")))
    });
    let tally = tally.into_inner();
    result.unwrap();
    println!("{tally:?}: 0 false fits, 0 false blocked");
    // The experiment says something only if both happen, and if verdicts are not evaded.
    assert!(tally.launched * 5 > tally.launches, "{tally:?}");
    assert!(tally.refused * 5 > tally.launches, "{tally:?}");
    assert!(tally.unknown * 3 < tally.launches, "{tally:?}");
}

/// A question that the cloud's documents leave open, and what the answers rest on where it is decided the other way.
struct Question {
    about: &'static str,
    settings: fn(&mut Settings),
    /// A row that leaves nothing, so that the question matters.
    full: Option<&'static str>,
    /// Whether it is about clusters, of which there are few otherwise.
    clusters: bool,
    false_fits: bool,
    false_blocked: bool,
}

const QUESTIONS: &[Question] = &[
    Question {
        about: "a preemptible instance counts as an instance, too",
        settings: |settings| settings.preemptible_instances_count_as_instances = true,
        full: Some("compute.instance.count"),
        clusters: false,
        false_fits: true,
        false_blocked: false,
    },
    Question {
        about: "a private address takes no allocation",
        settings: |settings| settings.private_addresses_take_allocations = false,
        full: Some("vpc.allocation.count"),
        clusters: false,
        false_fits: false,
        false_blocked: true,
    },
    Question {
        about: "a block spares a cluster its quota",
        settings: |settings| settings.blocks_spare_clusters = true,
        full: Some("compute.gpucluster.count"),
        clusters: true,
        false_fits: false,
        false_blocked: true,
    },
    Question {
        about: "the last block is used first",
        settings: |settings| settings.block_order = BlockOrder::Last,
        full: None,
        clusters: false,
        false_fits: false,
        false_blocked: false,
    },
    Question {
        about: "the fullest block is used first",
        settings: |settings| settings.block_order = BlockOrder::Fullest,
        full: None,
        clusters: false,
        false_fits: false,
        false_blocked: false,
    },
    Question {
        about: "a stopped instance gives up its GPUs",
        settings: |settings| settings.stopped_instances_hold_gpus = false,
        full: None,
        clusters: false,
        false_fits: false,
        false_blocked: false,
    },
    Question {
        about: "a project's deleted row refuses",
        settings: |settings| settings.deleted_project_rows_refuse = true,
        full: None,
        clusters: false,
        false_fits: false,
        false_blocked: false,
    },
    Question {
        about: "a limit that is not shown is enforced",
        settings: |settings| {
            settings.default_limits = [("*".to_owned(), 4)].into();
        },
        full: None,
        clusters: false,
        false_fits: false,
        false_blocked: false,
    },
];

/// Which of the two zeros rests on which reading of what no document says.
#[test]
fn what_no_document_decides_is_told_by_what_would_be_false() {
    let runtime = runtime();
    let mut table = format!("{:<50}  false fits  false blocked  launches\n", "if");
    for question in QUESTIONS {
        let (mut fits, mut blocked, mut launches) = (0_usize, 0_usize, 0_usize);
        let seen = std::cell::RefCell::new((&mut fits, &mut blocked, &mut launches));
        let result = runner(cases(300)).run(&(account(), steps()), |(account, steps)| {
            let mut account = account;
            (question.settings)(&mut account.settings);
            if let Some(full) = question.full {
                account.tenant.retain(|(name, ..)| *name != full);
                let row = (full, Some(0), 0, "STATE_ACTIVE", "USAGE_STATE_USED");
                account.tenant.push(row);
                // Clusters of these launches are on the first block's fabric.
                account.blocks.insert(0, (32, 0));
            }
            let mut steps = steps;
            if question.clusters {
                for step in &mut steps {
                    if let Step::Launch(launch) | Step::LaunchWith(launch, _) = step
                        && launch.offer.instance_type == H200
                        && launch.offer.lifecycle == "on-demand"
                    {
                        *launch = in_cluster(launch.clone());
                        launch.profile.reservation = ReservationUse::Forbid;
                    }
                }
            }
            let mut tally = Tally::default();
            let ran = runtime.block_on(run(&account, &steps, Hindrance::Nothing, &mut tally));
            let mut seen = seen.borrow_mut();
            *seen.2 += tally.launches;
            if let Err(contradiction) = ran {
                match contradiction.outcome {
                    Outcome::Launched(_) => *seen.1 += 1,
                    _ => *seen.0 += 1,
                }
            }
            Ok(())
        });
        result.unwrap();
        let about = question.about;
        table += &format!("{about:<50}  {fits:>10}  {blocked:>13}  {launches:>8}\n");
        let found = (fits > 0, blocked > 0);
        let expected = (question.false_fits, question.false_blocked);
        assert_eq!(found, expected, "{about}\n{table}");
    }
    println!("{table}");
}

#[test]
fn an_unreadable_source_never_turns_into_fits() {
    let methods = vec![
        ("QuotaAllowanceService/List", Some("tenant-e00test")),
        ("QuotaAllowanceService/List", Some(PROJECT)),
        ("CapacityBlockGroupService/List", None),
        ("CapacityAllowanceService/List", None),
        ("PlatformService/List", None),
        ("ResourceAdviceService/List", None),
        ("ProjectService/List", None),
    ];
    let codes = vec![
        "PERMISSION_DENIED",
        "UNAVAILABLE",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
        "NOT_FOUND",
    ];
    let fault = (select(methods), select(codes), any::<bool>()).prop_map(
        |((method, parent), code, half)| {
            let status = serde_json::json!({"code": code, "message": "on purpose"});
            let mut rule = serde_json::json!({"method": method, "status": status});
            if let Some(parent) = parent {
                rule["parent_id"] = parent.into();
            }
            let mut rules = vec![rule.clone()];
            if half {
                // The first page is answered, the second is not.
                rules[0]["page"] = 2.into();
                rules.push(serde_json::json!({"method": method, "page_size": 4}));
            }
            serde_json::json!({ "rules": rules }).to_string()
        },
    );
    let (runtime, tally) = (runtime(), std::cell::RefCell::new(Tally::default()));
    let cases = cases(200);
    let result = runner(cases).run(&(account(), steps(), fault), |(account, steps, faults)| {
        let faults = Faults::from_json(&faults).unwrap();
        let ran = runtime.block_on(run(
            &account,
            &steps,
            Hindrance::Faults(faults),
            &mut tally.borrow_mut(),
        ));
        ran.map_err(|contradiction| TestCaseError::fail(format!("{contradiction:#?}")))
    });
    let tally = tally.into_inner();
    result.unwrap();
    println!("{tally:?}: 0 false fits");
    assert!(tally.unknown * 5 > tally.launches, "{tally:?}");
}

#[test]
fn usage_that_lags_is_the_only_excuse() {
    let (runtime, tally) = (runtime(), std::cell::RefCell::new(Tally::default()));
    let result = runner(cases(400)).run(&(account(), steps()), |(account, steps)| {
        let mut tally = tally.borrow_mut();
        let ran = runtime.block_on(run(&account, &steps, Hindrance::Lag, &mut tally));
        ran.map_err(|contradiction| TestCaseError::fail(format!("{contradiction:#?}")))
    });
    let tally = tally.into_inner();
    result.unwrap();
    println!("{tally:?}: 0 false fits that a row could have shown");
    // The lag must have mattered, or nothing was tried.
    assert!(tally.excused > 0, "{tally:?}");
}
