//! The server of the tests: the services of the API over a world, with a temper.

use std::sync::{Arc, Mutex};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use nebius_api::{
    nebius::{
        capacity::v1::{
            CapacityBlockGroup, GetCapacityBlockGroupRequest, ListCapacityAllowancesRequest,
            ListCapacityAllowancesResponse, ListCapacityBlockGroupsRequest,
            ListCapacityBlockGroupsResponse, ListResourceAdviceRequest, ListResourceAdviceResponse,
            capacity_allowance_service_server as shares,
            capacity_block_group_service_server as blocks,
            resource_advice_service_server as advice,
        },
        common::v1::{GetByNameRequest as CommonGetByNameRequest, Operation},
        compute::v1::{
            ListPlatformsRequest, ListPlatformsResponse, Platform,
            platform_service_server as platforms,
        },
        iam::{
            v1::{
                CreateTokenResponse, ExchangeTokenRequest, token_exchange_service_server as tokens,
            },
            v2::{
                GetProjectByNameRequest, GetProjectRequest, GetTenantRequest, ListProjectsRequest,
                ListProjectsResponse, ListTenantsRequest, ListTenantsResponse, Project, Tenant,
                project_service_server as projects, tenant_service_server as tenants,
            },
        },
        quotas::v1::{
            CreateQuotaAllowanceRequest, GetByNameRequest, GetQuotaAllowanceRequest,
            ListQuotaAllowancesRequest, ListQuotaAllowancesResponse, QuotaAllowance,
            UpdateQuotaAllowanceRequest, quota_allowance_service_server as quotas,
        },
    },
    world::{ProjectFiles, Recorded, World},
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_stream::{StreamExt as _, wrappers::TcpListenerStream};
use tonic::{
    Code, Request, Response, Status, async_trait,
    metadata::MetadataMap,
    transport::{Identity, ServerTlsConfig},
};

use super::{Misdeed, PUBLIC_KEY, Seen, Temper};
use crate::{pages::ListResponse, status::code_named};

/// What is asked of a list: its owner, how many rows a page, and which page.
trait ListRequest {
    fn page(&self) -> (&str, i64, &str);
}

impl ListRequest for ListTenantsRequest {
    fn page(&self) -> (&str, i64, &str) {
        ("", self.page_size, &self.page_token)
    }
}

macro_rules! list_requests {
    ($($request:ident),* $(,)?) => {
        $(impl ListRequest for $request {
            fn page(&self) -> (&str, i64, &str) {
                (&self.parent_id, self.page_size, &self.page_token)
            }
        })*
    };
}

list_requests!(
    ListCapacityAllowancesRequest,
    ListCapacityBlockGroupsRequest,
    ListPlatformsRequest,
    ListProjectsRequest,
    ListQuotaAllowancesRequest,
    ListResourceAdviceRequest,
);

pub(super) struct Stub {
    world: World,
    rows_a_page: usize,
    temper: Box<Temper>,
    seen: Mutex<Vec<Seen>>,
    /// The claims of the assertions that were exchanged, with the `kid` of their headers.
    pub(super) assertions: Mutex<Vec<Value>>,
    /// For whom somebody acted: the account, who acted, and the last word of the type of that token.
    pub(super) acted: Mutex<Vec<[String; 3]>>,
}

pub(super) async fn serve(stub: Arc<Stub>, listener: TcpListener, identity: Option<Identity>) {
    // Else every answer waits for the acknowledgement of the one before.
    let incoming = TcpListenerStream::new(listener)
        .map(|stream| stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)));
    let mut server = tonic::transport::Server::builder();
    if let Some(identity) = identity {
        let tls = ServerTlsConfig::new().identity(identity);
        server = server.tls_config(tls).unwrap();
    }
    server
        .add_service(tenants::TenantServiceServer::from_arc(Arc::clone(&stub)))
        .add_service(projects::ProjectServiceServer::from_arc(Arc::clone(&stub)))
        .add_service(tokens::TokenExchangeServiceServer::from_arc(Arc::clone(
            &stub,
        )))
        .add_service(platforms::PlatformServiceServer::from_arc(Arc::clone(
            &stub,
        )))
        .add_service(quotas::QuotaAllowanceServiceServer::from_arc(Arc::clone(
            &stub,
        )))
        .add_service(advice::ResourceAdviceServiceServer::from_arc(Arc::clone(
            &stub,
        )))
        .add_service(blocks::CapacityBlockGroupServiceServer::from_arc(
            Arc::clone(&stub),
        ))
        .add_service(shares::CapacityAllowanceServiceServer::from_arc(stub))
        .serve_with_incoming(incoming)
        .await
        .unwrap();
}

impl Stub {
    pub(super) fn new(world: World, rows_a_page: usize, temper: Box<Temper>) -> Self {
        Self {
            world,
            rows_a_page,
            temper,
            seen: Mutex::default(),
            assertions: Mutex::default(),
            acted: Mutex::default(),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Notes the call, and does what the temper says: the token of the next page, if it is to be another one.
    async fn admit(
        &self,
        method: &'static str,
        metadata: &MetadataMap,
        about: &str,
        page_size: i64,
        page_token: &str,
    ) -> Result<Option<String>, Status> {
        let header = |name: &str| {
            metadata
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let seen = Seen {
            method,
            about: about.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            authorization: header("authorization"),
            idempotency_key: header("x-idempotency-key"),
            user_agent: header("user-agent"),
            timeout: header("grpc-timeout"),
        };
        self.seen.lock().unwrap().push(seen.clone());
        match (self.temper)(&seen) {
            None => Ok(None),
            Some(Misdeed::Refuse(status)) => Err(*status),
            Some(Misdeed::Hang) => std::future::pending().await,
            Some(Misdeed::NextPage(token)) => Ok(Some(token)),
        }
    }

    async fn list<Message: ListRequest, Page: ListResponse + Clone>(
        &self,
        method: &'static str,
        request: &Request<Message>,
        recorded: &Recorded<Page>,
    ) -> Result<Response<Page>, Status> {
        let metadata = request.metadata();
        let (about, page_size, page_token) = request.get_ref().page();
        let next = self
            .admit(method, metadata, about, page_size, page_token)
            .await?;
        let (items, _) = held(recorded)?.into_parts();
        let start: usize = page_token.parse().unwrap_or_default();
        let rows = self.rows_a_page.min(usize::try_from(page_size).unwrap());
        let total = items.len();
        let page: Vec<_> = items.into_iter().skip(start).take(rows).collect();
        let end = start + page.len();
        let token = if end < total {
            end.to_string()
        } else {
            String::new()
        };
        let mut response = Response::new(Page::of_parts(page, next.unwrap_or(token)));
        response
            .metadata_mut()
            .insert("x-request-id", "request-7".parse().unwrap());
        Ok(response)
    }

    fn project(&self, id: &str) -> Result<ProjectFiles, Status> {
        let found = self.world.by_project.get(id).cloned();
        found.ok_or_else(|| Status::not_found("no such project"))
    }
}

fn held<T: Clone>(recorded: &Recorded<T>) -> Result<T, Status> {
    match recorded {
        Recorded::Answer(answer) => Ok(answer.clone()),
        Recorded::Error(error) => {
            let mut status = Status::new(code_named(&error.code), error.message.clone());
            let id = "request-9".parse().unwrap();
            status.metadata_mut().insert("x-request-id", id);
            Err(status)
        }
        Recorded::Missing => Err(Status::new(Code::Unavailable, "not recorded")),
    }
}

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the tests need no such method"))
}

#[async_trait]
impl tenants::TenantService for Stub {
    async fn get(&self, request: Request<GetTenantRequest>) -> Result<Response<Tenant>, Status> {
        let id = &request.get_ref().id;
        self.admit("tenants.Get", request.metadata(), id, 0, "")
            .await?;
        held(&self.world.tenant).map(Response::new)
    }

    async fn list(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let tenants = match &self.world.tenant {
            Recorded::Answer(tenant) => Recorded::Answer(ListTenantsResponse {
                items: vec![tenant.clone()],
                next_page_token: String::new(),
            }),
            Recorded::Error(error) => Recorded::Error(error.clone()),
            Recorded::Missing => Recorded::Answer(ListTenantsResponse::default()),
        };
        self.list("tenants.List", &request, &tenants).await
    }
}

#[async_trait]
impl projects::ProjectService for Stub {
    async fn get(&self, request: Request<GetProjectRequest>) -> Result<Response<Project>, Status> {
        let id = &request.get_ref().id;
        self.admit("projects.Get", request.metadata(), id, 0, "")
            .await?;
        // Also where the list is denied.
        let projects = match &self.world.projects {
            Recorded::Answer(list) => list.items.clone(),
            _ => match super::acme().projects {
                Recorded::Answer(list) => list.items,
                _ => Vec::new(),
            },
        };
        let is_it = |project: &Project| project.metadata.as_ref().unwrap().id == *id;
        let found = projects.into_iter().find(is_it);
        found
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such project"))
    }

    async fn get_by_name(
        &self,
        _: Request<GetProjectByNameRequest>,
    ) -> Result<Response<Project>, Status> {
        no()
    }

    async fn list(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        self.list("projects.List", &request, &self.world.projects)
            .await
    }
}

#[async_trait]
impl tokens::TokenExchangeService for Stub {
    async fn exchange(
        &self,
        request: Request<ExchangeTokenRequest>,
    ) -> Result<Response<CreateTokenResponse>, Status> {
        self.admit("tokens.Exchange", request.metadata(), "", 0, "")
            .await?;
        let asked = request.get_ref();
        assert_eq!(
            asked.grant_type,
            "urn:ietf:params:oauth:grant-type:token-exchange"
        );
        assert_eq!(
            asked.requested_token_type,
            "urn:ietf:params:oauth:token-type:access_token"
        );
        if asked.subject_token_type == "urn:nebius:params:oauth:token-type:subject_identifier" {
            let kind = asked.actor_token_type.rsplit(':').next().unwrap();
            let mut acted = self.acted.lock().unwrap();
            acted.push([
                asked.subject_token.clone(),
                asked.actor_token.clone(),
                kind.to_owned(),
            ]);
            return Ok(Response::new(CreateTokenResponse {
                access_token: format!("acting-{}", acted.len()),
                token_type: "Bearer".to_owned(),
                expires_in: 1_000,
                ..CreateTokenResponse::default()
            }));
        }
        assert_eq!(
            asked.subject_token_type,
            "urn:ietf:params:oauth:token-type:jwt"
        );
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.set_audience(&["token-service.iam.new.nebiuscloud.net"]);
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).unwrap();
        let assertion =
            jsonwebtoken::decode::<Value>(&asked.subject_token, &key, &validation).unwrap();
        let mut claims = assertion.claims;
        claims["kid"] = assertion.header.kid.into();
        let mut assertions = self.assertions.lock().unwrap();
        assertions.push(claims);
        Ok(Response::new(CreateTokenResponse {
            access_token: format!("exchanged-{}", assertions.len()),
            token_type: "Bearer".to_owned(),
            expires_in: 1_000,
            ..CreateTokenResponse::default()
        }))
    }
}

#[async_trait]
impl platforms::PlatformService for Stub {
    async fn get_by_name(
        &self,
        _: Request<CommonGetByNameRequest>,
    ) -> Result<Response<Platform>, Status> {
        no()
    }

    async fn list(
        &self,
        request: Request<ListPlatformsRequest>,
    ) -> Result<Response<ListPlatformsResponse>, Status> {
        let files = self.project(&request.get_ref().parent_id)?;
        self.list("platforms.List", &request, &files.platforms)
            .await
    }
}

#[async_trait]
impl quotas::QuotaAllowanceService for Stub {
    async fn get(
        &self,
        _: Request<GetQuotaAllowanceRequest>,
    ) -> Result<Response<QuotaAllowance>, Status> {
        no()
    }

    async fn get_by_name(
        &self,
        _: Request<GetByNameRequest>,
    ) -> Result<Response<QuotaAllowance>, Status> {
        no()
    }

    async fn list(
        &self,
        request: Request<ListQuotaAllowancesRequest>,
    ) -> Result<Response<ListQuotaAllowancesResponse>, Status> {
        let owner = &request.get_ref().parent_id;
        let rows = if owner.starts_with("tenant-") {
            self.world.allowances.clone()
        } else {
            self.project(owner)?.allowances
        };
        self.list("quotas.List", &request, &rows).await
    }

    async fn create(
        &self,
        _: Request<CreateQuotaAllowanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        no()
    }

    async fn update(
        &self,
        _: Request<UpdateQuotaAllowanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        no()
    }
}

#[async_trait]
impl advice::ResourceAdviceService for Stub {
    async fn list(
        &self,
        request: Request<ListResourceAdviceRequest>,
    ) -> Result<Response<ListResourceAdviceResponse>, Status> {
        self.list("advice.List", &request, &self.world.resource_advice)
            .await
    }
}

#[async_trait]
impl blocks::CapacityBlockGroupService for Stub {
    async fn get(
        &self,
        _: Request<GetCapacityBlockGroupRequest>,
    ) -> Result<Response<CapacityBlockGroup>, Status> {
        no()
    }

    async fn list(
        &self,
        request: Request<ListCapacityBlockGroupsRequest>,
    ) -> Result<Response<ListCapacityBlockGroupsResponse>, Status> {
        self.list("blocks.List", &request, &self.world.capacity_block_groups)
            .await
    }
}

#[async_trait]
impl shares::CapacityAllowanceService for Stub {
    async fn list(
        &self,
        request: Request<ListCapacityAllowancesRequest>,
    ) -> Result<Response<ListCapacityAllowancesResponse>, Status> {
        let files = self.project(&request.get_ref().parent_id)?;
        self.list("shares.List", &request, &files.capacity_allowances)
            .await
    }
}
