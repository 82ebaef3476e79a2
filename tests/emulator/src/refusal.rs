//! Why a call is refused, and the status with its `ServiceError` detail that says so on the wire.

use std::fmt;

use nebius_api::{
    google::rpc,
    nebius::common::v1::{
        BadRequest, BadResourceState, NotEnoughResources, OperationConflict, PermissionDenied,
        QuotaFailure, ResourceAlreadyExists, ResourceNotFound, ServiceError, bad_request,
        not_enough_resources, quota_failure,
        service_error::{Details, RetryType},
    },
    world::RecordedError,
};
use prost::{Message, Name};
use tonic::{Code, Status};

/// A call that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The cloud does not say whether a container that is not the caller's exists.
    #[error("permission denied, resource ID: {0}")]
    Container(String),
    #[error("not found, resource ID: {0}")]
    NotFound(String),
    #[error("`{field}` {message}")]
    Invalid {
        field: &'static str,
        message: String,
    },
    #[error("{}", error.message)]
    Recorded {
        error: RecordedError,
        resource_id: String,
    },
    #[error("the world does not hold {0}")]
    NotRecorded(&'static str),
    #[error("{0}")]
    Unauthenticated(String),
    #[error("the emulator has no filters")]
    Filter,
    #[error("already exists, resource ID: {0}")]
    Exists(String),
    #[error("{message}, resource ID: {resource_id}")]
    State {
        resource_id: String,
        message: &'static str,
    },
    /// Changes of one resource must not overlap.
    #[error("operation {operation_id} is under way, resource ID: {resource_id}")]
    Conflict {
        operation_id: String,
        resource_id: String,
    },
    #[error("{0}")]
    Exhausted(Shortage),
}

/// What a launch lacks, quotas and hardware told apart (nebius rule 36).
#[derive(Debug, Default)]
pub(crate) struct Shortage {
    pub(crate) quotas: Vec<quota_failure::Violation>,
    pub(crate) resources: Vec<not_enough_resources::Violation>,
}

impl Shortage {
    pub(crate) const fn is_empty(&self) -> bool {
        self.quotas.is_empty() && self.resources.is_empty()
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each detail says the rest.
        let quotas = self.quotas.iter().enumerate().map(|(index, violation)| {
            let before = if index == 0 {
                "Quota limit exceeded: "
            } else {
                ", "
            };
            (before, &violation.quota)
        });
        let resources = self.resources.iter().enumerate().map(|(index, violation)| {
            let before = if index == 0 && self.quotas.is_empty() {
                ""
            } else {
                "; "
            };
            (before, &violation.message)
        });
        for (before, words) in quotas.chain(resources) {
            write!(formatter, "{before}{words}")?;
        }
        Ok(())
    }
}

impl Refusal {
    pub(crate) fn invalid(field: &'static str, message: &str) -> Self {
        Self::Invalid {
            field,
            message: message.to_owned(),
        }
    }

    /// A launch over these quotas.
    pub(crate) const fn over_quota(quotas: Vec<quota_failure::Violation>) -> Self {
        Self::Exhausted(Shortage {
            quotas,
            resources: Vec::new(),
        })
    }

    /// The status of this refusal by the API `service`, such as `quotas`.
    pub(crate) fn status(&self, service: &str) -> Status {
        let (code, errors) = self.explained(service);
        status_with(code, &self.message(code), &errors)
    }

    /// The same as a failed operation carries it.
    pub(crate) fn rpc_status(&self, service: &str) -> rpc::Status {
        let (code, errors) = self.explained(service);
        rpc_status(code, &self.message(code), &errors)
    }

    fn message(&self, code: Code) -> String {
        match self {
            Self::Recorded { error, .. } if code == Code::Unknown => {
                format!("{}: {}", error.code, error.message)
            }
            _ => self.to_string(),
        }
    }

    fn explained(&self, service: &str) -> (Code, Vec<ServiceError>) {
        let error = |code: &str, retry_type: RetryType, details| ServiceError {
            service: service.to_owned(),
            code: code.to_owned(),
            retry_type: retry_type.into(),
            details: Some(details),
        };
        let fatal = |code, name, details| (code, vec![error(name, RetryType::Nothing, details)]);
        let denied = |id: &String| {
            let resource_id = id.clone();
            let details = Details::PermissionDenied(PermissionDenied { resource_id });
            fatal(Code::PermissionDenied, "PermissionDenied", details)
        };
        let not_found = |id: &String| {
            let resource_id = id.clone();
            let details = Details::ResourceNotFound(ResourceNotFound { resource_id });
            fatal(Code::NotFound, "ResourceNotFound", details)
        };
        match self {
            Self::Container(id) => denied(id),
            Self::NotFound(id) => not_found(id),
            Self::Invalid { field, message } => {
                let violation = bad_request::Violation {
                    field: (*field).to_owned(),
                    message: message.clone(),
                };
                let violations = vec![violation];
                let details = Details::BadRequest(BadRequest { violations });
                fatal(Code::InvalidArgument, "BadRequest", details)
            }
            Self::Recorded { error, resource_id } => match code_named(&error.code) {
                Some(Code::PermissionDenied) => denied(resource_id),
                Some(Code::NotFound) => not_found(resource_id),
                Some(code) => (code, Vec::new()),
                None => (Code::Unknown, Vec::new()),
            },
            Self::NotRecorded(_) => (Code::Unavailable, Vec::new()),
            Self::Unauthenticated(_) => (Code::Unauthenticated, Vec::new()),
            Self::Filter => (Code::Unimplemented, Vec::new()),
            Self::Exists(id) => {
                let resource_id = id.clone();
                let details = Details::ResourceAlreadyExists(ResourceAlreadyExists { resource_id });
                fatal(Code::AlreadyExists, "ResourceAlreadyExists", details)
            }
            Self::State {
                resource_id,
                message,
            } => {
                let details = Details::BadResourceState(BadResourceState {
                    resource_id: resource_id.clone(),
                    message: (*message).to_owned(),
                });
                fatal(Code::FailedPrecondition, "BadResourceState", details)
            }
            Self::Conflict {
                operation_id,
                resource_id,
            } => {
                let details = Details::OperationConflict(OperationConflict {
                    conflicting_operation_id: operation_id.clone(),
                    resource_id: resource_id.clone(),
                });
                let retry = RetryType::UnitOfWork;
                (
                    Code::Aborted,
                    vec![error("OperationConflict", retry, details)],
                )
            }
            Self::Exhausted(shortage) => {
                let mut errors = Vec::new();
                if !shortage.quotas.is_empty() {
                    let violations = shortage.quotas.clone();
                    let details = Details::QuotaFailure(QuotaFailure { violations });
                    errors.push(error("QuotaFailure", RetryType::Nothing, details));
                }
                if !shortage.resources.is_empty() {
                    let violations = shortage.resources.clone();
                    let details = Details::NotEnoughResources(NotEnoughResources { violations });
                    errors.push(error("NotEnoughResources", RetryType::UnitOfWork, details));
                }
                (Code::ResourceExhausted, errors)
            }
        }
    }
}

/// A status that carries `errors` in `grpc-status-details-bin`.
pub(crate) fn status_with(code: Code, message: &str, errors: &[ServiceError]) -> Status {
    if errors.is_empty() {
        return Status::new(code, message);
    }
    let status = rpc_status(code, message, errors);
    Status::with_details(code, message, status.encode_to_vec().into())
}

fn rpc_status(code: Code, message: &str, errors: &[ServiceError]) -> rpc::Status {
    let detail = |error: &ServiceError| prost_types::Any {
        type_url: format!("type.googleapis.com/{}", ServiceError::full_name()),
        value: error.encode_to_vec(),
    };
    rpc::Status {
        code: code.into(),
        message: message.to_owned(),
        details: errors.iter().map(detail).collect(),
    }
}

/// The status code of a name such as `PERMISSION_DENIED`.
pub(crate) fn code_named(name: &str) -> Option<Code> {
    Some(match name {
        "OK" => Code::Ok,
        "CANCELLED" => Code::Cancelled,
        "UNKNOWN" => Code::Unknown,
        "INVALID_ARGUMENT" => Code::InvalidArgument,
        "DEADLINE_EXCEEDED" => Code::DeadlineExceeded,
        "NOT_FOUND" => Code::NotFound,
        "ALREADY_EXISTS" => Code::AlreadyExists,
        "PERMISSION_DENIED" => Code::PermissionDenied,
        "RESOURCE_EXHAUSTED" => Code::ResourceExhausted,
        "FAILED_PRECONDITION" => Code::FailedPrecondition,
        "ABORTED" => Code::Aborted,
        "OUT_OF_RANGE" => Code::OutOfRange,
        "UNIMPLEMENTED" => Code::Unimplemented,
        "INTERNAL" => Code::Internal,
        "UNAVAILABLE" => Code::Unavailable,
        "DATA_LOSS" => Code::DataLoss,
        "UNAUTHENTICATED" => Code::Unauthenticated,
        _ => return None,
    })
}
