//! Tenants and projects.

use nebius_api::nebius::iam::v2::{
    GetProjectByNameRequest, GetProjectRequest, GetTenantRequest, ListProjectsRequest,
    ListProjectsResponse, ListTenantsRequest, ListTenantsResponse, Project, Tenant,
    project_service_server::ProjectService, tenant_service_server::TenantService,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

/// The default is the one that the API documents.
pub(super) const PAGES: Bounds = Bounds {
    default: 10,
    most: None,
};

list_request!(ListTenantsRequest: page_token, filter);
list_request!(ListProjectsRequest: parent_id, page_token, filter);

#[async_trait]
impl TenantService for Desk {
    async fn get(&self, request: Request<GetTenantRequest>) -> Result<Response<Tenant>, Status> {
        self.one(&request, |account| {
            account.tenant(&request.get_ref().id).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES, |account, _| account.tenants())?;
        Ok(Response::new(ListTenantsResponse {
            items,
            next_page_token,
        }))
    }
}

#[async_trait]
impl ProjectService for Desk {
    async fn get(&self, request: Request<GetProjectRequest>) -> Result<Response<Project>, Status> {
        self.one(&request, |account| {
            account.project(&request.get_ref().id).cloned()
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetProjectByNameRequest>,
    ) -> Result<Response<Project>, Status> {
        let asked = request.get_ref();
        self.one(&request, |account| {
            account.project_named(&asked.parent_id, &asked.name)
        })
    }

    async fn list(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES, |account, parent| account.projects(parent))?;
        Ok(Response::new(ListProjectsResponse {
            items,
            next_page_token,
        }))
    }
}
