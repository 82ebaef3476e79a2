//! The one place every call passes through: ids, log, faults and authentication, before any service sees it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future,
    num::NonZeroUsize,
    sync::{Arc, PoisonError},
    task::{Context, Poll},
};

use http_body::Frame;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use tonic::{
    Status,
    body::Body,
    codegen::{
        BoxFuture, Bytes, Service,
        http::{
            Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response,
            header::{AUTHORIZATION, CONTENT_TYPE, HOST},
            request::Parts,
            uri::Authority,
        },
    },
    service::Routes,
    transport::server::TlsConnectInfo,
};
use uuid::Uuid;

use crate::{
    account::SharedAccount, asked::Asked, calls::Call, emulator::Shared, faults::Rule,
    line::Breaker, names, paging::Bending,
};

/// The longest request, as gRPC servers have it by default.
const LONGEST_REQUEST: usize = 4 * 1024 * 1024;

/// The one method that is called without a token, since it is where tokens come from.
const EXCHANGE: &str = "/nebius.iam.v1.TokenExchangeService/Exchange";

/// What the services learn from the front about a call.
#[derive(Clone)]
pub(crate) struct Passed {
    /// The path of the method.
    pub(crate) method: String,
    /// The account that the caller's token opens.
    pub(crate) account: SharedAccount,
    pub(crate) bending: Bending,
}

#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) routes: Routes,
    pub(crate) shared: Arc<Shared>,
}

impl Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request).await) })
    }
}

impl Front {
    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let shared = Arc::clone(&self.shared);
        let response = tokio::select! {
            biased;
            response = self.handle(request, &request_id) => response.unwrap_or_else(Status::into_http),
            () = shared.stopping() => Status::unavailable("the emulator is stopping").into_http(),
        };
        identified(response, &request_id)
    }

    async fn handle(
        mut self,
        request: Request<Body>,
        request_id: &str,
    ) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let method = parts.uri.path().to_owned();
        self.must_be_at_home(&parts, &method)?;
        let body = Limited::new(body, LONGEST_REQUEST).collect().await;
        let body = body
            .map_err(|error| Status::resource_exhausted(error.to_string()))?
            .to_bytes();
        let asked = Asked::read(&method, &body);
        let rule = self.shared.rule_for(&method, &asked);
        tracing::info!(
            method,
            request_id,
            parent_id = asked.parent_id,
            faulty = rule.is_some()
        );
        self.shared.calls.record(Call {
            headers: shown(&parts.headers),
            parent_id: asked.parent_id,
            page_token: asked.page_token,
            page_size: asked.page_size,
            request_id: request_id.to_owned(),
            method: method.clone(),
        });

        let rule = rule.unwrap_or_default();
        self.delay(&rule, &parts.extensions).await;
        if rule.expire_tokens {
            self.shared.access.expire_all();
        }
        let account = if method == EXCHANGE {
            None
        } else {
            self.authenticate(&rule, &parts.headers)?
        };
        if let Some(status) = &rule.status {
            return Err(status.status());
        }

        let limits = [self.shared.page_size_limit, rule.page_size];
        parts.extensions.insert(Passed {
            method,
            account: account.unwrap_or_else(|| Arc::clone(&self.shared.account)),
            bending: Bending {
                at_most: limits.into_iter().flatten().min().map(NonZeroUsize::get),
                repeat_token: rule.repeat_page_token,
            },
        });
        let request = Request::from_parts(parts, Body::new(Full::new(body)));
        match self.routes.call(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }

    /// Refuses what is asked under the host name of another service, as a host does that does not have the service.
    fn must_be_at_home(&self, parts: &Parts, method: &str) -> Result<(), Status> {
        let account = self.shared.account.read();
        let account = account.unwrap_or_else(PoisonError::into_inner);
        let domain = account.settings().domain.as_deref();
        let is_encrypted = parts.extensions.get::<TlsConnectInfo<Breaker>>().is_some();
        if domain.is_none() && !is_encrypted {
            return Ok(());
        }
        let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = parts.uri.authority().map(Authority::as_str).or(named);
        let authority = authority.unwrap_or_default();
        if names::is_answered(method, authority, domain) {
            Ok(())
        } else {
            Err(Status::unimplemented(format!(
                "`{authority}` does not answer {method}: it is no host of that service"
            )))
        }
    }

    /// What a rule does to a call before anyone reads it; where it hangs or breaks the line, this never ends.
    async fn delay(&self, rule: &Rule, extensions: &Extensions) {
        if let Some(latency) = rule.latency() {
            tokio::time::sleep(latency).await;
        }
        if rule.disconnect {
            let over_tls = || extensions.get().map(TlsConnectInfo::get_ref);
            if let Some(breaker) = extensions.get::<Breaker>().or_else(over_tls) {
                breaker.cut();
            }
        }
        if rule.hang || rule.disconnect {
            future::pending::<()>().await;
        }
    }

    fn authenticate(
        &self,
        rule: &Rule,
        headers: &HeaderMap,
    ) -> Result<Option<SharedAccount>, Status> {
        let access = &self.shared.access;
        if rule.expire_tokens {
            return Err(Status::unauthenticated("the token has expired"));
        }
        let now = self.shared.clock.now();
        let checked = access.check(headers, now);
        checked.map_err(|refusal| refusal.status("iam"))
    }
}

impl Shared {
    fn rule_for(&self, method: &str, asked: &Asked) -> Option<Rule> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.rule_for(method, asked)
    }
}

/// The headers as the log may keep them.
fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let secret = name == AUTHORIZATION;
        let value = if secret {
            ""
        } else {
            value.to_str().unwrap_or_default()
        };
        (name.to_string(), value.to_owned())
    };
    headers.iter().map(shown).collect()
}

/// Puts the ids that support asks for into the initial metadata.
///
/// An error that is known before the first message would travel in one frame, which clients take for trailers. The
/// ids belong in front, so the status moves into trailers of its own.
fn identified(response: Response<Body>, request_id: &str) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    if parts.headers.contains_key(Status::GRPC_STATUS) {
        let mut trailers = std::mem::take(&mut parts.headers);
        if let Some(content_type) = trailers.remove(CONTENT_TYPE) {
            parts.headers.insert(CONTENT_TYPE, content_type);
        }
        let frame = Ok::<_, Infallible>(Frame::<Bytes>::trailers(trailers));
        body = Body::new(StreamBody::new(tokio_stream::once(frame)));
    }
    let trace_id = Uuid::new_v4().simple().to_string();
    for (name, id) in [("x-request-id", request_id), ("x-trace-id", &trace_id)] {
        if let Ok(value) = HeaderValue::from_str(id) {
            parts.headers.insert(name, value);
        }
    }
    Response::from_parts(parts, body)
}
