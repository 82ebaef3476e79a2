//! Tenants and projects as older clients ask for them: the same containers, with the region in the status.

use nebius_api::nebius::iam::{
    v1::{
        Container, ContainerSpec, ContainerStatus, GetProjectByNameRequest, GetProjectRequest,
        GetTenantRequest, ListProjectsRequest, ListProjectsResponse, ListTenantsRequest,
        ListTenantsResponse, State, SuspensionState, project_service_server::ProjectService,
        tenant_service_server::TenantService,
    },
    v2::{Project, Tenant, project_status::ProjectState, tenant_status::TenantState},
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, iam_v2::PAGES, list_request};

list_request!(ListTenantsRequest: page_token, filter);
list_request!(ListProjectsRequest: parent_id, page_token, filter);

#[async_trait]
impl TenantService for Desk {
    async fn get(&self, request: Request<GetTenantRequest>) -> Result<Response<Container>, Status> {
        let id = &request.get_ref().id;
        let tenant = self.one(&request, |account| account.tenant(id).cloned())?;
        Ok(tenant.map(from_tenant))
    }

    async fn list(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let (tenants, next_page_token) =
            self.page(&request, PAGES, |account, _| account.tenants())?;
        Ok(Response::new(ListTenantsResponse {
            items: tenants.into_iter().map(from_tenant).collect(),
            next_page_token,
        }))
    }
}

#[async_trait]
impl ProjectService for Desk {
    async fn get(
        &self,
        request: Request<GetProjectRequest>,
    ) -> Result<Response<Container>, Status> {
        let id = &request.get_ref().id;
        let project = self.one(&request, |account| account.project(id).cloned())?;
        Ok(project.map(from_project))
    }

    async fn get_by_name(
        &self,
        request: Request<GetProjectByNameRequest>,
    ) -> Result<Response<Container>, Status> {
        let asked = request.get_ref();
        let project = self.one(&request, |account| {
            account.project_named(&asked.parent_id, &asked.name)
        })?;
        Ok(project.map(from_project))
    }

    async fn list(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        let (projects, next_page_token) =
            self.page(&request, PAGES, |account, parent| account.projects(parent))?;
        Ok(Response::new(ListProjectsResponse {
            items: projects.into_iter().map(from_project).collect(),
            next_page_token,
        }))
    }
}

fn from_tenant(tenant: Tenant) -> Container {
    let state = match tenant.status.unwrap_or_default().tenant_state() {
        TenantState::StateUnspecified => State::Unspecified,
        TenantState::Creating => State::Creating,
        TenantState::Active => State::Active,
        TenantState::Created => State::Created,
        TenantState::Activating => State::Activating,
        TenantState::Parking => State::Parking,
        TenantState::Parked => State::Parked,
    };
    Container {
        metadata: tenant.metadata,
        spec: Some(ContainerSpec::default()),
        status: Some(ContainerStatus {
            suspension_state: SuspensionState::None.into(),
            container_state: state.into(),
            region: String::new(),
        }),
    }
}

fn from_project(project: Project) -> Container {
    let state = match project.status.unwrap_or_default().project_state() {
        ProjectState::StateUnspecified => State::Unspecified,
        ProjectState::Creating => State::Creating,
        ProjectState::Active => State::Active,
        ProjectState::Purging => State::Purging,
        ProjectState::Created => State::Created,
        ProjectState::Activating => State::Activating,
        ProjectState::Parking => State::Parking,
        ProjectState::Parked => State::Parked,
    };
    Container {
        metadata: project.metadata,
        spec: Some(ContainerSpec::default()),
        status: Some(ContainerStatus {
            suspension_state: SuspensionState::None.into(),
            container_state: state.into(),
            region: project.spec.unwrap_or_default().region,
        }),
    }
}
