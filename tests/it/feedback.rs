//! What failed launches teach: lessons at the scope that the error speaks of, for longer each time, until fresh data says
//! otherwise.

use nebius_api::nebius::common::v1::{QuotaFailure, quota_failure, service_error::Details};
use quotagate::{
    CapacityOutcome, FailureKind, Launch, Lesson, LessonKind, Policy, QuotaOutcome, Reason, Verdict,
};

use crate::{
    harness::{GPU_QUOTA, PROJECT, REGION, TENANT, WorldBuilder},
    launcher::Launcher,
    live::{
        Live, disk, failure, h200, limit_of, live, no_hardware, over_quota, over_quota_of, refused,
    },
};

/// Eight GPUs each, on one instance or on eight.
fn small(count: u32) -> Launch {
    let mut launch = h200(count);
    launch.offer.instance_type = "gpu-h200-sxm 1gpu-16vcpu-200gb".to_owned();
    launch
}

fn preemptible(mut launch: Launch) -> Launch {
    launch.offer.lifecycle = "preemptible".to_owned();
    launch
}

async fn judge(live: &Live, launch: &Launch) -> Verdict {
    live.gate
        .check(launch, &Policy::default())
        .await
        .unwrap()
        .verdict
}

/// What plugins are shown of what was learned.
async fn lessons(live: &Live) -> Vec<Lesson> {
    live.gate.inventory().await.contract().lessons
}

async fn quota(live: &Live, launch: &Launch) -> QuotaOutcome {
    judge(live, launch).await.quota
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_quota_blocks_launches_of_that_size_and_larger() {
    let live = live(&WorldBuilder::new()).await;
    // The rows say that there is room; the cloud knew better.
    let report = live
        .gate
        .report(&h200(1), &over_quota(GPU_QUOTA, 64, 72))
        .await
        .unwrap();
    assert_eq!(report.diagnosis.kind, FailureKind::Quota);
    assert_eq!(report.lessons.len(), 1);
    assert_eq!(report.lessons[0].at_least, 8);
    let verdict = judge(&live, &h200(1)).await;
    assert_eq!(verdict.quota, QuotaOutcome::Blocked);
    let finding = &verdict.findings[0];
    assert_eq!(finding.reason, Reason::FailedBefore);
    let detail = finding.detail.as_deref().unwrap();
    assert!(
        detail.contains(GPU_QUOTA) && detail.contains("2027-01-15T08:10:00Z"),
        "{detail}"
    );
    assert_eq!(quota(&live, &small(8)).await, QuotaOutcome::Blocked);
    assert_eq!(quota(&live, &small(7)).await, QuotaOutcome::Fits);
    // Preemptible instances do not draw on that row.
    assert_eq!(
        quota(&live, &preemptible(h200(1))).await,
        QuotaOutcome::Fits
    );
    // The final check does not get past it either, unless what it reads says otherwise.
    assert!(live.gate.verify(&h200(1)).await.unwrap().hold.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_of_a_refusal_proves_nothing_of_the_launch_alone() {
    // The total is above the limit in every refusal; the launch alone takes 8.
    for (total, lasts) in [(65, 600), (72, 600), (6_400, 600)] {
        let live = live(&WorldBuilder::new()).await;
        let report = live
            .gate
            .report(&h200(1), &over_quota(GPU_QUOTA, 64, total))
            .await
            .unwrap();
        assert_eq!(report.lessons[0].at_least, 8, "{total}");
        let lesson = &report.lessons[0];
        assert_eq!(lesson.until, crate::live::START + lasts * 1_000, "{total}");
        assert_eq!(quota(&live, &small(7)).await, QuotaOutcome::Fits);
    }
    // Its own demand above the limit does prove it, for longer.
    let live = live(&WorldBuilder::new()).await;
    let report = live
        .gate
        .report(&h200(9), &over_quota(GPU_QUOTA, 64, 100))
        .await
        .unwrap();
    assert_eq!(report.lessons[0].at_least, 65);
    assert_eq!(report.lessons[0].until, crate::live::START + 3_600 * 1_000);
}

/// The whole way: the lists show room, the cloud enforces less, and what its own error says over the wire is what is learned.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_cloud_says_over_the_wire_is_what_is_learned() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 30)).await;
    live.cloud.with_settings(|settings| {
        settings.enforced_limits = [(GPU_QUOTA.to_owned(), 32)].into();
    });
    assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Fits);
    let launcher = Launcher::connect(live.cloud.addr()).await;
    // The cloud insists on a boot disk.
    let booted = |mut launch: Launch| {
        launch.profile.needs.push(disk(100 << 30));
        launch
    };
    let status = launcher.refused(&booted(h200(1))).await.unwrap();
    let code = i32::from(status.code()).to_string();
    let failure = refused(&code, status.message(), Some(status.details().to_vec()));
    let report = live.gate.report(&h200(1), &failure).await.unwrap();
    let finding = &report.diagnosis.findings[0];
    assert_eq!(finding.owner.as_deref(), Some(TENANT));
    assert_eq!((finding.limit, finding.minimum_limit), (Some(32), Some(38)));
    assert_eq!((finding.required, finding.shortfall), (None, Some(6)));
    let lesson = &report.lessons[0];
    assert_eq!(
        (lesson.at_least, lesson.owner.as_deref()),
        (8, Some(TENANT))
    );
    assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Blocked);
    assert_eq!(quota(&live, &small(2)).await, QuotaOutcome::Fits);
    assert!(launcher.refused(&booted(small(2))).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_what_the_launch_does_not_take_is_a_doubt() {
    let live = live(&WorldBuilder::new()).await;
    let failure = over_quota("compute.gpucluster.count", 2, 3);
    let report = live.gate.report(&h200(1), &failure).await.unwrap();
    assert_eq!(report.diagnosis.kind, FailureKind::Quota);
    assert_eq!(report.lessons[0].kind, LessonKind::Unclear);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_container_that_the_message_names_says_whose_row_refused() {
    let world = || WorldBuilder::new().project(GPU_QUOTA, 64, 0);
    for (container, owner) in [("", PROJECT), (PROJECT, PROJECT), (TENANT, TENANT)] {
        let live = live(&world()).await;
        let failure = over_quota_of(container, GPU_QUOTA, 64, 72);
        let report = live.gate.report(&h200(1), &failure).await.unwrap();
        let lesson = &report.lessons[0];
        assert_eq!(lesson.owner.as_deref(), Some(owner), "{container:?}");
        assert_eq!(lesson.at_least, 8);
        let finding = &report.diagnosis.findings[0];
        let named = Some(container).filter(|id| !id.is_empty());
        assert_eq!(finding.owner.as_deref(), named);
        let remedy = &finding.remedy.as_ref().unwrap().text;
        assert!(remedy.contains(container), "{remedy}");
    }
    // Without a row of its own the project is not suspected, unless it is named.
    let live = live(&WorldBuilder::new()).await;
    let failure = over_quota_of(PROJECT, GPU_QUOTA, 64, 72);
    let report = live.gate.report(&h200(1), &failure).await.unwrap();
    assert_eq!(report.lessons[0].owner.as_deref(), Some(PROJECT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_zero_blocks_the_family_for_longer_than_a_shortage() {
    let live = live(&WorldBuilder::new()).await;
    let report = live
        .gate
        .report(&h200(1), &over_quota(GPU_QUOTA, 0, 8))
        .await
        .unwrap();
    assert_eq!(report.lessons[0].at_least, 1);
    assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Blocked);
    live.hands.pass(3_599);
    live.gate.refresh().await;
    assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Blocked);
    live.hands.pass(1);
    assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_preemptible_blocks_all_preemptible_ones() {
    let live = live(&WorldBuilder::new()).await;
    let failure = over_quota("compute.instance.preemptible.count", 64, 65);
    live.gate
        .report(&preemptible(h200(1)), &failure)
        .await
        .unwrap();
    assert_eq!(
        quota(&live, &preemptible(small(1))).await,
        QuotaOutcome::Blocked
    );
    assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_hardware_blocks_one_type_on_one_lane_and_no_quota() {
    let live = live(&WorldBuilder::new().advice("on_demand", "FRESH", 4, "HIGH")).await;
    assert_eq!(
        judge(&live, &h200(1)).await.capacity,
        CapacityOutcome::Likely
    );
    let report = live.gate.report(&h200(1), &no_hardware()).await.unwrap();
    assert_eq!(report.lessons[0].kind, LessonKind::Capacity);
    let verdict = judge(&live, &h200(1)).await;
    assert_eq!(
        (verdict.quota, verdict.capacity),
        (QuotaOutcome::Fits, CapacityOutcome::Unlikely)
    );
    for other in [small(1), preemptible(h200(1))] {
        assert_ne!(
            judge(&live, &other).await.capacity,
            CapacityOutcome::Unlikely
        );
    }
    live.hands.pass(180);
    live.gate.refresh().await;
    assert_eq!(
        judge(&live, &h200(1)).await.capacity,
        CapacityOutcome::Likely
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fabric_without_hardware_says_nothing_of_the_others() {
    let live = live(&WorldBuilder::new()).await;
    let on = |fabric: &str| {
        let mut launch = h200(1);
        launch.offer.zone = Some(fabric.to_owned());
        launch
    };
    live.gate
        .report(&on("fabric-7"), &no_hardware())
        .await
        .unwrap();
    assert_eq!(
        judge(&live, &on("fabric-7")).await.capacity,
        CapacityOutcome::Unlikely
    );
    for other in [on("fabric-6"), h200(1)] {
        assert_eq!(
            judge(&live, &other).await.capacity,
            CapacityOutcome::Unknown
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_and_access_teach_nothing_and_an_unclear_error_a_doubt() {
    let live = live(&WorldBuilder::new()).await;
    for code in ["7", "16", "14", "3", "4"] {
        let failure = refused(code, "no", None);
        let report = live.gate.report(&h200(1), &failure).await.unwrap();
        assert!(report.lessons.is_empty(), "{report:?}");
    }
    let unclear = refused("8", "resource exhausted", None);
    let report = live.gate.report(&h200(1), &unclear).await.unwrap();
    assert_eq!(report.diagnosis.kind, FailureKind::Ambiguous);
    assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Unknown);
    assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Fits);
    live.hands.pass(60);
    assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Fits);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_again_is_believed_for_longer() {
    let live = live(&WorldBuilder::new()).await;
    let mut lengths = Vec::new();
    for _ in 0..10 {
        let report = live.gate.report(&h200(1), &no_hardware()).await.unwrap();
        let now = lessons(&live).await[0].until;
        assert_eq!(report.lessons[0].until, now);
        let length = (now - crate::live::START) / 1_000;
        lengths.push(length - lengths.iter().sum::<u64>());
        live.hands.pass(*lengths.last().unwrap());
    }
    assert_eq!(lengths[..4], [180, 360, 720, 1_440]);
    assert_eq!(lengths[9], 21_600, "never longer than six hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_ends_early_when_more_is_read_than_when_the_launch_failed() {
    let live = live(&WorldBuilder::new().tenant(GPU_QUOTA, 64, 50)).await;
    let report = over_quota(GPU_QUOTA, 64, 72);
    live.gate.report(&h200(1), &report).await.unwrap();
    // The same, or less: nothing is contradicted.
    for usage in [50, 56] {
        live.cloud.set_base_usage(TENANT, GPU_QUOTA, REGION, usage);
        live.gate.refresh().await;
        assert_eq!(
            quota(&live, &h200(1)).await,
            QuotaOutcome::Blocked,
            "{usage}"
        );
    }
    // More than the least that was read since, and enough.
    live.cloud.set_base_usage(TENANT, GPU_QUOTA, REGION, 40);
    live.gate.refresh().await;
    assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Fits);
    // A raised limit says so too, already to the final check.
    live.gate.report(&h200(1), &report).await.unwrap();
    live.set_limit(GPU_QUOTA, 128);
    assert!(live.gate.verify(&h200(1)).await.unwrap().hold.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_has_the_rows_read_again_in_the_background() {
    let live = live(&WorldBuilder::new()).await;
    live.gate.inventory().await;
    live.set_limit(GPU_QUOTA, 0);
    live.gate
        .report(&h200(1), &over_quota(GPU_QUOTA, 0, 8))
        .await
        .unwrap();
    live.until("the limit as it is", |inventory| {
        limit_of(inventory, GPU_QUOTA) == Some(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_without_a_number_that_can_be_read_is_a_doubt_and_proves_nothing() {
    let violation = |requested: &str| QuotaFailure {
        violations: vec![quota_failure::Violation {
            quota: GPU_QUOTA.to_owned(),
            message: "Quota limit exceeded".to_owned(),
            limit: "64".to_owned(),
            requested: requested.to_owned(),
        }],
    };
    for detail in [
        violation("lots"),
        violation(""),
        violation("0"),
        QuotaFailure::default(),
    ] {
        let live = live(&WorldBuilder::new()).await;
        let failure = failure(Details::QuotaFailure(detail.clone()));
        let report = live.gate.report(&h200(1), &failure).await.unwrap();
        assert_eq!(report.diagnosis.kind, FailureKind::Quota);
        assert_eq!(report.lessons.len(), 1, "{detail:?}");
        assert_eq!(report.lessons[0].kind, LessonKind::Unclear, "{detail:?}");
        assert_eq!(quota(&live, &h200(1)).await, QuotaOutcome::Unknown);
        assert_eq!(quota(&live, &small(1)).await, QuotaOutcome::Fits);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_projects_own_where_its_rows_could_not_be_read() {
    let world = WorldBuilder::new().project(GPU_QUOTA, 8, 8);
    let live = live(&world.project_denied()).await;
    let (launch, failure) = (h200(1), over_quota(GPU_QUOTA, 8, 16));
    let report = live.gate.report(&launch, &failure).await.unwrap();
    assert_eq!(report.lessons.len(), 1);
    assert_eq!(report.lessons[0].owner.as_deref(), Some(PROJECT));
}
