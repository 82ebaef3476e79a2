//! Reservations: which instances take their GPUs from a block, and what each block and project has left.

use nebius_api::{
    nebius::{
        capacity::v1::{
            CapacityAllowance, CapacityAllowanceSpec, CapacityAllowanceStatus, CapacityBlockGroup,
            ListCapacityAllowancesRequest, ListCapacityAllowancesResponse,
            ListCapacityBlockGroupsResponse,
            capacity_allowance_service_client::CapacityAllowanceServiceClient,
            capacity_allowance_status,
            capacity_block_group_status::{State, UsageState},
            resource_affinity::Versions,
        },
        common::v1::service_error::Details,
        compute::v1::{CreateInstanceRequest, reservation_policy::Policy},
    },
    world::{Recorded, World},
};
use nebius_emulator::{Builder, Emulator, worlds};
use tonic::Code;

use crate::{
    cloud::{
        Asking, CPU, H200, H200X8, REGION, cloud, cluster, instance, moved, readings, succeeded,
        violation, violations,
    },
    harness::{PROJECT, TENANT, details, with_token},
};

const GPUS: &str = "compute.instance.gpu.h200";
const FIRST: &str = "capacityblockgroup-e00first";
const SECOND: &str = "capacityblockgroup-e00second";

fn block(
    template: &CapacityBlockGroup,
    id: &str,
    fabric: &str,
    limit: u64,
    usage: u64,
) -> CapacityBlockGroup {
    let mut group = template.clone();
    id.clone_into(&mut group.metadata.as_mut().unwrap().id);
    let status = group.status.as_mut().unwrap();
    REGION.clone_into(&mut status.region);
    status.current_limit = limit;
    status.usage = usage;
    let affinity = status.resource_affinity.as_mut().unwrap();
    let Some(Versions::ComputeV1(affinity)) = &mut affinity.versions else {
        panic!("the block is of compute");
    };
    fabric.clone_into(&mut affinity.fabric);
    "gpu-h200-sxm".clone_into(&mut affinity.platform);
    group
}

/// The bundled world with two H200 blocks in eu-north1 and no room for 8 GPUs outside of them.
fn world() -> World {
    let mut world = worlds::acme().unwrap();
    let template = world.capacity_block_groups.answer().unwrap().items[0].clone();
    world.capacity_block_groups = Recorded::Answer(ListCapacityBlockGroupsResponse {
        items: vec![
            block(&template, FIRST, "fabric-7", 16, 5),
            block(&template, SECOND, "fabric-9", 8, 0),
        ],
        next_page_token: String::new(),
    });
    world
}

fn reserved() -> Builder {
    Emulator::builder(world())
}

fn cap(limit: Option<u64>, usage: u64) -> Recorded<ListCapacityAllowancesResponse> {
    let mut status = CapacityAllowanceStatus {
        usage,
        ..Default::default()
    };
    status.set_state(capacity_allowance_status::State::Active);
    status.set_usage_state(capacity_allowance_status::UsageState::Used);
    Recorded::Answer(ListCapacityAllowancesResponse {
        items: vec![CapacityAllowance {
            metadata: None,
            spec: Some(CapacityAllowanceSpec {
                capacity_block_group_id: FIRST.to_owned(),
                limit,
            }),
            status: Some(status),
        }],
        next_page_token: String::new(),
    })
}

#[tokio::test]
async fn auto_takes_a_block_first_and_the_row_after() {
    let (running, channel, mut cloud) = cloud(reserved()).await;
    let count = "compute.instance.count";
    assert!(running.set_limit(TENANT, count, REGION, Some(20)));
    let before = readings(&channel).await;
    let id = cloud.made(instance(H200X8)).await;
    assert_eq!(cloud.status(&id).await.reservation_id, FIRST);
    assert_eq!(running.true_block_usage(FIRST), Some(13));
    let moves = moved(&channel, &before).await;
    assert!(!moves.iter().any(|(quota, _)| quota == GPUS), "{moves:?}");
    assert!(moves.contains(&("compute.instance.count".to_owned(), 1)));

    // Three are left there, so a whole instance goes to the next one, and the one after that to the row.
    let second = cloud.made(instance(H200X8)).await;
    assert_eq!(cloud.status(&second).await.reservation_id, SECOND);
    let refused = cloud.create(instance(H200X8)).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(GPUS, 32, 38)]);
    for _ in 0..3 {
        let third = cloud.made(instance(H200)).await;
        assert_eq!(cloud.status(&third).await.reservation_id, FIRST);
        cloud.stop(&third).await.unwrap();
    }
    let usage = running.true_usage(TENANT, GPUS, REGION);
    assert_eq!(
        (running.true_block_usage(FIRST), usage),
        (Some(16), Some(30))
    );
    cloud.delete(&id).await.unwrap();
    assert_eq!(running.true_block_usage(FIRST), Some(8));
}

#[tokio::test]
async fn policies_and_listed_blocks_decide() {
    let (running, _, mut cloud) = cloud(reserved()).await;
    let forbidden = instance(H200X8).policy(Policy::Forbid, &[]);
    let refused = cloud.create(forbidden).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(GPUS, 32, 38)]);
    let id = cloud.made(instance(H200).policy(Policy::Forbid, &[])).await;
    assert_eq!(cloud.status(&id).await.reservation_id, "");

    let id = cloud
        .made(instance(H200X8).policy(Policy::Strict, &[SECOND]))
        .await;
    assert_eq!(cloud.status(&id).await.reservation_id, SECOND);
    let strict = instance(H200).policy(Policy::Strict, &[SECOND]);
    let refused = cloud.create(strict).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let Details::NotEnoughResources(lacking) = details(&refused) else {
        panic!("{refused}");
    };
    assert_eq!(lacking.violations[0].resource_type, "capacityBlockGroup");
    assert_eq!(lacking.violations[0].requested, H200.1);
    // Under `AUTO` only the listed ones are tried before the row.
    let id = cloud
        .made(instance(H200).policy(Policy::Auto, &[SECOND]))
        .await;
    assert_eq!(cloud.status(&id).await.reservation_id, "");

    let unusable = |request: CreateInstanceRequest| request.policy(Policy::Strict, &[]);
    for request in [
        unusable(instance(CPU)),
        unusable(instance(H200).preemptible()),
    ] {
        let error = cloud.create(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    let unknown = instance(H200).policy(Policy::Auto, &["capacityblockgroup-e00none"]);
    assert_eq!(
        cloud.create(unknown).await.unwrap_err().code(),
        Code::NotFound
    );

    running.with_world(|world| {
        let Recorded::Answer(list) = &mut world.capacity_block_groups else {
            panic!("there are blocks");
        };
        for group in &mut list.items {
            group.status.as_mut().unwrap().set_state(State::Shutting);
        }
    });
    let strict = instance(H200).policy(Policy::Strict, &[]);
    assert!(cloud.create(strict).await.is_err());
}

#[tokio::test]
async fn a_cluster_takes_only_blocks_of_its_fabric() {
    let (_running, _, mut cloud) = cloud(reserved()).await;
    let request = cluster("fabric-9");
    let id = succeeded(cloud.clusters.create(request).await.unwrap().into_inner());
    let member = cloud.made(instance(H200X8).in_cluster(&id)).await;
    assert_eq!(cloud.status(&member).await.reservation_id, SECOND);
    let refused = cloud.create(instance(H200X8).in_cluster(&id)).await;
    assert_eq!(violations(&refused.unwrap_err()), [violation(GPUS, 32, 38)]);
}

#[tokio::test]
async fn a_projects_cap_clips_the_block() {
    let mut world = world();
    world
        .by_project
        .get_mut(PROJECT)
        .unwrap()
        .capacity_allowances = cap(Some(6), 4);
    let (running, channel, mut cloud) = cloud(Emulator::builder(world)).await;
    let mut capacity = CapacityAllowanceServiceClient::new(with_token(&channel, "any"));
    let strict = || instance(H200).policy(Policy::Strict, &[FIRST]);
    for _ in 0..2 {
        cloud.made(strict()).await;
    }
    assert!(cloud.create(strict()).await.is_err());
    let request = ListCapacityAllowancesRequest {
        parent_id: PROJECT.to_owned(),
        ..Default::default()
    };
    let listed = capacity.list(request).await.unwrap().into_inner();
    let status = listed.items[0].status.clone().unwrap();
    assert_eq!(
        (status.usage, status.usage_percentage.as_str()),
        (6, "1.00")
    );

    running.with_world(|world| {
        let files = world.by_project.get_mut(PROJECT).unwrap();
        files.capacity_allowances = cap(None, 4);
    });
    cloud.made(strict()).await;
}

#[tokio::test]
async fn a_block_whose_usage_is_hidden_counts_all_the_same() {
    let (running, _, mut cloud) = cloud(reserved()).await;
    running.with_world(|world| {
        let Recorded::Answer(list) = &mut world.capacity_block_groups else {
            panic!("there are blocks");
        };
        let status = list.items[0].status.as_mut().unwrap();
        status.usage = 0;
        status.set_usage_state(UsageState::Unknown);
    });
    running.set_base_block_usage(FIRST, 15);
    let strict = || instance(H200).policy(Policy::Strict, &[FIRST]);
    cloud.made(strict()).await;
    assert!(cloud.create(strict()).await.is_err());
    assert_eq!(running.true_block_usage(FIRST), Some(16));
}
