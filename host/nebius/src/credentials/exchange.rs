//! An access token of a service account, in exchange for its key, or for what somebody else has who may act as it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use nebius_api::nebius::iam::v1::{
    CreateTokenResponse, ExchangeTokenRequest,
    token_exchange_service_client::TokenExchangeServiceClient,
};
use secrecy::ExposeSecret;
use tonic::{Code, Request, transport::Channel};
use uuid::Uuid;

use super::{
    cache::TokenCache,
    key::ServiceAccountKey,
    origin::CredentialsOrigin,
    token::{Fresh, MakeToken, Token},
};
use crate::{
    address::Service,
    call::{LONGEST_ANSWER, send_within},
    channels::Channels,
    error::CallError,
    question::{About, Question},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const IDENTIFIER: &str = "urn:nebius:params:oauth:token-type:subject_identifier";

/// The service that exchanges.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) channels: Arc<Channels>,
    pub(super) deadline: Duration,
}

impl Exchange {
    /// Trades for a token of a service account. `given` is the secret in the request, which no error shows.
    async fn trade(
        &self,
        question: &Question,
        (account, given): (&str, &Token),
        origin: &CredentialsOrigin,
        request: ExchangeTokenRequest,
    ) -> Result<Fresh, CallError> {
        // Sent without an authorization header.
        let request = Request::new(ExchangeTokenRequest {
            grant_type: GRANT.to_owned(),
            requested_token_type: ACCESS_TOKEN.to_owned(),
            ..request
        });
        let send = |channel: Channel, request| async move {
            TokenExchangeServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .exchange(request)
                .await
        };
        let key = Uuid::new_v4().to_string();
        let sent = send_within(&self.channels, question, request, &key, self.deadline, send);
        let answer = sent
            .await
            .map_err(|failure| failure.into_error(question, &self.channels, origin, Some(given)))?;
        tracing::info!(
            account,
            expires_in = answer.expires_in,
            "exchanged for an access token"
        );
        self.fresh(account, answer)
    }

    fn fresh(&self, account: &str, answer: CreateTokenResponse) -> Result<Fresh, CallError> {
        let useless = |reason| CallError::UselessExchange {
            account: account.to_owned(),
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
        Ok(Fresh::that_lives(answer.access_token.into(), Some(life)))
    }
}

/// Makes tokens of a key.
#[derive(Debug)]
pub(super) struct KeyExchange {
    pub(super) key: ServiceAccountKey,
    pub(super) exchange: Exchange,
}

#[async_trait]
impl MakeToken for KeyExchange {
    async fn make(&self, now: SystemTime) -> Result<Fresh, CallError> {
        let account = &self.key.account;
        let question = Question::new(
            Service::Tokens,
            About::Key,
            format!("exchange the key of service account `{account}` for an access token"),
        );
        let assertion = Token::new(self.key.assertion(now)?, 0);
        let request = ExchangeTokenRequest {
            subject_token: assertion.secret().expose_secret().to_owned(),
            subject_token_type: JWT.to_owned(),
            ..ExchangeTokenRequest::default()
        };
        let origin = CredentialsOrigin::Token;
        let exchange = &self.exchange;
        exchange
            .trade(&question, (account, &assertion), &origin, request)
            .await
    }

    fn can_renew(&self) -> bool {
        true
    }
}

/// By what somebody proves to be one who may act as a service account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// An access token of another account: impersonation.
    AccessToken,
    /// A token that another issuer gave out: workload federation.
    ForeignToken,
}

/// Makes tokens of a service account for somebody who may act as it.
#[derive(Debug)]
pub(super) struct ActorExchange {
    /// The service account, by id.
    pub(super) account: String,
    /// Who acts.
    pub(super) actor: Arc<TokenCache>,
    /// Where the credentials of who acts come from.
    pub(super) origin: CredentialsOrigin,
    pub(super) proof: Proof,
    pub(super) exchange: Exchange,
}

impl ActorExchange {
    async fn ask(&self, actor: &Token) -> Result<Fresh, CallError> {
        let account = &self.account;
        let (about, kind, asked) = match self.proof {
            Proof::AccessToken => (
                About::Impersonation,
                ACCESS_TOKEN,
                format!("impersonate service account `{account}`"),
            ),
            Proof::ForeignToken => (
                About::Federation,
                JWT,
                format!("exchange the federated token for one of service account `{account}`"),
            ),
        };
        // What no header could carry is no token either.
        actor.authorization(&self.origin)?;
        let request = ExchangeTokenRequest {
            subject_token: account.clone(),
            subject_token_type: IDENTIFIER.to_owned(),
            actor_token: actor.secret().expose_secret().to_owned(),
            actor_token_type: kind.to_owned(),
            ..ExchangeTokenRequest::default()
        };
        let question = Question::new(Service::Tokens, about, asked);
        let exchange = &self.exchange;
        exchange
            .trade(&question, (account, actor), &self.origin, request)
            .await
    }
}

#[async_trait]
impl MakeToken for ActorExchange {
    /// Where the token of who acts is refused, its maker is asked for another one, once.
    async fn make(&self, _now: SystemTime) -> Result<Fresh, CallError> {
        let actor = self.actor.token().await?;
        let refused = match self.ask(&actor).await {
            Err(error) if error.is_from_code(Code::Unauthenticated) => error,
            outcome => return outcome,
        };
        match self.actor.renewed(&actor).await? {
            Some(another) => self.ask(&another).await,
            None => Err(refused),
        }
    }

    fn can_renew(&self) -> bool {
        true
    }
}
