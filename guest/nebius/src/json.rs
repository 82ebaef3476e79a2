//! The JSON twins of the contract: the same judgements with text in and text out, for hosts to which records are dear.

use alloc::{format, string::String, vec::Vec};

use quotagate_engine::{
    Account, InvalidLaunch, Launch, Offer, Policy, Profile, Verdict, admit, assess,
};
use serde::{Deserialize, Serialize};

use crate::{
    Nebius,
    diagnose::{NotAnError, diagnose_all, from_text},
};

/// Why a request gives no answer.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitRequest {
    plan: Vec<Launch>,
    #[serde(default)]
    policy: Policy,
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
    let request: AssessRequest = read(request)?;
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
    write(&AssessResponse { verdicts })
}

/// Judges the plan of a request, as [`assess_json`] does its offers.
///
/// # Errors
/// When the request is not of the documented form, or its plan makes no sense.
pub fn admit_json<A: AsRef<Account>>(
    request: &str,
    now: u64,
    account: impl Fn(&str) -> A,
) -> Result<String, Refusal> {
    let request: AdmitRequest = read(request)?;
    let admission = admit(&Nebius, account, now, &request.plan, &request.policy)?;
    write(&admission)
}

/// Says what the launch errors mean that a text of the cloud's own tools holds.
///
/// # Errors
/// When the text holds no launch error.
pub fn diagnose_json(error: &str) -> Result<String, Refusal> {
    let failures = from_text(error).map_err(|NotAnError(why)| Refusal::InvalidJson(why))?;
    write(&diagnose_all(&failures))
}

fn read<'a, T: Deserialize<'a>>(request: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(request)
        .map_err(|error| Refusal::InvalidJson(format!("the request is not understood: {error}")))
}

fn write<T: Serialize>(response: &T) -> Result<String, Refusal> {
    serde_json::to_string(response)
        .map_err(|error| Refusal::InvalidJson(format!("the answer cannot be written: {error}")))
}

impl From<InvalidLaunch> for Refusal {
    fn from(InvalidLaunch(why): InvalidLaunch) -> Self {
        Self::InvalidLaunch(why)
    }
}
