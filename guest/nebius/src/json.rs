//! The JSON twin of the contract: the same judgement with text in and text out, for hosts to which records are dear.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use quotagate_engine::{Account, InvalidLaunch, Offer, Policy, Profile, Verdict, assess};
use serde::{Deserialize, Serialize};

use crate::Nebius;

/// Why a request gives no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not the JSON that the function takes; says where.
    InvalidJson(String),
    /// The launch makes no sense.
    InvalidLaunch(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssessRequest {
    offers: Vec<Offer>,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    policy: Policy,
}

#[derive(Serialize)]
struct AssessResponse {
    verdicts: Vec<Verdict>,
}

const fn one() -> u32 {
    1
}

/// Judges the offers of a request; `account` gives what was read for a project, `now` is in milliseconds since the Unix
/// epoch.
///
/// # Errors
/// When the request is not of the documented form, or asks for a launch that makes no sense.
pub fn assess_json<A: AsRef<Account>>(
    request: &str,
    now: u64,
    account: impl FnOnce(&str) -> A,
) -> Result<String, Refusal> {
    let request: AssessRequest = serde_json::from_str(request).map_err(invalid_json)?;
    let account = account(&request.profile.project);
    let verdicts = assess(
        &Nebius,
        account.as_ref(),
        now,
        &request.offers,
        request.count,
        &request.profile,
        &request.policy,
    )?;
    serde_json::to_string(&AssessResponse { verdicts }).map_err(invalid_json)
}

impl From<InvalidLaunch> for Refusal {
    fn from(InvalidLaunch(why): InvalidLaunch) -> Self {
        Self::InvalidLaunch(why)
    }
}

fn invalid_json(error: serde_json::Error) -> Refusal {
    Refusal::InvalidJson(format!(
        "the request is not understood: {}",
        error.to_string()
    ))
}
