//! Who may call: keys of service accounts, the tokens they are traded for, and what a call must carry.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use nebius_api::nebius::iam::v1::{CreateTokenResponse, ExchangeTokenRequest};
use serde::Deserialize;
use tonic::codegen::http::{HeaderMap, header::AUTHORIZATION};

use crate::{account::SharedAccount, refusal::Refusal};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Every token that the emulator hands out starts so; one that does and is not on the books is stale.
const HANDED_OUT: &str = "ne1emulated.";

/// The public half of a service account's key.
#[derive(Clone)]
pub struct ServiceAccountKey {
    service_account_id: String,
    key_id: String,
    key: DecodingKey,
}

/// A public key that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the public key `{key_id}` is no RSA public key in PEM: {source}")]
pub struct KeyError {
    key_id: String,
    source: jsonwebtoken::errors::Error,
}

impl ServiceAccountKey {
    /// Reads the RSA public key `key_id` of a service account from PEM.
    ///
    /// # Errors
    /// When `pem` holds no RSA public key.
    pub fn from_pem(service_account_id: &str, key_id: &str, pem: &[u8]) -> Result<Self, KeyError> {
        let key = DecodingKey::from_rsa_pem(pem).map_err(|source| KeyError {
            key_id: key_id.to_owned(),
            source,
        })?;
        Ok(Self {
            service_account_id: service_account_id.to_owned(),
            key_id: key_id.to_owned(),
            key,
        })
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceAccountKey")
            .field("service_account_id", &self.service_account_id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
}

pub(crate) struct Access {
    pub(crate) keys: Vec<ServiceAccountKey>,
    /// Where there are none, any token passes that the emulator did not hand out itself.
    pub(crate) static_tokens: BTreeSet<String>,
    /// The tokens of the tenants beside the first, with the account that each opens.
    pub(crate) bound: BTreeMap<String, SharedAccount>,
    pub(crate) token_life: Duration,
    /// When each token that was handed out expires.
    pub(crate) handed_out: Mutex<BTreeMap<String, SystemTime>>,
}

impl Access {
    /// Checks that a call comes with a token that is good at `now`, and says which account it opens where that is not the
    /// first.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Option<SharedAccount>, Refusal> {
        let refused = |message: &str| Err(Refusal::Unauthenticated(message.to_owned()));
        let Some(header) = headers.get(AUTHORIZATION) else {
            return refused("the call carries no `authorization`");
        };
        let value = header.to_str().unwrap_or_default();
        let Some(token) = value.split_once(' ').and_then(|(scheme, token)| {
            let token = token.trim();
            (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
        }) else {
            return refused("`authorization` must be `Bearer` and a token");
        };
        if token.starts_with(HANDED_OUT) {
            let handed_out = self
                .handed_out
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            return match handed_out.get(token) {
                Some(expires_at) if now < *expires_at => Ok(None),
                _ => refused("the token has expired"),
            };
        }
        if let Some(account) = self.bound.get(token) {
            return Ok(Some(Arc::clone(account)));
        }
        if self.static_tokens.is_empty() || self.static_tokens.contains(token) {
            Ok(None)
        } else {
            refused("the token is unknown")
        }
    }

    /// Trades a signed assertion for an access token.
    pub(crate) fn exchange(
        &self,
        request: &ExchangeTokenRequest,
        now: SystemTime,
    ) -> Result<CreateTokenResponse, Refusal> {
        must_be("grant_type", &request.grant_type, GRANT_TYPE)?;
        must_be("subject_token_type", &request.subject_token_type, JWT)?;
        if !request.requested_token_type.is_empty() {
            must_be(
                "requested_token_type",
                &request.requested_token_type,
                ACCESS_TOKEN,
            )?;
        }
        self.verify(&request.subject_token, now)
            .map_err(Refusal::Unauthenticated)?;

        let token = format!("{HANDED_OUT}{}", uuid::Uuid::new_v4().simple());
        let mut handed_out = self
            .handed_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        handed_out.retain(|_, expires_at| now < *expires_at);
        handed_out.insert(token.clone(), now + self.token_life);
        Ok(CreateTokenResponse {
            access_token: token,
            issued_token_type: ACCESS_TOKEN.to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: i64::try_from(self.token_life.as_secs()).unwrap_or(i64::MAX),
            scopes: Vec::new(),
        })
    }

    /// Ends the life of every token that was handed out.
    pub(crate) fn expire_all(&self) {
        let mut handed_out = self
            .handed_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        handed_out.clear();
    }

    fn verify(&self, assertion: &str, now: SystemTime) -> Result<(), String> {
        let header = jsonwebtoken::decode_header(assertion)
            .map_err(|error| format!("the assertion is malformed: {error}"))?;
        let key_id = header.kid.ok_or("the assertion names no key")?;
        let mut keys = self.keys.iter();
        let key = keys
            .find(|key| key.key_id == key_id)
            .ok_or_else(|| format!("no service account has the key `{key_id}`"))?;

        // The times are checked below, by the emulator's clock; the audience is not checked, since only the SDKs set it.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(assertion, &key.key, &validation)
            .map_err(|error| format!("the assertion does not hold: {error}"))?
            .claims;
        if claims.iss != key.service_account_id || claims.sub != key.service_account_id {
            return Err(format!("the key `{key_id}` is not of `{}`", claims.sub));
        }
        let since_epoch = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        if claims.exp <= since_epoch.as_secs_f64() {
            return Err("the assertion has expired".to_owned());
        }
        Ok(())
    }
}

fn must_be(field: &'static str, value: &str, expected: &str) -> Result<(), Refusal> {
    if value == expected {
        return Ok(());
    }
    Err(Refusal::Invalid {
        field,
        message: format!("must be `{expected}`"),
    })
}
