//! Launch errors as bytes and as text.

use quotagate_engine::{Diagnosis, FailureKind};
use quotagate_plugin_nebius::{
    diagnose::{Failure, diagnose, diagnose_all, from_text},
    json::diagnose_json,
};

/// Gives the input to every reader of launch errors.
pub(crate) fn check(input: &[u8]) {
    let code = input.first().copied().unwrap_or_default();
    for failure in [
        Failure::from_status(0, "", input),
        Failure::from_status(code.into(), "refused", input),
        Failure::from_status(-i32::from(code), "", input.get(1..).unwrap_or_default()),
    ] {
        check_diagnosis(&diagnose(&failure), input);
    }
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let twin = diagnose_json(text);
    assert_eq!(from_text(text).is_ok(), twin.is_ok());
    if let Ok(twin) = twin {
        let diagnosis: Diagnosis = serde_json::from_str(&twin).expect("the answer is JSON");
        assert_eq!(
            diagnosis,
            diagnose_all(&from_text(text).expect("read before"))
        );
        check_diagnosis(&diagnosis, input);
    }
}

fn check_diagnosis(diagnosis: &Diagnosis, input: &[u8]) {
    let violations = input.len() / 2;
    assert!(diagnosis.findings.len() <= violations, "{diagnosis:?}");
    let words: usize = diagnosis
        .findings
        .iter()
        .flat_map(|finding| [&finding.quota, &finding.detail, &finding.remedy])
        .flatten()
        .chain(&diagnosis.remedy)
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
