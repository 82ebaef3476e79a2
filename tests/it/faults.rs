//! Faults on purpose: whatever the cloud answers, or does not, nothing panics, nothing is taken for something else, no hold
//! is lost, and the gate recovers by itself.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime},
};

use fastrand::Rng;
use futures::future::join_all;
use nebius_api::world::World;
use nebius_emulator::{Emulator, Faults, Settings};
use quotagate::{Gate, GateOptions, Launch, Policy, Question, QuotaOutcome, SourceState};
use tokio::{sync::RwLock, time::timeout};

use crate::{
    harness::{GPU_QUOTA, PATIENCE, REGION, TENANT, WorldBuilder},
    launcher::{Launcher, Outcome},
    live::{
        Hands, Live, START, builder, client, disk, h200, hasty_client, limits, live, options_with,
        over_quota, plugin,
    },
    steered::Steered,
};

const METHODS: [&str; 7] = [
    "TenantService/List",
    "ProjectService/List",
    "QuotaAllowanceService/List",
    "PlatformService/List",
    "ResourceAdviceService/List",
    "CapacityBlockGroupService/List",
    "CapacityAllowanceService/List",
];
const CODES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

async fn quota(live: &Live) -> QuotaOutcome {
    let check = live.gate.check(&h200(1), &Policy::default()).await.unwrap();
    check.verdict.quota
}

/// With a fault, and again without it: the verdict is the truth or unknown, and the truth in the end. What hangs is given up
/// by a client that is soon out of patience; then nothing rests on what else that one was answered.
async fn survives(live: &Live, truth: QuotaOutcome, fault: &str) {
    live.faults(&format!(r#"{{"rules": [{fault}]}}"#));
    if fault.contains("hang") {
        live.source.have_all_answered(&hasty_client(&live.cloud));
    }
    // Everything is too old to be trusted, so everything has to be read again.
    live.hands.pass(100_000);
    live.gate.refresh().await;
    let verdict = quota(live).await;
    assert!(
        verdict == truth || verdict == QuotaOutcome::Unknown,
        "{verdict} under {fault}"
    );
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    let verdict = verified.verdict.quota;
    assert!(
        verdict == truth || verdict == QuotaOutcome::Unknown,
        "{verdict} under {fault}"
    );
    if let Some(hold) = verified.hold {
        hold.release();
    }
    live.no_faults();
    live.source.have_all_answered_as_usual();
    live.hands.pass(3_600);
    live.gate.refresh().await;
    assert_eq!(quota(live).await, truth, "after {fault}");
}

async fn both_truths() -> [(Live, QuotaOutcome); 2] {
    let roomy = WorldBuilder::new()
        .block("a", "fabric-7", 16, 16)
        .capacity_allowance("a", 8, 0);
    let full = WorldBuilder::new().tenant(GPU_QUOTA, 8, 8);
    [
        (live(&roomy).await, QuotaOutcome::Fits),
        (live(&full).await, QuotaOutcome::Blocked),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_on_every_method_is_survived() {
    for (live, truth) in both_truths().await {
        for method in METHODS {
            for code in CODES {
                let fault = format!(r#"{{"method": "{method}", "status": {{"code": "{code}"}}}}"#);
                survives(&live, truth, &fault).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hangs_resets_and_broken_pages_are_survived() {
    for (live, truth) in both_truths().await {
        for method in ["QuotaAllowanceService/List", "PlatformService/List", "*"] {
            for what in [
                r#""hang": true"#,
                r#""disconnect": true"#,
                r#""latency_ms": 200"#,
                r#""repeat_page_token": true, "page_size": 2"#,
                r#""page": 2, "disconnect": true"#,
                r#""page": 2, "hang": true"#,
                r#""page": 2, "status": {"code": "INTERNAL"}"#,
                r#""times": 1, "disconnect": true"#,
                r#""times": 1, "status": {"code": "UNAUTHENTICATED"}"#,
            ] {
                let pages = r#"{"method": "*", "page_size": 4}"#;
                let fault = format!(r#"{{"method": "{method}", {what}}}, {pages}"#);
                survives(&live, truth, &fault).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_is_found_again() {
    let world = WorldBuilder::new().build();
    let world = || World::read(world.path()).unwrap();
    let first = Emulator::builder(world()).spawn().await.unwrap();
    let address = first.addr();
    let hands = Hands::new();
    let gate = builder(&first, &hands).build().unwrap();
    assert_eq!(gate.inventory().await.projects().count(), 1);
    first.stop().await.unwrap();
    hands.pass(100_000);
    let gone = gate.refresh().await;
    assert!(gone.contract().rows.is_empty());
    let back = Emulator::builder(world()).build();
    let bound = async {
        loop {
            match tokio::net::TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let listener = timeout(PATIENCE, bound).await;
    let listener = listener.expect("somebody else has the port now");
    let serving = back.serve(listener, std::future::pending::<()>()).unwrap();
    let serving = tokio::spawn(serving);
    hands.pass(100_000);
    let found = gate.refresh().await;
    assert!(!found.contract().rows.is_empty(), "{:#?}", found.sources());
    serving.abort();
}

/// What happened in a storm.
#[derive(Debug, Default)]
struct Tally {
    lists: AtomicU64,
    checks: AtomicU64,
    launched: AtomicU64,
    refused_by_us: AtomicU64,
    unknown: AtomicU64,
    refused_by_cloud: AtomicU64,
    false_fits: AtomicU64,
    faults: AtomicU64,
    swaps: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, SeqCst);
}

/// A launch that the cloud takes: with a boot disk.
fn launch(count: u32) -> Launch {
    let mut launch = h200(count);
    launch.profile.needs.push(disk(100 << 30));
    launch
}

/// How much the clocks of a storm go on from one gust to the next, in milliseconds.
const GUST: u64 = 20;

/// Lists, launches and deletes from many tasks while the cloud fails, limits move, usage trails and the plugin is swapped. It
/// lasts as long as it is told to, and until enough has happened. Its clocks go on with its gusts, so that a machine that
/// has other things to do makes nothing old.
async fn storm(seconds: u64, usage_lag_ms: u64, seed: u64) -> (Tally, u64) {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 64, 0).build();
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(START);
    let cloud = Emulator::builder(World::read(world.path()).unwrap())
        .settings(Settings {
            usage_lag_ms,
            ..Settings::default()
        })
        .clock(nebius_emulator::Clock::stopped_at(start))
        .spawn()
        .await
        .unwrap();
    let often = |seconds| quotagate::options::Freshness {
        interval: Duration::from_millis(50),
        max_age: Duration::from_secs(seconds),
    };
    let options = options_with(|options| {
        let refresh = &mut options.refresh;
        refresh.account = often(5);
        refresh.rows = often(2);
        refresh.types = often(5);
        refresh.capacities = often(2);
        refresh.reservations = often(2);
        refresh.first_retry = Duration::from_millis(20);
        refresh.verify_wait = Duration::from_millis(700);
        refresh.jitter = GateOptions::default().refresh.jitter;
        // What failed is tried again soon, or the storm would be spent on what was learnt from it.
        let feedback = &mut options.feedback;
        feedback.quota = Duration::from_millis(100);
        feedback.limit = Duration::from_millis(100);
        feedback.capacity = Duration::from_millis(100);
        feedback.unclear = Duration::from_millis(100);
        feedback.longest = Duration::from_millis(200);
    });
    let hands = Hands::new();
    let source = Steered::new(client(&cloud));
    // It gives up what hangs, and sometimes on a slow machine what does not.
    source.have_all_answered(&hasty_client(&cloud));
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(options)
        .build();
    let gate = gate.unwrap();
    let tally = Arc::new(Tally::default());
    let over = Arc::new(AtomicBool::new(false));
    // Limits move between launches, not between a check and its launch: no gate could see that.
    let quotas = Arc::new(RwLock::new(()));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut workers = Vec::new();
    for number in 0..8 {
        let (gate, tally, over, quotas) = (
            gate.clone(),
            Arc::clone(&tally),
            Arc::clone(&over),
            Arc::clone(&quotas),
        );
        let launcher = Launcher::connect(cloud.addr()).await;
        let mut random = Rng::with_seed(seed + number);
        workers.push(tokio::spawn(async move {
            let mut running = Vec::new();
            while !over.load(SeqCst) {
                let offers = gate.offers().await;
                let listed = gate.filter(&Question::new(&offers)).await;
                assert_eq!(listed.unwrap().items.len(), offers.len());
                count(&tally.lists);
                let launch = launch(random.u32(1..4));
                let steady = quotas.read().await;
                let verified = gate.verify(&launch).await.unwrap();
                count(&tally.checks);
                let quota = verified.verdict.quota;
                if quota == QuotaOutcome::Unknown {
                    count(&tally.unknown);
                }
                if let Some(hold) = verified.hold {
                    match launcher.launch(&launch).await {
                        Outcome::Launched(launched) => {
                            hold.commit(&launched.instances);
                            count(&tally.launched);
                            running.push(launched);
                        }
                        Outcome::OverQuota { .. } | Outcome::NoHardware => {
                            hold.release();
                            count(&tally.refused_by_cloud);
                            if quota == QuotaOutcome::Fits {
                                count(&tally.false_fits);
                            }
                            let total = 64 + u64::from(launch.count) * 8;
                            let failure = over_quota(GPU_QUOTA, 64, total);
                            gate.report(&launch, &failure).await.unwrap();
                        }
                    }
                } else {
                    count(&tally.refused_by_us);
                }
                drop(steady);
                if running.len() > 1 || (random.u32(..3) == 0 && !running.is_empty()) {
                    launcher.delete(&running.swap_remove(0)).await;
                }
            }
        }));
    }
    let mut random = Rng::with_seed(seed + 1_000);
    let mut below = |bound: usize| random.usize(..bound);
    let is_enough = || {
        tally.launched.load(SeqCst) > 0
            && tally.faults.load(SeqCst) > 5
            && tally.swaps.load(SeqCst) > 0
    };
    while Instant::now() < until || !is_enough() {
        assert!(Instant::now() < until + PATIENCE, "{tally:#?}");
        hands.pass_ms(GUST);
        cloud.clock().advance(Duration::from_millis(GUST));
        let method = METHODS[1 + below(6)];
        let what = match below(8) {
            0 => format!(r#""status": {{"code": "{}"}}"#, CODES[below(16)]),
            1 => r#""hang": true"#.to_owned(),
            2 => r#""disconnect": true"#.to_owned(),
            3 => r#""page": 2, "status": {"code": "UNAVAILABLE"}"#.to_owned(),
            4 => r#""repeat_page_token": true, "page_size": 3"#.to_owned(),
            5 => format!(r#""latency_ms": {}"#, below(400)),
            6 => r#""status": {"code": "RESOURCE_EXHAUSTED", "service_error": {"too_many_requests": {}}}"#.to_owned(),
            _ => r#""page_size": 1"#.to_owned(),
        };
        let faults = format!(r#"{{"rules": [{{"method": "{method}", {what}}}]}}"#);
        if below(2) == 0 {
            cloud.set_faults(Faults::from_json(&faults).unwrap());
            count(&tally.faults);
        } else {
            cloud.set_faults(Faults::default());
        }
        if below(4) == 0 {
            let _all = quotas.write().await;
            let limit = 32 + 8 * below(8) as u64;
            assert!(cloud.set_limit(TENANT, GPU_QUOTA, REGION, Some(limit)));
        }
        if below(4) == 0 {
            let mut limits = limits();
            limits.warm_instances = below(5);
            gate.swap_plugin(plugin().with_limits(limits)).unwrap();
            count(&tally.swaps);
        }
        tokio::time::sleep(Duration::from_millis(GUST)).await;
    }
    over.store(true, SeqCst);
    cloud.set_faults(Faults::default());
    source.have_all_answered_as_usual();
    for outcome in join_all(workers).await {
        outcome.unwrap();
    }
    // It recovers without a restart, and every hold is over once usage shows it.
    let wait = async {
        loop {
            let inventory = gate.refresh().await;
            let sources = inventory.sources();
            let mut sources = sources.iter();
            let whole = sources
                .all(|source| source.state == SourceState::Complete && source.detail.is_none());
            if whole {
                return;
            }
            // What failed too often is left alone for a while.
            hands.pass_ms(GUST);
        }
    };
    let outcome = timeout(PATIENCE, wait).await;
    assert!(outcome.is_ok(), "{:#?}", gate.inventory().await.sources());
    let calls = cloud.calls().len() as u64;
    let tally = Arc::into_inner(tally).unwrap();
    (tally, calls)
}

/// The most memory that this process ever had, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let fields: BTreeMap<&str, &str> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let peak = fields
        .get("VmHWM")
        .map_or("0", |text| text.trim().trim_end_matches(" kB"));
    peak.parse().unwrap_or(0)
}

/// Two seconds of each weather in an ordinary run; `QUOTAGATE_SOAK_SECONDS` makes it longer, `QUOTAGATE_SOAK_SEED` another
/// one, and the figures are printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_storm_nothing_is_held_twice_and_no_verdict_is_wrong() {
    let variable =
        |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse::<u64>().unwrap());
    let seconds = variable("QUOTAGATE_SOAK_SECONDS", 4) / 2;
    let seed = variable("QUOTAGATE_SOAK_SEED", 1);
    for usage_lag_ms in [0, 300] {
        let (tally, calls) = storm(seconds, usage_lag_ms, seed).await;
        println!(
            "{seconds} s, usage {usage_lag_ms} ms late, seed {seed}: {calls} calls arrived at the cloud, peak memory {} MiB\n{tally:#?}",
            peak_memory() / 1024
        );
        assert_eq!(tally.false_fits.load(SeqCst), 0, "{tally:#?}");
    }
}
