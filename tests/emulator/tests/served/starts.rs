//! Stopping and starting: what a stopped instance keeps, and what it needs to run again.

use nebius_api::{
    nebius::{compute::v1::instance_status::InstanceState, iam::v2::project_status::ProjectState},
    world::Recorded,
};
use nebius_emulator::{Control, settings::QuotaFailures};
use tonic::Code;

use crate::{
    cloud::{
        Asking, CPU, H200, H200X8, REGION, cloud, cluster, failure, instance, leave, moved,
        readings, roomy, succeeded, violation, violations,
    },
    harness::{PROJECT, TENANT, service_error},
};

const GPUS: &str = "compute.instance.gpu.h200";
const PUBLIC: &str = "vpc.ipv4-address.public.count";

fn by(quota: &str, by: i64) -> (String, i64) {
    (quota.to_owned(), by)
}

#[tokio::test]
async fn a_stopped_instance_keeps_its_gpus_and_static_address() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    let id = cloud.made(instance(H200X8).public(true)).await;
    let ran = readings(&channel).await;
    succeeded(cloud.stop(&id).await.unwrap());
    assert_eq!(cloud.status(&id).await.state(), InstanceState::Stopped);
    assert_eq!(moved(&channel, &ran).await, []);
    // Nothing more is needed, so a full row does not matter.
    leave(&running, GPUS, 0);
    leave(&running, PUBLIC, 0);
    succeeded(cloud.start(&id).await.unwrap());
    assert_eq!(cloud.status(&id).await.state(), InstanceState::Running);
}

#[tokio::test]
async fn a_project_that_is_not_active_takes_nothing() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    let id = cloud.made(instance(H200)).await;
    cloud.stop(&id).await.unwrap();
    let before = readings(&channel).await;
    for (state, takes) in [
        (ProjectState::Creating, false),
        (ProjectState::Purging, false),
        (ProjectState::Parking, false),
        (ProjectState::Parked, false),
        (ProjectState::StateUnspecified, true),
        (ProjectState::Active, true),
    ] {
        set_state(&running, state);
        let cluster = cloud.clusters.create(cluster("fabric-2")).await;
        assert_eq!(cluster.is_ok(), takes, "{state:?}");
        let Err(refused) = cloud.create(instance(CPU)).await else {
            assert!(takes, "{state:?}");
            continue;
        };
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(service_error(&refused).code, "BadResourceState");
        let refused = cloud.start(&id).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(PROJECT), "{refused:?}");
        assert_eq!(moved(&channel, &before).await, []);
    }
    succeeded(cloud.start(&id).await.unwrap());
}

/// Changes the state of the project that the tests launch in.
fn set_state(control: &Control, state: ProjectState) {
    control.with_world(|world| {
        let Recorded::Answer(projects) = &mut world.projects else {
            panic!("no projects");
        };
        for project in &mut projects.items {
            if project.metadata.as_ref().unwrap().id == PROJECT {
                project
                    .status
                    .get_or_insert_default()
                    .set_project_state(state);
            }
        }
    });
}

#[tokio::test]
async fn a_dynamic_address_is_let_go_and_taken_again() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    let id = cloud.made(instance(H200).public(false)).await;
    let ran = readings(&channel).await;
    assert!(
        cloud.status(&id).await.network_interfaces[0]
            .public_ip_address
            .is_some()
    );
    cloud.stop(&id).await.unwrap();
    let released = [by("vpc.allocation.count", -1), by(PUBLIC, -1)];
    assert_eq!(moved(&channel, &ran).await, released);
    assert!(
        cloud.status(&id).await.network_interfaces[0]
            .public_ip_address
            .is_none()
    );

    let used = running.true_usage(TENANT, PUBLIC, REGION).unwrap();
    leave(&running, PUBLIC, 0);
    let refused = cloud.start(&id).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(PUBLIC, used, used + 1)]);
    assert_eq!(cloud.status(&id).await.state(), InstanceState::Stopped);
    leave(&running, PUBLIC, 1);
    succeeded(cloud.start(&id).await.unwrap());
    assert!(
        cloud.status(&id).await.network_interfaces[0]
            .public_ip_address
            .is_some()
    );
}

#[tokio::test]
async fn where_stopping_frees_gpus_starting_may_fail() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    running.with_settings(|settings| settings.stopped_instances_hold_gpus = false);
    for (kind, quota, takes) in [(H200X8, GPUS, 8), (CPU, "compute.instance.non-gpu.vcpu", 4)] {
        let id = cloud.made(instance(kind)).await;
        let ran = readings(&channel).await;
        cloud.stop(&id).await.unwrap();
        assert_eq!(moved(&channel, &ran).await, [by(quota, -takes)]);
        let used = running.true_usage(TENANT, quota, REGION).unwrap();
        leave(&running, quota, 3);
        let asked = takes.unsigned_abs();
        let refused = cloud.start(&id).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            [violation(quota, used + 3, used + asked)]
        );
        running.with_settings(|settings| settings.quota_failures = QuotaFailures::InOperation);
        let operation = cloud.start(&id).await.unwrap();
        assert_eq!(operation.resource_id, id);
        assert_eq!(
            violations(&failure(&operation)),
            [violation(quota, used + 3, used + asked)]
        );
        assert_eq!(cloud.status(&id).await.state(), InstanceState::Stopped);
        running.with_settings(|settings| settings.quota_failures = QuotaFailures::Synchronous);
        leave(&running, quota, asked);
        succeeded(cloud.start(&id).await.unwrap());
        assert_eq!(moved(&channel, &ran).await, []);
        cloud.delete(&id).await.unwrap();
    }
}

#[tokio::test]
async fn an_instance_can_be_created_stopped() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    for holds in [true, false] {
        running.with_settings(|settings| settings.stopped_instances_hold_gpus = holds);
        let before = readings(&channel).await;
        let mut request = instance(H200X8).public(false);
        request.spec().stopped = true;
        let id = cloud.made(request).await;
        assert_eq!(cloud.status(&id).await.state(), InstanceState::Stopped);
        let moves = moved(&channel, &before).await;
        assert_eq!(moves.contains(&by(GPUS, 8)), holds);
        assert!(moves.contains(&by("compute.instance.count", 1)));
        assert!(!moves.iter().any(|(quota, _)| quota == PUBLIC));
        cloud.start(&id).await.unwrap();
        let moves = moved(&channel, &before).await;
        assert!(moves.contains(&by(GPUS, 8)) && moves.contains(&by(PUBLIC, 1)));
        cloud.delete(&id).await.unwrap();
        assert_eq!(readings(&channel).await, before);
    }
}

#[tokio::test]
async fn only_what_stands_starts_and_only_what_runs_stops() {
    let (_running, _, mut cloud) = cloud(roomy()).await;
    let id = cloud.made(instance(CPU)).await;
    let code = Code::FailedPrecondition;
    assert_eq!(cloud.start(&id).await.unwrap_err().code(), code);
    cloud.stop(&id).await.unwrap();
    assert_eq!(cloud.stop(&id).await.unwrap_err().code(), code);
    let unknown = cloud.stop("computeinstance-e00none").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
