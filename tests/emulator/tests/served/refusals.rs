//! Launches over quota: which rows refuse, what the refusal says, and where it arrives.

use nebius_api::{
    nebius::{
        common::v1::service_error::{Details, RetryType},
        compute::v1::{CreateInstanceRequest, disk_spec::DiskType},
        quotas::v1::{
            QuotaAllowance,
            quota_allowance_status::{State, UsageState},
        },
    },
    world::Recorded,
};
use nebius_emulator::{Control, settings::QuotaFailures};
use tonic::Code;

use crate::{
    cloud::{
        Asking, CPU, GIBIBYTE, H100, H100X8, H200, H200X8, REGION, cloud, cluster, disk, failure,
        instance, leave, managed, moved, readings, roomy, violation, violations,
    },
    harness::{PROJECT, TENANT, acme, details, service_error},
};

const H200_ROW: &str = "compute.instance.gpu.h200";

/// Changes the rows of a quota in the tenant's or the project's list.
fn with_row(control: &Control, owner: &str, quota: &str, change: impl Fn(&mut QuotaAllowance)) {
    control.with_world(|world| {
        let list = if owner == TENANT {
            &mut world.allowances
        } else {
            &mut world.by_project.get_mut(owner).unwrap().allowances
        };
        let Recorded::Answer(list) = list else {
            panic!("`{owner}` has rows");
        };
        let mut rows = list.items.iter_mut();
        let row = rows.find(|row| {
            row.metadata.as_ref().unwrap().name == quota
                && row.spec.as_ref().unwrap().region == REGION
        });
        change(row.unwrap());
    });
}

fn set_state(control: &Control, owner: &str, quota: &str, state: State) {
    with_row(control, owner, quota, |row| {
        row.status.as_mut().unwrap().set_state(state);
    });
}

#[tokio::test]
async fn every_quota_refuses_by_itself() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    let with_disks: CreateInstanceRequest = {
        let mut request = instance(CPU);
        request.spec().secondary_disks.extend([
            managed(DiskType::NetworkHdd, 20),
            managed(DiskType::NetworkSsd, 5),
        ]);
        request
    };
    let cases = [
        (H200_ROW, instance(H200X8), 8),
        ("compute.instance.count", instance(H200X8), 1),
        ("compute.instance.count", instance(CPU), 1),
        (
            "compute.instance.preemptible.count",
            instance(H200).preemptible(),
            1,
        ),
        ("compute.instance.non-gpu.vcpu", instance(CPU), 4),
        ("compute.disk.count", with_disks.clone(), 3),
        (
            "compute.disk.size.network-ssd",
            with_disks.clone(),
            15 * GIBIBYTE,
        ),
        ("compute.disk.size.network-hdd", with_disks, 20 * GIBIBYTE),
        ("vpc.allocation.count", instance(CPU).public(true), 2),
        (
            "vpc.ipv4-address.public.count",
            instance(CPU).public(false),
            1,
        ),
    ];
    for (quota, request, takes) in cases {
        let row = running.true_usage(TENANT, quota, REGION).unwrap();
        leave(&running, quota, takes - 1);
        let refused = cloud.create(request.clone()).await.unwrap_err();
        let expected = [violation(quota, row + takes - 1, row + takes)];
        assert_eq!(violations(&refused), expected, "{quota}");
        assert!(refused.message().contains(quota), "{refused}");
        let error = service_error(&refused);
        assert_eq!(
            (error.service.as_str(), error.code.as_str()),
            ("compute", "QuotaFailure")
        );
        assert_eq!(error.retry_type(), RetryType::Nothing);

        leave(&running, quota, takes);
        let id = cloud.made(request).await;
        cloud.delete(&id).await.unwrap();
        assert!(running.set_limit(TENANT, quota, REGION, Some(1 << 50)));
    }
}

#[tokio::test]
async fn what_is_created_alone_is_refused_alone() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    leave(&running, "compute.gpucluster.count", 0);
    let refused = cloud
        .clusters
        .create(cluster("fabric-7"))
        .await
        .unwrap_err();
    assert_eq!(
        violations(&refused),
        [violation("compute.gpucluster.count", 2, 3)]
    );
    leave(&running, "compute.disk.count", 0);
    let hdd = "compute.disk.size.network-hdd";
    leave(&running, hdd, GIBIBYTE);
    let request = disk(DiskType::NetworkHdd, 2);
    let refused = cloud.disks.create(request).await.unwrap_err();
    let expected = [
        violation("compute.disk.count", 20, 21),
        violation(hdd, GIBIBYTE, 2 * GIBIBYTE),
    ];
    assert_eq!(violations(&refused), expected);
}

#[tokio::test]
async fn all_violated_quotas_are_listed_with_their_tightest_row() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    let before = readings(&channel).await;
    // The tenant has room for 8 of these, the project for 4.
    let refused = cloud.create(instance(H100X8)).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [violation("compute.instance.gpu.h100", 28, 32)]
    );
    let Details::QuotaFailure(told) = details(&refused) else {
        panic!("{refused}");
    };
    let words = format!("Exceeded limit for container {PROJECT}");
    assert_eq!(told.violations[0].message, words);

    let vcpu = "compute.instance.non-gpu.vcpu";
    assert!(running.set_limit(PROJECT, "compute.instance.count", REGION, Some(0)));
    assert!(running.set_limit(TENANT, vcpu, REGION, Some(1)));
    let used = |owner, quota| running.true_usage(owner, quota, REGION).unwrap();
    let refused = cloud.create(instance(CPU)).await.unwrap_err();
    let expected = [
        violation(
            "compute.instance.count",
            0,
            used(PROJECT, "compute.instance.count") + 1,
        ),
        violation(vcpu, 1, used(TENANT, vcpu) + 4),
    ];
    assert_eq!(violations(&refused), expected);
    assert_eq!(moved(&channel, &before).await, []);
    assert!(!running.set_limit(TENANT, "compute.nothing", REGION, Some(1)));
}

#[tokio::test]
async fn a_refusal_can_come_in_the_operation() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    let before = readings(&channel).await;
    running.with_settings(|settings| settings.quota_failures = QuotaFailures::InOperation);
    let operation = cloud.create(instance(H200X8)).await.unwrap();
    let refused = failure(&operation);
    assert_eq!(violations(&refused), [violation(H200_ROW, 32, 38)]);
    assert_eq!(service_error(&refused).service, "compute");
    let gone = cloud.get(&operation.resource_id).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(moved(&channel, &before).await, []);

    leave(&running, "compute.disk.count", 0);
    let request = disk(DiskType::NetworkSsd, 1);
    let operation = cloud.disks.create(request).await.unwrap().into_inner();
    assert_eq!(
        violations(&failure(&operation)),
        [violation("compute.disk.count", 20, 21)]
    );
}

#[tokio::test]
async fn states_count_before_numbers() {
    let (running, _, mut cloud) = cloud(acme()).await;
    let refused = [
        (TENANT, State::Frozen),
        (PROJECT, State::Frozen),
        (TENANT, State::Deleted),
    ];
    for (owner, state) in refused {
        set_state(&running, owner, H200_ROW, state);
        let error = cloud.create(instance(H200)).await.unwrap_err();
        let used = running.true_usage(owner, H200_ROW, REGION).unwrap();
        assert_eq!(
            violations(&error),
            [violation(H200_ROW, 0, used + 1)],
            "{owner} {state:?}"
        );
        set_state(&running, owner, H200_ROW, State::Active);
    }
    for owner in [TENANT, PROJECT] {
        set_state(&running, owner, H200_ROW, State::Provisioning);
    }
    let id = cloud.made(instance(H200)).await;
    assert!(cloud.create(instance(H200X8)).await.is_err());
    cloud.delete(&id).await.unwrap();

    set_state(&running, PROJECT, H200_ROW, State::Deleted);
    let id = cloud.made(instance(H200)).await;
    cloud.delete(&id).await.unwrap();
    running.with_settings(|settings| settings.deleted_project_rows_refuse = true);
    assert!(cloud.create(instance(H200)).await.is_err());
}

#[tokio::test]
async fn a_missing_tenant_limit_is_the_clouds_default() {
    let (running, _, mut cloud) = cloud(acme()).await;
    assert!(running.set_limit(TENANT, H200_ROW, REGION, None));
    let id = cloud.made(instance(H200X8)).await;
    cloud.delete(&id).await.unwrap();
    running.with_settings(|settings| {
        settings.default_limits.insert(H200_ROW.to_owned(), 31);
        settings.default_limits.insert("*".to_owned(), 1 << 50);
    });
    let refused = cloud.create(instance(H200X8)).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(H200_ROW, 31, 38)]);
    cloud.made(instance(H200)).await;

    // A row that the tenant lacks is held to the default too, by what there really is.
    running.with_world(|world| {
        let Recorded::Answer(list) = &mut world.allowances else {
            panic!("the tenant has rows");
        };
        let name = "compute.instance.gpu.h100";
        list.items
            .retain(|row| row.metadata.as_ref().unwrap().name != name);
    });
    let h100 = "compute.instance.gpu.h100";
    running.with_settings(|settings| settings.default_limits.insert(h100.to_owned(), 2));
    assert!(running.set_base_usage(TENANT, h100, REGION, 1));
    cloud.made(instance(H100)).await;
    let refused = cloud.create(instance(H100)).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(h100, 2, 3)]);
}

#[tokio::test]
async fn what_is_enforced_can_differ_from_what_is_shown_and_the_error_tells_it() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    let before = readings(&channel).await;
    running.with_settings(|settings| {
        settings.enforced_limits.insert(H200_ROW.to_owned(), 30);
        settings.violations_name_containers = false;
    });
    assert_eq!(readings(&channel).await, before);
    let refused = cloud.create(instance(H200)).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(H200_ROW, 30, 31)]);
    let Details::QuotaFailure(told) = details(&refused) else {
        panic!("{refused}");
    };
    assert_eq!(told.violations[0].message, "Quota limit exceeded");
}

#[tokio::test]
async fn usage_that_readers_cannot_see_counts_all_the_same() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    with_row(&running, TENANT, H200_ROW, |row| {
        let status = row.status.as_mut().unwrap();
        status.usage = 0;
        status.set_usage_state(UsageState::Unknown);
    });
    assert!(running.set_base_usage(TENANT, H200_ROW, REGION, 31));
    cloud.made(instance(H200)).await;
    assert_eq!(running.true_usage(TENANT, H200_ROW, REGION), Some(32));
    let key = (TENANT.to_owned(), H200_ROW.to_owned(), REGION.to_owned());
    let status = readings(&channel).await[&key].status.clone().unwrap();
    assert_eq!(
        (status.usage, status.usage_state()),
        (0, UsageState::Unknown)
    );
    let refused = cloud.create(instance(H200)).await.unwrap_err();
    assert_eq!(violations(&refused), [violation(H200_ROW, 32, 33)]);
}

#[tokio::test]
async fn rows_of_others_and_of_other_regions_do_not_count() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    running.with_world(|world| {
        let Recorded::Answer(list) = &mut world.allowances else {
            panic!("the tenant has rows");
        };
        let mut foreign = list
            .items
            .iter()
            .find(|row| row.metadata.as_ref().unwrap().name == H200_ROW)
            .unwrap()
            .clone();
        foreign.metadata.as_mut().unwrap().parent_id = "tenant-e00other".to_owned();
        foreign.spec.as_mut().unwrap().limit = Some(0);
        list.items.push(foreign);
    });
    let before = readings(&channel).await;
    cloud.made(instance(H200)).await;
    let after = readings(&channel).await;
    let elsewhere = (
        TENANT.to_owned(),
        H200_ROW.to_owned(),
        "eu-west1".to_owned(),
    );
    assert_eq!(before[&elsewhere], after[&elsewhere]);
}

#[tokio::test]
async fn what_makes_no_sense_is_invalid() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    let change = |change: fn(&mut CreateInstanceRequest)| {
        let mut request = instance(H100).preemptible();
        change(&mut request);
        request
    };
    let invalid = [
        instance(CPU).preemptible(),
        instance(("gpu-l40s-a", "1gpu-8vcpu-32gb")).preemptible(),
        instance(("gpu-none", "1gpu-8vcpu-32gb")),
        instance(("gpu-h100-sxm", "3gpu")),
        change(|request| request.spec().recovery_policy = 0),
        change(|request| request.spec().preemptible.as_mut().unwrap().on_preemption = 0),
        change(|request| request.spec().boot_disk = None),
        change(|request| request.spec().network_interfaces.clear()),
        change(|request| request.spec().network_interfaces[0].ip_address = None),
        change(|request| request.spec().boot_disk = Some(managed(DiskType::Unspecified, 1))),
        change(|request| request.spec().boot_disk = Some(managed(DiskType::NetworkSsd, 0))),
        change(|request| request.spec().boot_disk = Some(managed(DiskType::NetworkSsd, i64::MAX))),
        change(|request| request.spec().boot_disk = Some(managed(DiskType::NetworkSsdIoM3, 100))),
        change(|request| {
            request.spec().boot_disk = Some(managed(DiskType::NetworkSsdNonReplicated, 94));
        }),
        change(|request| request.metadata.as_mut().unwrap().parent_id = TENANT.to_owned()),
    ];
    for request in invalid {
        let error = cloud.create(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    }
    let no_subnet = change(|request| {
        "vpcsubnet-e00other".clone_into(&mut request.spec().network_interfaces[0].subnet_id);
    });
    assert_eq!(
        cloud.create(no_subnet).await.unwrap_err().code(),
        Code::NotFound
    );

    cloud.made(instance(CPU).named("same")).await;
    let twice = cloud.create(instance(CPU).named("same")).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
    assert_eq!(running.instances().len(), 1);
}
