//! The life of a source: whatever ends a fetch, the source is read again; nobody has a project read that the account does
//! not have; and no bound makes a gate panic.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use nebius_api::world::World;
use quotagate::{
    Action, Clock, CompileCache, Gate, GateError, Inventory, Limits, Need, Plugin, PluginOptions,
    Policy, Question, QuotaOutcome, Reason, ReservationUse, WarmUpError,
};
use quotagate_bad_plugins::UNRULY;
use quotagate_nebius::RecordedWorld;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    harness::{GPU_QUOTA, PATIENCE, PROJECT, TENANT, WorldBuilder},
    holds::{instance, set_usage},
    live::{
        Hands, START, h200, held_of, key, limit_of, limits, live, live_with, options, options_with,
        plugin,
    },
    steered::Steered,
};

fn recorded(world: &WorldBuilder) -> RecordedWorld {
    RecordedWorld::new(World::read(world.build().path()).unwrap()).unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_fetch_that_dies_with_its_runtime_is_begun_again() {
    let source = Steered::new(Arc::new(recorded(&WorldBuilder::new())));
    let hands = Hands::new();
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(options())
        .build()
        .unwrap();
    // A runtime for each call, as in a wrapper for code that is not asynchronous.
    let list = || one_thread().block_on(gate.inventory());
    let first = list().sources();
    assert!(!first.is_empty());
    // Two minutes later the next call starts to read, and its runtime ends before anything was answered.
    source.hold_all();
    hands.pass(121);
    let asked_before = source.asked();
    assert_eq!(list().sources().len(), first.len());
    // The call after it waits for the answers, as the very first one did.
    source.release();
    hands.pass(1);
    let third = list();
    assert!(source.asked() > asked_before);
    let rows = third.sources();
    let rows = rows
        .iter()
        .find(|source| source.kind == "tenant_allowances")
        .unwrap();
    assert_eq!(rows.detail, None);
    // And the final check is not told that somebody else is reading.
    let verified = one_thread().block_on(gate.verify(&h200(1))).unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_the_account_does_not_list_is_never_read() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    let sources = live.gate.inventory().await.sources().len();
    live.cloud.clear_calls();
    let mut launch = h200(1);
    launch.profile.project = PROJECT.replace("e00", "e0");
    // A disk that does not exist either: whatever is wrong with the launch, the project is not read.
    launch.profile.needs.push(Need::sized("disk.floppy", 1));
    for _ in 0..3 {
        let error = live.gate.verify(&launch).await.unwrap_err();
        let GateError::UnknownProject(unknown) = &error else {
            panic!("{error}");
        };
        assert_eq!(unknown.nearest, [PROJECT]);
        assert!(error.to_string().contains(PROJECT), "{error}");
    }
    let policy = Policy::default();
    let errors = [
        live.gate.check(&launch, &policy).await.err(),
        live.gate.admit(&[launch.clone()], &policy).await.err(),
        live.gate
            .filter(&Question::new(&[launch.offer.clone()]).profile(launch.profile.clone()))
            .await
            .err(),
    ];
    for error in errors {
        assert!(
            matches!(error, Some(GateError::UnknownProject(_))),
            "{error:?}"
        );
    }
    assert!(live.cloud.calls().is_empty(), "{:?}", live.cloud.calls());
    live.gate.refresh().await;
    assert_eq!(live.gate.inventory().await.sources().len(), sources);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_new_is_found_before_a_launch() {
    let live = live(&WorldBuilder::new()).await;
    let list = live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
            panic!("no projects");
        };
        std::mem::take(&mut list.items)
    });
    live.gate.inventory().await;
    live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(known) = &mut world.projects else {
            panic!("no projects");
        };
        known.items = list;
    });
    let error = live.gate.verify(&h200(1)).await.unwrap_err();
    assert!(matches!(error, GateError::UnknownProject(_)), "{error}");
    // Not more often than a failed source would be read.
    live.hands.pass(5);
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.launch.profile.project, PROJECT);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_read_loses_no_hold() {
    // The list of projects is denied, the quotas are not.
    let folder = WorldBuilder::new().tenant(GPU_QUOTA, 64, 56).build();
    std::fs::remove_file(folder.path().join("tenant/projects.json")).unwrap();
    let world = RecordedWorld::new(World::read(folder.path()).unwrap()).unwrap();
    let gate = Gate::builder(plugin(), Arc::new(world))
        .project(PROJECT)
        .options(options())
        .build()
        .unwrap();
    let mut launch = h200(1);
    launch.profile.reservation = ReservationUse::Forbid;
    let all = (0..16).map(|_| {
        let (gate, launch) = (gate.clone(), launch.clone());
        tokio::spawn(async move { gate.verify(&launch).await.unwrap() })
    });
    let all: Vec<_> = join_all(all)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let blocked = all
        .iter()
        .filter(|one| one.verdict.quota == QuotaOutcome::Blocked);
    assert_eq!(blocked.count(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_check_that_nobody_waits_for_holds_nothing() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    live.source.hold(&["instance_types"]);
    let mut absent = h200(1);
    absent.offer.instance_type = String::from("gpu-none 1gpu");
    let plan = [h200(1), absent];
    let asked = async {
        // One of the two is not offered, so the list of what is offered is read again.
        while live.source.asked_for("instance_types") < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        verified = live.gate.verify_plan(&plan) => panic!("{verified:?}"),
        asked = timeout(PATIENCE, asked) => asked.expect("it is never read again"),
    }
    assert!(live.gate.holds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_is_new_is_found_before_a_launch_is_refused() {
    for reservation in [ReservationUse::Strict, ReservationUse::Auto] {
        let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 0, 0)).await;
        let mut launch = h200(1);
        launch.profile.reservation = reservation;
        let before = live.gate.verify(&launch).await.unwrap();
        assert_eq!(before.action, Action::Refuse);
        let with_block = WorldBuilder::new()
            .tenant(GPU_QUOTA, 0, 0)
            .block("new", "fabric-7", 8, 0)
            .build();
        live.cloud
            .set_world(World::read(with_block.path()).unwrap());
        let verified = live.gate.verify(&launch).await.unwrap();
        assert_eq!(
            verified.verdict.quota,
            QuotaOutcome::Fits,
            "{reservation:?}"
        );
        assert!(verified.hold.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bound_at_all_is_no_panic() {
    let forever = Duration::MAX;
    let freshness = quotagate::options::Freshness {
        interval: forever,
        max_age: forever,
    };
    let options = options_with(|options| {
        let refresh = &mut options.refresh;
        refresh.account = freshness;
        refresh.rows = freshness;
        refresh.holdings = freshness;
        refresh.types = freshness;
        refresh.capacities = freshness;
        refresh.reservations = freshness;
        refresh.jitter = 1.0;
        refresh.first_retry = forever;
        refresh.failures_to_open = u32::MAX;
        refresh.first_wait = forever;
        refresh.verify_wait = forever;
        refresh.give_up = forever;
        refresh.concurrent = usize::MAX;
        options.holds.time_to_live = forever;
        options.holds.settle = forever;
        let feedback = &mut options.feedback;
        feedback.quota = forever;
        feedback.limit = forever;
        feedback.capacity = forever;
        feedback.unclear = forever;
        feedback.longest = forever;
    });
    let live = live_with(&WorldBuilder::new(), options).await;
    let refresher = live.gate.keep_fresh();
    assert!(!live.gate.offers().await.is_empty());
    let hold = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    hold.commit(&instance());
    live.hands.pass(1 << 40);
    for failure in [
        crate::live::no_hardware(),
        crate::live::over_quota(GPU_QUOTA, 64, 72),
    ] {
        live.gate.report(&h200(1), &failure).await.unwrap();
    }
    live.gate.refresh().await;
    assert_eq!(live.gate.holds().len(), 1);
    let mut bounds = Limits::default();
    bounds.time = forever;
    live.gate.swap_plugin(plugin().with_limits(bounds)).unwrap();
    live.gate.check(&h200(1), &Policy::default()).await.unwrap();
    drop(refresher);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_broke_off_ends_no_hold() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 56)).await;
    let hold = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    // The instance shows before its launch is committed.
    set_usage(&live, 64);
    live.gate.refresh().await;
    hold.commit(&instance());
    live.faults(
        r#"{"rules": [
            {"method": "QuotaAllowanceService/List", "page": 2, "status": {"code": "PERMISSION_DENIED"}},
            {"method": "QuotaAllowanceService/List", "page_size": 3}]}"#,
    );
    live.gate.refresh().await;
    // What is in force was asked for before the commit.
    assert!(gpus_held(&live.gate) > 0);
    live.no_faults();
    live.gate.refresh().await;
    assert_eq!(gpus_held(&live.gate), 0);
}

fn gpus_held(gate: &Gate) -> u64 {
    let (_, at_most) = held_of(gate, &key(TENANT, GPU_QUOTA));
    at_most
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_world_of_another_account_is_not_used() {
    let live = live(&WorldBuilder::new()).await;
    let other = WorldBuilder::new().tenant(GPU_QUOTA, 7, 0).build();
    for file in [
        "tenant/tenant.json",
        "tenant/projects.json",
        "tenant/allowances.json",
    ] {
        let path = other.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("tenant-e00test", "tenant-e00other")).unwrap();
    }
    let read = || RecordedWorld::new(World::read(other.path()).unwrap()).unwrap();
    // Nothing says how old it is.
    let error = live.gate.warm_up(&read()).await.unwrap_err();
    assert!(
        matches!(error, GateError::WarmUp(WarmUpError::Undated(_))),
        "{error:?}"
    );
    std::fs::write(
        other.path().join("recorded.json"),
        r#"{"recorded_at": "2027-01-15T08:00:00Z"}"#,
    )
    .unwrap();
    // Nobody knows yet that it is another account; the cloud says so.
    live.gate.warm_up(&read()).await.unwrap();
    live.gate.refresh().await;
    let inventory = live.gate.inventory().await;
    assert!(is_of(&inventory, TENANT));
    assert_eq!(limit_of(&inventory, GPU_QUOTA), Some(64));
    // Now it is known.
    let error = live.gate.warm_up(&read()).await.unwrap_err();
    assert!(
        matches!(error, GateError::WarmUp(WarmUpError::OtherAccount { .. })),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_warm_and_of_another_account_is_dropped_where_it_cannot_be_read() {
    // No list waits for what is held back here.
    let options = options_with(|options| options.refresh.first_wait = Duration::ZERO);
    let live = live_with(&WorldBuilder::new(), options).await;
    let other = WorldBuilder::new().tenant(GPU_QUOTA, 7, 0).build();
    let path = other.path().join("tenant/tenant.json");
    std::fs::write(
        &path,
        r#"{"metadata": {"id": "tenant-e00other", "name": "other"}}"#,
    )
    .unwrap();
    std::fs::write(
        other.path().join("recorded.json"),
        r#"{"recorded_at": "2027-01-15T08:00:00Z"}"#,
    )
    .unwrap();
    let world = RecordedWorld::new(World::read(other.path()).unwrap()).unwrap();
    live.source
        .hold(&["tenant_allowances", "project_allowances"]);
    live.gate.warm_up(&world).await.unwrap();
    live.until("the account", |inventory| is_of(inventory, TENANT))
        .await;
    assert!(live.gate.inventory().await.contract().rows.is_empty());
}

/// Whose account it is.
fn is_of(inventory: &Inventory, owner: &str) -> bool {
    let outermost = inventory.account().outermost();
    outermost.is_some_and(|known| known.id == owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_makes_nothing_young_for_a_policy() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    live.faults(r#"{"rules": [{"method": "*", "hang": true}]}"#);
    live.hands.set(START - 365 * 86_400_000);
    live.hands.pass(60);
    let young = Policy {
        max_age_ms: Some(30_000),
        ..Policy::default()
    };
    let check = live.gate.check(&h200(1), &young).await.unwrap();
    assert_eq!(check.verdict.quota, QuotaOutcome::Unknown);
    let reasons: Vec<_> = check
        .verdict
        .findings
        .iter()
        .map(|finding| finding.reason)
        .collect();
    assert!(
        reasons.contains(&Reason::ScopeUnreadable) || reasons.contains(&Reason::Stale),
        "{reasons:?}"
    );
    let old = Policy {
        max_age_ms: Some(90_000),
        ..Policy::default()
    };
    let check = live.gate.check(&h200(1), &old).await.unwrap();
    assert_eq!(check.verdict.quota, QuotaOutcome::Fits);
}

#[test]
fn a_plugin_that_computes_for_long_blocks_nobody_else() {
    let mut options = PluginOptions::default();
    options.limits = limits();
    options.cache = CompileCache::Off;
    let plugin = Plugin::load_with(UNRULY, &options).unwrap();
    // The plugin asks for the time, and gets it once the others have had their turns. Everybody else gets it at once.
    let here = thread::current().id();
    let (asked, is_asked) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let held = Mutex::new((asked, released));
    let clock = Clock::from_fn(move || {
        if thread::current().id() != here {
            let (asked, released) = &*held.lock().unwrap();
            asked.send(()).unwrap();
            released.recv_timeout(PATIENCE).unwrap();
        }
        START
    });
    let gate = Gate::builder(plugin, Arc::new(recorded(&WorldBuilder::new())))
        .clock(clock)
        .build()
        .unwrap();
    one_thread().block_on(async {
        gate.inventory().await;
        let mut offer = h200(1).offer;
        offer.instance_type = String::from("dawdle");
        let is_judged = AtomicBool::new(false);
        let offers = [offer];
        let computing = async {
            let listing = gate.filter(&Question::new(&offers)).await.unwrap();
            is_judged.store(true, Ordering::SeqCst);
            listing
        };
        let others = async {
            let had_to_wait = || is_judged.load(Ordering::SeqCst);
            while is_asked.try_recv().is_err() {
                assert!(!had_to_wait(), "the plugin computed on everybody's thread");
                tokio::task::yield_now().await;
            }
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(!had_to_wait(), "the others had to wait for the plugin");
            release.send(()).unwrap();
        };
        let (listing, ()) = futures::join!(computing, others);
        assert_eq!(listing.items[0].verdict.quota, QuotaOutcome::Fits);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_of_what_is_gone_have_no_value() {
    let live = live(&WorldBuilder::new().project(GPU_QUOTA, 8, 0)).await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = async || {
        let _recording = metrics::set_default_local_recorder(&recorder);
        live.gate.show_metrics().await;
        recorder.handle().render()
    };
    live.gate.refresh().await;
    let of_project = |metrics: &str| -> Vec<String> {
        let lines = metrics.lines().filter(|line| line.contains(PROJECT));
        lines.map(str::to_owned).collect()
    };
    let before = of_project(&shown().await);
    assert!(
        before
            .iter()
            .any(|line| line.starts_with("quotagate_quota_limit")),
        "{before:?}"
    );
    assert!(
        before.iter().all(|line| !line.ends_with(" NaN")),
        "{before:?}"
    );
    live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
            panic!("no projects");
        };
        list.items.clear();
    });
    live.gate.refresh().await;
    let after = of_project(&shown().await);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|line| line.ends_with(" NaN")), "{after:?}");
}

#[test]
fn a_fetch_that_was_not_due_and_is_cut_off_is_begun_again() {
    let world = WorldBuilder::new();
    let source = Steered::new(Arc::new(recorded(&world)));
    let hands = Hands::new();
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(options())
        .build()
        .unwrap();
    one_thread().block_on(gate.inventory());
    hands.pass(1);
    source.hold_all();
    // The caller of a final check gives up once it has begun to read, and its runtime ends.
    let asked = source.asked();
    one_thread().block_on(async {
        let launch = h200(1);
        let verify = gate.verify(&launch);
        let begun = async {
            while source.asked() == asked {
                tokio::task::yield_now().await;
            }
        };
        futures::future::select(Box::pin(verify), Box::pin(begun)).await;
    });
    source.release();
    let asked = source.asked();
    let check = one_thread().block_on(gate.check(&h200(1), &Policy::default()));
    assert_eq!(check.unwrap().verdict.quota, QuotaOutcome::Fits);
    assert!(source.asked() > asked, "nobody reads what was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_new_keeps_no_list_waiting() {
    let live = live_with(
        &WorldBuilder::new(),
        options_with(|options| options.refresh.first_wait = Duration::MAX),
    )
    .await;
    let projects = |items: Option<Vec<_>>| {
        live.cloud.with_world(|world| {
            let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
                panic!("no projects");
            };
            std::mem::replace(&mut list.items, items.unwrap_or_default())
        })
    };
    let all = projects(None);
    live.gate.inventory().await;
    projects(Some(all));
    live.source
        .hold(&["project_allowances", "instance_types", "reservation_shares"]);
    live.hands.pass(601);
    live.until("the project that is new", |inventory| {
        inventory.projects().any(|project| project == PROJECT)
    })
    .await;
    // Its lists are held back, and whoever asks gets an answer all the same.
    let check = live.gate.check(&h200(1), &Policy::default()).await.unwrap();
    assert_eq!(check.verdict.quota, QuotaOutcome::Unknown);
    live.source.release();
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Fits);
}
