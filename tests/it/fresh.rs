//! What is known of an account and how old it may be: lists are answered from memory, sources are read in the background,
//! and what cannot be read again is first old and then unknown, never something else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use nebius_api::{nebius::iam::v2::project_status::ProjectState, world::World};
use quotagate::{
    Feed, Gate, Inventory, Policy, Question, QuotaOutcome, Reason, SourceReport, SourceState,
    source::{Account, Answer, Read, Source, SourceError, SourceId},
};
use quotagate_nebius::RecordedWorld;
use tokio::time::Instant;
use tonic::Code;

use crate::{
    harness::{GPU_QUOTA, PROJECT, WorldBuilder},
    launcher::Launcher,
    live::{Hands, START, builder, disk, h200, hasty_client, limit_of, live, options_with, plugin},
    steered::Steered,
};

const ALLOWANCES: &str = "QuotaAllowanceService/List";

fn limit(inventory: &Inventory) -> Option<u64> {
    limit_of(inventory, GPU_QUOTA)
}

fn report(inventory: &Inventory, kind: &str) -> SourceReport {
    let mut sources = inventory.sources().into_iter();
    sources.find(|source| source.kind == kind).unwrap()
}

/// Whether every source is known as it was answered last.
fn is_whole(inventory: &Inventory) -> bool {
    let sources = inventory.sources();
    let mut sources = sources.iter();
    sources.all(|source| source.state == SourceState::Complete && source.detail.is_none())
}

async fn quota(gate: &Gate) -> QuotaOutcome {
    let check = gate.check(&h200(1), &Policy::default()).await.unwrap();
    check.verdict.quota
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_lists_on_a_cold_cache_ask_for_each_page_once() {
    let live = live(&WorldBuilder::new().block("a", "fabric-7", 16, 8)).await;
    live.faults(r#"{"rules": [{"method": "QuotaAllowanceService/List", "page_size": 4}]}"#);
    let lists = (0..1_000).map(|_| {
        let gate = live.gate.clone();
        tokio::spawn(async move {
            let offers = [h200(1).offer];
            let listing = gate.filter(&Question::new(&offers)).await;
            listing.unwrap().items[0].verdict.quota
        })
    });
    for outcome in join_all(lists).await {
        assert_eq!(outcome.unwrap(), QuotaOutcome::Fits);
    }
    let mut asked: BTreeMap<_, usize> = BTreeMap::new();
    for call in live.cloud.calls() {
        if !call.method.contains("Tenant") {
            *asked
                .entry((call.method, call.parent_id, call.page_token))
                .or_default() += 1;
        }
    }
    assert!(asked.len() >= 9, "{asked:#?}");
    assert!(asked.values().all(|times| *times == 1), "{asked:#?}");
}

/// On the clock of tokio, which goes on by itself whenever everybody waits.
#[tokio::test(start_paused = true)]
async fn one_source_that_hangs_delays_the_first_list_only_so_long_and_no_other() {
    let wait = Duration::from_secs(10);
    let recorded = World::read(WorldBuilder::new().build().path()).unwrap();
    let source = Steered::new(Arc::new(RecordedWorld::new(recorded).unwrap()));
    let hands = Hands::new();
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(options_with(|options| {
            options.refresh.first_wait = wait;
            options.refresh.give_up = 3 * wait;
        }))
        .build()
        .unwrap();
    source.hold(&["capacities"]);
    let begun = Instant::now();
    assert_eq!(quota(&gate).await, QuotaOutcome::Fits);
    let waited = begun.elapsed();
    assert!(waited >= wait && waited < 2 * wait, "{waited:?}");
    let inventory = gate.inventory().await;
    assert_eq!(begun.elapsed(), waited, "the next list waits for nothing");
    assert_eq!(
        report(&inventory, "tenant_allowances").state,
        SourceState::Complete
    );
    let advice = report(&inventory, "capacities");
    assert_eq!(advice.state, SourceState::Unavailable);
    assert!(advice.detail.unwrap().contains("for the first time"));
    // It is given up.
    tokio::time::sleep(3 * wait).await;
    let advice = report(&*gate.inventory().await, "capacities");
    let detail = advice.detail.unwrap();
    assert!(detail.contains("not answered within 30s"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_is_given_up_and_read_as_soon_as_it_answers() {
    let live = live(&WorldBuilder::new()).await;
    let hasty = hasty_client(&live.cloud);
    live.source.have_answered("capacities", &hasty);
    live.faults(r#"{"rules": [{"method": "ResourceAdviceService/List", "hang": true}]}"#);
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
    let inventory = live.gate.inventory().await;
    let advice = report(&inventory, "capacities");
    assert_eq!(advice.state, SourceState::Unavailable);
    assert!(advice.detail.unwrap().contains("did not answer"));
    live.no_faults();
    live.source.have_all_answered_as_usual();
    live.hands.pass(60);
    live.until("the advice", |inventory| {
        report(inventory, "capacities").state == SourceState::Complete
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_answered_with_what_is_old_while_it_is_read_again() {
    let live = live(&WorldBuilder::new()).await;
    let first = live.gate.inventory().await;
    assert_eq!(limit(&first), Some(64));
    live.set_limit(GPU_QUOTA, 8);
    // Advice is due, quotas are not: they are not asked for.
    live.cloud.clear_calls();
    live.hands.pass(119);
    assert_eq!(limit(&*live.gate.inventory().await), Some(64));
    live.until("advice that is read again", |inventory| {
        live.source.is_idle() && report(inventory, "capacities").fetched_at > START
    })
    .await;
    assert!(live.cloud.calls_to(ALLOWANCES).is_empty());
    live.source.hold(&["tenant_allowances"]);
    live.hands.pass(1);
    let old = live.gate.inventory().await;
    assert_eq!(limit(&old), Some(64));
    assert_eq!(report(&old, "tenant_allowances").fetched_at, START);
    live.source.release();
    live.until("the new limit", |inventory| {
        limit(inventory) == Some(8) && report(inventory, "project_allowances").fetched_at > START
    })
    .await;
    let asked = live.cloud.calls_to(ALLOWANCES);
    assert_eq!(asked.len(), 2, "the tenant's and the project's, once each");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generation_rises_when_something_changed_and_not_when_the_same_was_read() {
    let live = live(&WorldBuilder::new()).await;
    let first = live.gate.inventory().await;
    live.hands.pass(5);
    let again = live.gate.refresh().await;
    assert_eq!(again.generation(), first.generation());
    assert_eq!(
        report(&again, "tenant_allowances").fetched_at,
        report(&first, "tenant_allowances").fetched_at + 5_000
    );
    live.set_limit(GPU_QUOTA, 63);
    let changed = live.gate.refresh().await;
    assert!(changed.generation() > again.generation());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_that_the_policy_does_not_allow_is_over_once_the_same_was_read_again() {
    let live = live(&WorldBuilder::new()).await;
    let young = Policy {
        max_age_ms: Some(10_000),
        ..Policy::default()
    };
    let judge = async || {
        live.gate
            .check(&h200(1), &young)
            .await
            .unwrap()
            .verdict
            .quota
    };
    assert_eq!(judge().await, QuotaOutcome::Fits);
    live.hands.pass(11);
    assert_eq!(judge().await, QuotaOutcome::Unknown);
    live.gate.refresh().await;
    assert_eq!(judge().await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_cloud_is_left_alone_and_what_is_old_stands_until_it_is_too_old() {
    let live = live(&WorldBuilder::new()).await;
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
    live.faults(
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "status": {"code": "RESOURCE_EXHAUSTED",
            "message": "slow down", "service_error": {"retry_type": "NOTHING",
            "too_many_requests": {"violation": "calls"}}}}]}"#,
    );
    live.hands.pass(120);
    live.until("the throttled answers", |inventory| {
        ["tenant_allowances", "project_allowances"]
            .iter()
            .all(|name| {
                let detail = report(inventory, name).detail;
                detail.is_some_and(|detail| detail.contains("slow down"))
            })
    })
    .await;
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
    // The final check does not press on either: it says that it could not read again, and nothing is proven.
    live.cloud.clear_calls();
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Unknown);
    assert!(live.cloud.calls_to(ALLOWANCES).is_empty());
    // Too old to be trusted, it is unknown; not "no quota".
    live.hands.pass(900);
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Unknown);
    live.no_faults();
    live.until_after(10, "recovery", is_whole).await;
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_goes_on_failing_is_left_alone_for_a_while() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    live.faults(
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "status": {"code": "UNAVAILABLE"}}]}"#,
    );
    for _ in 0..5 {
        live.gate.refresh().await;
    }
    live.no_faults();
    live.cloud.clear_calls();
    // Five failures in a row: not even the final check asks, until the wait is over; the other sources are none the worse.
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    let detail = verified.verdict.findings[0].detail.clone().unwrap();
    assert!(detail.contains("left alone for another 80 s"), "{detail}");
    assert!(live.cloud.calls_to(ALLOWANCES).is_empty());
    assert_eq!(live.cloud.calls_to("ResourceAdviceService/List").len(), 1);
    live.hands.pass(80);
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_cut_short_does_not_replace_a_whole_one() {
    let live = live(&WorldBuilder::new()).await;
    live.faults(
        r#"{"rules": [
            {"method": "QuotaAllowanceService/List", "page": 2, "status": {"code": "PERMISSION_DENIED"}},
            {"method": "QuotaAllowanceService/List", "page_size": 3}]}"#,
    );
    live.gate.inventory().await;
    live.no_faults();
    live.gate.refresh().await;
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
    live.faults(
        r#"{"rules": [
            {"method": "QuotaAllowanceService/List", "page": 2, "status": {"code": "PERMISSION_DENIED"}},
            {"method": "QuotaAllowanceService/List", "page_size": 3}]}"#,
    );
    let inventory = live.gate.refresh().await;
    let report = report(&inventory, "tenant_allowances");
    assert_eq!(report.state, SourceState::Complete);
    assert!(report.detail.unwrap().contains("PERMISSION_DENIED"));
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_start_uses_what_was_recorded_until_it_is_too_old() {
    let folder = WorldBuilder::new().tenant(GPU_QUOTA, 16, 0).build();
    std::fs::write(
        folder.path().join("recorded.json"),
        r#"{"recorded_at": "2027-01-15T08:00:00Z"}"#,
    )
    .unwrap();
    let recorded = RecordedWorld::new(World::read(folder.path()).unwrap()).unwrap();
    let then = recorded.recorded_at().unwrap();
    let live = live(&WorldBuilder::new()).await;
    live.faults(r#"{"rules": [{"method": "*", "hang": true}]}"#);
    for (minutes, known) in [(1, Some(16)), (20, None)] {
        let hands = Hands::new();
        hands.set(then + minutes * 60_000);
        let gate = builder(&live.cloud, &hands).build().unwrap();
        gate.warm_up(&recorded).await.unwrap();
        let inventory = gate.inventory().await;
        assert_eq!(limit(&inventory), known);
        assert_eq!(report(&inventory, "tenant_allowances").fetched_at, then);
        // What is offered is trusted for longer than what is left of it.
        assert!(!inventory.types_of(PROJECT).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_makes_nothing_young_and_nothing_stick() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    live.faults(r#"{"rules": [{"method": "QuotaAllowanceService/List", "status": {"code": "UNAVAILABLE"}}]}"#);
    // Back by a year, and then 16 minutes go by: too old, as it would be without.
    live.hands.set(START - 365 * 86_400_000);
    live.hands.pass(960);
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Unknown);
    live.no_faults();
    live.until_after(10, "recovery", |inventory| limit(inventory) == Some(64))
        .await;
    // Forward by a year: read again at once.
    live.set_limit(GPU_QUOTA, 32);
    live.hands.set(START + 365 * 86_400_000);
    live.until_after(10, "the new limit", |inventory| {
        limit(inventory) == Some(32)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_come_and_go() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    let project = live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
            panic!("no projects");
        };
        std::mem::take(&mut list.items)
    });
    let without = live.gate.refresh().await;
    assert_eq!(without.projects().count(), 0);
    live.cloud.with_world(|world| {
        let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
            panic!("no projects");
        };
        list.items = project;
    });
    live.gate.refresh().await;
    live.until("the project", |inventory| {
        inventory.types_of(PROJECT).len() > 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_parked_is_offered_nothing_as_soon_as_it_is_read() {
    let live = live(&WorldBuilder::new()).await;
    assert_eq!(quota(&live.gate).await, QuotaOutcome::Fits);
    for (state, expected) in [
        (ProjectState::Parked, QuotaOutcome::Unknown),
        (ProjectState::Active, QuotaOutcome::Fits),
    ] {
        live.cloud.with_world(|world| {
            let nebius_api::world::Recorded::Answer(list) = &mut world.projects else {
                panic!("no projects");
            };
            let status = list.items[0].status.get_or_insert_default();
            status.set_project_state(state);
        });
        live.gate.refresh().await;
        let check = live.gate.check(&h200(1), &Policy::default()).await.unwrap();
        assert_eq!(check.verdict.quota, expected, "{state:?}");
        let is_offered = check
            .verdict
            .findings
            .iter()
            .all(|finding| finding.reason != Reason::NotOffered);
        assert_eq!(is_offered, expected == QuotaOutcome::Fits);
        // And so it is: the cloud says the same of a real launch.
        let launcher = Launcher::connect(live.cloud.addr()).await;
        let mut launch = h200(1);
        launch.profile.needs.push(disk(100 << 30));
        let refused = launcher.refused(&launch).await;
        let refused = refused.map(|status| status.code());
        let code = (state == ProjectState::Parked).then_some(Code::FailedPrecondition);
        assert_eq!(refused, code, "{state:?}");
    }
}

/// A source with a bug.
struct Panics;

#[async_trait::async_trait]
impl Source for Panics {
    fn cloud(&self) -> &str {
        "nebius"
    }
    fn sources(&self, _: Option<&Account>) -> Vec<SourceId> {
        vec![
            SourceId::of_account("account", Feed::Account),
            SourceId::of_account("tenant_allowances", Feed::Rows),
        ]
    }
    async fn ask(&self, _: &SourceId) -> Result<Read<Answer>, SourceError> {
        panic!("a bug")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_panics_is_unreadable() {
    let gate = Gate::new(plugin(), Arc::new(Panics)).unwrap();
    let inventory = gate.inventory().await;
    let report = report(&inventory, "tenant_allowances");
    assert_eq!(report.state, SourceState::Unavailable);
    assert!(report.detail.unwrap().contains("panicked"));
    assert!(inventory.account().outermost().is_none());
}
