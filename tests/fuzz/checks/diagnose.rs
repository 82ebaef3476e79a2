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
    let rest = input.get(1..).unwrap_or_default();
    check_twin(&check_parts("", "", STATUS, input));
    check_parts(&code.to_string(), "refused", STATUS, input);
    check_parts(&format!("-{code}"), "", STATUS, rest);
    check_parts(&code.to_string(), "refused", SERVICE_ERROR, input);
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let failure = Failure::Text(text.into());
    let told = diagnosed(&failure);
    let twin = twin(&json!({"failure": {"text": text}}).to_string());
    assert_eq!(told, twin);
    if let Some(diagnosis) = told {
        check_diagnosis(&diagnosis, input);
    }
}

/// An error in parts always means something.
fn check_parts(code: &str, message: &str, type_name: &str, value: &[u8]) -> FailureParts {
    let parts = FailureParts {
        code: code.into(),
        http_status: None,
        message: message.into(),
        details: vec![FailureDetail {
            type_name: type_name.into(),
            value: value.into(),
        }],
    };
    let diagnosis = diagnosed(&Failure::Parts(parts.clone()));
    check_diagnosis(&diagnosis.expect("parts are always read"), value);
    parts
}

/// It means the same through the JSON twin.
fn check_twin(parts: &FailureParts) {
    let details = parts.details.iter().map(
        |detail| json!({"type_name": detail.type_name, "value": STANDARD.encode(&detail.value)}),
    );
    let request = json!({"failure": {"parts": {
        "code": parts.code, "message": parts.message, "details": details.collect::<Vec<_>>(),
    }}});
    let failure = Failure::Parts(parts.clone());
    assert_eq!(twin(&request.to_string()), diagnosed(&failure));
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
