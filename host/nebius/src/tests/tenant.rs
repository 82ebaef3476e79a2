//! Which tenant is asked about, and what stands in for what may not be read.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures::future::join_all;
use nebius_api::world::{Recorded, RecordedError, World};
use quotagate::{Place, source::SourceErrorKind};
use tonic::Status;

use super::{Cloud, Questions, acme, connect};
use crate::{ConnectOptions, NebiusClient};

const PROJECT: &str = "project-e00euwest1";

fn denied<T>() -> Recorded<T> {
    Recorded::Error(RecordedError {
        code: "PERMISSION_DENIED".to_owned(),
        message: "no role".to_owned(),
    })
}

fn with_project(cloud: &Cloud) -> NebiusClient {
    connect(&ConnectOptions {
        project: Some(PROJECT.to_owned()),
        ..cloud.options()
    })
    .unwrap()
}

#[tokio::test]
async fn the_only_tenant_is_found_once() {
    let cloud = Cloud::kind().await;
    let client = cloud.client();
    assert_eq!(client.connection().tenant, None);
    let tenants = join_all((0..10).map(|_| client.tenant())).await;
    assert!(tenants.iter().all(|tenant| *tenant == Ok("tenant-e00acme")));
    assert_eq!(cloud.methods(), ["tenants.List"]);
    assert_eq!(
        client.connection().tenant.as_deref(),
        Some("tenant-e00acme")
    );
}

#[tokio::test]
async fn a_failure_to_find_the_tenant_is_not_kept() {
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let cloud = Cloud::of(acme(), 5, move |_| {
        let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| super::Misdeed::Refuse(Box::new(Status::unavailable("not now"))))
    })
    .await;
    let client = cloud.client();
    assert_eq!(
        client.tenant().await.unwrap_err().kind,
        SourceErrorKind::Unavailable
    );
    assert_eq!(client.tenant().await, Ok("tenant-e00acme"));
}

#[tokio::test]
async fn a_named_tenant_is_asked_about_without_a_question() {
    let cloud = Cloud::kind().await;
    let client = connect(&ConnectOptions {
        tenant: Some("tenant-e00other".to_owned()),
        ..cloud.options()
    })
    .unwrap();
    assert_eq!(client.tenant().await, Ok("tenant-e00other"));
    assert!(cloud.seen().is_empty());
}

#[tokio::test]
async fn no_tenant_and_several_tenants_are_errors_that_say_how_to_choose() {
    let world = World {
        tenant: Recorded::Missing,
        ..acme()
    };
    let cloud = Cloud::of(world, 5, |_| None).await;
    let error = cloud.client().tenant().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    assert!(
        error.message.contains("see none; name the tenant"),
        "{}",
        error.message
    );

    let cloud = Cloud::of(acme(), 5, |seen| {
        // A second page with the same tenant: two of them.
        (seen.page_token.is_empty()).then(|| super::Misdeed::NextPage("0".to_owned()))
    })
    .await;
    let error = cloud.client().tenant().await.unwrap_err();
    let two = "see `tenant-e00acme` (acme), `tenant-e00acme` (acme); name one of them";
    assert!(error.message.contains(two), "{}", error.message);
}

#[tokio::test]
async fn the_project_tells_the_tenant_where_tenants_may_not_be_listed() {
    let world = World {
        tenant: denied(),
        ..acme()
    };
    let cloud = Cloud::of(world, 5, |_| None).await;
    assert_eq!(with_project(&cloud).tenant().await, Ok("tenant-e00acme"));
    assert_eq!(cloud.methods(), ["tenants.List", "projects.Get"]);
    let error = cloud.client().tenant().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied);
    assert!(
        error.message.ends_with("; name the tenant or a project"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn the_named_project_stands_for_a_list_that_is_denied() {
    let world = World {
        projects: denied(),
        ..acme()
    };
    let cloud = Cloud::of(world, 5, |_| None).await;
    let read = with_project(&cloud).account().await.unwrap();
    let project = read.value.projects.first().unwrap().last().unwrap();
    assert_eq!(
        (project.id.as_str(), project.place.clone()),
        (PROJECT, Place::region("eu-west1"))
    );
    assert_eq!(read.value.projects.len(), 1);
    assert_eq!(read.interrupted_by.unwrap().kind, SourceErrorKind::Denied);
    let error = cloud.client().account().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied);
}
