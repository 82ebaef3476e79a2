//! What a launch error of Nebius means (nebius rule 36).
//!
//! The detail decides: quota and capacity failures both come under status 8, so the code alone says little. Text is read
//! where an SDK made it of a detail, and never where people wrote it. An error may carry several details, and a text several
//! errors; each becomes findings.

mod code;
mod finding;
mod json;
mod lesson;
mod protobuf;
mod rendering;
mod text;

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use quotagate_guest::{
    Diagnosis, ErrorCode, Failure, FailureKind, FailureParts, Finding, Refusal, Remedy,
};

use self::text::{NotAnError, from_text};

/// The end of the name of a `google.rpc.Status`.
const STATUS: &str = "google.rpc.Status";

/// A launch error as the cloud sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LaunchError {
    /// The gRPC status code.
    code: i32,
    /// The message of the status.
    message: String,
    /// The details that explain it, as far as they could be read.
    details: Vec<ServiceError>,
}

/// A `nebius.common.v1.ServiceError`, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ServiceError {
    /// The cloud's code, such as `QuotaFailure`.
    code: String,
    /// What the variant of the detail says.
    kind: Option<Detail>,
    /// Whether the cloud itself says that repeating can help.
    retry: Retry,
}

/// The variants of a `ServiceError` that tell kinds of failure apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Quotas that the launch would exceed.
    QuotaFailure(Vec<QuotaViolation>),
    /// Hardware that was not free.
    NotEnoughResources(Vec<ResourceViolation>),
    /// Too many calls.
    TooManyRequests,
    /// The credentials do not allow it on the resource of this id.
    PermissionDenied(String),
    /// The request is wrong, or does not fit what is there.
    Invalid(String),
    /// Another operation stands in the way.
    Conflict,
    /// The cloud failed.
    Internal,
}

/// A quota that a launch would exceed, with the cloud's own numbers as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct QuotaViolation {
    /// The quota's name.
    quota: String,
    /// The cloud's words.
    message: String,
    /// The limit in force.
    limit: String,
    /// What the quota would have reached: usage and demand together.
    requested: String,
}

/// Hardware that was not free.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct ResourceViolation {
    /// The cloud's words.
    message: String,
    /// What was asked for, such as a preset.
    requested: String,
}

/// What the cloud says about repeating (`ServiceError.retry_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Retry {
    /// Nothing.
    #[default]
    Unspecified,
    /// Repeat the call.
    Call,
    /// Redo what led to the call.
    UnitOfWork,
    /// Do not repeat.
    Nothing,
}

impl LaunchError {
    /// Reads an error as a client has it: a status code, its message, and details, each of which is a `google.rpc.Status` or a
    /// `ServiceError`. Details that are cut off or of another kind are passed over; the status of the bytes counts where no
    /// code is given.
    fn from_parts(parts: &FailureParts) -> Self {
        let mut error = Self {
            code: code::named(&parts.code).unwrap_or_default(),
            message: parts.message.clone(),
            details: Vec::new(),
        };
        for detail in &parts.details {
            let type_name = detail.type_name.as_str();
            if protobuf::is_service_error(type_name) {
                error.details.extend(protobuf::service_error(&detail.value));
            } else if type_name.ends_with(STATUS) {
                error.add(protobuf::decode(&detail.value));
            }
        }
        if error.details.is_empty() {
            // A message that an SDK made of a detail.
            error.details = rendering::in_text(&error.message);
        }
        if error.details.is_empty() && kind_of_code(&parts.code).is_some() {
            // The code of a detail in the place of the status's.
            error.details.push(ServiceError::of_code(&parts.code));
        }
        error
    }

    /// Takes what a status says, where nothing else said it before.
    fn add(&mut self, status: Self) {
        if self.code == 0 {
            self.code = status.code;
        }
        if self.message.is_empty() {
            self.message = status.message;
        }
        self.details.extend(status.details);
    }

    fn kind(&self) -> FailureKind {
        self.details
            .iter()
            .filter_map(ServiceError::failure_kind)
            .min_by_key(|kind| rank(*kind))
            .unwrap_or_else(|| by_code(self.code))
    }
}

/// Says what a failure means, and what it teaches of the quotas that it names.
///
/// # Errors
/// When a text holds no launch error.
pub(crate) fn of(failure: &Failure) -> Result<Diagnosis, Refusal> {
    match failure {
        Failure::Parts(parts) => Ok(diagnose(&[LaunchError::from_parts(parts)])),
        Failure::Text(text) => match from_text(text) {
            Ok(errors) => Ok(diagnose(&errors)),
            Err(NotAnError(message)) => Err(Refusal {
                code: ErrorCode::InvalidText,
                message,
            }),
        },
    }
}

/// Says what the errors of one launch mean: the most specific kind of them, and all findings.
fn diagnose(errors: &[LaunchError]) -> Diagnosis {
    let kinds = errors.iter().map(|error| (error, error.kind()));
    let (error, kind) = kinds.min_by_key(|(_, kind)| rank(*kind)).unzip();
    let kind = kind.unwrap_or(FailureKind::Ambiguous);
    let details: &[ServiceError] = error.map_or(&[], |error| &error.details);
    let told = details
        .iter()
        .map(|detail| detail.retry)
        .find(|retry| *retry != Retry::Unspecified);
    let mut said = BTreeSet::new();
    // A list of operations tells the same failure again and again.
    let findings: Vec<Finding> = errors
        .iter()
        .flat_map(|error| &error.details)
        .filter_map(|detail| detail.kind.as_ref())
        .filter(|detail| said.insert(*detail))
        .flat_map(Detail::findings)
        .collect();
    Diagnosis {
        kind,
        lessons: findings.iter().filter_map(lesson::of).collect(),
        findings,
        retry: match told {
            Some(Retry::Call | Retry::UnitOfWork) => kind != FailureKind::Quota,
            Some(Retry::Nothing) => false,
            _ => matches!(
                kind,
                FailureKind::Capacity | FailureKind::RateLimit | FailureKind::Transient
            ),
        },
        remedy: Some(Remedy::from(remedy(kind, details))),
        contradicts: Vec::new(),
    }
}

/// A quota that is exceeded stays exceeded, whatever else failed; hardware may come back. What says nothing comes last.
const fn rank(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Quota => 0,
        FailureKind::Capacity => 1,
        FailureKind::Ambiguous => 3,
        _ => 2,
    }
}

impl ServiceError {
    /// One of which nothing but the code is known.
    fn of_code(code: &str) -> Self {
        Self {
            code: code.into(),
            ..Self::default()
        }
    }

    fn failure_kind(&self) -> Option<FailureKind> {
        match &self.kind {
            Some(detail) => Some(detail.failure_kind()),
            // An older package of details lacks some variants, but its code says the same.
            None => kind_of_code(&self.code),
        }
    }
}

impl Detail {
    const fn failure_kind(&self) -> FailureKind {
        match self {
            Self::QuotaFailure(_) => FailureKind::Quota,
            Self::NotEnoughResources(_) => FailureKind::Capacity,
            Self::TooManyRequests => FailureKind::RateLimit,
            Self::PermissionDenied(_) => FailureKind::Access,
            Self::Invalid(_) => FailureKind::Invalid,
            Self::Conflict | Self::Internal => FailureKind::Transient,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::QuotaFailure(violations) => violations.iter().map(finding::of_quota).collect(),
            Self::NotEnoughResources(violations) => {
                violations.iter().map(finding::of_hardware).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What the code of a detail says where the detail says no more; none where it is not one of the cloud's common ones.
fn kind_of_code(code: &str) -> Option<FailureKind> {
    Some(match code {
        "QuotaFailure" => FailureKind::Quota,
        "NotEnoughResources" => FailureKind::Capacity,
        "TooManyRequests" => FailureKind::RateLimit,
        "PermissionDenied" => FailureKind::Access,
        "BadRequest"
        | "BadResourceState"
        | "ResourceNotFound"
        | "ResourceAlreadyExists"
        | "OutOfRange" => FailureKind::Invalid,
        "ResourceConflict" | "OperationAborted" | "OperationConflict" | "InternalError" => {
            FailureKind::Transient
        }
        _ => return None,
    })
}

fn by_code(status: i32) -> FailureKind {
    match status {
        code::PERMISSION_DENIED | code::UNAUTHENTICATED => FailureKind::Access,
        code::INVALID_ARGUMENT
        | code::NOT_FOUND
        | code::ALREADY_EXISTS
        | code::FAILED_PRECONDITION
        | code::OUT_OF_RANGE
        | code::UNIMPLEMENTED => FailureKind::Invalid,
        code::CANCELLED
        | code::DEADLINE_EXCEEDED
        | code::ABORTED
        | code::INTERNAL
        | code::UNAVAILABLE => FailureKind::Transient,
        // RESOURCE_EXHAUSTED too: quota, capacity or rate limit, which nobody can tell without a detail (nebius rule 36).
        _ => FailureKind::Ambiguous,
    }
}

fn remedy(kind: FailureKind, details: &[ServiceError]) -> String {
    let mut kinds = details.iter().filter_map(|detail| detail.kind.as_ref());
    let named = kinds.find_map(|detail| match (kind, detail) {
        (FailureKind::Invalid, Detail::Invalid(words)) if !words.is_empty() => Some(words.clone()),
        (FailureKind::Access, Detail::PermissionDenied(id)) if !id.is_empty() => Some(format!(
            "check the credentials and their role for {id}: creating instances needs editor in the project"
        )),
        _ => None,
    });
    match kind {
        FailureKind::Quota => String::from(
            "free or raise the quotas named; trying again changes nothing, and resources left over from the failed launch (a boot disk, a stopped instance) still count",
        ),
        FailureKind::Capacity => String::from(
            "there is no free hardware now, and no quota will help: try another region, fabric or type, or again later; an instance that ended stopped still holds its quota, so start or delete it",
        ),
        FailureKind::RateLimit => {
            String::from("too many calls: wait, then try again with growing pauses")
        }
        FailureKind::Access => named.unwrap_or_else(|| {
            String::from(
                "check the credentials and the role in the project: creating instances needs editor there",
            )
        }),
        FailureKind::Invalid => named.unwrap_or_else(|| {
            String::from(
                "the request does not fit: change it, trying again as it is changes nothing",
            )
        }),
        FailureKind::Transient => String::from("the cloud failed: try again"),
        FailureKind::Ambiguous => String::from(
            "the error carries no detail that says whether quota, capacity or call rate was exceeded: check the quotas of this launch, and look at the operation for a detail",
        ),
    }
}
