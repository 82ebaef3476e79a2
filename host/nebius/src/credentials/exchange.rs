//! A service account's key for an access token.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use nebius_api::nebius::iam::v1::{
    CreateTokenResponse, ExchangeTokenRequest,
    token_exchange_service_client::TokenExchangeServiceClient,
};
use secrecy::{ExposeSecret, SecretString};
use tonic::{Request, transport::Channel};
use uuid::Uuid;

use super::{
    key::ServiceAccountKey,
    origin::CredentialsOrigin,
    token::{Fresh, MakeToken, Token},
};
use crate::{
    address::Service,
    call::send_within,
    channels::Channels,
    error::CallError,
    question::{About, Question},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Makes tokens by asking the cloud for them.
#[derive(Debug)]
pub(super) struct KeyExchange {
    key: ServiceAccountKey,
    channels: Arc<Channels>,
    deadline: Duration,
}

impl KeyExchange {
    pub(super) const fn new(
        key: ServiceAccountKey,
        channels: Arc<Channels>,
        deadline: Duration,
    ) -> Self {
        Self {
            key,
            channels,
            deadline,
        }
    }

    fn fresh(&self, answer: CreateTokenResponse) -> Result<Fresh, CallError> {
        let useless = |reason| CallError::UselessExchange {
            account: self.key.account.clone(),
            host: self.channels.host(Service::Tokens),
            reason,
        };
        if answer.access_token.is_empty() {
            return Err(useless("the answer has no access token"));
        }
        let life = u64::try_from(answer.expires_in).unwrap_or_default();
        if life == 0 {
            return Err(useless("the access token has expired already"));
        }
        let life = Duration::from_secs(life);
        Ok(Fresh {
            secret: answer.access_token.into(),
            // At 90 % of its life, as the official SDKs; the tenth first, since the life can be any number.
            renew_after: Some((life / 10).saturating_mul(9)),
            expires_after: Some(life),
        })
    }
}

#[async_trait]
impl MakeToken for KeyExchange {
    async fn make(&self, now: SystemTime) -> Result<Fresh, CallError> {
        let question = Question::new(
            Service::Tokens,
            About::Key,
            format!(
                "exchange the key of service account `{}` for an access token",
                self.key.account
            ),
        );
        let assertion: SecretString = self.key.assertion(now)?;
        // Sent without an authorization header.
        let request = Request::new(ExchangeTokenRequest {
            grant_type: GRANT.to_owned(),
            requested_token_type: ACCESS_TOKEN.to_owned(),
            subject_token: assertion.expose_secret().to_owned(),
            subject_token_type: JWT.to_owned(),
            ..ExchangeTokenRequest::default()
        });
        let send = |channel: Channel, request| async move {
            TokenExchangeServiceClient::new(channel)
                .exchange(request)
                .await
        };
        let key = Uuid::new_v4().to_string();
        let sent = send_within(
            &self.channels,
            &question,
            request,
            &key,
            self.deadline,
            send,
        );
        let answer = sent.await.map_err(|failure| {
            let assertion = Token::new(assertion.clone(), 0);
            failure.into_error(
                &question,
                &self.channels,
                &CredentialsOrigin::Token,
                Some(&assertion),
            )
        })?;
        tracing::info!(
            account = self.key.account,
            expires_in = answer.expires_in,
            "exchanged a key for an access token"
        );
        self.fresh(answer)
    }

    fn can_renew(&self) -> bool {
        true
    }
}
