//! Operations: when they finish, what a repeated request gets, and many at once.

use nebius_api::nebius::{
    common::v1::{GetByNameRequest, GetOperationRequest, ListOperationsRequest},
    compute::v1::{
        DeleteInstanceRequest, GetDiskRequest, ListInstancesRequest, disk_spec::DiskType,
        disk_status, instance_status::InstanceState,
    },
};
use nebius_emulator::Control;
use tonic::Code;

use crate::{
    cloud::{
        Asking, CPU, Cloud, H200, REGION, cloud, disk, instance, leave, readings, roomy,
        violations, with_key,
    },
    harness::{PROJECT, TENANT, service_error},
};

fn polls(control: &Control, polls: u32) {
    control.with_settings(|settings| settings.polls_to_finish = polls);
}

#[tokio::test]
async fn an_operation_can_take_some_looks_to_finish() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    polls(&running, 3);
    let created = cloud.create(instance(CPU)).await.unwrap();
    assert_eq!((&created.status, &created.finished_at), (&None, &None));
    // The quota is taken from the start, and looks at the instance count too.
    assert_eq!(
        running.true_usage(TENANT, "compute.instance.count", REGION),
        Some(10)
    );
    assert_eq!(
        cloud.status(&created.resource_id).await.state(),
        InstanceState::Creating
    );
    let conflict = cloud.stop(&created.resource_id).await.unwrap_err();
    assert_eq!(conflict.code(), Code::Aborted);
    assert_eq!(service_error(&conflict).code, "OperationConflict");
    let get = GetOperationRequest {
        id: created.id.clone(),
    };
    let second = cloud
        .operations
        .get(get.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(second.status, None);
    let third = cloud.operations.get(get).await.unwrap().into_inner();
    assert_eq!(third.status, Some(Default::default()));
    assert_eq!(
        cloud.status(&created.resource_id).await.state(),
        InstanceState::Running
    );

    let request = ListOperationsRequest {
        resource_id: created.resource_id.clone(),
        ..Default::default()
    };
    let listed = cloud.operations.list(request).await.unwrap().into_inner();
    assert_eq!(listed.operations, [third]);
    let deleted = cloud.delete(&created.resource_id).await.unwrap();
    let state = async |cloud: &mut Cloud| cloud.get(&created.resource_id).await;
    for _ in 0..2 {
        let deleting = state(&mut cloud).await.unwrap().status.unwrap();
        assert_eq!(deleting.state(), InstanceState::Deleting);
        assert_ne!(readings(&channel).await, before);
    }
    assert_eq!(deleted.status, None);
    assert_eq!(state(&mut cloud).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(readings(&channel).await, before);
    let unknown = GetOperationRequest {
        id: "computeoperation-e00none".to_owned(),
    };
    assert_eq!(
        cloud.operations.get(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn a_disk_is_waited_for_by_looking_at_it() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    polls(&running, 2);
    let request = disk(DiskType::NetworkSsd, 1);
    let id = cloud
        .disks
        .create(request)
        .await
        .unwrap()
        .into_inner()
        .resource_id;
    let mut states = Vec::new();
    for _ in 0..2 {
        let get = GetDiskRequest { id: id.clone() };
        let found = cloud.disks.get(get).await.unwrap().into_inner();
        states.push(found.status.unwrap().state());
    }
    assert_eq!(
        states,
        [disk_status::State::Creating, disk_status::State::Ready]
    );
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_operation() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    let create = || with_key(instance(CPU), "key-1");
    let first = cloud.instances.create(create()).await.unwrap().into_inner();
    let again = cloud.instances.create(create()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(running.instances().len(), 1);
    let other = with_key(instance(H200), "key-1");
    let misused = cloud.instances.create(other).await.unwrap_err();
    assert_eq!(misused.code(), Code::InvalidArgument);
    let other = with_key(instance(CPU), "key-2");
    cloud.instances.create(other).await.unwrap();
    assert_eq!(running.instances().len(), 2);
    let delete = || {
        let id = first.resource_id.clone();
        with_key(DeleteInstanceRequest { id }, "key-1")
    };
    let deleted = cloud.instances.delete(delete()).await.unwrap().into_inner();
    let again = cloud.instances.delete(delete()).await.unwrap().into_inner();
    assert_eq!(deleted, again);

    // A refusal is no answer to keep.
    leave(&running, "compute.instance.count", 0);
    let create = || with_key(instance(CPU), "key-3");
    assert!(cloud.instances.create(create()).await.is_err());
    leave(&running, "compute.instance.count", 1);
    assert!(cloud.instances.create(create()).await.is_ok());
}

#[tokio::test]
async fn instances_are_found_by_name_and_listed_by_pages() {
    let (_running, _, mut cloud) = cloud(roomy()).await;
    let mut ids = Vec::new();
    for index in 0..5 {
        let request = instance(CPU).named(&format!("instance-{index}"));
        ids.push(cloud.made(request).await);
    }
    let request = GetByNameRequest {
        parent_id: PROJECT.to_owned(),
        name: "instance-3".to_owned(),
    };
    let found = cloud
        .instances
        .get_by_name(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.metadata.unwrap().id, ids[3]);
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListInstancesRequest {
            parent_id: PROJECT.to_owned(),
            page_size: 2,
            page_token,
        };
        let page = cloud.instances.list(request).await.unwrap().into_inner();
        let metadata = page.items.into_iter().map(|item| item.metadata.unwrap());
        listed.extend(metadata.map(|metadata| metadata.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_as_many_win_as_there_is_room_for() {
    for room in [1, 7] {
        let (running, _, cloud) = cloud(roomy()).await;
        leave(&running, "compute.instance.gpu.h200", room);
        let creations = (0..40).map(|_| {
            let mut cloud = cloud.clone();
            tokio::spawn(async move { cloud.create(instance(H200)).await })
        });
        let mut won = 0;
        for creation in creations.collect::<Vec<_>>() {
            match creation.await.unwrap() {
                Ok(_) => won += 1,
                Err(refused) => assert_eq!(violations(&refused).len(), 1),
            }
        }
        assert_eq!(won, room);
        assert_eq!(running.instances().len(), usize::try_from(room).unwrap());
        let usage = running.true_usage(TENANT, "compute.instance.gpu.h200", REGION);
        assert_eq!(usage, Some(30 + room));
    }
}
