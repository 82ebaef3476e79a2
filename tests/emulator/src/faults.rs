//! Faults as a file describes them, and the book that says which of them acts on a call.
//!
//! ```json
//! {"rules": [
//!   {"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00acme", "page": 2, "times": 1,
//!    "status": {"code": "UNAVAILABLE", "message": "try later"}},
//!   {"method": "*", "latency_ms": 20}
//! ]}
//! ```
//!
//! The first rule that matches a call and has uses left acts on it, alone. Which calls a rule matches:
//!
//! - `method`: the path ends so, or `*` for every method;
//! - `parent_id`: the request's parent;
//! - `page`: the number of the page that a list request asks for, from 1.
//!
//! `skip` lets that many matching calls pass first, `times` is how many it then acts on (absent: all). What it does, in
//! this order, each being optional and at least one required:
//!
//! - `latency_ms`: waits before anything else;
//! - `hang`: never answers, until the emulator stops;
//! - `disconnect`: closes the connection, with everything else under way on it;
//! - `expire_tokens`: ends the life of every token handed out, and takes the call's own for expired;
//! - `status`: answers with this `code` and `message`, and with `service_error`, a `nebius.common.v1.ServiceError` as
//!   JSON, in the details;
//! - `page_size`: no page is longer;
//! - `repeat_page_token`: the answer carries the page token of its own request, so the list never ends.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use nebius_api::{json, nebius::common::v1::ServiceError};
use prost::Name;
use prost_reflect::{DeserializeOptions, DynamicMessage};
use serde::{Deserialize, Deserializer, de::Error};
use tonic::{Code, Status};

use crate::{asked::Asked, refusal};

/// What a faults file holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// In the order they are tried.
    pub rules: Vec<Rule>,
}

/// One rule: which calls, and what happens to them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How the path of the method ends, or `*`.
    pub method: String,
    /// The parent that the request names.
    pub parent_id: Option<String>,
    /// The page that a list request asks for.
    pub page: Option<u32>,
    /// Matching calls that pass before the rule acts.
    #[serde(default)]
    pub skip: u64,
    /// Calls that the rule acts on; without it, all.
    pub times: Option<u64>,
    /// Waits this many milliseconds.
    pub latency_ms: Option<u64>,
    /// Never answers.
    #[serde(default)]
    pub hang: bool,
    /// Closes the connection.
    #[serde(default)]
    pub disconnect: bool,
    /// Ends the life of all tokens.
    #[serde(default)]
    pub expire_tokens: bool,
    /// Answers with an error.
    pub status: Option<FaultStatus>,
    /// Shortens the pages.
    pub page_size: Option<NonZeroUsize>,
    /// Repeats the page token.
    #[serde(default)]
    pub repeat_page_token: bool,
}

/// The error that a rule answers with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultStatus {
    /// The status code, in the file by its name.
    #[serde(deserialize_with = "code")]
    pub code: Code,
    /// The message of the status.
    #[serde(default)]
    pub message: String,
    /// The detail that the status carries.
    #[serde(default, deserialize_with = "service_error")]
    pub service_error: Option<ServiceError>,
}

/// Why a faults file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The text is not JSON, or not of this shape.
    #[error("the faults are malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A rule would do nothing.
    #[error("the rule for `{method}` (number {number}) does nothing")]
    NoAction {
        /// Which rule, from 1.
        number: usize,
        /// Its method.
        method: String,
    },
}

impl Faults {
    /// Reads faults from JSON.
    ///
    /// # Errors
    /// With line and column when the text is not JSON or has an unknown field or value, and when a rule does nothing.
    pub fn from_json(text: &str) -> Result<Self, FaultsError> {
        let faults: Self = serde_json::from_str(text)?;
        match faults.rules.iter().position(|rule| !rule.acts()) {
            None => Ok(faults),
            Some(index) => Err(FaultsError::NoAction {
                number: index + 1,
                method: faults
                    .rules
                    .into_iter()
                    .nth(index)
                    .unwrap_or_default()
                    .method,
            }),
        }
    }

    /// Reads a faults file.
    ///
    /// # Errors
    /// As [`Faults::from_json`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, FaultsError> {
        let text = std::fs::read_to_string(path).map_err(|source| FaultsError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&text)
    }
}

impl From<Vec<Rule>> for Faults {
    fn from(rules: Vec<Rule>) -> Self {
        Self { rules }
    }
}

impl Rule {
    /// A rule for every call whose path ends in `method`, or for all with `*`; what it does is still to be said.
    #[must_use]
    pub fn on(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency_ms.map(Duration::from_millis)
    }

    fn acts(&self) -> bool {
        self.latency_ms.is_some()
            || self.hang
            || self.disconnect
            || self.expire_tokens
            || self.status.is_some()
            || self.page_size.is_some()
            || self.repeat_page_token
    }

    fn matches(&self, method: &str, asked: &Asked) -> bool {
        (self.method == "*" || method.ends_with(&self.method))
            && (self.parent_id.is_none() || self.parent_id == asked.parent_id)
            && (self.page.is_none() || self.page == asked.page())
    }
}

impl FaultStatus {
    pub(crate) fn status(&self) -> Status {
        match &self.service_error {
            Some(error) => {
                refusal::status_with(self.code, &self.message, std::slice::from_ref(error))
            }
            None => Status::new(self.code, &self.message),
        }
    }
}

/// The rules with the uses they had.
#[derive(Default)]
pub(crate) struct FaultBook(Vec<Entry>);

struct Entry {
    rule: Rule,
    matched: u64,
}

impl FaultBook {
    pub(crate) fn new(faults: Faults) -> Self {
        let entries = faults.rules.into_iter();
        Self(entries.map(|rule| Entry { rule, matched: 0 }).collect())
    }

    /// The rule that acts on this call, if any. The call is counted against every rule it was tried on.
    pub(crate) fn rule_for(&mut self, method: &str, asked: &Asked) -> Option<Rule> {
        let entries = self.0.iter_mut();
        entries
            .filter(|entry| entry.rule.matches(method, asked))
            .find_map(|entry| {
                let before = entry.matched;
                entry.matched += 1;
                let uses_left = match entry.rule.times {
                    Some(times) => before < entry.rule.skip.saturating_add(times),
                    None => true,
                };
                (before >= entry.rule.skip && uses_left).then(|| entry.rule.clone())
            })
    }
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let name = String::deserialize(deserializer)?;
    match refusal::code_named(&name) {
        None => Err(D::Error::custom(format!("no status code `{name}`"))),
        Some(Code::Ok) => Err(D::Error::custom("`OK` is no error")),
        Some(code) => Ok(code),
    }
}

fn service_error<'de, D>(deserializer: D) -> Result<Option<ServiceError>, D::Error>
where
    D: Deserializer<'de>,
{
    let descriptor = json::descriptors()
        .map_err(D::Error::custom)?
        .get_message_by_name(&ServiceError::full_name())
        .ok_or_else(|| D::Error::custom("no definition of the message"))?;
    // Unlike the files of a world, which a newer CLI may have written, this one is the user's own: a typo is refused.
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(descriptor, deserializer, &options)?;
    message.transcode_to().map(Some).map_err(D::Error::custom)
}
