//! What a faults file orders, happens, and nothing else.

use std::time::{Duration, Instant};

use nebius_api::nebius::{
    common::v1::service_error::Details,
    quotas::v1::{
        ListQuotaAllowancesRequest, quota_allowance_service_client::QuotaAllowanceServiceClient,
    },
};
use nebius_emulator::Faults;
use tonic::{Code, Request, Status, transport::Channel};

use crate::{
    harness::{
        LIST, PROJECT, TENANT, acme, details, list, request_id, set_faults, start, with_token,
    },
    process::PATIENCE,
};

async fn list_within(channel: &Channel, deadline: Duration) -> Result<(), Status> {
    let mut request = Request::new(ListQuotaAllowancesRequest {
        parent_id: TENANT.to_owned(),
        ..Default::default()
    });
    request.set_timeout(deadline);
    let mut client = QuotaAllowanceServiceClient::new(with_token(channel, "any"));
    client.list(request).await.map(|_| ())
}

#[tokio::test]
async fn a_status_comes_with_its_details_and_ids_as_often_as_ordered() {
    let (running, channel) = start(acme()).await;
    set_faults(
        &running,
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00acme", "skip": 1, "times": 2,
            "status": {"code": "RESOURCE_EXHAUSTED", "message": "slow down", "service_error":
                {"service": "quotas", "code": "TooManyRequests", "retry_type": "CALL",
                 "too_many_requests": {"violation": "a second"}}}}]}"#,
    );
    assert!(list(&channel, TENANT, 0, "").await.is_ok());
    for _ in 0..2 {
        assert!(list(&channel, PROJECT, 0, "").await.is_ok());
        let refused = list(&channel, TENANT, 0, "").await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::ResourceExhausted, "slow down")
        );
        assert!(matches!(details(&refused), Details::TooManyRequests(_)));
        let logged = running.calls();
        assert_eq!(
            request_id(refused.metadata()),
            logged.last().unwrap().request_id
        );
    }
    assert!(list(&channel, TENANT, 0, "").await.is_ok());
}

#[tokio::test]
async fn the_second_page_can_fail_alone() {
    let (running, channel) = start(acme()).await;
    set_faults(
        &running,
        r#"{"rules": [{"method": "List", "page": 2, "times": 1, "status": {"code": "UNAVAILABLE"}},
                      {"method": "List", "page_size": 3}]}"#,
    );
    let first = list(&channel, TENANT, 1000, "").await.unwrap().into_inner();
    assert_eq!(first.items.len(), 3);
    let token = first.next_page_token;
    let failed = list(&channel, TENANT, 1000, &token).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    let second = list(&channel, TENANT, 1000, &token)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(second.items.len(), 3);
    assert_ne!(second.items[0], first.items[0]);
}

#[tokio::test]
async fn a_page_token_can_repeat_for_ever() {
    let (running, channel) = start(acme()).await;
    set_faults(
        &running,
        r#"{"rules": [{"method": "List", "repeat_page_token": true}]}"#,
    );
    let first = list(&channel, TENANT, 1000, "").await.unwrap().into_inner();
    let mut token = first.next_page_token;
    assert!(!token.is_empty());
    for _ in 0..3 {
        let page = list(&channel, TENANT, 1000, &token)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.next_page_token, token);
        token = page.next_page_token;
    }
}

#[tokio::test]
async fn latency_delays_and_a_hung_call_outlasts_its_deadline() {
    let (running, channel) = start(acme()).await;
    let rules = r#"{"rules": [{"method": "List", "times": 1, "latency_ms": 30}, {"method": "List", "hang": true}]}"#;
    set_faults(&running, rules);
    let before = Instant::now();
    assert!(list(&channel, TENANT, 0, "").await.is_ok());
    // Never sooner; how much later is the machine's affair.
    assert!(before.elapsed() >= Duration::from_millis(30));

    // On a busy machine a call may be late before it has arrived; then another one follows.
    let begun = Instant::now();
    while running.calls_to(LIST).len() < 2 {
        assert!(begun.elapsed() < PATIENCE, "none arrives");
        let late = list_within(&channel, Duration::from_millis(50)).await;
        let code = late.unwrap_err().code();
        assert!(
            matches!(code, Code::Cancelled | Code::DeadlineExceeded),
            "{code:?}"
        );
    }
}

#[tokio::test]
async fn a_broken_line_fails_the_call_and_the_next_one_reconnects() {
    let (running, channel) = start(acme()).await;
    set_faults(
        &running,
        r#"{"rules": [{"method": "List", "times": 1, "disconnect": true}]}"#,
    );
    let broken = list(&channel, TENANT, 0, "").await.unwrap_err();
    assert!(
        matches!(broken.code(), Code::Unknown | Code::Unavailable),
        "{broken:?}"
    );
    assert!(list(&channel, TENANT, 0, "").await.is_ok());
}

#[test]
fn a_mistake_in_a_faults_file_is_named_with_its_place() {
    let mistakes = [
        (
            "{\"rules\": [\n{\"method\": \"*\", \"latency\": 5}]}",
            "unknown field `latency`",
        ),
        (
            "{\"rules\": [\n{\"method\": \"*\", \"status\": {\"code\": \"TEAPOT\"}}]}",
            "`TEAPOT`",
        ),
        (
            "{\"rules\": [\n{\"method\": \"*\", \"status\": {\"code\": \"ABORTED\", \"service_error\": {\"cod\": \"\"}}}]}",
            "cod",
        ),
    ];
    for (text, named) in mistakes {
        let error = Faults::from_json(text).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
        assert!(error.contains("line 2"), "{error}");
    }
    let error = Faults::from_json(r#"{"rules": [{"method": "Get"}]}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rule for `Get` (number 1) does nothing"
    );
}
