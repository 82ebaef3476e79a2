//! Shares of projects that are set by the quota service.

use nebius_api::nebius::{
    common::v1::ResourceMetadata,
    quotas::v1::{
        CreateQuotaAllowanceRequest, GetByNameRequest, QuotaAllowance, QuotaAllowanceSpec,
        UpdateQuotaAllowanceRequest, quota_allowance_service_client::QuotaAllowanceServiceClient,
    },
};
use tonic::{Code, transport::Channel};

use crate::{
    cloud::{GIBIBYTE, H200X8, REGION, cloud, instance, roomy, succeeded},
    harness::{PROJECT, TENANT, with_token},
};

const QUOTA: &str = "compute.instance.gpu.h200";

fn asked(parent: &str, limit: u64) -> CreateQuotaAllowanceRequest {
    CreateQuotaAllowanceRequest {
        metadata: Some(ResourceMetadata {
            parent_id: parent.to_owned(),
            name: QUOTA.to_owned(),
            ..ResourceMetadata::default()
        }),
        spec: Some(QuotaAllowanceSpec {
            limit: Some(limit),
            region: REGION.to_owned(),
        }),
    }
}

async fn share(channel: &Channel) -> QuotaAllowance {
    let request = GetByNameRequest {
        parent_id: PROJECT.to_owned(),
        name: QUOTA.to_owned(),
        region: REGION.to_owned(),
    };
    let mut quotas = QuotaAllowanceServiceClient::new(with_token(channel, "anyone"));
    let found = quotas.get_by_name(request).await;
    found.unwrap().into_inner()
}

#[tokio::test]
async fn a_share_that_is_set_is_shown_and_enforced() {
    let (_running, channel, mut cloud) = cloud(roomy()).await;
    let mut quotas = QuotaAllowanceServiceClient::new(with_token(&channel, "anyone"));
    let created = quotas.create(asked(PROJECT, 4)).await;
    let id = succeeded(created.unwrap().into_inner());
    assert_eq!(share(&channel).await.spec.unwrap().limit, Some(4));
    let refused = cloud.create(instance(H200X8)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);

    let update = UpdateQuotaAllowanceRequest {
        metadata: Some(ResourceMetadata {
            id: id.clone(),
            ..ResourceMetadata::default()
        }),
        spec: Some(QuotaAllowanceSpec {
            limit: Some(8 * GIBIBYTE),
            region: String::new(),
        }),
    };
    let updated = quotas.update(update).await;
    assert_eq!(succeeded(updated.unwrap().into_inner()), id);
    assert_eq!(
        share(&channel).await.spec.unwrap().limit,
        Some(8 * GIBIBYTE)
    );
    cloud.made(instance(H200X8)).await;
}

#[tokio::test]
async fn the_tenants_rows_are_not_the_callers_to_set() {
    let (_running, channel, _) = cloud(roomy()).await;
    let mut quotas = QuotaAllowanceServiceClient::new(with_token(&channel, "anyone"));
    let refused = quotas.create(asked(TENANT, 800)).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}
