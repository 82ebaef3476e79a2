//! Who asks: credentials as the official tools find them, and the access token that they give.

mod cache;
mod config;
mod environment;
mod error;
mod exchange;
mod find;
mod helper;
mod key;
mod login;
mod metadata;
mod origin;
mod token;
mod warnings;

#[cfg(test)]
mod damaged;
#[cfg(test)]
mod tests;

pub use environment::Environment;
pub use error::CredentialsError;
pub use origin::CredentialsOrigin;

pub(crate) use error::WAYS_IN;
pub(crate) use find::find;
pub(crate) use token::Token;

use std::sync::Arc;

use crate::{
    channels::Channels,
    clock::Clock,
    credentials::{
        cache::TokenCache,
        exchange::{ActorExchange, Exchange, KeyExchange, Proof},
        find::{Found, Material},
        login::LoginToken,
        metadata::MetadataToken,
        token::{StaticToken, TokenFile},
    },
    error::CallError,
    options::Deadlines,
};

/// Credentials in use: they hand out a token that is good now, and another one if the cloud refuses it.
#[derive(Debug)]
pub(crate) struct Credentials {
    origin: CredentialsOrigin,
    cache: Arc<TokenCache>,
}

impl Credentials {
    /// Puts what was found to use.
    pub(crate) fn new(
        found: Found,
        channels: &Arc<Channels>,
        clock: &Clock,
        deadlines: &Deadlines,
    ) -> Self {
        let Found {
            origin,
            material,
            impersonates,
            ..
        } = found;
        let exchange = Exchange {
            channels: Arc::clone(channels),
            deadline: deadlines.exchange,
        };
        let cache = match material {
            Material::Token(token) => TokenCache::new(StaticToken(token), clock.clone()),
            Material::TokenFile(path) => TokenCache::new(TokenFile(path), clock.clone()),
            Material::TokenEndpoint(endpoint) => {
                let limit = deadlines.exchange;
                TokenCache::new(MetadataToken { endpoint, limit }, clock.clone())
            }
            Material::Login(login) => {
                let limit = deadlines.helper;
                TokenCache::new(LoginToken { login, limit }, clock.clone())
            }
            Material::Key(key) => {
                let exchange = exchange.clone();
                TokenCache::new(KeyExchange { key, exchange }, clock.clone())
            }
            Material::Federated { account, file } => {
                let maker = ActorExchange {
                    account,
                    actor: Arc::new(TokenCache::new(TokenFile(file), clock.clone())),
                    origin: origin.clone(),
                    proof: Proof::ForeignToken,
                    exchange: exchange.clone(),
                };
                TokenCache::new(maker, clock.clone())
            }
        };
        let cache = Arc::new(cache);
        let Some(account) = impersonates else {
            return Self { origin, cache };
        };
        let maker = ActorExchange {
            account: account.clone(),
            actor: cache,
            origin: origin.clone(),
            proof: Proof::AccessToken,
            exchange,
        };
        Self {
            origin: CredentialsOrigin::Impersonated {
                account,
                by: Box::new(origin),
            },
            cache: Arc::new(TokenCache::new(maker, clock.clone())),
        }
    }

    /// Where they come from.
    pub(crate) const fn origin(&self) -> &CredentialsOrigin {
        &self.origin
    }

    /// A token that is good now, as far as its age tells.
    pub(crate) async fn token(&self) -> Result<Arc<Token>, CallError> {
        self.cache.token().await
    }

    /// Another token than the refused one; none where these credentials have no other.
    pub(crate) async fn renewed(&self, refused: &Token) -> Result<Option<Arc<Token>>, CallError> {
        self.cache.renewed(refused).await
    }
}
