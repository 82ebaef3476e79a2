//! Two tenants in one emulator, neither of which sees the other.

use nebius_api::{
    nebius::{
        common::v1::GetOperationRequest,
        iam::v2::{ListTenantsRequest, tenant_service_client::TenantServiceClient},
    },
    world::{Recorded, World},
};
use nebius_emulator::worlds;
use tonic::Code;

use crate::{
    cloud::{CPU, Cloud, REGION, instance, readings, roomy},
    harness::{TENANT, list, start, with_token},
};

const OTHER: &str = "tenant-e00other";
const COUNT: &str = "compute.instance.count";

/// The bundled world under another tenant's id, with projects of the same ids, so that nothing but the token tells the
/// two apart.
fn other() -> World {
    let mut world = worlds::acme().unwrap();
    let Recorded::Answer(tenant) = &mut world.tenant else {
        panic!("the tenant is known");
    };
    OTHER.clone_into(&mut tenant.metadata.as_mut().unwrap().id);
    let Recorded::Answer(rows) = &mut world.allowances else {
        panic!("the tenant has rows");
    };
    for row in &mut rows.items {
        OTHER.clone_into(&mut row.metadata.as_mut().unwrap().parent_id);
    }
    world
}

#[tokio::test]
async fn a_token_opens_one_tenant() {
    let (running, channel) = start(roomy().tenant(other(), ["other", "other-2"])).await;
    let before = readings(&channel).await;
    let mut mine = Cloud::new(&channel, "any");
    let mut theirs = Cloud::new(&channel, "other");
    let control = running.of_tenant(OTHER).unwrap();
    assert!(running.of_tenant("tenant-e00none").is_none());

    let mut tenants = TenantServiceClient::new(with_token(&channel, "other-2"));
    let listed = tenants.list(ListTenantsRequest::default()).await.unwrap();
    let listed = listed.into_inner().items;
    assert_eq!(listed[0].metadata.as_ref().unwrap().id, OTHER);
    let denied = list(&channel, OTHER, 0, "").await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);

    let operation = theirs.create(instance(CPU)).await.unwrap();
    assert_eq!(control.true_usage(OTHER, COUNT, REGION), Some(10));
    assert_eq!(running.true_usage(TENANT, COUNT, REGION), Some(9));
    assert_eq!(readings(&channel).await, before);
    assert_eq!(
        (control.instances().len(), running.instances().len()),
        (1, 0)
    );
    let id = operation.resource_id;
    assert!(theirs.get(&id).await.is_ok());
    assert_eq!(mine.get(&id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(mine.delete(&id).await.unwrap_err().code(), Code::NotFound);
    let request = GetOperationRequest { id: operation.id };
    let hidden = mine.operations.get(request).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);

    control.with_settings(|settings| settings.polls_to_finish = 9);
    assert_eq!(running.settings().polls_to_finish, 0);
}
