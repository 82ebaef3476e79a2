//! What exists moves the usage of both scopes, and gives it back exactly.

use nebius_api::nebius::{
    compute::v1::{
        CreateFilesystemRequest, DeleteDiskRequest, DeleteFilesystemRequest,
        DeleteGpuClusterRequest, FilesystemSpec,
        disk_spec::DiskType,
        filesystem_spec::{FilesystemType, Size},
        instance_status::InstanceState,
    },
    quotas::v1::quota_allowance_status::UsageState,
    vpc::v1::{
        AllocationSpec, CreateAllocationRequest, DeleteAllocationRequest, GetAllocationRequest,
        IPv4PublicAllocationSpec, ListAllocationsRequest, allocation_spec::IpSpec,
    },
};
use tonic::Code;

use crate::{
    cloud::{
        Asking, CPU, GIBIBYTE, H100, H200X8, REGION, cloud, cluster, disk, existing, instance,
        managed, metadata, moved, owned, readings, roomy, succeeded,
    },
    harness::{PROJECT, TENANT},
};

#[tokio::test]
async fn a_gpu_instance_takes_what_it_is_made_of_and_gives_it_back() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    let mut request = instance(H200X8).public(true);
    request.spec().boot_disk = Some(managed(DiskType::NetworkSsd, 1024));
    request
        .spec()
        .secondary_disks
        .push(managed(DiskType::NetworkSsdIoM3, 93));
    let id = cloud.made(request).await;
    let tebibyte = i64::try_from(1024 * GIBIBYTE).unwrap();
    let expected = [
        ("compute.instance.gpu.h200", 8),
        ("compute.instance.count", 1),
        ("compute.disk.count", 2),
        ("compute.disk.size.network-ssd", tebibyte),
        ("compute.disk.size.network-ssd-io-m3", 93 << 30),
        ("vpc.allocation.count", 2),
        ("vpc.ipv4-address.public.count", 1),
    ];
    assert_eq!(moved(&channel, &before).await, owned(&expected));
    let status = cloud.status(&id).await;
    assert_eq!(status.state(), InstanceState::Running);
    assert_eq!(status.disk_attachments.len(), 2);
    let interface = &status.network_interfaces[0];
    let public = interface.public_ip_address.as_ref().unwrap();
    assert!(public.r#static && public.address.ends_with("/32"));

    succeeded(cloud.delete(&id).await.unwrap());
    assert_eq!(readings(&channel).await, before);
    assert_eq!(cloud.get(&id).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn preemptible_and_cpu_instances_take_rows_of_their_own() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    let id = cloud.made(instance(H100).preemptible()).await;
    let expected = [
        ("compute.instance.preemptible.count", 1),
        ("compute.disk.count", 1),
        ("compute.disk.size.network-ssd", 10 << 30),
        ("vpc.allocation.count", 1),
    ];
    assert_eq!(moved(&channel, &before).await, owned(&expected));
    cloud.delete(&id).await.unwrap();

    let id = cloud.made(instance(CPU).public(false)).await;
    let expected = [
        ("compute.instance.non-gpu.vcpu", 4),
        ("compute.instance.count", 1),
        ("compute.disk.count", 1),
        ("compute.disk.size.network-ssd", 10 << 30),
        ("vpc.allocation.count", 2),
        ("vpc.ipv4-address.public.count", 1),
    ];
    assert_eq!(moved(&channel, &before).await, owned(&expected));
    cloud.delete(&id).await.unwrap();
    assert_eq!(readings(&channel).await, before);
}

#[tokio::test]
async fn memory_counts_where_the_tenant_has_the_row() {
    const MEMORY: &str = "compute.instance.non-gpu.memory";
    let (running, _, mut cloud) = cloud(roomy()).await;
    cloud.made(instance(CPU)).await;
    assert_eq!(running.true_usage(TENANT, MEMORY, REGION), Some(0));
    running.with_world(|world| {
        let nebius_api::world::Recorded::Answer(rows) = &mut world.allowances else {
            panic!("the tenant has rows");
        };
        let mut row = rows.items[0].clone();
        MEMORY.clone_into(&mut row.metadata.as_mut().unwrap().name);
        row.spec.as_mut().unwrap().limit = Some(1 << 50);
        row.status.as_mut().unwrap().usage = 0;
        rows.items.push(row);
    });
    cloud.made(instance(CPU)).await;
    let usage = running.true_usage(TENANT, MEMORY, REGION);
    assert_eq!(usage, Some(16 * GIBIBYTE));
}

#[tokio::test]
async fn a_disk_of_its_own_is_attached_and_outlives_the_instance() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    let request = disk(DiskType::NetworkHdd, 50);
    let created = cloud.disks.create(request).await.unwrap().into_inner();
    let disk_id = succeeded(created);
    let with_disk = readings(&channel).await;
    let expected = [
        ("compute.disk.count", 1),
        ("compute.disk.size.network-hdd", 50 << 30),
    ];
    assert_eq!(moved(&channel, &before).await, owned(&expected));

    let mut request = instance(CPU);
    request.spec().boot_disk = Some(existing(&disk_id));
    let id = cloud.made(request.clone()).await;
    let expected = [
        ("compute.instance.non-gpu.vcpu", 4),
        ("compute.instance.count", 1),
        ("vpc.allocation.count", 1),
    ];
    assert_eq!(moved(&channel, &with_disk).await, owned(&expected));
    let again = cloud.create(request).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    let delete = DeleteDiskRequest { id: disk_id };
    let attached = cloud.disks.delete(delete.clone()).await.unwrap_err();
    assert_eq!(attached.code(), Code::FailedPrecondition);

    cloud.delete(&id).await.unwrap();
    assert_eq!(readings(&channel).await, with_disk);
    cloud.disks.delete(delete).await.unwrap();
    assert_eq!(readings(&channel).await, before);
}

#[tokio::test]
async fn clusters_file_systems_and_addresses_count_too() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    let request = cluster("fabric-7");
    let cluster_id = succeeded(cloud.clusters.create(request).await.unwrap().into_inner());
    let request = CreateFilesystemRequest {
        metadata: metadata("shared"),
        spec: Some(FilesystemSpec {
            size: Some(Size::SizeMebibytes(2048)),
            r#type: FilesystemType::NetworkSsd.into(),
            ..Default::default()
        }),
    };
    let created = cloud.filesystems.create(request).await.unwrap();
    let filesystem_id = succeeded(created.into_inner());
    let request = CreateAllocationRequest {
        metadata: metadata("kept"),
        spec: Some(AllocationSpec {
            ip_spec: Some(IpSpec::Ipv4Public(IPv4PublicAllocationSpec::default())),
        }),
    };
    let created = cloud.allocations.create(request).await.unwrap();
    let allocation_id = succeeded(created.into_inner());
    let expected = [
        ("compute.gpucluster.count", 1),
        ("compute.filesystem.count", 1),
        ("compute.filesystem.size.network-ssd", 2 << 30),
        ("vpc.allocation.count", 1),
        ("vpc.ipv4-address.public.count", 1),
    ];
    assert_eq!(moved(&channel, &before).await, owned(&expected));

    let shared = readings(&channel).await;
    let mut request = instance(H200X8).in_cluster(&cluster_id).public(true);
    let interface = &mut request.spec().network_interfaces[0];
    let public = interface.public_ip_address.as_mut().unwrap();
    public.allocation = Some(
        nebius_api::nebius::compute::v1::public_ip_address::Allocation::AllocationId(
            allocation_id.clone(),
        ),
    );
    let id = cloud.made(request).await;
    let moves = moved(&channel, &shared).await;
    assert!(moves.contains(&("vpc.allocation.count".to_owned(), 1)));
    assert!(!moves.iter().any(|(quota, _)| quota.contains("public")));
    let delete = DeleteGpuClusterRequest { id: cluster_id };
    let in_use = cloud.clusters.delete(delete.clone()).await.unwrap_err();
    assert_eq!(in_use.code(), Code::FailedPrecondition);
    let get = GetAllocationRequest {
        id: allocation_id.clone(),
    };
    let found = cloud.allocations.get(get).await.unwrap().into_inner();
    assert!(found.status.unwrap().assignment.is_some());
    let listed = ListAllocationsRequest {
        parent_id: PROJECT.to_owned(),
        ..Default::default()
    };
    let listed = cloud.allocations.list(listed).await.unwrap().into_inner();
    assert_eq!(listed.items.len(), 2);

    cloud.delete(&id).await.unwrap();
    assert_eq!(readings(&channel).await, shared);
    cloud.clusters.delete(delete).await.unwrap();
    let delete = DeleteFilesystemRequest { id: filesystem_id };
    cloud.filesystems.delete(delete).await.unwrap();
    let delete = DeleteAllocationRequest { id: allocation_id };
    cloud.allocations.delete(delete).await.unwrap();
    assert_eq!(readings(&channel).await, before);
}

#[tokio::test]
async fn rows_say_whether_they_are_used() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let key = |owner: &str| {
        let name = "compute.disk.size.network-hdd".to_owned();
        (owner.to_owned(), name, REGION.to_owned())
    };
    let mut request = instance(CPU);
    request
        .spec()
        .secondary_disks
        .push(managed(DiskType::NetworkHdd, 1));
    let id = cloud.made(request).await;
    for owner in [TENANT, PROJECT] {
        let row = &readings(&channel).await[&key(owner)];
        let status = row.status.clone().unwrap();
        assert_eq!(status.usage_state(), UsageState::Used);
    }
    cloud.delete(&id).await.unwrap();
    let row = &readings(&channel).await[&key(TENANT)];
    let status = row.status.clone().unwrap();
    assert_eq!(status.usage_state(), UsageState::NotUsed);
}

/// A small generator, so that a failing sequence can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

#[tokio::test]
async fn after_any_sequence_deleting_everything_leaves_the_base() {
    for seed in 0..6_u64 {
        let (running, channel, mut cloud) = cloud(crate::harness::acme()).await;
        let before = readings(&channel).await;
        running.with_settings(|settings| {
            settings.stopped_instances_hold_gpus = seed % 2 == 0;
            settings.polls_to_finish = u32::try_from(seed % 3).unwrap();
        });
        let mut dice = Dice(seed);
        let kinds = [CPU, H100, crate::cloud::H200];
        let mut ids = Vec::new();
        for _ in 0..40 {
            let some = ids.get(dice.roll(ids.len().max(1))).cloned();
            match (dice.roll(6), some) {
                (0..3, _) | (_, None) => {
                    let mut request = instance(kinds[dice.roll(3)]);
                    if dice.roll(2) == 0 {
                        request = request.public(dice.roll(2) == 0);
                    }
                    request.spec().stopped = dice.roll(4) == 0;
                    if let Ok(operation) = cloud.create(request).await {
                        ids.push(operation.resource_id);
                    }
                }
                (3, Some(id)) => drop(cloud.stop(&id).await),
                (4, Some(id)) => drop(cloud.start(&id).await),
                (_, Some(id)) => drop(cloud.delete(&id).await),
            }
        }
        for ((owner, quota, region), row) in readings(&channel).await {
            let limit = row.spec.unwrap().limit;
            let usage = running.true_usage(&owner, &quota, &region).unwrap();
            assert!(limit.is_none_or(|limit| usage <= limit), "{quota} {usage}");
        }
        for _ in 0..3 {
            for instance in running.instances() {
                let id = instance.metadata.unwrap().id;
                for _ in 0..2 {
                    drop(cloud.get(&id).await);
                }
                drop(cloud.delete(&id).await);
            }
        }
        assert_eq!(running.instances(), []);
        assert_eq!((running.disks(), running.allocations()), (vec![], vec![]));
        assert_eq!(readings(&channel).await, before, "seed {seed}");
    }
}
