//! Pages of any size reach every row once.

use std::num::NonZeroUsize;

use nebius_api::nebius::{
    capacity::v1::{
        ListCapacityBlockGroupsRequest,
        capacity_block_group_service_client::CapacityBlockGroupServiceClient,
    },
    iam::v2::{ListProjectsRequest, project_service_client::ProjectServiceClient},
    quotas::v1::QuotaAllowance,
};
use nebius_emulator::worlds;
use tonic::{Code, transport::Channel};

use crate::harness::{PROJECT, TENANT, acme, list, start, with_token};

async fn all(channel: &Channel, page_size: i64) -> (Vec<QuotaAllowance>, usize) {
    let (mut rows, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let page = list(channel, TENANT, page_size, &token).await.unwrap();
        let page = page.into_inner();
        rows.extend(page.items);
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            return (rows, pages);
        }
    }
}

#[tokio::test]
async fn every_row_comes_once_whatever_the_page_size() {
    let expected = worlds::acme()
        .unwrap()
        .allowances
        .answer()
        .unwrap()
        .items
        .clone();
    let (_running, channel) = start(acme()).await;
    for (size, pages) in [
        (1, expected.len()),
        (7, expected.len().div_ceil(7)),
        (0, expected.len().div_ceil(100)),
        (1000, 1),
    ] {
        let (rows, asked) = all(&channel, size).await;
        assert_eq!(rows, expected, "page size {size}");
        assert_eq!(asked, pages, "page size {size}");
    }
}

#[tokio::test]
async fn the_server_may_give_less_than_is_asked() {
    let limit = NonZeroUsize::new(5).unwrap();
    let (running, channel) = start(acme().page_size_limit(limit)).await;
    let (rows, pages) = all(&channel, 1000).await;
    assert_eq!(pages, rows.len().div_ceil(5));
    assert!(
        running
            .calls()
            .iter()
            .all(|call| call.page_size == Some(1000))
    );
}

#[tokio::test]
async fn sizes_out_of_bounds_and_strange_tokens_are_refused() {
    let (_running, channel) = start(acme()).await;
    let own = list(&channel, TENANT, 1, "").await.unwrap();
    let own = own.into_inner().next_page_token;
    for (parent, size, token) in [
        (TENANT, 1001, ""),
        (TENANT, -1, ""),
        (TENANT, 1, "7"),
        (TENANT, 1, "+0000000000000000000000000000000"),
        (PROJECT, 1, own.as_str()),
    ] {
        let refused = list(&channel, parent, size, token).await.unwrap_err();
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "{parent} {size} {token}"
        );
    }

    let mut groups = CapacityBlockGroupServiceClient::new(with_token(&channel, "any"));
    let mut request = ListCapacityBlockGroupsRequest {
        parent_id: TENANT.to_owned(),
        page_size: 200,
        ..Default::default()
    };
    assert!(groups.list(request.clone()).await.is_ok());
    request.page_size = 201;
    let refused = groups.list(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn projects_come_by_tens_unless_asked_otherwise() {
    let (running, channel) = start(acme()).await;
    running.with_world(|world| {
        let mut projects = world.projects.answer().unwrap().clone();
        let first = projects.items.first().unwrap().clone();
        projects.items = vec![first; 25];
        world.projects = nebius_api::world::Recorded::Answer(projects);
    });
    let mut projects = ProjectServiceClient::new(with_token(&channel, "any"));
    let request = ListProjectsRequest {
        parent_id: TENANT.to_owned(),
        ..Default::default()
    };
    let page = projects.list(request.clone()).await.unwrap().into_inner();
    assert_eq!(page.items.len(), 10);
    let request = ListProjectsRequest {
        page_size: 999,
        ..request
    };
    let page = projects.list(request).await.unwrap().into_inner();
    assert_eq!((page.items.len(), page.next_page_token.as_str()), (25, ""));
}
