//! Failed launches as bytes and as text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use quotagate_guest::{
    Cloud as _, Diagnosis, Engine, Failure, FailureDetail, FailureKind, FailureParts, Inventory,
    NativeReader, json::diagnose_json,
};
use quotagate_plugin_nebius::Nebius;
use serde_json::json;

const STATUS: &str = "type.googleapis.com/google.rpc.Status";
const SERVICE_ERROR: &str = "type.googleapis.com/nebius.common.v1.ServiceError";

/// Gives the input to every reader of launch errors.
pub(crate) fn check(input: &[u8]) {
    let code = input.first().copied().unwrap_or_default();
    for (code, message, type_name, value) in [
        (String::new(), "", STATUS, input),
        (code.to_string(), "refused", STATUS, input),
        (
            format!("-{code}"),
            "",
            STATUS,
            input.get(1..).unwrap_or_default(),
        ),
        (code.to_string(), "refused", SERVICE_ERROR, input),
    ] {
        let parts = parts(code, message, type_name, value);
        check_parts(&parts, input);
    }
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    check_parts(&parts(text.into(), text, "", &[]), input);
    let failure = Failure::Text(text.into());
    let told = diagnosed(&failure);
    let twin = twin(&json!({"failure": {"text": text}}).to_string());
    assert_eq!(told, twin);
    if let Some(diagnosis) = told {
        check_diagnosis(&diagnosis, input);
    }
}

fn parts(code: String, message: &str, type_name: &str, value: &[u8]) -> FailureParts {
    FailureParts {
        code,
        http_status: None,
        message: message.into(),
        details: vec![FailureDetail {
            type_name: type_name.into(),
            value: value.into(),
        }],
    }
}

/// An error in parts always means something, and the same through the JSON twin.
fn check_parts(parts: &FailureParts, input: &[u8]) {
    let failure = Failure::Parts(parts.clone());
    let diagnosis = diagnosed(&failure).expect("parts are always read");
    check_diagnosis(&diagnosis, input);
    let details: Vec<_> = parts
        .details
        .iter()
        .map(|detail| json!({"type_name": detail.type_name, "value": STANDARD.encode(&detail.value)}))
        .collect();
    let request = json!({"failure": {"parts": {
        "code": parts.code, "message": parts.message, "details": details,
    }}});
    assert_eq!(twin(&request.to_string()), Some(diagnosis));
}

/// What the rules say without a launch.
fn diagnosed(failure: &Failure) -> Option<Diagnosis> {
    let diagnosis = Nebius.diagnose(failure, None).ok()?;
    assert!(
        diagnosis.lessons.len() <= diagnosis.findings.len(),
        "{diagnosis:?}"
    );
    Some(Diagnosis {
        lessons: Vec::new(),
        ..diagnosis
    })
}

/// What the JSON twin says without a launch, which teaches nothing.
fn twin(request: &str) -> Option<Diagnosis> {
    let reader = NativeReader::new(Inventory::default(), 0);
    let answer = diagnose_json(&mut Engine::new(Nebius), &reader, request).ok()?;
    Some(serde_json::from_str(&answer).expect("the answer is JSON"))
}

fn check_diagnosis(diagnosis: &Diagnosis, input: &[u8]) {
    let violations = input.len() / 2;
    assert!(diagnosis.findings.len() <= violations, "{diagnosis:?}");
    let words: usize = diagnosis
        .findings
        .iter()
        .flat_map(|finding| {
            let remedy = finding.remedy.as_ref().map(|remedy| &remedy.text);
            [finding.quota.as_ref(), finding.detail.as_ref(), remedy]
        })
        .flatten()
        .chain(diagnosis.remedy.as_ref().map(|remedy| &remedy.text))
        .map(String::len)
        .sum();
    assert!(
        words <= 16 * input.len() + 256 * (violations + 1),
        "{words} bytes"
    );
    assert!(
        diagnosis.kind != FailureKind::Quota || !diagnosis.retry,
        "a quota that is exceeded stays exceeded"
    );
}
