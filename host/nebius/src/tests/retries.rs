//! What is asked again, what is not, and for how long.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use nebius_api::{
    google::rpc,
    nebius::common::v1::{
        QuotaFailure, ServiceError, TooManyRequests,
        service_error::{Details, RetryType},
    },
};
use prost::Message;
use quotagate::source::SourceErrorKind;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Code, Status,
    codegen::{Context, Poll, Service, http},
    server::NamedService,
};

use super::{
    Cloud, Misdeed, Questions, Seen, acme, connect, key_in, must_end, options_to, refuse,
    stub::Stub,
};
use crate::{ConnectOptions, NebiusClient, Retries, details::RetryInfo, status::code_name};

const PROJECT: &str = "project-e00eunorth1";
/// So short that no test waits for it.
const QUICK: Retries = Retries {
    attempts: 3,
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(2),
};

/// A cloud that misbehaves so often before it answers.
async fn failing(
    times: usize,
    misdeed: impl Fn(usize) -> Option<Misdeed> + Send + Sync + 'static,
) -> Cloud {
    let calls = AtomicUsize::new(0);
    Cloud::of(acme(), 1_000, move |_| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        (call < times).then(|| misdeed(call)).flatten()
    })
    .await
}

fn quick(cloud: &Cloud) -> ConnectOptions {
    ConnectOptions {
        retries: QUICK,
        tenant: Some("tenant-e00acme".to_owned()),
        ..cloud.options()
    }
}

fn client(cloud: &Cloud) -> NebiusClient {
    connect(&quick(cloud)).unwrap()
}

/// The same question, so often.
fn is_one_question(seen: &[Seen], times: usize) -> bool {
    let first = seen.first().unwrap();
    seen.len() == times
        && seen.iter().all(|call| {
            call.idempotency_key == first.idempotency_key && call.method == first.method
        })
}

fn detailed(code: Code, details: impl Into<Option<Details>>, retry_type: RetryType) -> Status {
    let error = ServiceError {
        service: "quotas".to_owned(),
        details: details.into(),
        retry_type: retry_type as i32,
        ..ServiceError::default()
    };
    with_details(code, "nebius.common.v1.ServiceError", error.encode_to_vec())
}

fn with_details(code: Code, name: &str, value: Vec<u8>) -> Status {
    let status = rpc::Status {
        details: vec![prost_types::Any {
            type_url: format!("type.googleapis.com/{name}"),
            value,
        }],
        ..rpc::Status::default()
    };
    Status::with_details(code, "text", status.encode_to_vec().into())
}

#[tokio::test]
async fn what_may_pass_is_asked_again_under_the_same_key() {
    let busy = || Details::TooManyRequests(TooManyRequests::default());
    let statuses = [
        Status::unavailable("not now"),
        Status::deadline_exceeded("too slow"),
        Status::aborted("try again"),
        Status::resource_exhausted("slow down"),
        detailed(Code::ResourceExhausted, busy(), RetryType::Unspecified),
        detailed(Code::Internal, None, RetryType::Call),
    ];
    for status in statuses {
        let said = status.clone();
        let cloud = failing(1, move |_| refuse(said.clone())).await;
        let read = client(&cloud).instance_types(PROJECT).await;
        assert!(read.is_ok(), "{status:?}: {read:?}");
        assert!(is_one_question(&cloud.seen(), 2), "{status:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once() {
    let quota = || Details::QuotaFailure(QuotaFailure::default());
    let statuses = [
        detailed(Code::ResourceExhausted, quota(), RetryType::Unspecified),
        detailed(Code::ResourceExhausted, quota(), RetryType::Call),
        detailed(Code::Unavailable, None, RetryType::UnitOfWork),
        detailed(Code::Unavailable, None, RetryType::Nothing),
        Status::permission_denied("no"),
        Status::not_found("no"),
        Status::invalid_argument("no"),
        Status::unimplemented("no"),
        Status::internal("broken"),
        Status::unknown("broken"),
    ];
    for status in statuses {
        let said = status.clone();
        let cloud = failing(usize::MAX, move |_| refuse(said.clone())).await;
        let error = client(&cloud).instance_types(PROJECT).await.unwrap_err();
        assert!(!error.message.contains("(asked"), "{}", error.message);
        assert_eq!(cloud.seen().len(), 1, "{status:?}");
    }
}

#[tokio::test]
async fn the_last_failure_says_how_often_it_was_asked() {
    let cloud = failing(usize::MAX, |call| {
        refuse(Status::unavailable(format!("failure {call}")))
    })
    .await;
    let client = client(&cloud);
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let expected = "UNAVAILABLE: failure 2; ask again later (asked 3 times)";
    assert!(error.message.ends_with(expected), "{}", error.message);
    assert!(is_one_question(&cloud.seen(), 3));
}

#[tokio::test]
async fn a_wait_that_the_cloud_asks_for_is_read_off_its_answer() {
    let cloud = failing(1, |_| {
        let mut status = Status::unavailable("restarting");
        let pushback = "5".parse().unwrap();
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", pushback);
        refuse(status)
    })
    .await;
    client(&cloud).instance_types(PROJECT).await.unwrap();
    assert!(is_one_question(&cloud.seen(), 2));
    // A negative one asks not to be asked again.
    let cloud = failing(1, |_| {
        let mut status = Status::unavailable("gone for good");
        let pushback = "-1".parse().unwrap();
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", pushback);
        refuse(status)
    })
    .await;
    client(&cloud).instance_types(PROJECT).await.unwrap_err();
    assert_eq!(cloud.seen().len(), 1);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_passed_on() {
    let cloud = Cloud::of(acme(), 5, |seen| {
        let info = RetryInfo {
            retry_delay: Some(prost_types::Duration {
                seconds: 3_600,
                nanos: 0,
            }),
        };
        let info = info.encode_to_vec();
        let status = with_details(Code::ResourceExhausted, "google.rpc.RetryInfo", info);
        let is_later_page = seen.method != "quotas.List" || seen.page_token == "5";
        is_later_page.then(|| Misdeed::Refuse(Box::new(status)))
    })
    .await;
    let client = client(&cloud);
    let hour = Some(Duration::from_secs(3_600));
    let error = client.capacities().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::RateLimited);
    assert_eq!(error.retry_after, hour);
    assert_eq!(cloud.seen().len(), 1);
    // Also where a list was cut short by it.
    let read = client.tenant_allowances().await.unwrap();
    assert_eq!(read.interrupted_by.unwrap().retry_after, hour);
}

#[tokio::test]
async fn a_page_in_the_middle_is_asked_again_and_no_other() {
    let calls = AtomicUsize::new(0);
    let cloud = Cloud::of(acme(), 5, move |seen| {
        let is_first = seen.page_token == "5" && calls.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| Misdeed::Refuse(Box::new(Status::unavailable("not now"))))
    })
    .await;
    let read = client(&cloud).tenant_allowances().await.unwrap();
    assert_eq!(read.interrupted_by, None);
    let mut pages: Vec<_> = cloud
        .seen()
        .into_iter()
        .map(|seen| seen.page_token)
        .collect();
    assert_eq!(pages.len(), read.value.len().div_ceil(5) + 1);
    pages.dedup();
    assert_eq!(pages.len(), read.value.len().div_ceil(5));
}

#[tokio::test]
async fn a_hang_is_cut_short_and_asked_again() {
    let cloud = failing(usize::MAX, |_| Some(Misdeed::Hang)).await;
    let mut options = quick(&cloud);
    options.deadlines.call = Duration::from_millis(100);
    let client = connect(&options).unwrap();
    let error = must_end(client.instance_types(PROJECT)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let expected = "did not answer within 100ms; ask again later (asked 3 times)";
    assert!(error.message.ends_with(expected), "{}", error.message);
}

#[tokio::test]
async fn nobody_at_the_address_is_known_without_a_wait_for_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = connect(&options_to(address)).unwrap();
    let error = must_end(client.instance_types(PROJECT)).await.unwrap_err();
    for part in ["Connection refused", "(asked 3 times)"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_off_is_made_again() {
    let stub = Arc::new(Stub::new(acme(), 1_000, Box::new(|_| None)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = ConnectOptions {
        retries: QUICK,
        ..options_to(listener.local_addr().unwrap())
    };
    let server = tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        super::stub::serve(stub, listener, None).await;
    });
    let client = connect(&options).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    server.abort();
}

/// Answers like a proxy that cannot reach the service: with an HTTP status and none of gRPC.
#[derive(Clone)]
struct Proxy(u16, Arc<AtomicUsize>);

impl NamedService for Proxy {
    const NAME: &'static str = "nebius.compute.v1.PlatformService";
}

impl Service<http::Request<tonic::body::Body>> for Proxy {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<tonic::body::Body>) -> Self::Future {
        self.1.fetch_add(1, Ordering::SeqCst);
        let answer = http::Response::builder().status(self.0);
        std::future::ready(Ok(answer.body(tonic::body::Body::default()).unwrap()))
    }
}

#[tokio::test]
async fn what_a_proxy_says_is_told_from_what_the_service_says() {
    // 200 is an answer that ends before its status.
    for (status, code, times) in [
        (200, Code::Unknown, 3),
        (400, Code::Internal, 1),
        (403, Code::PermissionDenied, 1),
        (429, Code::Unavailable, 3),
        (500, Code::Unknown, 3),
        (503, Code::Unavailable, 3),
        (520, Code::Unknown, 3),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = ConnectOptions {
            retries: QUICK,
            ..options_to(listener.local_addr().unwrap())
        };
        let server = tonic::transport::Server::builder()
            .add_service(Proxy(status, Arc::clone(&calls)))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(server);
        let client = connect(&options).unwrap();
        let error = client.instance_types(PROJECT).await.unwrap_err();
        let code = code_name(code);
        assert!(error.message.contains(code), "{status}: {}", error.message);
        assert_eq!(calls.load(Ordering::SeqCst), times, "{status}");
        server.abort();
    }
}

fn with_key(cloud: &Cloud, folder: &std::path::Path) -> NebiusClient {
    connect(&ConnectOptions {
        credentials: key_in(folder),
        ..quick(cloud)
    })
    .unwrap()
}

#[tokio::test]
async fn a_token_is_renewed_once_however_often_it_is_asked_again() {
    let refused = |message: &str| refuse(Status::unauthenticated(message));
    let cloud = failing(usize::MAX, move |call| match call {
        0 | 2 => None,
        1 => refused("revoked"),
        3 => refuse(Status::unavailable("not now")),
        _ => refused("still"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let error = with_key(&cloud, folder.path())
        .capacities()
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    assert!(
        error.message.ends_with("(asked 3 times)"),
        "{}",
        error.message
    );
    let expected = [
        "tokens.Exchange",
        "advice.List",
        "tokens.Exchange",
        "advice.List",
        "advice.List",
    ];
    assert_eq!(cloud.methods(), expected);
    let mut lists = cloud.seen();
    lists.retain(|seen| seen.method == "advice.List");
    assert!(is_one_question(&lists, 3));
}

#[tokio::test]
async fn an_exchange_that_fails_in_passing_is_made_again() {
    let cloud = failing(1, |_| refuse(Status::unavailable("not now"))).await;
    let folder = tempfile::tempdir().unwrap();
    with_key(&cloud, folder.path()).capacities().await.unwrap();
    let expected = ["tokens.Exchange", "tokens.Exchange", "advice.List"];
    assert_eq!(cloud.methods(), expected);
}
