//! Launch errors in the forms in which they come to hand: text of the cloud's own tools, the bytes of a
//! `google.rpc.Status`, or its parts.

#[cfg(test)]
mod tests;

use nebius_api::google::rpc::Status;
use prost::Message as _;
use quotagate::{CallError, Failure, GateError, Plugin};
use serde_json::Value;

use crate::{
    args::{Diagnose, Encoded},
    error::CliError,
    input::{self, Input},
};

/// A launch error.
#[derive(Debug)]
pub(crate) struct Given {
    /// Where it was found.
    file: String,
    form: Form,
    /// The cloud's own words; empty where there are none.
    pub(crate) message: String,
}

#[derive(Debug)]
enum Form {
    /// What the cloud's own tools print; the plugin reads it.
    Text(String),
    /// A status.
    Status(Failure),
}

/// The bytes with which a `google.rpc.Status` begins: its code, its message or its details. No text does.
const TAGS: [u8; 3] = [0x08, 0x12, 0x1a];

impl Given {
    /// Reads the error that the options name.
    pub(crate) fn read(options: &Diagnose) -> Result<Self, CliError> {
        let Diagnose {
            file,
            code,
            message,
            details_base64,
        } = options;
        match (code, details_base64) {
            (None, None) => Self::of_input(input::read(file)?),
            (code, details) => Self::of_parts(*code, message.as_deref(), details.as_ref()),
        }
    }

    fn of_input(input: Input) -> Result<Self, CliError> {
        let Input { name, bytes } = input;
        let refuse = |why: &str| CliError::NoFailure {
            file: name.clone(),
            why: String::from(why),
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(refuse("it is empty"));
        }
        let encoded = bytes.first().is_some_and(|first| TAGS.contains(first));
        if !encoded && let Some(what) = another_kind(&bytes) {
            return Err(refuse(what));
        }
        match String::from_utf8(bytes) {
            Ok(text) if !encoded => {
                let text = text.trim_start_matches('\u{feff}').trim().to_owned();
                Ok(Self {
                    message: message_in(&text).unwrap_or_default(),
                    file: name,
                    form: Form::Text(text),
                })
            }
            bytes => {
                let bytes = match bytes {
                    Ok(text) => text.into_bytes(),
                    Err(error) => error.into_bytes(),
                };
                let status = Status::decode(bytes.as_slice())
                    .map_err(|_| refuse("it is neither text nor an encoded google.rpc.Status"))?;
                Self::of_status(
                    name,
                    status.code,
                    status.message,
                    bytes,
                    status.details.len(),
                )
            }
        }
    }

    fn of_parts(
        code: Option<i32>,
        message: Option<&str>,
        details: Option<&Encoded>,
    ) -> Result<Self, CliError> {
        let file = String::from("--details-base64");
        let bytes = details
            .map(|Encoded(bytes)| bytes.clone())
            .unwrap_or_default();
        let decoded = Status::decode(bytes.as_slice());
        let status = match (decoded, code) {
            (Ok(status), _) => status,
            // The code stands where the details are damaged.
            (Err(_), Some(_)) => Status::default(),
            (Err(_), None) => {
                let why = String::from("it is no encoded google.rpc.Status");
                return Err(CliError::NoFailure { file, why });
            }
        };
        let message = message.map_or(status.message, str::to_owned);
        let code = code.unwrap_or(status.code);
        Self::of_status(file, code, message, bytes, status.details.len())
    }

    fn of_status(
        file: String,
        code: i32,
        message: String,
        bytes: Vec<u8>,
        details: usize,
    ) -> Result<Self, CliError> {
        if code == 0 && details == 0 {
            let why = String::from("the status says success");
            return Err(CliError::NoFailure { file, why });
        }
        let failure = Failure {
            code,
            message: message.clone(),
            details: bytes,
        };
        Ok(Self {
            file,
            form: Form::Status(failure),
            message,
        })
    }

    /// What it means, as JSON.
    pub(crate) fn diagnose(&self, plugin: &Plugin) -> Result<Value, CliError> {
        let told = match &self.form {
            Form::Text(text) => plugin.diagnose_json(text),
            Form::Status(failure) => {
                return match plugin.diagnose(failure) {
                    Ok(diagnosis) => Ok(serde_json::to_value(&diagnosis)?),
                    Err(error) => Err(GateError::from(error).into()),
                };
            }
        };
        match told {
            Ok(diagnosis) => Ok(serde_json::from_str(&diagnosis)?),
            Err(CallError::Refused(refusal)) => Err(CliError::NoFailure {
                file: self.file.clone(),
                why: refusal.message,
            }),
            Err(error) => Err(GateError::from(error).into()),
        }
    }
}

/// What a file is that people give by mistake; none where it may hold an error.
fn another_kind(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    let begins = |mark: &str| {
        text.get(..mark.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()))
    };
    // Without its mark UTF-16 shows by the zeros of its ASCII letters.
    let zeros = |from: usize| {
        let half = bytes.iter().skip(from).step_by(2).take(32);
        half.len() > 2 && half.clone().all(|byte| *byte == 0)
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || zeros(0) || zeros(1)
    {
        Some("it is text in UTF-16, as PowerShell writes it: save it as UTF-8")
    } else if begins("<!doctype html") || begins("<html") {
        Some("it is a page in HTML, as a proxy or a login answers: give what the cloud itself said")
    } else if begins("<?xml") {
        Some("it is XML, which the cloud does not speak: give what the cloud itself said")
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        Some("it is compressed with gzip: unpack it")
    } else {
        None
    }
}

/// The message of an operation, a status or an error as JSON.
fn message_in(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let inner = ["error", "status"].iter().find_map(|name| value.get(name));
    let message = inner.unwrap_or(&value).get("message")?;
    message.as_str().map(str::to_owned)
}
