//! One call, from its token to its answer: the attempts, the deadlines, the metadata, and the one renewal of a refused
//! token.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tonic::{
    Code, Request, Response, Status,
    metadata::{AsciiMetadataValue, MetadataValue},
    transport::Channel,
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    attempts::Attempts,
    channels::{Channels, NoChannel},
    credentials::{Credentials, CredentialsOrigin, Token},
    error::CallError,
    options::{Deadlines, Retries},
    question::Question,
    status::{Refusal, code_name},
};

/// The longest answer that is accepted, in bytes. A page of the longest list has a tenth of it.
pub(crate) const LONGEST_ANSWER: usize = 4 * 1024 * 1024;
/// How tonic begins its own complaint about a longer one.
const TOO_LONG: &str = "Error, decoded message length too large";

/// Asks the cloud as one identity.
#[derive(Debug)]
pub(crate) struct Caller {
    channels: Arc<Channels>,
    credentials: Credentials,
    call: Duration,
    retries: Retries,
}

impl Caller {
    pub(crate) const fn new(
        channels: Arc<Channels>,
        credentials: Credentials,
        deadlines: &Deadlines,
        retries: Retries,
    ) -> Self {
        Self {
            channels,
            credentials,
            call: deadlines.call,
            retries,
        }
    }

    /// The connections it uses.
    pub(crate) fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Where its credentials come from.
    pub(crate) const fn origin(&self) -> &CredentialsOrigin {
        self.credentials.origin()
    }

    /// Asks, and waits for the answer until `until` at the latest.
    ///
    /// A failure that may pass is asked again, a few times; one that the cloud says of the token, once, with a new one.
    /// Every attempt carries the same idempotency key, as the official SDKs have it, and has a
    /// deadline of its own.
    pub(crate) async fn call<Message, Answer, Send, Sent>(
        &self,
        question: &Question,
        message: &Message,
        until: Instant,
        send: Send,
    ) -> Result<Answer, CallError>
    where
        Message: Clone,
        Send: Fn(Channel, Request<Message>) -> Sent,
        Sent: Future<Output = Result<Response<Answer>, Status>>,
    {
        let span = tracing::debug_span!(
            "nebius_call",
            asked = question.asked,
            host = self.channels.host(question.service),
        );
        let attempts = async {
            let key = Uuid::new_v4().to_string();
            let mut attempts = Attempts::new(&self.retries, until);
            // How often each was asked for.
            let (mut tokens, mut asked) = (0, 0);
            let token = || self.with_token(question, until, self.credentials.token());
            let token = attempts.make(&mut tokens, token).await;
            let token = token.map_err(|error| error.after(tokens))?;
            let ask = || self.attempt(question, message, &key, &token, until, &send);
            let refused = match attempts.make(&mut asked, ask).await {
                Err(error) if error.is_from_code(Code::Unauthenticated) => error,
                outcome => return outcome.map_err(|error| error.after(asked)),
            };
            tokens = 0;
            let renew = || self.with_token(question, until, self.credentials.renewed(&token));
            let renewed = attempts.make(&mut tokens, renew).await;
            let Some(token) = renewed.map_err(|error| error.after(tokens))? else {
                return Err(refused.after(asked));
            };
            tracing::info!("the token was refused; asking again with a new one");
            let ask = || self.attempt(question, message, &key, &token, until, &send);
            let outcome = attempts.make(&mut asked, ask).await;
            outcome.map_err(|error| error.after(asked))
        };
        attempts.instrument(span).await
    }

    /// The outcome of a wait for a token, which ends with the question's deadline.
    async fn with_token<T>(
        &self,
        question: &Question,
        until: Instant,
        wait: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let outcome = timeout_at(until, wait).await.unwrap_or_else(|_| {
            Err(CallError::Late {
                asked: "get an access token".to_owned(),
                host: self.origin().to_string(),
                waited: until.saturating_duration_since(started),
            })
        });
        outcome.map_err(|cause| CallError::NoToken {
            asked: question.asked.clone(),
            cause: Box::new(cause),
        })
    }

    async fn attempt<Message, Answer, Send, Sent>(
        &self,
        question: &Question,
        message: &Message,
        key: &str,
        token: &Token,
        until: Instant,
        send: &Send,
    ) -> Result<Answer, CallError>
    where
        Message: Clone,
        Send: Fn(Channel, Request<Message>) -> Sent,
        Sent: Future<Output = Result<Response<Answer>, Status>>,
    {
        let mut request = Request::new(message.clone());
        request
            .metadata_mut()
            .insert("authorization", token.authorization(self.origin())?);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(CallError::NoTimeLeft {
                asked: question.asked.clone(),
                host: self.channels.host(question.service),
            });
        }
        let wait = self.call.min(left);
        let answer = send_within(&self.channels, question, request, key, wait, send);
        answer.await.map_err(|failure| {
            failure.into_error(question, &self.channels, self.origin(), Some(token))
        })
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Somebody said so.
    Status(Status),
    /// Nobody did, for so long.
    Late(Duration),
    /// The connection cannot be set up.
    Transport(NoChannel),
}

impl Failure {
    /// In words. A cloud that repeats the token it was given is not quoted to that extent.
    pub(crate) fn into_error(
        self,
        question: &Question,
        channels: &Channels,
        origin: &CredentialsOrigin,
        token: Option<&Token>,
    ) -> CallError {
        let asked = question.asked.clone();
        let host = channels.host(question.service);
        let status = match self {
            Self::Status(status) => status,
            Self::Late(waited) => {
                let milliseconds = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                let waited = Duration::from_millis(milliseconds);
                tracing::info!(?waited, "no answer");
                return CallError::Late {
                    asked,
                    host,
                    waited,
                };
            }
            Self::Transport(NoChannel::Distrust(distrust)) => {
                return CallError::distrusted(asked, host, distrust);
            }
            Self::Transport(NoChannel::Address(error)) => {
                let refusal = Refusal::of(&Status::from_error(Box::new(error)));
                return CallError::Unreachable {
                    asked,
                    host,
                    reason: refusal.text,
                    // What is wrong is the address or the trust in it.
                    may_pass: false,
                };
            }
        };
        let mut refusal = Refusal::of(&status);
        if let Some(token) = token {
            refusal.text = token.censor(&refusal.text);
        }
        tracing::info!(
            code = code_name(refusal.code),
            message = refusal.text,
            request_id = refusal.request_id,
            "refused"
        );
        if let Some(distrust) = refusal.distrust {
            return CallError::distrusted(asked, host, distrust);
        }
        if refusal.code == Code::OutOfRange && refusal.text.starts_with(TOO_LONG) {
            return CallError::TooLong {
                asked,
                host,
                most: LONGEST_ANSWER,
            };
        }
        if refusal.is_local {
            let proxy = channels.proxy(question.service);
            let way = proxy.map(|proxy| format!("through the proxy {proxy}: "));
            return CallError::Unreachable {
                asked,
                host,
                reason: way.unwrap_or_default() + &refusal.text,
                may_pass: refusal.may_pass,
            };
        }
        CallError::Refused {
            remedy: question.remedy(&refusal, origin),
            asked,
            host,
            refusal: Box::new(refusal),
        }
    }
}

/// Sends one request to the host of the question's service and waits that long, the connecting included.
pub(crate) async fn send_within<Message, Answer, Send, Sent>(
    channels: &Channels,
    question: &Question,
    mut request: Request<Message>,
    key: &str,
    wait: Duration,
    send: Send,
) -> Result<Answer, Failure>
where
    Send: Fn(Channel, Request<Message>) -> Sent,
    Sent: Future<Output = Result<Response<Answer>, Status>>,
{
    let channel = channels
        .to(question.service)
        .await
        .map_err(Failure::Transport)?;
    request.set_timeout(wait);
    if let Ok(key) = AsciiMetadataValue::try_from(key) {
        request.metadata_mut().insert("x-idempotency-key", key);
    }
    let started = Instant::now();
    let outcome = timeout_at(started + wait, send(channel, request)).await;
    let elapsed = started.elapsed();
    match outcome {
        Ok(Ok(response)) => {
            let request_id = response.metadata().get("x-request-id");
            let request_id = request_id.and_then(|id: &MetadataValue<_>| id.to_str().ok());
            tracing::debug!(?elapsed, request_id, "answered");
            Ok(response.into_inner())
        }
        // The same deadline travels with the request, so either side may be the first to see it pass.
        Ok(Err(status)) if status.code() == Code::Cancelled && elapsed >= wait => {
            Err(Failure::Late(wait))
        }
        Ok(Err(status)) => Err(Failure::Status(status)),
        Err(_) => Err(Failure::Late(wait)),
    }
}
