//! What the tests share: a running emulator of the bundled world, and clients of its services.

use nebius_api::nebius::{
    common::v1::{ServiceError, service_error::Details},
    quotas::v1::{
        ListQuotaAllowancesRequest, ListQuotaAllowancesResponse,
        quota_allowance_service_client::QuotaAllowanceServiceClient,
    },
};
use nebius_emulator::{Builder, Control, Emulator, Faults, Running, worlds};
use prost::Message;
use tonic::{
    Request, Response, Status,
    metadata::MetadataMap,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

pub(crate) const TENANT: &str = "tenant-e00acme";
pub(crate) const PROJECT: &str = "project-e00eunorth1";
pub(crate) const LIST: &str = "QuotaAllowanceService/List";

/// A channel that puts a bearer token on every call.
pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

#[derive(Clone)]
pub(crate) struct Bearer(pub(crate) String);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = format!("Bearer {}", self.0).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

pub(crate) fn acme() -> Builder {
    Emulator::builder(worlds::acme().unwrap())
}

/// A running emulator and a channel to it.
pub(crate) async fn start(builder: Builder) -> (Running, Channel) {
    let running = builder.spawn().await.unwrap();
    let channel = connect(&running).await;
    (running, channel)
}

pub(crate) async fn connect(running: &Running) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", running.addr())).unwrap();
    endpoint.connect().await.unwrap()
}

pub(crate) fn with_token(channel: &Channel, token: &str) -> Authorized {
    InterceptedService::new(channel.clone(), Bearer(token.to_owned()))
}

pub(crate) fn set_faults(control: &Control, json: &str) {
    control.set_faults(Faults::from_json(json).unwrap());
}

/// Asks for one page of quota rows.
pub(crate) async fn list(
    channel: &Channel,
    parent_id: &str,
    page_size: i64,
    page_token: &str,
) -> Result<Response<ListQuotaAllowancesResponse>, Status> {
    let request = ListQuotaAllowancesRequest {
        parent_id: parent_id.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    QuotaAllowanceServiceClient::new(with_token(channel, "any"))
        .list(request)
        .await
}

/// The `ServiceError` in a status' details.
pub(crate) fn service_error(status: &Status) -> ServiceError {
    let explained = nebius_api::google::rpc::Status::decode(status.details()).unwrap();
    assert_eq!(explained.code, status.code() as i32);
    let detail = explained.details.first().unwrap();
    assert!(detail.type_url.ends_with("/nebius.common.v1.ServiceError"));
    ServiceError::decode(detail.value.as_slice()).unwrap()
}

pub(crate) fn details(status: &Status) -> Details {
    service_error(status).details.unwrap()
}

pub(crate) fn request_id(metadata: &MetadataMap) -> String {
    assert!(metadata.contains_key("x-trace-id"));
    let id = metadata.get("x-request-id").unwrap();
    id.to_str().unwrap().to_owned()
}
