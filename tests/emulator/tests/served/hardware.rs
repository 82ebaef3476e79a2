//! Hardware that runs out, and advice that says so before.

use nebius_api::nebius::{
    capacity::v1::{
        ListResourceAdviceRequest, ResourceAdvice,
        resource_advice_service_client::ResourceAdviceServiceClient,
        resource_advice_spec::ResourceDetails,
        resource_advice_status::availability::{AvailabilityLevel, DataState},
    },
    common::v1::service_error::Details,
    compute::v1::instance_status::InstanceState,
};
use nebius_emulator::{
    Settings,
    settings::{Advice, Hardware, Lane},
};
use tonic::{Code, transport::Channel};

use crate::{
    cloud::{
        Asking, CPU, H200, H200X8, REGION, cloud, cluster, failure, instance, leave, readings,
        roomy, succeeded,
    },
    harness::{TENANT, acme, details, with_token},
};

const GPUS: &str = "compute.instance.gpu.h200";

fn hardware(fabric: &str, lane: Lane, free: u64) -> Hardware {
    Hardware {
        region: REGION.to_owned(),
        platform: H200.0.to_owned(),
        fabric: fabric.to_owned(),
        lane,
        free,
    }
}

#[tokio::test]
async fn without_hardware_the_instance_ends_stopped_and_holds_its_quota() {
    let (running, channel, mut cloud) = cloud(roomy()).await;
    let before = readings(&channel).await;
    running.set_hardware(hardware("fabric-7", Lane::OnDemand, 9));
    let fits = cloud.made(instance(H200X8)).await;
    assert_eq!(running.settings().hardware[0].free, 1);

    let operation = cloud.create(instance(H200X8).public(false)).await.unwrap();
    let failed = failure(&operation);
    assert_eq!(failed.code(), Code::ResourceExhausted);
    let Details::NotEnoughResources(lacking) = details(&failed) else {
        panic!("{failed}");
    };
    let violation = &lacking.violations[0];
    assert_eq!(violation.resource_type, "virtualMachine");
    assert_eq!(
        (violation.message.as_str(), violation.requested.as_str()),
        ("VM schedule timeout", H200X8.1)
    );
    let id = operation.resource_id;
    assert_eq!(cloud.status(&id).await.state(), InstanceState::Stopped);
    let usage = |quota| running.true_usage(TENANT, quota, REGION).unwrap();
    assert_eq!((usage(GPUS), usage("compute.instance.count")), (46, 11));
    // Only the dynamic address is given back.
    assert_eq!(
        (
            usage("vpc.ipv4-address.public.count"),
            usage("vpc.allocation.count")
        ),
        (9, 24)
    );

    assert!(
        failure(&cloud.start(&id).await.unwrap())
            .message()
            .contains("schedule")
    );
    cloud.stop(&fits).await.unwrap();
    assert_eq!(running.settings().hardware[0].free, 9);
    succeeded(cloud.start(&id).await.unwrap());
    assert_eq!(usage("vpc.ipv4-address.public.count"), 10);
    for id in [fits, id] {
        cloud.delete(&id).await.unwrap();
    }
    assert_eq!(running.settings().hardware[0].free, 9);
    assert_eq!(readings(&channel).await, before);
}

#[tokio::test]
async fn every_fabric_and_lane_runs_out_by_itself() {
    let (running, _, mut cloud) = cloud(roomy()).await;
    running.set_hardware(hardware("fabric-7", Lane::OnDemand, 8));
    running.set_hardware(hardware("fabric-9", Lane::OnDemand, 4));
    running.set_hardware(hardware("fabric-7", Lane::Preemptible, 0));
    let request = cluster("fabric-9");
    let small = succeeded(cloud.clusters.create(request).await.unwrap().into_inner());
    let in_cluster = cloud
        .create(instance(H200X8).in_cluster(&small))
        .await
        .unwrap();
    assert!(failure(&in_cluster).message().contains("schedule"));
    let preemptible = cloud.create(instance(H200).preemptible()).await.unwrap();
    assert!(failure(&preemptible).message().contains("schedule"));
    cloud.made(instance(H200X8)).await;
    // No fabric has eight left, though both together do not lack them by much.
    let split = cloud.create(instance(H200X8)).await.unwrap();
    assert!(failure(&split).message().contains("schedule"));
    cloud.made(instance(H200)).await;
    cloud.made(instance(CPU)).await;
}

async fn advice(channel: &Channel) -> Vec<ResourceAdvice> {
    let mut client = ResourceAdviceServiceClient::new(with_token(channel, "any"));
    let request = ListResourceAdviceRequest {
        parent_id: TENANT.to_owned(),
        page_size: 200,
        ..Default::default()
    };
    client.list(request).await.unwrap().into_inner().items
}

fn on<'a>(rows: &'a [ResourceAdvice], fabric: &str, preset: &str) -> &'a ResourceAdvice {
    let mut rows = rows.iter().filter(|row| {
        let spec = row.spec.as_ref().unwrap();
        let Some(ResourceDetails::ComputeInstance(details)) = &spec.resource_details else {
            return false;
        };
        let (platform, named) = (&details.platform, &details.preset.as_ref().unwrap().name);
        spec.fabric == fabric && platform == H200.0 && named == preset && spec.region == REGION
    });
    let row = rows.next().unwrap();
    assert!(rows.next().is_none());
    row
}

#[tokio::test]
async fn advice_follows_from_hardware_where_that_is_set() {
    let (running, channel, mut cloud) = cloud(acme()).await;
    let recorded = advice(&channel).await;
    running.set_hardware(hardware("fabric-7", Lane::OnDemand, 64));
    running.set_hardware(hardware("fabric-7", Lane::Preemptible, 16));
    assert_eq!(advice(&channel).await, recorded);
    running.with_settings(|settings| settings.advice = Advice::Derived);

    // The row has room for 2 of 32.
    let rows = advice(&channel).await;
    let single = on(&rows, "fabric-7", H200.1).status.unwrap();
    let lane = single.on_demand.unwrap();
    assert_eq!((lane.available, lane.limit), (2, 32));
    assert_eq!(
        (lane.data_state(), lane.availability_level()),
        (DataState::Fresh, AvailabilityLevel::Medium)
    );
    assert_eq!(single.reserved, None);
    let whole = on(&rows, "fabric-7", H200X8.1).status.unwrap();
    let lane = whole.on_demand.unwrap();
    assert_eq!((lane.available, lane.limit), (0, 4));
    assert_eq!(lane.availability_level(), AvailabilityLevel::LimitReached);

    leave(&running, GPUS, 100);
    leave(&running, "compute.instance.preemptible.count", 5);
    cloud.made(instance(H200X8)).await;
    let rows = advice(&channel).await;
    let whole = on(&rows, "fabric-7", H200X8.1).status.unwrap();
    assert_eq!(whole.on_demand.unwrap().available, 7);
    let single = on(&rows, "fabric-7", H200.1).status.unwrap();
    // The lane is clipped by the number of instances, not by GPUs.
    assert_eq!(single.preemptible.unwrap().available, 5);
}

#[test]
fn a_settings_file_says_all_of_it() {
    let text = r#"{"quota_failures": "in_operation", "polls_to_finish": 2, "usage_lag_ms": 60000,
        "stopped_instances_hold_gpus": false, "default_limits": {"*": 12}, "advice": "derived",
        "hardware": [{"region": "eu-north1", "platform": "gpu-h200-sxm", "fabric": "fabric-7",
                      "lane": "on_demand", "free": 16}]}"#;
    let settings = Settings::from_json(text).unwrap();
    assert_eq!(
        settings.hardware,
        [hardware("fabric-7", Lane::OnDemand, 16)]
    );
    assert_eq!(Settings::from_json("{}").unwrap(), Settings::default());
    let typo = Settings::from_json("{\n\"usage_lag\": 1}").unwrap_err();
    assert!(typo.to_string().contains("line 2"), "{typo}");
}
