//! Launch errors in the forms in which they come to hand: text of the cloud's own tools, the bytes of a
//! `google.rpc.Status`, or parts that a program has at hand.

#[cfg(test)]
mod tests;

use nebius_api::google::rpc::Status;
use prost::Message as _;
use quotagate::{Failure, FailureDetail, FailureParts};
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
    pub(crate) file: String,
    /// The error.
    pub(crate) failure: Failure,
    /// The cloud's own words; empty where there are none.
    pub(crate) message: String,
}

/// The bytes with which a `google.rpc.Status` begins: its code, its message or its details. No text does.
const TAGS: [u8; 3] = [0x08, 0x12, 0x1a];

impl Given {
    /// Reads the error that the options name.
    pub(crate) fn read(options: &Diagnose) -> Result<Self, CliError> {
        if options.code.is_none() && options.details.is_none() {
            return Self::of_input(input::read(&options.file)?);
        }
        Self::of_parts(Parts {
            code: options.code.as_deref(),
            message: options.message.as_deref(),
            details: options.details.as_ref(),
            details_type: options.details_type.as_deref(),
        })
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
                    failure: Failure::Text(text),
                })
            }
            bytes => {
                let bytes = match bytes {
                    Ok(text) => text.into_bytes(),
                    Err(error) => error.into_bytes(),
                };
                let status = Status::decode(bytes.as_slice())
                    .map_err(|_| refuse("it is neither text nor an encoded google.rpc.Status"))?;
                if status.code == 0 && status.details.is_empty() {
                    return Err(refuse("the status says success"));
                }
                Ok(Self::of_status(name, status))
            }
        }
    }

    fn of_parts(parts: Parts<'_>) -> Result<Self, CliError> {
        let file = String::from("--details");
        let bytes = parts.details.map(|Encoded(bytes)| bytes.as_slice());
        let mut given = match (bytes, parts.details_type) {
            (Some(bytes), Some(type_name)) => {
                let detail = FailureDetail {
                    type_name: type_name.to_owned(),
                    value: bytes.to_owned(),
                };
                Self::of_details(file, vec![detail])
            }
            (Some(bytes), None) => match (Status::decode(bytes), parts.code) {
                (Ok(status), _) => Self::of_status(file, status),
                // The code stands where the details are damaged.
                (Err(_), Some(_)) => Self::of_details(file, Vec::new()),
                (Err(_), None) => {
                    let why = String::from("it is no encoded google.rpc.Status");
                    return Err(CliError::NoFailure { file, why });
                }
            },
            (None, _) => Self::of_details(String::from("--code"), Vec::new()),
        };
        if let Failure::Parts(failure) = &mut given.failure {
            if let Some(code) = parts.code {
                code.clone_into(&mut failure.code);
            }
            if let Some(message) = parts.message {
                message.clone_into(&mut failure.message);
            }
            given.message.clone_from(&failure.message);
            if failure.code.is_empty() && failure.details.is_empty() {
                let why = String::from("the status says success");
                return Err(CliError::NoFailure {
                    file: given.file,
                    why,
                });
            }
        }
        Ok(given)
    }

    fn of_details(file: String, details: Vec<FailureDetail>) -> Self {
        Self {
            file,
            failure: Failure::Parts(FailureParts {
                details,
                ..FailureParts::default()
            }),
            message: String::new(),
        }
    }

    /// A status with its details, each under its own type. Its code is written as its number.
    fn of_status(file: String, status: Status) -> Self {
        let details = status.details.into_iter().map(|detail| FailureDetail {
            type_name: detail.type_url,
            value: detail.value,
        });
        Self {
            file,
            failure: Failure::Parts(FailureParts {
                code: match status.code {
                    0 => String::new(),
                    code => code.to_string(),
                },
                http_status: None,
                message: status.message.clone(),
                details: details.collect(),
            }),
            message: status.message,
        }
    }
}

/// The parts of an error, as options give them.
#[derive(Clone, Copy, Debug, Default)]
struct Parts<'a> {
    code: Option<&'a str>,
    message: Option<&'a str>,
    details: Option<&'a Encoded>,
    details_type: Option<&'a str>,
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
