//! Which failures may pass, so that the same call is worth making again.
//!
//! The first rule that speaks decides:
//!
//! 1. A server that asks not to be asked again (`grpc-retry-pushback-ms` below zero or no number, gRPC proposal A6), a
//!    token that is not known (another one is made elsewhere), and a lack of quota or hardware, which no second attempt
//!    mends, though the official SDKs try: never.
//! 2. The service's own `retry_type`: CALL is made again; UNIT_OF_WORK and NOTHING are not, whatever the code.
//! 3. What the question itself is to blame for, by its details or its code: not made again.
//! 4. Our own transport, which reached nobody or lost the connection on the way: made again, since all our calls
//!    but read. So is what the details call TooManyRequests.
//! 5. UNAVAILABLE, DEADLINE_EXCEEDED and ABORTED: made again. RESOURCE_EXHAUSTED too, but not with details of any other
//!    kind: they might name a quota in words that nobody here understands.
//! 6. INTERNAL and UNKNOWN are the service's own failure and not made again, as in the official SDKs, except where a proxy
//!    answered in its place (an HTTP status of 5xx without one of gRPC) or the answer was cut off.

use std::{error::Error as _, time::Duration};

use nebius_api::nebius::common::v1::{
    ServiceError,
    service_error::{Details, RetryType},
};
use quotagate::source::SourceErrorKind;
use tonic::{Code, Status};

use crate::details::StatusDetails;

const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// How tonic begins the message of an answer that has an HTTP status and none of gRPC.
const HTTP_ONLY: &str = "grpc-status header missing, mapped from HTTP status code ";
/// How tonic begins the message of an answer that ended without a status.
const CUT_OFF: &str = "protocol error: missing grpc-status trailer";

/// Whether the call that was refused so may succeed if it is made again.
pub(crate) fn may_pass(status: &Status, kind: SourceErrorKind, details: &StatusDetails) -> bool {
    let code = status.code();
    if matches!(pushback(status), Some(Pushback::Never))
        || code == Code::Unauthenticated
        || details.errors.iter().any(is_shortage)
    {
        return false;
    }
    match retry_type(&details.errors) {
        RetryType::Call => return true,
        RetryType::UnitOfWork | RetryType::Nothing => return false,
        RetryType::Unspecified => {}
    }
    match kind {
        SourceErrorKind::Unavailable | SourceErrorKind::RateLimited => {}
        _ => return false,
    }
    if status.source().is_some() || details.errors.iter().any(is_too_many_requests) {
        return true;
    }
    match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted => true,
        Code::ResourceExhausted => details.errors.is_empty() && !details.has_unknown,
        Code::Internal | Code::Unknown => is_from_between(status.message()),
        _ => false,
    }
}

/// How long the server asks to be left alone: the longer one of what its metadata and its details say.
pub(crate) fn hint(status: &Status, details: &StatusDetails) -> Option<Duration> {
    let pushback = match pushback(status) {
        Some(Pushback::After(wait)) => Some(wait),
        Some(Pushback::Never) | None => None,
    };
    pushback.max(details.retry_delay)
}

enum Pushback {
    Never,
    After(Duration),
}

fn pushback(status: &Status) -> Option<Pushback> {
    let value = status.metadata().get(PUSHBACK)?;
    let milliseconds = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(milliseconds.map_or(Pushback::Never, |milliseconds| {
        Pushback::After(Duration::from_millis(milliseconds))
    }))
}

/// The strictest of what several details say.
fn retry_type(errors: &[ServiceError]) -> RetryType {
    let types = errors.iter().map(ServiceError::retry_type);
    types.max_by_key(|said| *said as i32).unwrap_or_default()
}

fn is_shortage(error: &ServiceError) -> bool {
    let is_named = ["QuotaFailure", "NotEnoughResources"].contains(&error.code.as_str());
    let details = &error.details;
    is_named
        || matches!(
            details,
            Some(Details::QuotaFailure(_) | Details::NotEnoughResources(_))
        )
}

fn is_too_many_requests(error: &ServiceError) -> bool {
    error.code == "TooManyRequests" || matches!(error.details, Some(Details::TooManyRequests(_)))
}

/// Whether it was not the service that answered, but something on the way to it.
fn is_from_between(message: &str) -> bool {
    let http = message.strip_prefix(HTTP_ONLY);
    http.is_some_and(|status| status.starts_with('5')) || message.starts_with(CUT_OFF)
}

#[cfg(test)]
#[path = "tests/retry_rules.rs"]
mod tests;
