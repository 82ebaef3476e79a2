//! Why the cloud gave no answer, or not all of it, and what to do about it.

use std::{error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use quotagate::source::{SourceError, SourceErrorKind};
use tonic::Code;

use crate::{
    status::{Refusal, code_name, kind_of_code, printable},
    tls::Distrust,
};

/// Why a question has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CallError {
    /// The cloud refused.
    #[error(
        "cannot {asked}: {host} answered {}{}: {}{}{}",
        code_name(refusal.code),
        bracketed(refusal.service_code.as_deref()),
        refusal.text,
        bracketed(refusal.request_id.as_ref().map(|id| format!("request id {id}")).as_deref()),
        following(remedy)
    )]
    Refused {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// The answer.
        refusal: Box<Refusal>,
        /// What to do.
        remedy: String,
    },
    /// Nobody was reached.
    #[error(
        "cannot {asked}: {host} could not be reached: {reason}; check the network, any proxy, and the endpoint"
    )]
    Unreachable {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// What the transport says.
        reason: String,
        /// Whether another attempt may reach somebody.
        may_pass: bool,
    },
    /// Whoever was reached is not to be trusted.
    #[error("cannot {asked}: the connection to {host} is not secure: {reason}; {advice}")]
    Distrusted {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// Why not.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The answer is longer than any that is accepted.
    #[error(
        "cannot {asked}: the answer of {host} is longer than {most} bytes, the most that is accepted"
    )]
    TooLong {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// The longest answer.
        most: usize,
    },
    /// A deadline passed.
    #[error("cannot {asked}: {host} did not answer within {waited:?}; ask again later")]
    Late {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// The deadline.
        waited: Duration,
    },
    /// It was asked more than once, and this came of it in the end.
    #[error("{cause} (asked {times} times)")]
    Repeated {
        /// How often it was asked.
        times: u32,
        /// The last failure.
        cause: Box<Self>,
    },
    /// The time for the whole source passed before this could be asked.
    #[error("cannot {asked}: no time is left to ask {host}; ask again later, or allow more time")]
    NoTimeLeft {
        /// What was to be asked.
        asked: String,
        /// Of whom.
        host: String,
    },
    /// There is no token to ask with.
    #[error("cannot {asked}: no access token: {cause}")]
    NoToken {
        /// What was asked.
        asked: String,
        /// Why there is no token.
        cause: Box<Self>,
    },
    /// The token cannot be sent.
    #[error(
        "the access token from {0} is not one: it is empty or has characters that no token has; \
         give it without quotes and line breaks"
    )]
    NotAToken(String),
    /// The file of the token cannot be read.
    #[error("cannot read the token file `{}`: {cause}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        cause: Arc<io::Error>,
    },
    /// A login with a browser gives no token.
    #[error(
        "the browser login of the profile `{profile}` gives no token: {reason}; run `{command}` to log in again"
    )]
    Login {
        /// The profile.
        profile: String,
        /// Why not.
        reason: String,
        /// The command that logs in again.
        command: String,
    },
    /// The metadata service gives no token.
    #[error(
        "cannot get an access token from the metadata service at {endpoint}: {reason}; \
         check that this is a virtual machine with a service account, and the profile's `token-endpoint`"
    )]
    TokenEndpoint {
        /// Its address.
        endpoint: String,
        /// Why not.
        reason: String,
        /// Whether another attempt may get one.
        may_pass: bool,
    },
    /// The private key signs nothing.
    #[error("cannot sign with the private key of service account `{account}`: {reason}")]
    Signing {
        /// The service account.
        account: String,
        /// What the signer says.
        reason: String,
    },
    /// The exchange of a key answered without a token that can be used.
    #[error("{host} gave no usable access token for service account `{account}`: {reason}")]
    UselessExchange {
        /// The service account.
        account: String,
        /// Who answered.
        host: String,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// The same page token came twice: the pages would never end.
    #[error(
        "cannot {asked} to the end: {host} sent the page token `{token}` twice after {pages} pages; ask again later"
    )]
    RepeatedPage {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// The token.
        token: String,
        /// How many pages arrived.
        pages: usize,
    },
    /// There are more pages than any account has.
    #[error("cannot {asked} to the end: {host} has more than {pages} pages")]
    TooManyPages {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// How many pages arrived.
        pages: usize,
    },
    /// There are more rows than any list of any account has.
    #[error("cannot {asked} to the end: {host} gave {rows} rows, and more are left")]
    TooManyRows {
        /// What was asked.
        asked: String,
        /// Of whom.
        host: String,
        /// How many rows arrived.
        rows: usize,
    },
    /// The credentials see no tenant.
    #[error(
        "cannot tell which tenant to ask about: the credentials from {0} see none; \
         name the tenant, set `tenant-id` in the profile, or name a project"
    )]
    NoTenant(String),
    /// The credentials see several tenants.
    #[error(
        "cannot tell which tenant to ask about: the credentials from {origin} see {}; \
         name one of them, or set `tenant-id` in the profile",
        tenants.join(", ")
    )]
    SeveralTenants {
        /// Where the credentials come from.
        origin: String,
        /// The tenants, by id and name.
        tenants: Vec<String>,
    },
    /// A project that belongs to nothing.
    #[error(
        "cannot tell which tenant project `{0}` belongs to: the cloud names none; name the tenant"
    )]
    NoParent(String),
}

/// What the cloud itself answered, now or when it was recorded: the cause of a source's error where the cloud refused. The error's message has it in words;
/// programs read it here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
#[non_exhaustive]
pub struct CloudRefusal {
    /// The name of the gRPC status, such as `PERMISSION_DENIED`.
    pub code: String,
    /// The name that the service gives the failure, such as `TooManyRequests`.
    pub service_code: Option<String>,
    /// The number under which the cloud's support finds the call.
    pub request_id: Option<String>,
    /// What the cloud said, without secrets and fit for a terminal.
    pub text: String,
}

impl CallError {
    /// That TLS does not trust whoever was reached.
    pub(crate) fn distrusted(asked: String, host: String, distrust: Distrust) -> Self {
        Self::Distrusted {
            asked,
            host,
            reason: printable(&distrust.reason),
            advice: distrust.advice,
        }
    }

    /// Whether the cloud refused with this code.
    pub(crate) fn is_from_code(&self, code: Code) -> bool {
        matches!(self, Self::Refused { refusal, .. } if refusal.code == code)
    }

    /// With how often it was asked, if that was more than once.
    pub(crate) fn after(self, times: u32) -> Self {
        if times < 2 {
            return self;
        }
        Self::Repeated {
            times,
            cause: Box::new(self),
        }
    }

    /// Whether the same call may succeed if it is made again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => refusal.may_pass,
            Self::Unreachable { may_pass, .. } | Self::TokenEndpoint { may_pass, .. } => *may_pass,
            Self::Late { .. } => true,
            Self::NoToken { cause, .. } | Self::Repeated { cause, .. } => cause.may_pass(),
            Self::NoTimeLeft { .. }
            | Self::Distrusted { .. }
            | Self::TooLong { .. }
            | Self::NotAToken(_)
            | Self::TokenFile { .. }
            | Self::Login { .. }
            | Self::Signing { .. }
            | Self::UselessExchange { .. }
            | Self::RepeatedPage { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyRows { .. }
            | Self::NoTenant(_)
            | Self::SeveralTenants { .. }
            | Self::NoParent(_) => false,
        }
    }

    /// How long the cloud asked to be left alone, where it said so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { refusal, .. } => refusal.retry_after,
            Self::NoToken { cause, .. } | Self::Repeated { cause, .. } => cause.retry_after(),
            _ => None,
        }
    }

    /// What it means to the gate.
    pub(crate) fn kind(&self) -> SourceErrorKind {
        match self {
            Self::Refused { refusal, .. } => refusal.kind,
            Self::Repeated { cause, .. } => cause.kind(),
            Self::Unreachable { .. }
            | Self::Late { .. }
            | Self::TokenEndpoint { .. }
            | Self::Distrusted { .. }
            | Self::TooLong { .. }
            | Self::NoTimeLeft { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyRows { .. } => SourceErrorKind::Unavailable,
            Self::NoToken { cause, .. } => match cause.kind() {
                // The cloud denied the exchange, not the question: nobody is authenticated yet.
                SourceErrorKind::Denied | SourceErrorKind::NotFound | SourceErrorKind::Invalid => {
                    SourceErrorKind::Unauthenticated
                }
                kind => kind,
            },
            Self::NotAToken(_)
            | Self::TokenFile { .. }
            | Self::Login { .. }
            | Self::Signing { .. } => SourceErrorKind::Unauthenticated,
            Self::UselessExchange { .. } | Self::RepeatedPage { .. } => SourceErrorKind::Invalid,
            Self::NoTenant(_) | Self::SeveralTenants { .. } | Self::NoParent(_) => {
                SourceErrorKind::NotFound
            }
        }
    }

    /// The error below it, where there is one.
    fn below(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        match self {
            Self::Refused { refusal, .. } => Some(Arc::new(CloudRefusal {
                code: code_name(refusal.code).to_owned(),
                service_code: refusal.service_code.clone(),
                request_id: refusal.request_id.clone(),
                text: refusal.text.clone(),
            })),
            Self::TokenFile { cause, .. } => Some(Arc::clone(cause) as _),
            Self::NoToken { cause, .. } | Self::Repeated { cause, .. } => cause.below(),
            _ => None,
        }
    }

    /// The gRPC status under which a recording keeps it: the cloud's own, unless its details said something else.
    pub(crate) fn code(&self) -> Code {
        let kind = self.kind();
        match self {
            Self::Refused { refusal, .. } if kind_of_code(refusal.code) == kind => refusal.code,
            Self::Repeated { cause, .. } => cause.code(),
            Self::Late { .. } | Self::NoTimeLeft { .. } => Code::DeadlineExceeded,
            _ => match kind {
                SourceErrorKind::Unauthenticated => Code::Unauthenticated,
                SourceErrorKind::Denied => Code::PermissionDenied,
                SourceErrorKind::RateLimited => Code::ResourceExhausted,
                SourceErrorKind::NotFound => Code::NotFound,
                SourceErrorKind::Invalid => Code::DataLoss,
                _ => Code::Unavailable,
            },
        }
    }

    /// What the cloud itself said, else the whole story: what a recording keeps.
    pub(crate) fn cloud_text(&self) -> String {
        match self {
            Self::Refused { refusal, .. } => refusal.text.clone(),
            Self::Repeated { cause, .. } => cause.cloud_text(),
            other => other.to_string(),
        }
    }
}

impl From<CallError> for SourceError {
    fn from(error: CallError) -> Self {
        let mut source = Self::new(error.kind(), error.to_string());
        source.retry_after = error.retry_after();
        source.cause = error.below();
        source
    }
}

fn bracketed(text: Option<&str>) -> String {
    text.map(|text| format!(" ({text})")).unwrap_or_default()
}

fn following(remedy: &str) -> String {
    if remedy.is_empty() {
        String::new()
    } else {
        format!("; {remedy}")
    }
}
