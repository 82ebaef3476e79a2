//! Usage that readers see late, while launches are held to the truth.

use std::time::{Duration, SystemTime};

use nebius_emulator::Clock;

use crate::{
    cloud::{CPU, H200, REGION, cloud, instance, leave, readings, roomy, violations},
    harness::{PROJECT, TENANT},
};

const COUNT: &str = "compute.instance.count";

#[tokio::test]
async fn readers_trail_and_launches_do_not() {
    let clock = Clock::stopped_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let (running, channel, mut cloud) = cloud(roomy().clock(clock.clone())).await;
    running.with_settings(|settings| settings.usage_lag_ms = 60_000);
    let seen = async || {
        let rows = readings(&channel).await;
        let usage = |owner: &str| {
            let key = (owner.to_owned(), COUNT.to_owned(), REGION.to_owned());
            rows[&key].status.as_ref().unwrap().usage
        };
        assert_eq!(usage(TENANT), usage(PROJECT));
        usage(TENANT)
    };
    let before = readings(&channel).await;
    let id = cloud.made(instance(CPU)).await;
    clock.advance(Duration::from_secs(30));
    cloud.made(instance(CPU)).await;
    assert_eq!(readings(&channel).await, before);
    assert_eq!(running.true_usage(TENANT, COUNT, REGION), Some(11));
    leave(&running, COUNT, 0);
    let refused = cloud.create(instance(H200)).await.unwrap_err();
    assert_eq!(violations(&refused).len(), 1);

    clock.advance(Duration::from_secs(30));
    assert_eq!(seen().await, 10);
    cloud.delete(&id).await.unwrap();
    assert_eq!(running.true_usage(TENANT, COUNT, REGION), Some(10));
    assert_eq!(seen().await, 10);
    clock.advance(Duration::from_secs(30));
    assert_eq!(seen().await, 11);
    clock.advance(Duration::from_secs(30));
    assert_eq!(seen().await, 10);
    // Without lag the present is seen at once.
    cloud
        .delete(&running.instances()[0].metadata.clone().unwrap().id)
        .await
        .unwrap();
    assert_eq!(seen().await, 10);
    running.with_settings(|settings| settings.usage_lag_ms = 0);
    assert_eq!(seen().await, 9);
}
