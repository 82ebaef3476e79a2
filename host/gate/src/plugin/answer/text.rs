//! The outer shape of the JSON twins' texts. What stands in them is the plugin's own word, for hosts that check it themselves.

use std::collections::HashMap;

use serde::{Deserialize, de::IgnoredAny};

use crate::plugin::CallError;

/// Checks the text that `assess-json` gives, and that it has a verdict for each offer.
pub(in crate::plugin) fn check_verdicts(request: &str, answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Request {
        offers: Vec<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Answer {
        verdicts: Vec<IgnoredAny>,
    }
    let answer: Answer = shape(answer)?;
    let answered = answer.verdicts.len();
    match serde_json::from_str::<Request>(request) {
        Ok(request) if request.offers.len() != answered => Err(CallError::WrongLength {
            asked: request.offers.len(),
            answered,
        }),
        _ => Ok(()),
    }
}

/// Checks the text that `admit-json` gives.
pub(in crate::plugin) fn check_admission(answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "verdict")]
        _verdict: HashMap<String, IgnoredAny>,
        #[serde(rename = "takes")]
        _takes: Vec<IgnoredAny>,
        #[serde(rename = "rests_on")]
        _rests_on: Vec<String>,
        #[serde(rename = "reservations")]
        _reservations: Vec<String>,
        #[serde(rename = "breaks_at")]
        _breaks_at: Option<HashMap<String, IgnoredAny>>,
    }
    shape::<Answer>(answer).map(|_| ())
}

/// Checks the text that `diagnose-json` gives.
pub(in crate::plugin) fn check_diagnosis(answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "kind")]
        _kind: String,
        #[serde(rename = "findings")]
        _findings: Vec<IgnoredAny>,
        #[serde(rename = "retry")]
        _retry: bool,
        #[serde(rename = "lessons")]
        _lessons: Vec<IgnoredAny>,
        #[serde(rename = "contradicts")]
        _contradicts: Vec<String>,
    }
    shape::<Answer>(answer).map(|_| ())
}

fn shape<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<T, CallError> {
    serde_json::from_str(answer).map_err(|error| CallError::WrongShape(error.into()))
}
