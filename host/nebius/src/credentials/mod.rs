//! Who asks: credentials as the official tools find them, and the access token that they give.

mod cache;
mod config;
mod environment;
mod error;
mod exchange;
mod find;
mod key;
mod origin;
mod token;

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
        exchange::KeyExchange,
        find::Material,
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
        origin: CredentialsOrigin,
        material: Material,
        channels: &Arc<Channels>,
        clock: &Clock,
        deadlines: &Deadlines,
    ) -> Self {
        let cache = match material {
            Material::Token(token) => TokenCache::new(StaticToken(token), clock.clone()),
            Material::TokenFile(path) => TokenCache::new(TokenFile(path), clock.clone()),
            Material::Key(key) => {
                let exchange = KeyExchange::new(key, Arc::clone(channels), deadlines.exchange);
                TokenCache::new(exchange, clock.clone())
            }
        };
        Self {
            origin,
            cache: Arc::new(cache),
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
