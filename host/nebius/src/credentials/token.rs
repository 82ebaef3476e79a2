//! An access token, and the two makers of tokens that ask nobody: one that was handed in, and a file.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tonic::metadata::AsciiMetadataValue;

use super::origin::CredentialsOrigin;
use crate::error::CallError;

/// A token file is read again after this long.
pub(super) const FILE_LIFE: Duration = Duration::from_secs(5 * 60);
/// The file may be on a mount that hangs.
pub(super) const FILE_WAIT: Duration = Duration::from_secs(5);

/// An access token.
#[derive(Debug)]
pub(crate) struct Token {
    secret: SecretString,
    /// Tells the tokens of one cache apart.
    pub(super) number: u64,
}

/// A token that was just made.
pub(super) struct Fresh {
    /// The token.
    pub(super) secret: SecretString,
    /// When to make another one, counted from now; none for never.
    pub(super) renew_after: Option<Duration>,
    /// When it is of no use any more, counted from now; none where nobody says.
    pub(super) expires_after: Option<Duration>,
}

impl Fresh {
    /// A token that lives so long; none where nobody says.
    pub(super) fn that_lives(secret: SecretString, life: Option<Duration>) -> Self {
        Self {
            secret,
            // At 90 % of its life, as the official SDKs; the tenth first, since the life can be any number.
            renew_after: Some(life.map_or(FILE_LIFE, |life| (life / 10).saturating_mul(9))),
            expires_after: life,
        }
    }
}

/// Makes tokens.
#[async_trait]
pub(super) trait MakeToken: Send + Sync + std::fmt::Debug {
    /// Makes one, or gives up in time: nobody may be waiting who would.
    async fn make(&self, now: SystemTime) -> Result<Fresh, CallError>;

    /// Whether another call may make another token.
    fn can_renew(&self) -> bool;
}

impl Token {
    pub(super) const fn new(secret: SecretString, number: u64) -> Self {
        Self { secret, number }
    }

    /// The value of the `authorization` header, which no log shows.
    pub(crate) fn authorization(
        &self,
        origin: &CredentialsOrigin,
    ) -> Result<AsciiMetadataValue, CallError> {
        let token = self.secret.expose_secret();
        // RFC 6750 section 2.1 knows no other characters; a header takes more, but then it is no token.
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = AsciiMetadataValue::try_from(format!("Bearer {token}"));
        match value {
            Ok(mut value) if is_token => {
                value.set_sensitive(true);
                Ok(value)
            }
            _ => Err(CallError::NotAToken(origin.to_string())),
        }
    }

    /// The token itself, for the one message that carries it.
    pub(super) const fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The text without the token.
    pub(crate) fn censor(&self, text: &str) -> String {
        match self.secret.expose_secret() {
            "" => text.to_owned(),
            token => text.replace(token, "..."),
        }
    }

    /// Whether it is the same text.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// A token that was handed in: there is no other.
#[derive(Debug)]
pub(super) struct StaticToken(pub(super) SecretString);

#[async_trait]
impl MakeToken for StaticToken {
    async fn make(&self, _now: SystemTime) -> Result<Fresh, CallError> {
        Ok(Fresh {
            secret: self.0.clone(),
            renew_after: None,
            expires_after: None,
        })
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// A file that somebody else keeps fresh.
#[derive(Debug)]
pub(super) struct TokenFile(pub(super) PathBuf);

#[async_trait]
impl MakeToken for TokenFile {
    async fn make(&self, _now: SystemTime) -> Result<Fresh, CallError> {
        let path = self.0.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path));
        let cause = match timeout(FILE_WAIT, read).await {
            Ok(Ok(Ok(text))) => {
                // What is around the token is wiped with it.
                let text = SecretString::from(text);
                return Ok(Fresh {
                    secret: text.expose_secret().trim().into(),
                    renew_after: Some(FILE_LIFE),
                    expires_after: None,
                });
            }
            Ok(Ok(Err(error))) => error,
            Ok(Err(error)) => io::Error::other(error),
            Err(_) => {
                let late = format!("it could not be read within {FILE_WAIT:?}");
                io::Error::new(io::ErrorKind::TimedOut, late)
            }
        };
        Err(CallError::TokenFile {
            path: self.0.clone(),
            cause: Arc::new(cause),
        })
    }

    fn can_renew(&self) -> bool {
        true
    }
}
