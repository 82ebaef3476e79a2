//! The services show what the files of the world hold, and refuse the rest as the cloud does.

use std::path::Path;

use nebius_api::{
    nebius::{
        capacity::v1::{
            GetCapacityBlockGroupRequest, ListCapacityAllowancesRequest,
            ListCapacityBlockGroupsRequest, ListResourceAdviceRequest,
            capacity_allowance_service_client::CapacityAllowanceServiceClient,
            capacity_block_group_service_client::CapacityBlockGroupServiceClient,
            resource_advice_service_client::ResourceAdviceServiceClient,
        },
        common::v1::{GetByNameRequest as GetPlatform, service_error::Details},
        compute::v1::{ListPlatformsRequest, platform_service_client::PlatformServiceClient},
        iam::{v1, v2},
        quotas::v1::{
            GetByNameRequest, GetQuotaAllowanceRequest,
            quota_allowance_service_client::QuotaAllowanceServiceClient,
        },
    },
    world::{Recorded, RecordedError, World},
};
use nebius_emulator::worlds;
use tonic::Code;

use crate::harness::{PROJECT, TENANT, acme, details, list, service_error, start, with_token};

#[test]
fn the_bundled_world_is_the_one_in_the_files() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("worlds/acme");
    assert_eq!(worlds::acme().unwrap(), World::read(&files).unwrap());
}

#[tokio::test]
async fn every_source_is_served_as_the_world_holds_it() {
    let world = worlds::acme().unwrap();
    let (_running, channel) = start(acme()).await;
    let authorized = with_token(&channel, "any");
    let parent_id = TENANT.to_owned();

    let mut tenants = v2::tenant_service_client::TenantServiceClient::new(authorized.clone());
    let listed = tenants
        .list(v2::ListTenantsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.items.first(), world.tenant.answer());
    let tenant = tenants
        .get(v2::GetTenantRequest {
            id: parent_id.clone(),
        })
        .await
        .unwrap();
    assert_eq!(Some(tenant.get_ref()), world.tenant.answer());

    let mut advice = ResourceAdviceServiceClient::new(authorized.clone());
    let request = ListResourceAdviceRequest {
        parent_id: parent_id.clone(),
        page_size: 200,
        ..Default::default()
    };
    let listed = advice.list(request).await.unwrap();
    assert_eq!(Some(listed.get_ref()), world.resource_advice.answer());

    let mut groups = CapacityBlockGroupServiceClient::new(authorized.clone());
    let request = ListCapacityBlockGroupsRequest {
        parent_id,
        ..Default::default()
    };
    let listed = groups.list(request).await.unwrap();
    assert_eq!(Some(listed.get_ref()), world.capacity_block_groups.answer());
    let group = listed.into_inner().items.swap_remove(0);
    let id = group.metadata.clone().unwrap().id;
    let found = groups
        .get(GetCapacityBlockGroupRequest { id })
        .await
        .unwrap();
    assert_eq!(found.into_inner(), group);

    let mut platforms = PlatformServiceClient::new(authorized.clone());
    let mut capacity = CapacityAllowanceServiceClient::new(authorized);
    for (project, files) in &world.by_project {
        let rows = list(&channel, project, 1000, "").await.unwrap();
        assert_eq!(Some(rows.get_ref()), files.allowances.answer());
        let request = ListPlatformsRequest {
            parent_id: project.clone(),
            ..Default::default()
        };
        let listed = platforms.list(request).await.unwrap();
        assert_eq!(Some(listed.get_ref()), files.platforms.answer());
        let request = ListCapacityAllowancesRequest {
            parent_id: project.clone(),
            ..Default::default()
        };
        let listed = capacity.list(request).await.unwrap();
        assert_eq!(Some(listed.get_ref()), files.capacity_allowances.answer());
    }
}

#[tokio::test]
async fn both_versions_of_iam_show_the_same_projects() {
    let (_running, channel) = start(acme()).await;
    let authorized = with_token(&channel, "any");
    let mut old = v1::project_service_client::ProjectServiceClient::new(authorized.clone());
    let mut new = v2::project_service_client::ProjectServiceClient::new(authorized.clone());
    let parent_id = TENANT.to_owned();
    let request = v1::ListProjectsRequest {
        parent_id: parent_id.clone(),
        ..Default::default()
    };
    let old_items = old.list(request).await.unwrap().into_inner().items;
    let request = v2::ListProjectsRequest {
        parent_id: parent_id.clone(),
        ..Default::default()
    };
    let new_items = new.list(request).await.unwrap().into_inner().items;
    assert_eq!(new_items.len(), 5);
    assert_eq!(old_items.len(), new_items.len());
    for (old, new) in old_items.iter().zip(&new_items) {
        assert_eq!(old.metadata, new.metadata);
        let status = old.status.clone().unwrap();
        assert_eq!(status.region, new.spec.as_ref().unwrap().region);
        assert_eq!(status.container_state(), v1::State::Active);
    }

    let metadata = new_items.last().unwrap().metadata.clone().unwrap();
    let id = metadata.id.clone();
    let by_id = old
        .get(v1::GetProjectRequest { id })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(by_id.metadata.unwrap(), metadata);
    let name = metadata.name.clone();
    let request = v2::GetProjectByNameRequest { parent_id, name };
    let by_name = new.get_by_name(request).await.unwrap().into_inner();
    assert_eq!(by_name.metadata.unwrap(), metadata);

    let mut tenants = v1::tenant_service_client::TenantServiceClient::new(authorized);
    let tenants = tenants
        .list(v1::ListTenantsRequest::default())
        .await
        .unwrap();
    let ids = tenants.get_ref().items.iter();
    let ids: Vec<_> = ids
        .map(|tenant| tenant.metadata.clone().unwrap().id)
        .collect();
    assert_eq!(ids, [TENANT]);
}

#[tokio::test]
async fn one_row_is_found_by_id_and_by_name() {
    let (_running, channel) = start(acme()).await;
    let mut quotas = QuotaAllowanceServiceClient::new(with_token(&channel, "any"));
    let mut request = GetByNameRequest {
        parent_id: PROJECT.to_owned(),
        name: "compute.instance.gpu.h200".to_owned(),
        region: "eu-north1".to_owned(),
    };
    let by_name = quotas
        .get_by_name(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(by_name.metadata.as_ref().unwrap().parent_id, PROJECT);
    assert_eq!(by_name.spec.as_ref().unwrap().limit, None);
    let id = by_name.metadata.clone().unwrap().id;
    let by_id = quotas.get(GetQuotaAllowanceRequest { id }).await.unwrap();
    assert_eq!(by_id.into_inner(), by_name);

    request.region = "nowhere".to_owned();
    let missing = quotas.get_by_name(request).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    assert_eq!(service_error(&missing).code, "ResourceNotFound");

    let mut platforms = PlatformServiceClient::new(with_token(&channel, "any"));
    let mut request = GetPlatform {
        parent_id: PROJECT.to_owned(),
        name: "gpu-h200-sxm".to_owned(),
    };
    assert!(platforms.get_by_name(request.clone()).await.is_ok());
    request.name = "gpu-none".to_owned();
    let missing = platforms.get_by_name(request).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn a_stranger_is_denied_and_the_wrong_kind_of_parent_is_invalid() {
    let (_running, channel) = start(acme()).await;
    let denied = list(&channel, "project-e00stranger", 0, "")
        .await
        .unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    assert_eq!(service_error(&denied).service, "quotas");
    let Details::PermissionDenied(detail) = details(&denied) else {
        panic!("{denied}");
    };
    assert_eq!(detail.resource_id, "project-e00stranger");
    let refused = list(&channel, "", 0, "").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let mut advice = ResourceAdviceServiceClient::new(with_token(&channel, "any"));
    let request = ListResourceAdviceRequest {
        parent_id: PROJECT.to_owned(),
        ..Default::default()
    };
    let refused = advice.list(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(matches!(details(&refused), Details::BadRequest(_)));
}

#[tokio::test]
async fn what_the_world_lacks_or_was_denied_stays_so() {
    let (running, channel) = start(acme()).await;
    running.with_world(|world| world.allowances = Recorded::Missing);
    let lacking = list(&channel, TENANT, 0, "").await.unwrap_err();
    assert_eq!(lacking.code(), Code::Unavailable);

    running.with_world(|world| {
        world.allowances = Recorded::Error(RecordedError {
            code: "PERMISSION_DENIED".to_owned(),
            message: "no viewer".to_owned(),
        });
    });
    let denied = list(&channel, TENANT, 0, "").await.unwrap_err();
    assert_eq!(
        (denied.code(), denied.message()),
        (Code::PermissionDenied, "no viewer")
    );
    assert!(matches!(details(&denied), Details::PermissionDenied(_)));
}

#[tokio::test]
async fn a_list_recorded_in_part_never_looks_whole() {
    let mut world = worlds::acme().unwrap();
    let mut rows = world.allowances.answer().unwrap().clone();
    rows.next_page_token = "more".to_owned();
    world.allowances = Recorded::Answer(rows);
    let (running, channel) = start(acme()).await;
    running.set_world(world);

    let page = list(&channel, TENANT, 1000, "").await.unwrap().into_inner();
    assert!(!page.next_page_token.is_empty());
    let rest = list(&channel, TENANT, 1000, &page.next_page_token).await;
    assert_eq!(rest.unwrap_err().code(), Code::Unavailable);
}
