//! Final checks and holds: two launches never spend the same unit, whatever happens to the process in between.

use futures::future::join_all;
use quotagate::{Action, Gate, GateError, Launch, Need, Policy, Question, QuotaOutcome, Reason};

use crate::{
    harness::{CPU, GPU_QUOTA, PROJECT, REGION, TENANT, WorldBuilder},
    launcher::{Launcher, Outcome},
    live::{Live, disk, h200, held_of, key, live, live_with, options_with},
};

const ALLOWANCES: &str = "QuotaAllowanceService/List";

async fn fits(gate: &Gate) -> QuotaOutcome {
    let check = gate.check(&h200(1), &Policy::default()).await.unwrap();
    check.verdict.quota
}

/// Eight GPUs are left.
fn last_eight() -> WorldBuilder {
    WorldBuilder::new().tenant(GPU_QUOTA, 64, 56)
}

pub(crate) fn instance() -> Vec<String> {
    vec!["computeinstance-e00a".to_owned()]
}

/// What the cloud measures now.
pub(crate) fn set_usage(live: &Live, usage: u64) {
    assert!(live.cloud.set_base_usage(TENANT, GPU_QUOTA, REGION, usage));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_that_want_the_last_eight_gpus_one_gets_them() {
    let live = live(&last_eight()).await;
    live.gate.inventory().await;
    let all = (0..64).map(|_| {
        let gate = live.gate.clone();
        tokio::spawn(async move { gate.verify(&h200(1)).await.unwrap() })
    });
    let all: Vec<_> = join_all(all)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let held: Vec<_> = all.iter().filter(|one| one.hold.is_some()).collect();
    assert_eq!(held.len(), 1);
    for other in all.iter().filter(|one| one.hold.is_none()) {
        assert_eq!(other.action, Action::Refuse);
        let finding = &other.verdict.findings[0];
        assert_eq!(finding.reason, Reason::Shortage);
        assert_eq!((finding.held, finding.shortfall), (8, Some(8)));
    }
}

/// On one thread, so that all have asked before the first is answered.
#[tokio::test]
async fn those_who_check_at_once_share_what_is_read() {
    let live = live(&last_eight()).await;
    live.gate.inventory().await;
    live.cloud.clear_calls();
    live.source
        .hold(&["tenant_allowances", "project_allowances"]);
    let all = (0..64).map(|_| {
        let gate = live.gate.clone();
        tokio::spawn(async move { gate.verify(&h200(1)).await.unwrap() })
    });
    let all: Vec<_> = all.collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    live.source.release();
    let all = join_all(all).await.into_iter().map(Result::unwrap);
    assert_eq!(all.filter(|one| one.hold.is_some()).count(), 1);
    // A page of each list for the one that had it read, and one for all that came while it was read.
    assert_eq!(live.cloud.calls_to(ALLOWANCES).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_verified_can_be_launched_by_many_at_once() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 24)).await;
    let launcher = Launcher::connect(live.cloud.addr()).await;
    let all = (0..16).map(|_| {
        let (gate, launcher) = (live.gate.clone(), launcher.clone());
        tokio::spawn(async move {
            let mut launch = h200(1);
            launch.profile.needs.push(disk(100 << 30));
            let verified = gate.verify(&launch).await.unwrap();
            let hold = verified.hold?;
            match launcher.launch(&launch).await {
                Outcome::Launched(launched) => hold.commit(&launched.instances),
                refused => panic!("held and refused: {refused:?}"),
            }
            Some(())
        })
    });
    let launched = join_all(all).await.into_iter().filter_map(Result::unwrap);
    // Where usage shows an instance before its hold is committed, it counts twice for a moment: five fit, and fewer may get
    // through at once.
    let launched = launched.count() as u64;
    assert!((1..=5).contains(&launched), "{launched}");
    let used = live.cloud.true_usage(TENANT, GPU_QUOTA, REGION);
    assert_eq!(used, Some(24 + 8 * launched));
    // What was read after all of them shows all of them.
    live.gate.refresh().await;
    assert!(live.gate.holds().is_empty(), "{:#?}", live.gate.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_counts_in_every_list_until_it_is_released() {
    let live = live(&last_eight()).await;
    let hold = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let mut amounts = hold.amounts().iter();
    let gpus = amounts.find(|held| held.row == key(TENANT, GPU_QUOTA));
    let gpus = gpus.map(|held| (held.at_least, held.at_most));
    assert_eq!(gpus, Some((8, 8)), "{hold:?}");
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Blocked);
    hold.release();
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Fits);
    assert!(live.gate.holds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_hold_stands_until_usage_read_afterwards_shows_it() {
    let live = live(&last_eight()).await;
    let hold = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    hold.commit(&instance());
    // The cloud's usage trails: the same is read again.
    live.gate.refresh().await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Blocked);
    assert_eq!(live.gate.holds()[0].instances, instance());
    set_usage(&live, 64);
    live.gate.refresh().await;
    // Now the row itself says so, and it is not counted twice.
    let check = live.gate.check(&h200(1), &Policy::default()).await.unwrap();
    let finding = &check.verdict.findings[0];
    assert_eq!((finding.usage, finding.held), (Some(64), 0));
    assert_eq!(held_of(&live.gate, &key(TENANT, GPU_QUOTA)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_shows_holds_one_after_the_other() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 40)).await;
    let first = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let second = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    first.commit(&instance());
    second.commit(&instance());
    let headroom = async || {
        let launch = h200(8);
        let check = live.gate.check(&launch, &Policy::default()).await.unwrap();
        check.verdict.findings[0].headroom
    };
    assert_eq!(headroom().await, Some(8));
    // Between the two something else ends, so that the second shows at a lower usage.
    for (usage, left) in [(48, 8), (40, 16), (48, 16), (56, 8)] {
        set_usage(&live, usage);
        live.gate.refresh().await;
        assert_eq!(headroom().await, Some(left), "at {usage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_hold_ends_by_itself() {
    let live = live(&last_eight()).await;
    drop(live.gate.verify(&h200(1)).await.unwrap());
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Blocked);
    // A clock that is set ends nothing early.
    live.hands.set(crate::live::START + 86_400_000);
    live.gate.refresh().await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Blocked);
    live.hands.pass(901);
    live.gate.refresh().await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Fits);
    assert!(live.gate.holds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_final_check_reads_again_what_the_verdict_rests_on_and_nothing_else() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    let rows = [(ALLOWANCES, PROJECT), (ALLOWANCES, TENANT)];
    let advice = [("ResourceAdviceService/List", TENANT)];
    for (launch, expected) in [
        (h200(1), [&rows[..], &advice].concat()),
        (cpu(), rows.to_vec()),
    ] {
        live.cloud.clear_calls();
        live.gate.verify(&launch).await.unwrap();
        let calls = live.cloud.calls();
        let mut asked: Vec<(&str, &str)> = calls
            .iter()
            .map(|call| {
                let (_, method) = call.method.split_once("v1.").unwrap();
                (method, call.parent_id.as_deref().unwrap())
            })
            .collect();
        asked.sort_unstable();
        assert_eq!(asked, expected);
    }
}

fn cpu() -> Launch {
    let mut launch = h200(1);
    launch.offer.instance_type = CPU.to_owned();
    launch
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_no_is_read_again_before_a_launch_is_refused() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 0, 0)).await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Blocked);
    live.set_limit(GPU_QUOTA, 8);
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.action, Action::Allow);
    assert!(verified.hold.is_some());
    // And an old yes.
    live.set_limit(GPU_QUOTA, 0);
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.action, Action::Refuse);
    assert!(verified.hold.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_again_is_unknown_and_the_options_say_what_then() {
    for (unknown, is_held) in [(Action::Warn, true), (Action::Refuse, false)] {
        let options = options_with(|options| options.deploy.unknown = unknown);
        let live = live_with(&last_eight(), options).await;
        assert_eq!(fits(&live.gate).await, QuotaOutcome::Fits);
        live.faults(
            r#"{"rules": [{"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00test",
            "status": {"code": "UNAVAILABLE", "message": "down"}}]}"#,
        );
        let verified = live.gate.verify(&h200(1)).await.unwrap();
        assert_eq!(verified.verdict.quota, QuotaOutcome::Unknown);
        assert_eq!(verified.action, unknown);
        assert_eq!(verified.hold.is_some(), is_held);
        let detail = verified.verdict.findings[0].detail.as_deref().unwrap();
        assert!(
            detail.contains("could not be read again before the launch"),
            "{detail}"
        );
        // Whatever it was let through on, nobody else gets the same units.
        live.no_faults();
        live.hands.pass(120);
        live.gate.refresh().await;
        let next = fits(&live.gate).await;
        let expected = if is_held {
            QuotaOutcome::Blocked
        } else {
            QuotaOutcome::Fits
        };
        assert_eq!(next, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_mode_everything_passes_and_is_held() {
    let options = options_with(|options| options.shadow = true);
    let live = live_with(&WorldBuilder::new().tenant(GPU_QUOTA, 0, 0), options).await;
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    assert_eq!(verified.verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(verified.action, Action::Refuse);
    assert!(verified.hold.is_some());
    let offers = [h200(1).offer];
    let profile = h200(1).profile;
    let question = Question::new(&offers).profile(profile);
    let listing = live.gate.filter(&question).await.unwrap();
    assert_eq!(listing.items[0].verdict.quota, QuotaOutcome::Blocked);
    assert!(listing.items[0].visible);
}

#[tokio::test(flavor = "multi_thread")]
async fn committing_again_changes_nothing() {
    let live = live(&last_eight()).await;
    let verified = live.gate.verify(&h200(1)).await.unwrap();
    let id = verified.hold.unwrap().id().to_owned();
    for _ in 0..2 {
        assert!(live.gate.commit(&id, &instance()));
        live.hands.pass(600);
        live.gate.refresh().await;
    }
    assert!(live.gate.holds().is_empty(), "20 minutes after the commit");
    assert!(!live.gate.commit(&id, &instance()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_of_a_launch_that_was_given_up_ends_no_other_hold() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 56, 40)).await;
    let first = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    let second = live.gate.verify(&h200(1)).await.unwrap().hold.unwrap();
    // An instance of the first one shows, and its launch fails.
    set_usage(&live, 48);
    live.gate.refresh().await;
    first.release();
    second.commit(&instance());
    // Usage trails: neither the end of the one nor the other shows yet.
    live.gate.refresh().await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Unknown);
    set_usage(&live, 40);
    live.gate.refresh().await;
    let mut both = h200(2);
    let check = live.gate.check(&both, &Policy::default()).await.unwrap();
    assert_eq!(check.verdict.quota, QuotaOutcome::Unknown);
    both.count = 1;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Fits);
    // The second one shows.
    set_usage(&live, 48);
    live.gate.refresh().await;
    assert_eq!(fits(&live.gate).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_its_caller_names_is_held_once_and_stands_for_one_plan() {
    let live = live(&last_eight()).await;
    let plan = [h200(1)];
    let first = live.gate.verify_as("job-7", &plan).await.unwrap();
    let again = live.gate.verify_as("job-7", &plan).await.unwrap();
    assert_eq!(again.admission.verdict.quota, QuotaOutcome::Fits);
    let (first, again) = (first.hold.unwrap(), again.hold.unwrap());
    assert_eq!((first.id(), again.id()), ("job-7", "job-7"));
    assert_eq!(live.gate.holds().len(), 1);
    // Of the same type at the same place, and it takes more.
    let mut other = h200(1);
    other
        .profile
        .needs
        .push(Need::sized("disk.network-ssd", 1 << 40));
    let refused = live.gate.verify_as("job-7", &[other]).await.unwrap_err();
    assert!(matches!(refused, GateError::HoldTaken { .. }), "{refused}");
    first.release();
    assert!(live.gate.holds().is_empty());
    let anew = live.gate.verify_as("job-7", &plan).await.unwrap();
    assert_eq!(anew.hold.unwrap().id(), "job-7");
}
