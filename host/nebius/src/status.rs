//! What a refusal of the cloud means.

use std::{error::Error, time::Duration};

use nebius_api::nebius::common::v1::{ServiceError, service_error::Details};
use quotagate::source::SourceErrorKind;
use tonic::{Code, Status};

use crate::{details::StatusDetails, retry, tls::Distrust};

/// Longer texts of the cloud are cut.
const LONGEST_TEXT: usize = 1_000;

/// The names of the gRPC status codes, in the order of their numbers.
const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

/// A refusal, read with its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code of the status.
    pub(crate) code: Code,
    /// What it means to whoever asked.
    pub(crate) kind: SourceErrorKind,
    /// The name that the service gives the failure, such as `TooManyRequests`.
    pub(crate) service_code: Option<String>,
    /// What the cloud said, fit for a terminal.
    pub(crate) text: String,
    /// The number under which the cloud's support finds the call.
    pub(crate) request_id: Option<String>,
    /// Whether it is our own transport that speaks: nobody was reached.
    pub(crate) is_local: bool,
    /// Why TLS does not trust whoever was reached.
    pub(crate) distrust: Option<Distrust>,
    /// Whether the same call may succeed if it is made again.
    pub(crate) may_pass: bool,
    /// How long the cloud asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads a status.
    pub(crate) fn of(status: &Status) -> Self {
        let details = StatusDetails::of(status.details());
        let code = status.code();
        let kind = details
            .errors
            .iter()
            .find_map(kind_of_details)
            .unwrap_or_else(|| kind_of_code(code));
        Self {
            code,
            kind,
            service_code: details
                .errors
                .iter()
                .map(|detail| printable(&detail.code))
                .find(|code| !code.is_empty()),
            text: text(status),
            request_id: request_id(status, &details.errors),
            is_local: status.source().is_some(),
            distrust: distrust(status),
            may_pass: retry::may_pass(status, kind, &details),
            retry_after: retry::hint(status, &details),
        }
    }
}

/// The name of a status code, as the protocol writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    CODES
        .iter()
        .find_map(|(known, name)| (*known == code).then_some(*name))
        .unwrap_or("UNKNOWN")
}

/// The code of that name; every other name is unknown.
pub(crate) fn code_named(name: &str) -> Code {
    CODES
        .iter()
        .find_map(|(code, known)| known.eq_ignore_ascii_case(name).then_some(*code))
        .or_else(|| name.parse().ok().map(Code::from_i32))
        .unwrap_or(Code::Unknown)
}

/// What a bare status code means for a reading call: no quota and no hardware is asked for, so RESOURCE_EXHAUSTED can
/// only be a limit of the API.
pub(crate) const fn kind_of_code(code: Code) -> SourceErrorKind {
    match code {
        Code::Unauthenticated => SourceErrorKind::Unauthenticated,
        Code::PermissionDenied => SourceErrorKind::Denied,
        Code::ResourceExhausted => SourceErrorKind::RateLimited,
        Code::NotFound => SourceErrorKind::NotFound,
        Code::InvalidArgument
        | Code::OutOfRange
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::DataLoss => SourceErrorKind::Invalid,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable => SourceErrorKind::Unavailable,
    }
}

/// Fit to be shown, and not endless.
pub(crate) fn printable(text: &str) -> String {
    let text = quotagate::text::line(text.trim());
    text.chars().take(LONGEST_TEXT).collect()
}

fn kind_of_details(error: &ServiceError) -> Option<SourceErrorKind> {
    match error.details.as_ref()? {
        Details::TooManyRequests(_) => Some(SourceErrorKind::RateLimited),
        Details::PermissionDenied(_) => Some(SourceErrorKind::Denied),
        Details::ResourceNotFound(_) => Some(SourceErrorKind::NotFound),
        Details::InternalError(_)
        | Details::QuotaFailure(_)
        | Details::NotEnoughResources(_)
        | Details::BadResourceState(_) => Some(SourceErrorKind::Unavailable),
        Details::BadRequest(_) | Details::OutOfRange(_) => Some(SourceErrorKind::Invalid),
        Details::ResourceAlreadyExists(_)
        | Details::ResourceConflict(_)
        | Details::OperationAborted(_)
        | Details::OperationConflict(_) => None,
    }
}

fn text(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause: Option<&(dyn Error + 'static)> = status.source();
    while let Some(error) = cause {
        let words = error.to_string();
        let words = words.trim_end_matches('.');
        // The transport's name for itself says nothing.
        if words != "transport error" && !text.contains(words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(words);
        }
        cause = error.source();
    }
    if text.is_empty() {
        text.push_str("no message");
    }
    printable(&text)
}

/// What TLS says among the causes of a status.
fn distrust(status: &Status) -> Option<Distrust> {
    status.source().and_then(Distrust::among)
}

fn request_id(status: &Status, details: &[ServiceError]) -> Option<String> {
    let header = status
        .metadata()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map(printable);
    let detail = details.iter().find_map(|error| match &error.details {
        Some(Details::InternalError(internal)) => Some(printable(&internal.request_id)),
        _ => None,
    });
    header.or(detail).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use nebius_api::{
        google::rpc,
        nebius::common::v1::{
            InternalError, PermissionDenied, QuotaFailure, ResourceNotFound, TooManyRequests,
        },
    };
    use prost::Message;
    use tonic::metadata::MetadataMap;

    use super::*;

    fn detailed(code: Code, details: Details) -> Status {
        let error = ServiceError {
            service: "quotas".to_owned(),
            code: "SomeCode".to_owned(),
            details: Some(details),
            retry_type: 0,
        };
        let status = rpc::Status {
            code: code as i32,
            message: "text".to_owned(),
            details: vec![prost_types::Any {
                type_url: "type.googleapis.com/nebius.common.v1.ServiceError".to_owned(),
                value: error.encode_to_vec(),
            }],
        };
        Status::with_details(code, "text", status.encode_to_vec().into())
    }

    #[test]
    fn names_and_codes_go_both_ways() {
        for number in 0..=16 {
            let code = Code::from_i32(number);
            assert_eq!(code_named(code_name(code)), code);
        }
        assert_eq!(code_name(Code::ResourceExhausted), "RESOURCE_EXHAUSTED");
        assert_eq!(code_named("permission_denied"), Code::PermissionDenied);
        assert_eq!(code_named("NO_SUCH_CODE"), Code::Unknown);
        assert_eq!(code_named("7"), Code::PermissionDenied);
    }

    #[test]
    fn details_speak_before_the_code() {
        let cases = [
            (
                Code::Unavailable,
                Details::TooManyRequests(TooManyRequests::default()),
                SourceErrorKind::RateLimited,
            ),
            (
                Code::NotFound,
                Details::PermissionDenied(PermissionDenied::default()),
                SourceErrorKind::Denied,
            ),
            (
                Code::Unknown,
                Details::ResourceNotFound(ResourceNotFound::default()),
                SourceErrorKind::NotFound,
            ),
            (
                Code::ResourceExhausted,
                Details::QuotaFailure(QuotaFailure::default()),
                SourceErrorKind::Unavailable,
            ),
        ];
        for (code, details, kind) in cases {
            let refusal = Refusal::of(&detailed(code, details));
            assert_eq!(refusal.kind, kind);
            assert_eq!(refusal.service_code.as_deref(), Some("SomeCode"));
            assert!(!refusal.is_local);
        }
    }

    #[test]
    fn details_that_cannot_be_read_say_nothing() {
        for bytes in [vec![0xff, 0xff, 0xff], vec![], b"garbage".to_vec()] {
            let status = Status::with_details(Code::ResourceExhausted, "slow down", bytes.into());
            let refusal = Refusal::of(&status);
            assert_eq!(refusal.kind, SourceErrorKind::RateLimited);
            assert_eq!(refusal.service_code, None);
            assert_eq!(refusal.text, "slow down");
        }
    }

    #[test]
    fn the_request_id_is_in_the_metadata_or_in_the_details() {
        let internal = || {
            Details::InternalError(InternalError {
                request_id: "from-details".to_owned(),
                trace_id: String::new(),
            })
        };
        let mut status = detailed(Code::Internal, internal());
        let id = |status: &Status| Refusal::of(status).request_id;
        assert_eq!(id(&status).as_deref(), Some("from-details"));
        let mut metadata = MetadataMap::new();
        metadata.insert("x-request-id", "from-metadata".parse().unwrap());
        *status.metadata_mut() = metadata;
        assert_eq!(id(&status).as_deref(), Some("from-metadata"));
        assert_eq!(id(&Status::internal("")), None);
    }

    #[test]
    fn a_message_cannot_move_the_cursor_and_ends() {
        let nasty = format!("a\u{1b}[2Jb\r\nc{}", "x".repeat(5_000));
        let refusal = Refusal::of(&Status::internal(nasty));
        assert!(refusal.text.starts_with("a\u{fffd}[2Jb  c"));
        assert_eq!(refusal.text.chars().count(), LONGEST_TEXT);
        assert_eq!(Refusal::of(&Status::internal("")).text, "no message");
    }
}
