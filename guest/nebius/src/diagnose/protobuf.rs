//! `google.rpc.Status` as bytes: the part of it that tells kinds of failure apart, read field by field.
//!
//! Whatever is cut off, unknown or of the wrong type is passed over: bytes from outside never end in an error here, at
//! worst in a diagnosis without details.

use alloc::{format, string::String, vec::Vec};

use prost::Message;

use super::{Detail, LaunchError, QuotaViolation, ResourceViolation, Retry, ServiceError};

/// Reads a status as far as it can be read.
pub(super) fn decode(bytes: &[u8]) -> LaunchError {
    let Ok(status) = Status::decode(bytes) else {
        return LaunchError::default();
    };
    LaunchError {
        code: status.code,
        message: status.message,
        details: status
            .details
            .iter()
            .filter(|detail| is_service_error(&detail.type_url))
            .filter_map(|detail| service_error(&detail.value))
            .collect(),
    }
}

/// Whether a detail of this type explains an error.
pub(super) fn is_service_error(type_name: &str) -> bool {
    type_name.ends_with(".ServiceError")
}

/// Reads one detail that does.
pub(super) fn service_error(bytes: &[u8]) -> Option<ServiceError> {
    WireServiceError::decode(bytes).ok().map(ServiceError::from)
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `nebius.common.v1.ServiceError`, and the package before it, which has the same numbers.
#[derive(Clone, PartialEq, Message)]
struct WireServiceError {
    #[prost(string, tag = "2")]
    code: String,
    #[prost(int32, tag = "30")]
    retry_type: i32,
    #[prost(message, optional, tag = "100")]
    bad_request: Option<BadRequest>,
    #[prost(message, optional, tag = "110")]
    bad_resource_state: Option<Explained>,
    #[prost(message, optional, tag = "111")]
    resource_not_found: Option<Explained>,
    #[prost(message, optional, tag = "112")]
    resource_already_exists: Option<Explained>,
    #[prost(message, optional, tag = "113")]
    out_of_range: Option<OutOfRange>,
    #[prost(message, optional, tag = "120")]
    permission_denied: Option<Explained>,
    #[prost(message, optional, tag = "130")]
    resource_conflict: Option<Unexplained>,
    #[prost(message, optional, tag = "131")]
    operation_aborted: Option<Unexplained>,
    #[prost(message, optional, tag = "132")]
    operation_conflict: Option<Unexplained>,
    #[prost(message, optional, tag = "140")]
    too_many_requests: Option<Unexplained>,
    #[prost(message, optional, tag = "141")]
    quota_failure: Option<QuotaFailure>,
    #[prost(message, optional, tag = "142")]
    not_enough_resources: Option<NotEnoughResources>,
    #[prost(message, optional, tag = "999")]
    internal_error: Option<Unexplained>,
}

#[derive(Clone, PartialEq, Message)]
struct Unexplained {}

#[derive(Clone, PartialEq, Message)]
struct Explained {
    #[prost(string, tag = "1")]
    resource_id: String,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct OutOfRange {
    #[prost(string, tag = "1")]
    requested: String,
    #[prost(string, tag = "2")]
    limit: String,
}

#[derive(Clone, PartialEq, Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct QuotaFailure {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<WireQuotaViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct WireQuotaViolation {
    #[prost(string, tag = "1")]
    quota: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, tag = "3")]
    limit: String,
    #[prost(string, tag = "4")]
    requested: String,
}

#[derive(Clone, PartialEq, Message)]
struct NotEnoughResources {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<WireResourceViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct WireResourceViolation {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, tag = "3")]
    requested: String,
}

impl From<WireServiceError> for ServiceError {
    fn from(wire: WireServiceError) -> Self {
        let kind = wire.detail();
        Self {
            code: wire.code,
            kind,
            retry: match wire.retry_type {
                1 => Retry::Call,
                2 => Retry::UnitOfWork,
                3 => Retry::Nothing,
                _ => Retry::Unspecified,
            },
        }
    }
}

impl WireServiceError {
    fn detail(&self) -> Option<Detail> {
        if let Some(failure) = &self.quota_failure {
            let violations = failure.violations.iter().map(|violation| QuotaViolation {
                quota: violation.quota.clone(),
                message: violation.message.clone(),
                limit: violation.limit.clone(),
                requested: violation.requested.clone(),
            });
            return Some(Detail::QuotaFailure(violations.collect()));
        }
        if let Some(failure) = &self.not_enough_resources {
            let violations = failure
                .violations
                .iter()
                .map(|violation| ResourceViolation {
                    message: violation.message.clone(),
                    requested: violation.requested.clone(),
                });
            return Some(Detail::NotEnoughResources(violations.collect()));
        }
        if self.too_many_requests.is_some() {
            return Some(Detail::TooManyRequests);
        }
        if let Some(denied) = &self.permission_denied {
            return Some(Detail::PermissionDenied(denied.resource_id.clone()));
        }
        if let Some(request) = &self.bad_request {
            let words: Vec<String> = request
                .violations
                .iter()
                .map(|violation| format!("{}: {}", violation.field, violation.message))
                .collect();
            return Some(Detail::Invalid(words.join("; ")));
        }
        if let Some(range) = &self.out_of_range {
            return Some(Detail::Invalid(format!(
                "{} requested, {} allowed",
                range.requested, range.limit
            )));
        }
        let explained = [
            (
                &self.bad_resource_state,
                "is in a state that does not allow it",
            ),
            (&self.resource_not_found, "does not exist"),
            (&self.resource_already_exists, "exists already"),
        ];
        for (detail, what) in explained {
            if let Some(detail) = detail {
                let words = format!("{} {what}: {}", detail.resource_id, detail.message);
                return Some(Detail::Invalid(words.trim_end_matches([':', ' ']).into()));
            }
        }
        if self.resource_conflict.is_some()
            || self.operation_aborted.is_some()
            || self.operation_conflict.is_some()
        {
            return Some(Detail::Conflict);
        }
        self.internal_error.as_ref().map(|_| Detail::Internal)
    }
}
