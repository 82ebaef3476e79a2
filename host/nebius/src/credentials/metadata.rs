//! The identity of a virtual machine: its metadata service gives out access tokens over plain HTTP.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, StatusCode, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use super::token::{Fresh, MakeToken};
use crate::error::CallError;

/// More is no token.
const LONGEST_ANSWER: usize = 64 * 1024;
/// No other header tells a program on the machine from a page in its browser.
const HEADER: (&str, &str) = ("Metadata", "true");

/// Where the metadata service gives out tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenEndpoint {
    uri: Uri,
    host: String,
    port: u16,
}

impl TokenEndpoint {
    /// From an `http://` address; none where it is no such address.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        let authority = uri.authority()?;
        let is_plain = uri.scheme_str() == Some("http") && !authority.as_str().contains('@');
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        (is_plain && !host.is_empty()).then_some(Self { uri, host, port })
    }
}

/// Makes tokens by asking the metadata service.
#[derive(Debug)]
pub(super) struct MetadataToken {
    pub(super) endpoint: TokenEndpoint,
    /// How long it may take.
    pub(super) limit: Duration,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    /// As RFC 3339 writes it.
    expires_at: Option<String>,
}

/// Why there is no token, and whether the next attempt may get one.
struct Refused(String, bool);

impl MetadataToken {
    async fn ask(&self, now: SystemTime) -> Result<Fresh, Refused> {
        let lost = |error: &dyn std::error::Error| Refused(error.to_string(), true);
        let TokenEndpoint { uri, host, port } = &self.endpoint;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|error| lost(&error))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| lost(&error))?;
        tokio::spawn(async move {
            // What ends it is told to whoever waits for the answer.
            let _ = connection.await;
        });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::get(path)
            .header(header::HOST, authority)
            .header(HEADER.0, HEADER.1)
            .body(String::new())
            .map_err(|error| Refused(error.to_string(), false))?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| lost(&error))?;
        let status = response.status();
        if status != StatusCode::OK {
            let may_pass = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            return Err(Refused(format!("it answered {status}"), may_pass));
        }
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect();
        let body = body
            .await
            .map_err(|error| Refused(error.to_string(), true))?;
        // The parser's own words may quote the token.
        let useless = |reason: &str| Refused(reason.to_owned(), false);
        let answer: Answer = serde_json::from_slice(&body.to_bytes())
            .map_err(|_| useless("its answer has no `access_token`"))?;
        if answer.access_token.expose_secret().is_empty() {
            return Err(useless("its answer has no `access_token`"));
        }
        let Some(end) = answer.expires_at else {
            return Ok(Fresh::that_lives(answer.access_token, None));
        };
        let end: Timestamp = end
            .parse()
            .map_err(|_| useless("its answer has no time in `expires_at`"))?;
        let left = SystemTime::from(end)
            .duration_since(now)
            .unwrap_or_default();
        if left.is_zero() {
            return Err(useless("the access token has expired already"));
        }
        Ok(Fresh::that_lives(answer.access_token, Some(left)))
    }
}

#[async_trait]
impl MakeToken for MetadataToken {
    async fn make(&self, now: SystemTime) -> Result<Fresh, CallError> {
        let limit = self.limit;
        let late = Err(Refused(format!("it did not answer within {limit:?}"), true));
        let asked = timeout(limit, self.ask(now)).await.unwrap_or(late);
        asked.map_err(|Refused(reason, may_pass)| CallError::TokenEndpoint {
            endpoint: self.endpoint.uri.to_string(),
            reason,
            may_pass,
        })
    }

    fn can_renew(&self) -> bool {
        true
    }
}
