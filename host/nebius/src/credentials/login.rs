//! A login with a browser: the token that the official tools keep of it is read and never renewed here. Where there is
//! none that is good, their CLI is asked.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    helper::{Helper, command_line},
    token::{FILE_LIFE, FILE_WAIT, Fresh, MakeToken},
};
use crate::error::CallError;

/// The login of a profile.
#[derive(Clone, Debug)]
pub(crate) struct BrowserLogin {
    /// The profile.
    pub(super) profile: String,
    /// The name under which the official tools keep the token.
    pub(super) entry: String,
    /// The file that they keep it in.
    pub(super) file: PathBuf,
    /// Their CLI, where it is installed.
    pub(super) helper: Option<Helper>,
}

/// What the official tools keep.
#[derive(Default, Deserialize)]
struct Kept {
    #[serde(default)]
    tokens: BTreeMap<String, Option<KeptToken>>,
}

#[derive(Deserialize)]
struct KeptToken {
    token: Option<SecretString>,
    /// In seconds since 1970; none, or zero, for never.
    expires_at: Option<u64>,
}

impl BrowserLogin {
    /// The token that is kept, if it is good at that time; else why there is none.
    pub(super) fn kept(&self, now: SystemTime) -> Result<Fresh, String> {
        let file = self.file.display();
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => SecretString::from(text),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(format!("there is no `{file}`, where a login is kept"));
            }
            Err(error) => return Err(format!("cannot read `{file}`: {error}")),
        };
        // The parser's own words may quote a token.
        let kept = serde_norway::from_str::<Option<Kept>>(text.expose_secret())
            .map_err(|_| format!("`{file}` is malformed"))?;
        let entry = kept.unwrap_or_default().tokens.remove(&self.entry);
        let Some(KeptToken {
            token: Some(secret),
            expires_at,
        }) = entry.flatten()
        else {
            return Err(format!("`{file}` holds no login of this profile"));
        };
        let left = match expires_at {
            None | Some(0) => None,
            Some(seconds) => {
                let end = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
                let left = end.and_then(|end| end.duration_since(now).ok());
                match left.filter(|left| !left.is_zero()) {
                    Some(left) => Some(left),
                    None => return Err(format!("the login in `{file}` has expired")),
                }
            }
        };
        if secret.expose_secret().is_empty() {
            return Err(format!("`{file}` holds no login of this profile"));
        }
        Ok(Fresh {
            secret,
            renew_after: Some(FILE_LIFE),
            expires_after: left,
        })
    }
}

/// Makes tokens of a login.
#[derive(Debug)]
pub(super) struct LoginToken {
    pub(super) login: BrowserLogin,
    /// How long the CLI may take.
    pub(super) limit: Duration,
}

#[async_trait]
impl MakeToken for LoginToken {
    async fn make(&self, now: SystemTime) -> Result<Fresh, CallError> {
        let failed = |reason| CallError::Login {
            profile: self.login.profile.clone(),
            reason,
            command: command_line(&self.login.profile),
        };
        let login = self.login.clone();
        let read = spawn_blocking(move || login.kept(now));
        let reason = match timeout(FILE_WAIT, read).await {
            Ok(Ok(Ok(fresh))) => return Ok(fresh),
            Ok(Ok(Err(reason))) => reason,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!(
                "`{}` could not be read within {FILE_WAIT:?}",
                self.login.file.display()
            ),
        };
        let Some(helper) = self.login.helper.clone() else {
            return Err(failed(reason));
        };
        tracing::info!(reason, "asking the official CLI for a token");
        let (profile, limit) = (self.login.profile.clone(), self.limit);
        let asked = spawn_blocking(move || helper.token(&profile, limit)).await;
        match asked {
            Ok(Ok(secret)) => Ok(Fresh {
                secret,
                renew_after: Some(FILE_LIFE),
                expires_after: None,
            }),
            Ok(Err(complaint)) => Err(failed(format!("{reason}, and {complaint}"))),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn can_renew(&self) -> bool {
        true
    }
}
