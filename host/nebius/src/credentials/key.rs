//! A service account's key: where it is read from, and the assertion that it signs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::error::CredentialsError;
use crate::error::CallError;

/// Whom the assertion is for.
const AUDIENCE: &str = "token-service.iam.new.nebiuscloud.net";
/// How long the assertion is good for.
const LIFETIME: Duration = Duration::from_secs(60);
const WHAT: &str = "the credentials file";

/// A key that is known to be one.
#[derive(Clone, Debug)]
pub(crate) struct ServiceAccountKey {
    /// The service account, by id.
    pub(super) account: String,
    /// The public key, by id.
    public_key: String,
    private_key: SecretString,
    /// The file that it stands in; none where it came by itself.
    pub(super) file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CredentialsFile {
    subject_credentials: SubjectCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SubjectCredentials {
    #[serde(default, rename = "type")]
    kind: String,
    alg: String,
    private_key: SecretString,
    kid: String,
    iss: String,
    sub: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

impl ServiceAccountKey {
    /// Checks that the private key is one; `place` says where it was found.
    pub(super) fn new(
        account: String,
        public_key: String,
        private_key: SecretString,
        place: impl FnOnce() -> String,
    ) -> Result<Self, CredentialsError> {
        if EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes()).is_err() {
            return Err(CredentialsError::PrivateKey {
                place: place(),
                public_key,
            });
        }
        Ok(Self {
            account,
            public_key,
            private_key,
            file: None,
        })
    }

    /// From a file that holds the private key alone.
    pub(super) fn from_key_file(
        account: String,
        public_key: String,
        path: &Path,
    ) -> Result<Self, CredentialsError> {
        let private_key = read("the private key", path)?;
        let key = Self::new(account, public_key, private_key, || {
            format!("`{}`", path.display())
        })?;
        Ok(key.in_file(path))
    }

    /// From a service-account credentials file.
    pub(super) fn from_credentials_file(path: &Path) -> Result<Self, CredentialsError> {
        let malformed = |at, reason: String| CredentialsError::Malformed {
            what: WHAT,
            path: path.to_owned(),
            at,
            reason,
        };
        let text = read(WHAT, path)?;
        // The parser's own words may quote the private key.
        let file: CredentialsFile = serde_json::from_str(text.expose_secret()).map_err(|error| {
            let reason = if error.is_data() {
                "it needs an object `subject-credentials` with the texts `alg`, `private-key`, `kid`, `iss` and `sub`"
            } else {
                "it is not JSON"
            };
            malformed(Some((error.line(), error.column())), reason.to_owned())
        })?;
        let subject = file.subject_credentials;
        let complaint = if !matches!(subject.kind.as_str(), "" | "JWT") {
            Some("its `type` is not `JWT`")
        } else if subject.alg != "RS256" {
            Some("its `alg` is not `RS256`")
        } else if subject.iss != subject.sub {
            Some("its `iss` and `sub` differ")
        } else if subject.sub.is_empty() || subject.kid.is_empty() {
            Some("its `sub` or `kid` is empty")
        } else {
            None
        };
        match complaint {
            Some(complaint) => Err(malformed(None, complaint.to_owned())),
            None => {
                let key = Self::new(subject.sub, subject.kid, subject.private_key, || {
                    format!("`{}`", path.display())
                })?;
                Ok(key.in_file(path))
            }
        }
    }

    /// The same, which stands in this file.
    fn in_file(self, path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            ..self
        }
    }

    /// An assertion that is good for a minute from `now` on.
    pub(super) fn assertion(&self, now: SystemTime) -> Result<SecretString, CallError> {
        let failed = |reason: String| CallError::Signing {
            account: self.account.clone(),
            reason,
        };
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_err(|_| failed("the clock is before 1970".to_owned()))?;
        let claims = Claims {
            iss: &self.account,
            sub: &self.account,
            aud: AUDIENCE,
            iat: now.as_secs(),
            exp: now.saturating_add(LIFETIME).as_secs(),
        };
        let header = Header {
            kid: Some(self.public_key.clone()),
            ..Header::new(Algorithm::RS256)
        };
        EncodingKey::from_rsa_pem(self.private_key.expose_secret().as_bytes())
            .and_then(|key| jsonwebtoken::encode(&header, &claims, &key))
            .map(SecretString::from)
            .map_err(|error| failed(error.to_string()))
    }
}

fn read(what: &'static str, path: &Path) -> Result<SecretString, CredentialsError> {
    fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|source| CredentialsError::Unreadable {
            what,
            path: path.to_owned(),
            source,
        })
}
