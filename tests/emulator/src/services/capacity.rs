//! Free hardware, reserved hardware, and what a project may take of the latter.

use nebius_api::nebius::capacity::v1::{
    CapacityBlockGroup, GetCapacityBlockGroupRequest, ListCapacityAllowancesRequest,
    ListCapacityAllowancesResponse, ListCapacityBlockGroupsRequest,
    ListCapacityBlockGroupsResponse, ListResourceAdviceRequest, ListResourceAdviceResponse,
    capacity_allowance_service_server::CapacityAllowanceService,
    capacity_block_group_service_server::CapacityBlockGroupService,
    resource_advice_service_server::ResourceAdviceService,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES_OF_ADVICE: Bounds = Bounds {
    default: 100,
    most: None,
};
const PAGES_OF_GROUPS: Bounds = Bounds {
    default: 100,
    most: Some(200),
};
const PAGES_OF_ALLOWANCES: Bounds = Bounds {
    default: 100,
    most: Some(1000),
};

list_request!(ListResourceAdviceRequest: parent_id, page_token);
list_request!(ListCapacityBlockGroupsRequest: parent_id, page_token);
list_request!(ListCapacityAllowancesRequest: parent_id, page_token);

#[async_trait]
impl ResourceAdviceService for Desk {
    async fn list(
        &self,
        request: Request<ListResourceAdviceRequest>,
    ) -> Result<Response<ListResourceAdviceResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES_OF_ADVICE, |account, parent| {
                account.resource_advice(parent)
            })?;
        Ok(Response::new(ListResourceAdviceResponse {
            items,
            next_page_token,
        }))
    }
}

#[async_trait]
impl CapacityBlockGroupService for Desk {
    async fn get(
        &self,
        request: Request<GetCapacityBlockGroupRequest>,
    ) -> Result<Response<CapacityBlockGroup>, Status> {
        let id = &request.get_ref().id;
        self.one(&request, |account| account.capacity_block_group(id))
    }

    async fn list(
        &self,
        request: Request<ListCapacityBlockGroupsRequest>,
    ) -> Result<Response<ListCapacityBlockGroupsResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES_OF_GROUPS, |account, parent| {
                account.capacity_block_groups(parent)
            })?;
        Ok(Response::new(ListCapacityBlockGroupsResponse {
            items,
            next_page_token,
        }))
    }
}

#[async_trait]
impl CapacityAllowanceService for Desk {
    async fn list(
        &self,
        request: Request<ListCapacityAllowancesRequest>,
    ) -> Result<Response<ListCapacityAllowancesResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES_OF_ALLOWANCES, |account, parent| {
                account.capacity_allowances(parent)
            })?;
        Ok(Response::new(ListCapacityAllowancesResponse {
            items,
            next_page_token,
        }))
    }
}
