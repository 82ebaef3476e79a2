//! The rules of another attempt, one case each.

use nebius_api::{
    google::rpc,
    nebius::common::v1::{
        BadResourceState, InternalError, NotEnoughResources, OperationConflict, PermissionDenied,
        QuotaFailure, TooManyRequests,
    },
};
use prost::Message as _;
use tonic::Code::{self, *};

use super::*;
use crate::status::Refusal;

fn status(code: Code, errors: &[ServiceError], foreign: &[&str]) -> Status {
    let known = errors.iter().map(|error| prost_types::Any {
        type_url: "type.googleapis.com/nebius.common.v1.ServiceError".to_owned(),
        value: error.encode_to_vec(),
    });
    let foreign = foreign.iter().map(|name| prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: Vec::new(),
    });
    let details = rpc::Status {
        details: known.chain(foreign).collect(),
        ..rpc::Status::default()
    };
    Status::with_details(code, "text", details.encode_to_vec().into())
}

fn error(retry_type: RetryType, details: impl Into<Option<Details>>) -> ServiceError {
    ServiceError {
        retry_type: retry_type as i32,
        details: details.into(),
        ..ServiceError::default()
    }
}

fn may_pass(status: &Status) -> bool {
    Refusal::of(status).may_pass
}

#[test]
fn a_bare_code_decides() {
    for number in 1..=16 {
        let code = Code::from_i32(number);
        let expected = matches!(
            code,
            Unavailable | DeadlineExceeded | Aborted | ResourceExhausted
        );
        assert_eq!(may_pass(&Status::new(code, "text")), expected, "{code:?}");
        let with_hint = status(code, &[], &["google.rpc.RetryInfo"]);
        assert_eq!(may_pass(&with_hint), expected, "{code:?} with a hint");
    }
}

#[test]
fn details_decide_before_the_code() {
    let quota = || Details::QuotaFailure(QuotaFailure::default());
    let hardware = || Details::NotEnoughResources(NotEnoughResources::default());
    let busy = || Details::TooManyRequests(TooManyRequests::default());
    let denied = || Details::PermissionDenied(PermissionDenied::default());
    let internal = || Details::InternalError(InternalError::default());
    let state = || Details::BadResourceState(BadResourceState::default());
    let conflict = || Details::OperationConflict(OperationConflict::default());
    let unsaid = RetryType::Unspecified;
    let (call, work, nothing) = (RetryType::Call, RetryType::UnitOfWork, RetryType::Nothing);
    let cases = [
        // A shortage, whoever says to ask again.
        (ResourceExhausted, unsaid, Some(quota()), false),
        (ResourceExhausted, call, Some(quota()), false),
        (Unavailable, call, Some(hardware()), false),
        // What the service says of another attempt.
        (NotFound, call, None, true),
        (PermissionDenied, call, Some(denied()), true),
        (Internal, call, Some(internal()), true),
        (Unavailable, work, None, false),
        (Unavailable, nothing, None, false),
        (ResourceExhausted, nothing, Some(busy()), false),
        // It does not make a token known.
        (Unauthenticated, call, None, false),
        // What it says of the failure.
        (ResourceExhausted, unsaid, Some(busy()), true),
        (Internal, unsaid, Some(busy()), true),
        (Unavailable, unsaid, Some(denied()), false),
        (Unavailable, unsaid, Some(internal()), true),
        (Internal, unsaid, Some(internal()), false),
        (ResourceExhausted, unsaid, Some(state()), false),
        (Aborted, unsaid, Some(conflict()), true),
        (FailedPrecondition, unsaid, Some(conflict()), false),
    ];
    for (code, retry_type, details, expected) in cases {
        let case = format!("{code:?} {retry_type:?} {details:?}");
        let status = status(code, &[error(retry_type, details)], &[]);
        assert_eq!(may_pass(&status), expected, "{case}");
    }
    let strictest = [error(call, None), error(nothing, None)];
    assert!(!may_pass(&status(Unavailable, &strictest, &[])));
    for (name, expected) in [
        ("QuotaFailure", false),
        ("NotEnoughResources", false),
        ("TooManyRequests", true),
        ("Other", false),
    ] {
        let mut named = error(unsaid, None);
        named.code = name.to_owned();
        let status = status(ResourceExhausted, &[named], &[]);
        assert_eq!(may_pass(&status), expected, "{name}");
    }
}

#[test]
fn details_that_nobody_understands_might_name_a_quota() {
    let foreign = ["nebius.common.error.v1alpha1.ServiceError"];
    assert!(!may_pass(&status(ResourceExhausted, &[], &foreign)));
    assert!(may_pass(&status(Unavailable, &[], &foreign)));
}

#[test]
fn the_transport_may_do_better_next_time() {
    for code in [Unavailable, Unknown, Internal, Cancelled] {
        let mut status = Status::new(code, "transport error");
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        status.set_source(std::sync::Arc::new(reset));
        assert!(may_pass(&status), "{code:?}");
    }
}

#[test]
fn the_server_may_ask_for_a_while_or_for_good() {
    let cases = [
        ("0", true, Some(0)),
        ("250", true, Some(250)),
        ("-1", false, None),
        ("soon", false, None),
    ];
    for (pushback, expected, hint) in cases {
        let mut status = status(Unavailable, &[error(RetryType::Call, None)], &[]);
        let value = pushback.parse().unwrap();
        status.metadata_mut().insert(PUSHBACK, value);
        let refusal = Refusal::of(&status);
        assert_eq!(refusal.may_pass, expected, "{pushback}");
        assert_eq!(refusal.retry_after, hint.map(Duration::from_millis));
    }
}
