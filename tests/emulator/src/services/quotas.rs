//! Quota rows of the tenant and of its projects.

use nebius_api::nebius::{
    common::v1::Operation,
    quotas::v1::{
        CreateQuotaAllowanceRequest, GetByNameRequest, GetQuotaAllowanceRequest,
        ListQuotaAllowancesRequest, ListQuotaAllowancesResponse, QuotaAllowance,
        UpdateQuotaAllowanceRequest, quota_allowance_service_server::QuotaAllowanceService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: Some(1000),
};

list_request!(ListQuotaAllowancesRequest: parent_id, page_token);

#[async_trait]
impl QuotaAllowanceService for Desk {
    async fn get(
        &self,
        request: Request<GetQuotaAllowanceRequest>,
    ) -> Result<Response<QuotaAllowance>, Status> {
        self.one(&request, |account| account.allowance(&request.get_ref().id))
    }

    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<QuotaAllowance>, Status> {
        let asked = request.get_ref();
        self.one(&request, |account| {
            account.allowance_named(&asked.parent_id, &asked.name, &asked.region)
        })
    }

    async fn list(
        &self,
        request: Request<ListQuotaAllowancesRequest>,
    ) -> Result<Response<ListQuotaAllowancesResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.allowances(parent)
        })?;
        Ok(Response::new(ListQuotaAllowancesResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateQuotaAllowanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            let metadata = asked.metadata.clone().unwrap_or_default();
            account.create_allowance(&metadata, asked.spec.as_ref())
        })
    }

    async fn update(
        &self,
        request: Request<UpdateQuotaAllowanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            let id = asked.metadata.clone().unwrap_or_default().id;
            account.update_allowance(&id, asked.spec.as_ref())
        })
    }
}
