//! Launch errors in the forms in which they come to hand: JSON, the bytes of a `google.rpc.Status`, or its parts.

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
    /// JSON as the cloud's own tools print it.
    Json(String),
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
        match String::from_utf8(bytes) {
            Ok(text) if !encoded => {
                let text = text.trim_start_matches('\u{feff}').trim().to_owned();
                if !text.starts_with(['{', '[']) {
                    return Err(refuse("it is plain text, and text is not interpreted"));
                }
                Ok(Self {
                    message: message_in(&text).unwrap_or_default(),
                    file: name,
                    form: Form::Json(text),
                })
            }
            bytes => {
                let bytes = match bytes {
                    Ok(text) => text.into_bytes(),
                    Err(error) => error.into_bytes(),
                };
                let status = Status::decode(bytes.as_slice())
                    .map_err(|_| refuse("it is neither JSON nor an encoded google.rpc.Status"))?;
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
            Form::Json(text) => plugin.diagnose_json(text),
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

/// The message of an operation, a status or an error as JSON.
fn message_in(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let inner = ["error", "status"].iter().find_map(|name| value.get(name));
    let message = inner.unwrap_or(&value).get("message")?;
    message.as_str().map(str::to_owned)
}
