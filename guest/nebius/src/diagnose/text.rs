//! A launch error as JSON, in the shapes in which tools print it: a failed operation, a `google.rpc.Status`, a bare
//! `ServiceError`, or `{"code": ..., "message": ...}`. Field names in snake_case or camelCase.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use super::{Detail, Failure, QuotaViolation, ResourceViolation, Retry, ServiceError};

/// Text that holds no launch error, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnError(pub String);

/// Reads an error from JSON.
///
/// # Errors
/// When the text is not JSON, or JSON without an error in it: an operation that succeeded or still runs, or something
/// else.
pub fn from_json(text: &str) -> Result<Failure, NotAnError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| NotAnError(format!("not JSON: {error}")))?;
    let object = value
        .as_object()
        .ok_or_else(|| NotAnError("not a JSON object".into()))?;
    if let Some(inner) = field(object, "error").and_then(Value::as_object) {
        return status(inner);
    }
    // An operation carries its outcome in `status`; a resource's own `status` has no code.
    if let Some(inner) = field(object, "status").and_then(Value::as_object) {
        return status(inner);
    }
    if is_service_error(object) {
        return Ok(Failure {
            details: Vec::from([service_error(object)]),
            ..Failure::default()
        });
    }
    if object.contains_key("id") && !object.contains_key("code") {
        return Err(NotAnError(
            "an operation without a status: it is still running, so there is no error yet".into(),
        ));
    }
    status(object)
}

fn status(object: &Map<String, Value>) -> Result<Failure, NotAnError> {
    let code = field(object, "code")
        .map_or(Some(0), code_of)
        .ok_or_else(|| {
            NotAnError("the `code` is neither a gRPC status code nor the name of one".into())
        })?;
    let message = string(object, "message");
    let details: Vec<ServiceError> = field(object, "details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|detail| is_service_error(detail))
        .map(service_error)
        .collect();
    if code == 0 && details.is_empty() {
        return Err(NotAnError(if object.contains_key("code") {
            "the status says success: there is no error in it".into()
        } else {
            "no status, no code and no detail of an error in it".into()
        }));
    }
    Ok(Failure {
        code,
        message,
        details,
    })
}

/// The names of gRPC status codes, by code.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn code_of(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => number.as_i64().and_then(|code| i32::try_from(code).ok()),
        Value::String(name) => {
            // `RESOURCE_EXHAUSTED` as the CLI prints it, `ResourceExhausted` as some libraries do.
            let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
            CODES
                .iter()
                .position(|known| plain(known) == plain(name))
                .and_then(|code| i32::try_from(code).ok())
                .or_else(|| name.trim().parse().ok())
        }
        _ => None,
    }
}

fn is_service_error(object: &Map<String, Value>) -> bool {
    match object.get("@type").and_then(Value::as_str) {
        Some(name) => name.ends_with(".ServiceError"),
        None => DETAILS.iter().any(|name| field(object, name).is_some()),
    }
}

/// The names of a `ServiceError`'s variants.
const DETAILS: &[&str] = &[
    "quota_failure",
    "not_enough_resources",
    "too_many_requests",
    "permission_denied",
    "bad_request",
    "out_of_range",
    "bad_resource_state",
    "resource_not_found",
    "resource_already_exists",
    "resource_conflict",
    "operation_aborted",
    "operation_conflict",
    "internal_error",
];

fn service_error(object: &Map<String, Value>) -> ServiceError {
    // Some printers keep the variant in an object of its own, under `details`.
    let inside = field(object, "details").and_then(Value::as_object);
    let kind = DETAILS.iter().find_map(|name| {
        let found = field(object, name).or_else(|| field(inside?, name))?;
        found.as_object().map(|variant| detail(name, variant))
    });
    ServiceError {
        code: string(object, "code"),
        kind,
        retry: match string(object, "retry_type").as_str() {
            "CALL" => Retry::Call,
            "UNIT_OF_WORK" => Retry::UnitOfWork,
            "NOTHING" => Retry::Nothing,
            _ => Retry::Unspecified,
        },
    }
}

fn detail(name: &str, variant: &Map<String, Value>) -> Detail {
    let violations = || {
        field(variant, "violations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
    };
    match name {
        "quota_failure" => Detail::QuotaFailure(
            violations()
                .map(|violation| QuotaViolation {
                    quota: string(violation, "quota"),
                    message: string(violation, "message"),
                    limit: string(violation, "limit"),
                    requested: string(violation, "requested"),
                })
                .collect(),
        ),
        "not_enough_resources" => Detail::NotEnoughResources(
            violations()
                .map(|violation| ResourceViolation {
                    message: string(violation, "message"),
                    requested: string(violation, "requested"),
                })
                .collect(),
        ),
        "too_many_requests" => Detail::TooManyRequests,
        "permission_denied" => Detail::PermissionDenied,
        "resource_conflict" | "operation_aborted" | "operation_conflict" => Detail::Conflict,
        "internal_error" => Detail::Internal,
        "bad_request" => {
            let words: Vec<String> = violations()
                .map(|violation| {
                    format!(
                        "{}: {}",
                        string(violation, "field"),
                        string(violation, "message")
                    )
                })
                .collect();
            Detail::Invalid(words.join("; "))
        }
        "out_of_range" => Detail::Invalid(format!(
            "{} requested, {} allowed",
            string(variant, "requested"),
            string(variant, "limit")
        )),
        _ => Detail::Invalid(format!(
            "{} {}: {}",
            name.replace('_', " "),
            string(variant, "resource_id"),
            string(variant, "message")
        )),
    }
}

/// A field by its snake_case name, or the camelCase form of it.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let mut camel = String::new();
        for (index, part) in name.split('_').enumerate() {
            let mut letters = part.chars();
            match letters.next() {
                Some(first) if index > 0 => camel.push(first.to_ascii_uppercase()),
                Some(first) => camel.push(first),
                None => {}
            }
            camel.push_str(letters.as_str());
        }
        object.get(&camel)
    })
}

/// A text, or a number as text: 64-bit integers come as either.
fn string(object: &Map<String, Value>, name: &str) -> String {
    match field(object, name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
