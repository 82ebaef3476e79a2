//! What a launch error means: by its detail, in every form in which it comes.

use std::{
    fs,
    sync::{Arc, LazyLock},
};

use nebius_api::{
    google::rpc::Status,
    nebius::common::v1::{
        BadRequest, NotEnoughResources, PermissionDenied, QuotaFailure, ServiceError,
        TooManyRequests, bad_request, not_enough_resources, quota_failure, service_error::Details,
    },
};
use prost::Message;
use prost_types::Any;
use quotagate::{
    ContractInventory, Diagnosis, Failure, FailureKind, Gate, GateError, Reason, StaticSource,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::runtime::Builder;

use crate::{
    harness::{Said, quotagate},
    live::{plugin, refused},
};

const RESOURCE_EXHAUSTED: i32 = 8;

/// What a gate says of a failure.
fn try_diagnose(failure: &Failure) -> Result<Diagnosis, GateError> {
    static GATE: LazyLock<Gate> = LazyLock::new(|| {
        let source = StaticSource::new("nebius", ContractInventory::default());
        Gate::new(plugin(), Arc::new(source)).unwrap()
    });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(GATE.diagnose(failure, None))
}

fn diagnose(failure: &Failure) -> Diagnosis {
    try_diagnose(failure).unwrap()
}

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
    refused("8", "refused", Some(status.encode_to_vec()))
}

fn quota_failure() -> Details {
    Details::QuotaFailure(QuotaFailure {
        violations: vec![quota_failure::Violation {
            quota: "vpc.ipv4-address.public.count".to_owned(),
            message: "limit exceeded".to_owned(),
            limit: "3".to_owned(),
            requested: "4".to_owned(),
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
    let diagnosis = diagnose(&failure(Vec::new()));
    assert_eq!(diagnosis.kind, FailureKind::Ambiguous);
    assert!(!diagnosis.retry);
    // Whatever the text says.
    let text = refused("8", "Quota limit exceeded", None);
    assert_eq!(diagnose(&text).kind, FailureKind::Ambiguous);
}

// nebius rule 36
#[test]
fn the_detail_tells_capacity_from_quota_under_one_code() {
    let capacity = diagnose(&failure(vec![not_enough()]));
    assert_eq!(capacity.kind, FailureKind::Capacity);
    assert!(capacity.retry);
    assert_eq!(capacity.findings[0].reason, Reason::NoCapacity);

    let quota = diagnose(&failure(vec![quota_failure()]));
    assert_eq!(quota.kind, FailureKind::Quota);
    assert!(!quota.retry);
    let finding = &quota.findings[0];
    assert_eq!(
        finding.quota.as_deref(),
        Some("vpc.ipv4-address.public.count")
    );
    // What was requested is the total that the quota would have reached.
    assert_eq!(finding.reason, Reason::Shortage);
    assert_eq!((finding.limit, finding.minimum_limit), (Some(3), Some(4)));
    assert_eq!((finding.shortfall, finding.required), (Some(1), None));
    assert_eq!((finding.usage, finding.headroom), (None, None));

    let both = diagnose(&failure(vec![not_enough(), quota_failure()]));
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
        assert_eq!(diagnose(&failure(vec![detail])).kind, kind);
    }
    for (code, kind) in [
        ("7", FailureKind::Access),
        ("16", FailureKind::Access),
        ("3", FailureKind::Invalid),
        ("14", FailureKind::Transient),
        ("4", FailureKind::Transient),
        ("2", FailureKind::Ambiguous),
        ("99", FailureKind::Ambiguous),
    ] {
        let bare = refused(code, "", None);
        assert_eq!(diagnose(&bare).kind, kind, "{code}");
    }
}

#[test]
fn bytes_that_are_cut_off_cost_details_and_nothing_else() {
    let Failure::Parts(whole) = failure(vec![quota_failure()]) else {
        panic!("it has parts");
    };
    for length in 0..whole.details[0].value.len() {
        let mut cut = whole.clone();
        cut.details[0].value.truncate(length);
        let kind = diagnose(&Failure::Parts(cut)).kind;
        assert!(
            matches!(kind, FailureKind::Ambiguous | FailureKind::Quota),
            "{length}: {kind}"
        );
    }
}

/// A case of `diagnose_cases`: inputs that say the same, and what they say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    inputs: Vec<Input>,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Input {
    Json(Value),
    Text(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expected {
    Refused {
        error: String,
    },
    Diagnosed {
        kind: String,
        retry: bool,
        /// The keys that matter of each finding, in order.
        findings: Vec<Map<String, Value>>,
        /// Words of the remedies.
        #[serde(default)]
        remedies: Vec<String>,
    },
}

/// Forms in which launch errors come to hand, each tried through the command line.
#[test]
fn the_cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/it/diagnose_cases");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 30);
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("error");
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let case: Case = serde_json::from_slice(&fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for (index, input) in case.inputs.into_iter().enumerate() {
            let text = match input {
                Input::Json(value) => value.to_string(),
                Input::Text(lines) => lines.join("\n"),
            };
            fs::write(&file, text).unwrap();
            let said = quotagate(&["diagnose", "--format", "json", file.to_str().unwrap()]);
            check(&format!("{name}, input {index}"), &case.expected, &said);
        }
    }
}

fn check(name: &str, expected: &Expected, said: &Said) {
    let (kind, retry, findings, remedies) = match expected {
        Expected::Refused { error } => {
            assert_eq!(said.code, 2, "{name}: {said:?}");
            assert!(said.stderr.contains(error), "{name}: {}", said.stderr);
            return;
        }
        Expected::Diagnosed {
            kind,
            retry,
            findings,
            remedies,
        } => (kind, retry, findings, remedies),
    };
    assert_eq!(said.code, 0, "{name}: {said:?}");
    let answer = said.json();
    assert_eq!(answer["kind"], **kind, "{name}: {answer:#}");
    assert_eq!(answer["retry"], *retry, "{name}: {answer:#}");
    let found = answer["findings"].as_array().unwrap();
    assert_eq!(found.len(), findings.len(), "{name}: {answer:#}");
    for (found, keys) in found.iter().zip(findings) {
        for (key, value) in keys {
            assert_eq!(found.get(key), Some(value), "{name}, {key}: {found:#}");
        }
    }
    let told = found
        .iter()
        .chain([&answer])
        .filter_map(|part| part["remedy"]["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n");
    for words in remedies {
        assert!(told.contains(words), "{name}: {told}");
    }
}

#[test]
fn an_operation_as_the_cli_prints_it_says_the_same_as_its_bytes() {
    let operation = json!({"id": "computeoperation-e00", "status": {
        "code": "RESOURCE_EXHAUSTED",
        "message": "refused",
        "details": [{
            "@type": "type.googleapis.com/nebius.common.v1.ServiceError",
            "service": "compute",
            "quota_failure": {"violations": [{
                "quota": "vpc.ipv4-address.public.count",
                "message": "limit exceeded",
                "limit": "3",
                "requested": "4"
            }]}
        }]
    }});
    let of_bytes = diagnose(&failure(vec![quota_failure()]));
    let of_text = diagnose(&Failure::Text(operation.to_string()));
    assert_eq!(of_text, of_bytes);
}

/// A program that holds an exception has its message, and may give it as such.
#[test]
fn a_message_that_an_sdk_made_of_a_detail_is_read() {
    let message = "Quota failure QuotaFailure: service compute, violations:\n  compute.instance.gpu.h200 (limit 8, requested 16): no";
    let diagnosis = diagnose(&refused("8", message, None));
    assert_eq!(diagnosis.kind, FailureKind::Quota);
    assert_eq!(diagnosis.findings[0].minimum_limit, Some(16));
    for code in ["8", "RESOURCE_EXHAUSTED", "ResourceExhausted"] {
        let said = quotagate(&[
            "diagnose",
            "--format",
            "json",
            "--code",
            code,
            "--message",
            message,
        ]);
        assert_eq!(said.json()["kind"], "quota", "{code}: {said:?}");
    }
}

#[test]
fn input_of_any_other_kind_is_named_for_what_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("error");
    let utf16 = |text: &str| -> Vec<u8> {
        let letters = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(letters).collect()
    };
    let deep = "[".repeat(1 << 20);
    let unclosed = "[{},".repeat(1 << 20);
    let lines = "[\"\n".repeat(1 << 19);
    for (bytes, words) in [
        (utf16("{\"code\": 8}"), "UTF-16"),
        (b"\x7fELF\x02\x01\xff\0\0".to_vec(), "neither text"),
        (b"\x1f\x8b\x08\0\xff".to_vec(), "gzip"),
        (vec![b' '; 20 << 20], "larger than 16 MiB"),
        (deep.into_bytes(), "JSON"),
        (unclosed.into_bytes(), "JSON"),
        (lines.into_bytes(), "JSON"),
        (vec![b'x'; 8 << 20], "not interpreted"),
    ] {
        fs::write(&file, &bytes).unwrap();
        let said = quotagate(&["diagnose", file.to_str().unwrap()]);
        assert_eq!(said.code, 2, "{words}: {said:?}");
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
}

#[test]
fn what_is_no_error_is_refused_with_a_reason() {
    for (text, word) in [
        ("", "not JSON"),
        ("[]", "empty list"),
        ("{}", "no status"),
        (r#"{"id": "op", "status": {"code": 0}}"#, "success"),
        (r#"{"id": "op"}"#, "still running"),
        (r#"{"code": "SO_SO"}"#, "neither"),
    ] {
        let error = try_diagnose(&Failure::Text(text.to_owned())).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(word), "{text}: {told}");
    }
}
