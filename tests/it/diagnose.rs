//! What a launch error means: by its detail, in every form in which it comes.

use nebius_api::{
    google::rpc::Status,
    nebius::common::v1::{
        BadRequest, NotEnoughResources, PermissionDenied, QuotaFailure, ServiceError,
        TooManyRequests, bad_request, not_enough_resources, quota_failure, service_error::Details,
    },
};
use prost::Message;
use prost_types::Any;
use quotagate::{Failure, FailureKind, Reason};
use serde_json::{Value, json};

use crate::live::plugin;

const RESOURCE_EXHAUSTED: i32 = 8;

fn failure(details: Vec<Details>) -> Failure {
    let status = Status {
        code: RESOURCE_EXHAUSTED,
        message: "refused".to_owned(),
        details: details
            .into_iter()
            .map(|details| Any {
                type_url: "type.googleapis.com/nebius.common.v1.ServiceError".to_owned(),
                value: ServiceError {
                    service: "compute".to_owned(),
                    details: Some(details),
                    ..ServiceError::default()
                }
                .encode_to_vec(),
            })
            .collect(),
    };
    Failure {
        code: RESOURCE_EXHAUSTED,
        message: "refused".to_owned(),
        details: status.encode_to_vec(),
    }
}

fn quota_failure() -> Details {
    Details::QuotaFailure(QuotaFailure {
        violations: vec![quota_failure::Violation {
            quota: "vpc.ipv4-address.public.count".to_owned(),
            message: "limit exceeded".to_owned(),
            limit: "3".to_owned(),
            requested: "1".to_owned(),
        }],
    })
}

fn not_enough() -> Details {
    Details::NotEnoughResources(NotEnoughResources {
        violations: vec![not_enough_resources::Violation {
            resource_type: "virtualMachine".to_owned(),
            message: "VM schedule timeout".to_owned(),
            requested: "8gpu-128vcpu-1600gb".to_owned(),
        }],
    })
}

// nebius rule 36
#[test]
fn resource_exhausted_without_a_detail_is_ambiguous() {
    let diagnosis = plugin().diagnose(&failure(Vec::new())).unwrap();
    assert_eq!(diagnosis.kind, FailureKind::Ambiguous);
    assert!(!diagnosis.retry);
    // Whatever the text says.
    let text = Failure {
        message: "Quota limit exceeded".to_owned(),
        ..failure(Vec::new())
    };
    assert_eq!(
        plugin().diagnose(&text).unwrap().kind,
        FailureKind::Ambiguous
    );
}

// nebius rule 36
#[test]
fn the_detail_tells_capacity_from_quota_under_one_code() {
    let capacity = plugin().diagnose(&failure(vec![not_enough()])).unwrap();
    assert_eq!(capacity.kind, FailureKind::Capacity);
    assert!(capacity.retry);
    assert_eq!(capacity.findings[0].reason, Reason::NoCapacity);

    let quota = plugin().diagnose(&failure(vec![quota_failure()])).unwrap();
    assert_eq!(quota.kind, FailureKind::Quota);
    assert!(!quota.retry);
    let finding = &quota.findings[0];
    assert_eq!(
        finding.quota.as_deref(),
        Some("vpc.ipv4-address.public.count")
    );
    assert_eq!((finding.limit, finding.required), (Some(3), 1));

    let both = plugin()
        .diagnose(&failure(vec![not_enough(), quota_failure()]))
        .unwrap();
    assert_eq!(both.kind, FailureKind::Quota);
    assert_eq!(both.findings.len(), 2);
}

#[test]
fn every_kind_of_detail_has_its_kind_of_failure() {
    let bad_request = Details::BadRequest(BadRequest {
        violations: vec![bad_request::Violation {
            field: "spec.boot_disk".to_owned(),
            message: "required".to_owned(),
        }],
    });
    for (detail, kind) in [
        (
            Details::TooManyRequests(TooManyRequests::default()),
            FailureKind::RateLimit,
        ),
        (
            Details::PermissionDenied(PermissionDenied::default()),
            FailureKind::Access,
        ),
        (bad_request, FailureKind::Invalid),
    ] {
        assert_eq!(
            plugin().diagnose(&failure(vec![detail])).unwrap().kind,
            kind
        );
    }
    for (code, kind) in [
        (7, FailureKind::Access),
        (16, FailureKind::Access),
        (3, FailureKind::Invalid),
        (14, FailureKind::Transient),
        (4, FailureKind::Transient),
        (2, FailureKind::Ambiguous),
        (99, FailureKind::Ambiguous),
    ] {
        let bare = Failure {
            code,
            message: String::new(),
            details: Vec::new(),
        };
        assert_eq!(plugin().diagnose(&bare).unwrap().kind, kind, "{code}");
    }
}

#[test]
fn bytes_that_are_cut_off_cost_details_and_nothing_else() {
    let plugin = plugin();
    let whole = failure(vec![quota_failure()]);
    for length in 0..whole.details.len() {
        let cut = Failure {
            details: whole.details[..length].to_vec(),
            ..whole.clone()
        };
        let kind = plugin.diagnose(&cut).unwrap().kind;
        assert!(
            matches!(kind, FailureKind::Ambiguous | FailureKind::Quota),
            "{length}: {kind}"
        );
    }
}

fn diagnose_json(error: &Value) -> Value {
    serde_json::from_str(&plugin().diagnose_json(&error.to_string()).unwrap()).unwrap()
}

#[test]
fn an_operation_as_the_cli_prints_it_says_the_same_as_its_bytes() {
    let operation = json!({
        "id": "computeoperation-e00",
        "status": {
            "code": "RESOURCE_EXHAUSTED",
            "message": "refused",
            "details": [{
                "@type": "type.googleapis.com/nebius.common.v1.ServiceError",
                "service": "compute",
                "code": "QuotaFailure",
                "quota_failure": {"violations": [{
                    "quota": "vpc.ipv4-address.public.count",
                    "message": "limit exceeded",
                    "limit": "3",
                    "requested": "1"
                }]}
            }]
        }
    });
    let of_bytes = plugin().diagnose(&failure(vec![quota_failure()])).unwrap();
    assert_eq!(
        diagnose_json(&operation),
        serde_json::to_value(&of_bytes).unwrap()
    );
    // The status alone, a numeric code, camelCase.
    let mut status = operation["status"].clone();
    status["code"] = 8.into();
    let detail = status["details"][0].as_object_mut().unwrap();
    let violations = detail.remove("quota_failure").unwrap();
    detail.insert("quotaFailure".to_owned(), violations);
    assert_eq!(diagnose_json(&status)["kind"], "quota");
}

#[test]
fn what_is_no_error_is_refused_with_a_reason() {
    for (text, word) in [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no status"),
        (r#"{"id": "op", "status": {"code": 0}}"#, "success"),
        (r#"{"id": "op"}"#, "still running"),
        (r#"{"code": "SO_SO"}"#, "neither"),
    ] {
        let refused = plugin().diagnose_json(text).unwrap_err().to_string();
        assert!(refused.contains(word), "{text}: {refused}");
    }
}
