//! Addresses, and the subnets that they are from.

use nebius_api::nebius::{
    common::v1::Operation,
    vpc::v1::{
        Allocation, CreateAllocationRequest, DeleteAllocationRequest, GetAllocationByNameRequest,
        GetAllocationRequest, GetSubnetByNameRequest, GetSubnetRequest, ListAllocationsRequest,
        ListAllocationsResponse, ListSubnetsRequest, ListSubnetsResponse, Subnet,
        allocation_service_server::AllocationService, subnet_service_server::SubnetService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::{paging::Bounds, refusal::Refusal};

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListAllocationsRequest: parent_id, page_token);
list_request!(ListSubnetsRequest: parent_id, page_token);

#[async_trait]
impl AllocationService for Desk {
    async fn get(
        &self,
        request: Request<GetAllocationRequest>,
    ) -> Result<Response<Allocation>, Status> {
        let id = &request.get_ref().id;
        self.watched(&request, id, |account| {
            let allocation = account.inventory().allocations.get(id)?;
            Ok(allocation.shown.clone())
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetAllocationByNameRequest>,
    ) -> Result<Response<Allocation>, Status> {
        let GetAllocationByNameRequest { parent_id, name } = request.get_ref();
        self.named(&request, (parent_id, name), |account| {
            let allocations = &account.inventory().allocations;
            allocations.named(parent_id, name).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListAllocationsRequest>,
    ) -> Result<Response<ListAllocationsResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.created(parent, |inventory| &inventory.allocations)
        })?;
        Ok(Response::new(ListAllocationsResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateAllocationRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.create_allocation(asked))
    }

    async fn delete(
        &self,
        request: Request<DeleteAllocationRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            account.delete_allocation(&asked.id)
        })
    }
}

#[async_trait]
impl SubnetService for Desk {
    async fn get(&self, request: Request<GetSubnetRequest>) -> Result<Response<Subnet>, Status> {
        self.one(&request, |account| account.subnet(&request.get_ref().id))
    }

    async fn get_by_name(
        &self,
        request: Request<GetSubnetByNameRequest>,
    ) -> Result<Response<Subnet>, Status> {
        let GetSubnetByNameRequest { parent_id, name } = request.get_ref();
        self.one(&request, |account| {
            let subnets = account.subnets(parent_id)?;
            let mut subnets = subnets.items.iter();
            let named = subnets.find(|subnet| {
                let metadata = subnet.metadata.as_ref();
                metadata.is_some_and(|metadata| metadata.name == *name)
            });
            named
                .cloned()
                .ok_or_else(|| Refusal::NotFound(name.clone()))
        })
    }

    async fn list(
        &self,
        request: Request<ListSubnetsRequest>,
    ) -> Result<Response<ListSubnetsResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES, |account, parent| account.subnets(parent))?;
        Ok(Response::new(ListSubnetsResponse {
            items,
            next_page_token,
        }))
    }
}
