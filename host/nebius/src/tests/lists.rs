//! Lists over the wire: pages, deadlines, refusals, and what a request looks like.

use std::time::Duration;

use nebius_api::{
    google::rpc,
    nebius::common::v1::{ServiceError, TooManyRequests, service_error::Details},
};
use prost::Message;
use quotagate::source::SourceErrorKind;
use tonic::{Code, Status};

use super::{Cloud, Misdeed, Questions, acme, connect, impatient, must_end, options_to, refuse};
use crate::{CloudRefusal, ConnectOptions, CredentialsChoice};

const PROJECT: &str = "project-e00eunorth1";

#[tokio::test]
async fn every_source_asks_the_right_method_for_the_right_owner_with_the_right_page_size() {
    let cloud = Cloud::kind().await;
    let client = cloud.client();
    client.account().await.unwrap();
    client.tenant_allowances().await.unwrap();
    client.project_allowances(PROJECT).await.unwrap();
    client.instance_types(PROJECT).await.unwrap();
    client.capacities().await.unwrap();
    client.reservations().await.unwrap();
    client.reservation_shares(PROJECT).await.unwrap();

    let seen = cloud.seen();
    let asked: Vec<_> = seen
        .iter()
        .map(|seen| (seen.method, seen.about.as_str(), seen.page_size))
        .collect();
    let expected = [
        ("tenants.List", "", 999),
        ("projects.List", "tenant-e00acme", 999),
        ("quotas.List", "tenant-e00acme", 1_000),
        ("quotas.List", PROJECT, 1_000),
        ("platforms.List", PROJECT, 999),
        ("advice.List", "tenant-e00acme", 200),
        ("blocks.List", "tenant-e00acme", 200),
        ("shares.List", PROJECT, 1_000),
    ];
    assert_eq!(asked, expected);

    let mut keys: Vec<_> = seen
        .iter()
        .map(|seen| seen.idempotency_key.clone().unwrap())
        .collect();
    assert!(keys.iter().all(|key| uuid::Uuid::parse_str(key).is_ok()));
    keys.dedup();
    assert_eq!(keys.len(), seen.len(), "every call has a key of its own");
    for call in seen {
        assert_eq!(call.authorization.as_deref(), Some("Bearer handed-in"));
        let ours = concat!("quotagate/", env!("CARGO_PKG_VERSION"));
        assert!(call.user_agent.unwrap().starts_with(ours));
        assert!(call.timeout.is_some());
    }
}

#[tokio::test]
async fn many_small_pages_are_one_list() {
    let cloud = Cloud::of(acme(), 7, |_| None).await;
    let read = cloud.client().tenant_allowances().await.unwrap();
    let whole = Cloud::kind()
        .await
        .client()
        .tenant_allowances()
        .await
        .unwrap();
    assert_eq!(read, whole);
    assert_eq!(read.interrupted_by, None);
    let pages = cloud
        .methods()
        .iter()
        .filter(|method| **method == "quotas.List")
        .count();
    assert_eq!(pages, read.value.len().div_ceil(7));
}

#[tokio::test]
async fn a_token_that_comes_twice_interrupts_the_list() {
    let cloud = Cloud::of(acme(), 2, |seen| {
        (seen.method == "quotas.List").then(|| Misdeed::NextPage("2".to_owned()))
    })
    .await;
    let read = cloud.client().tenant_allowances().await.unwrap();
    assert_eq!(read.value.len(), 4);
    let stop = read.interrupted_by.unwrap();
    assert_eq!(stop.kind, SourceErrorKind::Invalid);
    assert!(
        stop.message.contains("page token `2` twice after 2 pages"),
        "{}",
        stop.message
    );
    assert!(
        stop.message
            .contains("list the quota allowances of `tenant-e00acme`")
    );
}

#[tokio::test]
async fn a_second_page_that_fails_keeps_the_first() {
    let cloud = Cloud::of(acme(), 5, |seen| {
        (seen.page_token == "5").then(|| Misdeed::Refuse(Box::new(Status::internal("broken"))))
    })
    .await;
    let read = cloud.client().tenant_allowances().await.unwrap();
    assert_eq!(read.value.len(), 5);
    let stop = read.interrupted_by.unwrap();
    assert_eq!(stop.kind, SourceErrorKind::Unavailable);
    assert!(
        stop.message.contains("INTERNAL: broken"),
        "{}",
        stop.message
    );
}

#[tokio::test]
async fn a_first_page_that_fails_is_an_error_that_says_all_there_is_to_say() {
    let cloud = Cloud::of(acme(), 5, |seen| {
        let mut status = Status::permission_denied("no access to tenant-e00acme");
        let id = "request-9".parse().unwrap();
        status.metadata_mut().insert("x-request-id", id);
        (seen.method == "quotas.List").then(|| Misdeed::Refuse(Box::new(status)))
    })
    .await;
    let error = cloud.client().tenant_allowances().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied);
    let expected = format!(
        "cannot list the quota allowances of `tenant-e00acme`: {} answered PERMISSION_DENIED: \
         no access to tenant-e00acme (request id request-9); grant the `viewer` role in the tenant to the \
         account behind these credentials",
        cloud.address
    );
    assert_eq!(error.message, expected);
    let cause = error.cause.unwrap();
    let refusal = cause.downcast_ref::<CloudRefusal>().unwrap();
    assert_eq!(refusal.code, "PERMISSION_DENIED");
    assert_eq!(refusal.request_id.as_deref(), Some("request-9"));
    assert_eq!(refusal.text, "no access to tenant-e00acme");
}

#[tokio::test]
async fn details_of_a_refusal_say_what_it_is() {
    let cloud = Cloud::of(acme(), 5, |_| {
        let error = ServiceError {
            service: "quotas".to_owned(),
            code: "TooManyRequests".to_owned(),
            details: Some(Details::TooManyRequests(TooManyRequests::default())),
            retry_type: 1,
        };
        let status = rpc::Status {
            code: Code::Unavailable as i32,
            message: String::new(),
            details: vec![prost_types::Any {
                type_url: "type.googleapis.com/nebius.common.v1.ServiceError".to_owned(),
                value: error.encode_to_vec(),
            }],
        };
        let details = status.encode_to_vec().into();
        refuse(Status::with_details(Code::Unavailable, "easy", details))
    })
    .await;
    let error = cloud
        .client()
        .project_allowances(PROJECT)
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::RateLimited);
    assert!(
        error
            .message
            .contains("UNAVAILABLE (TooManyRequests): easy"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let cloud = Cloud::of(acme(), 5, |_| Some(Misdeed::Hang)).await;
    let options = ConnectOptions {
        tenant: Some("tenant-e00acme".to_owned()),
        deadlines: impatient(),
        ..cloud.options()
    };
    let client = connect(&options).unwrap();
    let error = must_end(client.tenant_allowances()).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(
        error.message.contains("did not answer within 40ms"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = ConnectOptions {
        credentials: CredentialsChoice::Token("handed-in".into()),
        tenant: Some("tenant-e00acme".to_owned()),
        deadlines: impatient(),
        ..options_to(listener.local_addr().unwrap())
    };
    let client = connect(&options).unwrap();
    let error = must_end(client.capacities()).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
}

#[tokio::test]
async fn the_deadline_of_the_source_is_in_force() {
    let cloud = Cloud::of(acme(), 5, |_| Some(Misdeed::Hang)).await;
    let mut options = cloud.options();
    options.deadlines.source = Duration::from_millis(40);
    let client = connect(&options).unwrap();
    let error = must_end(client.tenant_allowances()).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
}

#[tokio::test]
async fn nobody_at_the_address_is_said_with_the_reason() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = connect(&options_to(address)).unwrap();
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(
        error.message.contains("could not be reached"),
        "{}",
        error.message
    );
    assert!(
        error.message.contains("Connection refused"),
        "{}",
        error.message
    );
}
