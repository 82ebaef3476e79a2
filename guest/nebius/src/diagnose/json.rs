//! Launch errors as JSON, in the shapes in which tools print them: an operation, a list of operations, a `google.rpc.Status`,
//! a bare `ServiceError`, `{"code": ..., "message": ...}`, and resources that keep their last error in their status. Field
//! names in snake_case or camelCase.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use super::{
    Detail, LaunchError, QuotaViolation, ResourceViolation, Retry, ServiceError, code,
    kind_of_code, rendering,
};

/// What one JSON value says of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It failed.
    Failed(LaunchError),
    /// An operation or a status that says success.
    Success,
    /// An operation that has not ended.
    Running,
    /// A resource in this state, which tells no error.
    Resource(String),
    /// A list without an item.
    EmptyList,
    /// A status whose code is none.
    NoCode(String),
    /// Nothing of an error.
    Nothing,
}

/// What a value says, item by item where it is a list.
pub(super) fn read(value: &Value, told: &mut Vec<Told>) {
    match value {
        Value::Array(items) if items.is_empty() => told.push(Told::EmptyList),
        Value::Array(items) => {
            for item in items {
                read(item, told);
            }
        }
        Value::Object(object) => read_object(object, told),
        _ => told.push(Told::Nothing),
    }
}

fn read_object(object: &Map<String, Value>, told: &mut Vec<Told>) {
    for list in ["operations", "items"] {
        if let Some(items @ Value::Array(_)) = object.get(list) {
            return read(items, told);
        }
    }
    if let Some(event) = field(object, "last_occurrence").and_then(Value::as_object) {
        return read_object(event, told);
    }
    match field(object, "error") {
        Some(Value::Object(error)) => return told.push(status(error)),
        Some(Value::String(text)) => {
            let details = rendering::in_text(text);
            if !details.is_empty() {
                return told.push(failed(details));
            }
        }
        _ => {}
    }
    match field(object, "status") {
        // A success has the code zero, which is left out.
        Some(Value::Object(inner)) if inner.is_empty() => return told.push(Told::Success),
        Some(Value::Object(inner)) => return read_status(inner, told),
        Some(Value::Null) => return told.push(Told::Running),
        _ => {}
    }
    told.push(if is_service_error(object) {
        failed(Vec::from([service_error(object)]))
    } else if object.contains_key("id") && !object.contains_key("code") {
        without_status(object)
    } else {
        status(object)
    });
}

/// Something with an id and without a status: an operation that is still running, unless it says that it is over.
fn without_status(object: &Map<String, Value>) -> Told {
    let mut states = ["state", "status"]
        .map(|name| string(object, name))
        .into_iter();
    if let Some(state) = states.find(|state| !state.is_empty()) {
        return Told::Resource(state);
    }
    let is_over = ["finished_at", "error"]
        .iter()
        .any(|name| field(object, name).is_some_and(|value| !value.is_null()));
    if is_over {
        Told::Resource(String::new())
    } else {
        Told::Running
    }
}

/// The `status` of an operation, which has a code, or of a resource, which has a state.
fn read_status(object: &Map<String, Value>, told: &mut Vec<Told>) {
    let before = told.len();
    let events = field(object, "events").and_then(Value::as_array);
    for event in events.into_iter().flatten().filter_map(Value::as_object) {
        let last = field(event, "last_occurrence").and_then(Value::as_object);
        let error = field(last.unwrap_or(event), "error").and_then(Value::as_object);
        told.extend(error.map(status));
    }
    let state = string(object, "state");
    if let Some(details) = field(object, "state_details").and_then(Value::as_object) {
        told.extend(state_details(&state, details).map(Told::Failed));
    }
    if told.len() > before {
        return;
    }
    let is_status = ["code", "message", "details"]
        .iter()
        .any(|name| object.contains_key(*name));
    told.push(if is_status {
        status(object)
    } else {
        Told::Resource(state)
    });
}

/// The details of a serverless job's state: a code of its own, a message, and a `service_error` where there is one.
fn state_details(state: &str, object: &Map<String, Value>) -> Option<LaunchError> {
    let (code, message) = (string(object, "code"), string(object, "message"));
    let mut details: Vec<_> = field(object, "service_error")
        .and_then(Value::as_object)
        .map(service_error)
        .into_iter()
        .collect();
    if details.is_empty() {
        details = rendering::in_text(&message);
    }
    if details.is_empty() && kind_of_code(&code).is_some() {
        details.push(ServiceError::of_code(&code));
    }
    (!details.is_empty() || matches!(state, "FAILED" | "ERROR")).then_some(LaunchError {
        // That it failed is known, and not why.
        code: code::UNKNOWN,
        message,
        details,
    })
}

fn failed(details: Vec<ServiceError>) -> Told {
    Told::Failed(LaunchError {
        details,
        ..LaunchError::default()
    })
}

/// A `google.rpc.Status`, or what looks like one.
fn status(object: &Map<String, Value>) -> Told {
    let message = string(object, "message");
    let listed = match field(object, "details") {
        Some(Value::Array(details)) => details.as_slice(),
        Some(detail @ Value::Object(_)) => core::slice::from_ref(detail),
        _ => &[],
    };
    let mut details: Vec<ServiceError> = listed
        .iter()
        .chain(field(object, "service_error"))
        .filter_map(|detail| match detail {
            Value::Object(detail) if is_service_error(detail) || is_code_alone(detail) => {
                Some(service_error(detail))
            }
            Value::String(code) if kind_of_code(code).is_some() => {
                Some(ServiceError::of_code(code))
            }
            _ => None,
        })
        .collect();
    if details.is_empty() {
        details = rendering::in_text(&message);
    }
    let code = match field(object, "code") {
        None => Some(0),
        Some(Value::Number(number)) => number.as_i64().and_then(|code| i32::try_from(code).ok()),
        Some(Value::String(name)) => code::named(name).or_else(|| {
            // The code of a detail in the place of the status's.
            kind_of_code(name)?;
            details.push(ServiceError::of_code(name));
            Some(0)
        }),
        Some(_) => None,
    };
    match code {
        Some(0) if !details.is_empty() => Told::Failed(LaunchError {
            code: 0,
            message,
            details,
        }),
        Some(0) if object.contains_key("code") => Told::Success,
        Some(0) => Told::Nothing,
        Some(code) => Told::Failed(LaunchError {
            code,
            message,
            details,
        }),
        None if !details.is_empty() => failed(details),
        None => Told::NoCode(field(object, "code").map_or_else(String::new, Value::to_string)),
    }
}

fn is_service_error(object: &Map<String, Value>) -> bool {
    match object.get("@type").and_then(Value::as_str) {
        Some(name) => name.ends_with(".ServiceError"),
        None => DETAILS.iter().any(|name| field(object, name).is_some()),
    }
}

/// Whether an object is a detail without its type and its variant, as some tools print it.
fn is_code_alone(object: &Map<String, Value>) -> bool {
    !object.contains_key("@type") && kind_of_code(&string(object, "code")).is_some()
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
        "permission_denied" => Detail::PermissionDenied(string(variant, "resource_id")),
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
