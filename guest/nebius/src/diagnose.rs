//! What a launch error of Nebius means (nebius rule 36).
//!
//! The detail decides: quota and capacity failures both come under status 8, so the code alone says little, and text is
//! never interpreted where there is a detail. An operation may carry several details; each becomes findings.

mod protobuf;
mod text;

use alloc::{format, string::String, vec::Vec};

use quotagate_engine::{Diagnosis, FailureKind, Finding, QuotaOutcome, Reason};

pub use self::text::{NotAnError, from_json};

/// A launch error as the cloud sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The gRPC status code.
    pub code: i32,
    /// The message of the status.
    pub message: String,
    /// The details that explain it, as far as they could be read.
    pub details: Vec<ServiceError>,
}

/// A `nebius.common.v1.ServiceError`, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// The cloud's code, such as `QuotaFailure`.
    pub code: String,
    /// What the variant of the detail says.
    pub kind: Option<Detail>,
    /// Whether the cloud itself says that repeating can help.
    pub retry: Retry,
}

/// The variants of a `ServiceError` that tell kinds of failure apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Quotas that the launch would exceed.
    QuotaFailure(Vec<QuotaViolation>),
    /// Hardware that was not free.
    NotEnoughResources(Vec<ResourceViolation>),
    /// Too many calls.
    TooManyRequests,
    /// The credentials do not allow it.
    PermissionDenied,
    /// The request is wrong, or does not fit what is there.
    Invalid(String),
    /// Another operation stands in the way.
    Conflict,
    /// The cloud failed.
    Internal,
}

/// A quota that a launch would exceed, with the cloud's own numbers as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaViolation {
    /// The quota's name.
    pub quota: String,
    /// The cloud's words.
    pub message: String,
    /// The limit in force.
    pub limit: String,
    /// What was asked for.
    pub requested: String,
}

/// Hardware that was not free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceViolation {
    /// The cloud's words.
    pub message: String,
    /// What was asked for, such as a preset.
    pub requested: String,
}

/// What the cloud says about repeating (`ServiceError.retry_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
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

/// gRPC status codes that tell something by themselves.
mod code {
    pub(super) const CANCELLED: i32 = 1;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const DEADLINE_EXCEEDED: i32 = 4;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const ALREADY_EXISTS: i32 = 6;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const ABORTED: i32 = 10;
    pub(super) const OUT_OF_RANGE: i32 = 11;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const INTERNAL: i32 = 13;
    pub(super) const UNAVAILABLE: i32 = 14;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

impl Failure {
    /// Reads a status code, its message and the encoded `google.rpc.Status`, which may be empty. Details that are cut off
    /// or of another kind are passed over; the status of the bytes counts where the code is zero.
    pub fn from_status(code: i32, message: &str, details: &[u8]) -> Self {
        let status = protobuf::decode(details);
        Self {
            code: if code == 0 { status.code } else { code },
            message: if message.is_empty() {
                status.message
            } else {
                message.into()
            },
            details: status.details,
        }
    }
}

/// Says what an error means.
pub fn diagnose(failure: &Failure) -> Diagnosis {
    let kind = failure
        .details
        .iter()
        .filter_map(ServiceError::failure_kind)
        // A quota that is exceeded stays exceeded, whatever else failed; hardware may come back.
        .min_by_key(|kind| match kind {
            FailureKind::Quota => 0,
            FailureKind::Capacity => 1,
            _ => 2,
        })
        .unwrap_or_else(|| by_code(failure.code));
    let findings = failure
        .details
        .iter()
        .flat_map(ServiceError::findings)
        .collect();
    let told = failure
        .details
        .iter()
        .map(|detail| detail.retry)
        .find(|retry| *retry != Retry::Unspecified);
    Diagnosis {
        kind,
        findings,
        retry: match told {
            Some(Retry::Call | Retry::UnitOfWork) => kind != FailureKind::Quota,
            Some(Retry::Nothing) => false,
            _ => matches!(
                kind,
                FailureKind::Capacity | FailureKind::RateLimit | FailureKind::Transient
            ),
        },
        remedy: Some(remedy(kind, failure)),
    }
}

impl ServiceError {
    fn failure_kind(&self) -> Option<FailureKind> {
        Some(match &self.kind {
            Some(Detail::QuotaFailure(_)) => FailureKind::Quota,
            Some(Detail::NotEnoughResources(_)) => FailureKind::Capacity,
            Some(Detail::TooManyRequests) => FailureKind::RateLimit,
            Some(Detail::PermissionDenied) => FailureKind::Access,
            Some(Detail::Invalid(_)) => FailureKind::Invalid,
            Some(Detail::Conflict | Detail::Internal) => FailureKind::Transient,
            // An older package of details lacks some variants, but its code says the same.
            None => match self.code.as_str() {
                "QuotaFailure" => FailureKind::Quota,
                "NotEnoughResources" => FailureKind::Capacity,
                "TooManyRequests" => FailureKind::RateLimit,
                "PermissionDenied" => FailureKind::Access,
                _ => return None,
            },
        })
    }

    fn findings(&self) -> Vec<Finding> {
        match &self.kind {
            Some(Detail::QuotaFailure(violations)) => {
                violations.iter().map(quota_finding).collect()
            }
            Some(Detail::NotEnoughResources(violations)) => {
                violations.iter().map(resource_finding).collect()
            }
            _ => Vec::new(),
        }
    }
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
        // Quota, capacity or rate limit: without a detail nobody can tell (nebius rule 36).
        code::RESOURCE_EXHAUSTED => FailureKind::Ambiguous,
        _ => FailureKind::Ambiguous,
    }
}

fn quota_finding(violation: &QuotaViolation) -> Finding {
    let limit = violation.limit.trim().parse().ok();
    // A number that does not parse stays in the detail, in the cloud's words.
    let required: Option<u64> = violation.requested.trim().parse().ok();
    let size = violation.quota.contains(".size") || violation.quota.ends_with(".memory");
    Finding {
        reason: match (required, limit) {
            (Some(required), Some(limit)) if required > limit => Reason::ExceedsLimit,
            _ => Reason::Shortage,
        },
        quota: Some(violation.quota.clone()),
        unit: String::from(if size { "byte" } else { "count" }),
        required: required.unwrap_or(0),
        limit,
        detail: Some(format!(
            "{} (limit {}, requested {})",
            violation.message, violation.limit, violation.requested
        )),
        remedy: Some(format!(
            "the error does not say which scope refused: raise {} for the project if its share is the smaller, else for the tenant in the console under Administration, Limits, Quotas",
            violation.quota
        )),
        ..blank()
    }
}

fn resource_finding(violation: &ResourceViolation) -> Finding {
    Finding {
        reason: Reason::NoCapacity,
        outcome: QuotaOutcome::Fits,
        detail: Some(if violation.requested.is_empty() {
            violation.message.clone()
        } else {
            format!("{} (requested {})", violation.message, violation.requested)
        }),
        ..blank()
    }
}

fn blank() -> Finding {
    Finding {
        reason: Reason::Shortage,
        outcome: QuotaOutcome::Blocked,
        quota: None,
        scope: None,
        owner: None,
        region: String::new(),
        unit: String::new(),
        required: 0,
        limit: None,
        usage: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
        detail: None,
        remedy: None,
        rule: None,
    }
}

fn remedy(kind: FailureKind, failure: &Failure) -> String {
    let invalid = failure
        .details
        .iter()
        .find_map(|detail| match &detail.kind {
            Some(Detail::Invalid(why)) if !why.is_empty() => Some(why.clone()),
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
        FailureKind::Access => String::from(
            "check the credentials and the role in the project: creating instances needs editor there",
        ),
        FailureKind::Invalid => invalid.unwrap_or_else(|| {
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
