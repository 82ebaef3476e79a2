//! The questions themselves: which method of which service, and how many rows a page.

use nebius_api::nebius::{
    capacity::v1::{
        CapacityAllowance, CapacityBlockGroup, ListCapacityAllowancesRequest,
        ListCapacityBlockGroupsRequest, ListResourceAdviceRequest, ResourceAdvice,
        capacity_allowance_service_client::CapacityAllowanceServiceClient,
        capacity_block_group_service_client::CapacityBlockGroupServiceClient,
        resource_advice_service_client::ResourceAdviceServiceClient,
    },
    compute::v1::{ListPlatformsRequest, Platform, platform_service_client::PlatformServiceClient},
    iam::v2::{
        GetProjectRequest, GetTenantRequest, ListProjectsRequest, ListTenantsRequest, Project,
        Tenant, project_service_client::ProjectServiceClient,
        tenant_service_client::TenantServiceClient,
    },
    quotas::v1::{
        ListQuotaAllowancesRequest, QuotaAllowance,
        quota_allowance_service_client::QuotaAllowanceServiceClient,
    },
};
use quotagate::source::SourceErrorKind;
use tokio::time::Instant;
use tonic::{Request, Response, Status, transport::Channel};

use crate::{
    address::Service,
    call::LONGEST_ANSWER,
    client::NebiusClient,
    error::CallError,
    pages::{Endless, Fetched, ListResponse, all_pages},
    question::{About, Question},
};

const ALLOWANCES_A_PAGE: i64 = 1_000;
const CAPACITY_ROWS_A_PAGE: i64 = 200;
const ROWS_A_PAGE: i64 = 999;

impl NebiusClient {
    /// The tenants that the credentials see.
    pub(crate) async fn fetch_tenants(&self, until: Instant) -> Result<Fetched<Tenant>, CallError> {
        let question = Question::new(Service::Iam, About::Oneself, "list the tenants".to_owned());
        let request = |page_token| ListTenantsRequest {
            page_size: ROWS_A_PAGE,
            page_token,
            ..ListTenantsRequest::default()
        };
        self.list(&question, until, request, |channel, request| async move {
            TenantServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// A tenant.
    pub(crate) async fn fetch_tenant(&self, id: &str, until: Instant) -> Result<Tenant, CallError> {
        let question = Question::new(
            Service::Iam,
            About::Tenant,
            format!("get the tenant `{id}`"),
        );
        let request = GetTenantRequest { id: id.to_owned() };
        let send = |channel: Channel, request| async move {
            TenantServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .get(request)
                .await
        };
        self.caller.call(&question, &request, until, send).await
    }

    /// A project.
    pub(crate) async fn fetch_project(
        &self,
        id: &str,
        until: Instant,
    ) -> Result<Project, CallError> {
        let question = Question::new(
            Service::Iam,
            About::Project,
            format!("get the project `{id}`"),
        );
        let request = GetProjectRequest { id: id.to_owned() };
        let send = |channel: Channel, request| async move {
            ProjectServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .get(request)
                .await
        };
        self.caller.call(&question, &request, until, send).await
    }

    /// The projects of a tenant. Where the credentials may not list them, the one project that was named, as a part of
    /// the list.
    pub(crate) async fn fetch_projects(
        &self,
        tenant: &str,
        until: Instant,
    ) -> Result<Fetched<Project>, CallError> {
        let denied = match self.list_projects(tenant, until).await {
            Err(error) if error.kind() == SourceErrorKind::Denied => error,
            outcome => return outcome,
        };
        let Some(project) = &self.project else {
            return Err(denied);
        };
        match self.fetch_project(project, until).await {
            Ok(project) => Ok(Fetched::partial(vec![project], denied)),
            Err(error) => {
                tracing::info!(%error, "the project that was named cannot be read either");
                Err(denied)
            }
        }
    }

    async fn list_projects(
        &self,
        tenant: &str,
        until: Instant,
    ) -> Result<Fetched<Project>, CallError> {
        let asked = format!("list the projects of `{tenant}`");
        let question = Question::new(Service::Iam, About::Tenant, asked);
        let request = |page_token| ListProjectsRequest {
            parent_id: tenant.to_owned(),
            page_size: ROWS_A_PAGE,
            page_token,
            ..ListProjectsRequest::default()
        };
        self.list(&question, until, request, |channel, request| async move {
            ProjectServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// The quota rows of a tenant or a project. The owner is always named: without one the cloud may take another.
    pub(crate) async fn fetch_allowances(
        &self,
        owner: &str,
        about: About,
        until: Instant,
    ) -> Result<Fetched<QuotaAllowance>, CallError> {
        let asked = format!("list the quota allowances of `{owner}`");
        let question = Question::new(Service::Quotas, about, asked);
        let request = |page_token| ListQuotaAllowancesRequest {
            parent_id: owner.to_owned(),
            page_size: ALLOWANCES_A_PAGE,
            page_token,
        };
        self.list(&question, until, request, |channel, request| async move {
            QuotaAllowanceServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// The platforms that a project is offered.
    pub(crate) async fn fetch_platforms(
        &self,
        project: &str,
        until: Instant,
    ) -> Result<Fetched<Platform>, CallError> {
        let asked = format!("list the platforms of `{project}`");
        let question = Question::new(Service::Compute, About::Project, asked);
        let request = |page_token| ListPlatformsRequest {
            parent_id: project.to_owned(),
            page_size: ROWS_A_PAGE,
            page_token,
        };
        self.list(&question, until, request, |channel, request| async move {
            PlatformServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// The advice on free hardware for a tenant.
    pub(crate) async fn fetch_advice(
        &self,
        tenant: &str,
        until: Instant,
    ) -> Result<Fetched<ResourceAdvice>, CallError> {
        let asked = format!("list the capacity advice for `{tenant}`");
        let question = Question::new(Service::CapacityAdvice, About::Tenant, asked);
        let request = |page_token| ListResourceAdviceRequest {
            parent_id: tenant.to_owned(),
            page_size: CAPACITY_ROWS_A_PAGE,
            page_token,
        };
        self.list(&question, until, request, |channel, request| async move {
            ResourceAdviceServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// The capacity that a tenant has reserved.
    pub(crate) async fn fetch_blocks(
        &self,
        tenant: &str,
        until: Instant,
    ) -> Result<Fetched<CapacityBlockGroup>, CallError> {
        let asked = format!("list the capacity block groups of `{tenant}`");
        let question = Question::new(Service::CapacityBlocks, About::Tenant, asked);
        let request = |page_token| ListCapacityBlockGroupsRequest {
            parent_id: tenant.to_owned(),
            page_size: CAPACITY_ROWS_A_PAGE,
            page_token,
        };
        self.list(&question, until, request, |channel, request| async move {
            CapacityBlockGroupServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// What a project may take of the reserved capacity.
    pub(crate) async fn fetch_shares(
        &self,
        project: &str,
        until: Instant,
    ) -> Result<Fetched<CapacityAllowance>, CallError> {
        let asked = format!("list the capacity allowances of `{project}`");
        let question = Question::new(Service::CapacityBlocks, About::Project, asked);
        let request = |page_token| ListCapacityAllowancesRequest {
            parent_id: project.to_owned(),
            page_size: ALLOWANCES_A_PAGE,
            page_token,
        };
        self.list(&question, until, request, |channel, request| async move {
            CapacityAllowanceServiceClient::new(channel)
                .max_decoding_message_size(LONGEST_ANSWER)
                .list(request)
                .await
        })
        .await
    }

    /// Reads a list to its end, or as far as it can be read until `until`.
    pub(crate) async fn list<Message, Page, Send, Sent>(
        &self,
        question: &Question,
        until: Instant,
        request: impl Fn(String) -> Message,
        send: Send,
    ) -> Result<Fetched<Page::Item>, CallError>
    where
        Message: Clone,
        Page: ListResponse,
        Send: Fn(Channel, Request<Message>) -> Sent,
        Sent: Future<Output = Result<Response<Page>, Status>>,
    {
        let page = |token| {
            let message = request(token);
            let send = &send;
            async move { self.caller.call(question, &message, until, send).await }
        };
        all_pages(page, |end| {
            let asked = question.asked.clone();
            let host = self.caller.channels().host(question.service);
            match end {
                Endless::Repeated { token, pages } => CallError::RepeatedPage {
                    asked,
                    host,
                    token: crate::status::printable(&token),
                    pages,
                },
                Endless::TooMany(pages) => CallError::TooManyPages { asked, host, pages },
                Endless::TooManyRows(rows) => CallError::TooManyRows { asked, host, rows },
            }
        })
        .await
    }
}
