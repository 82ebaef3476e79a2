//! Virtual machines.

use nebius_api::nebius::{
    common::v1::{GetByNameRequest, Operation},
    compute::v1::{
        CreateInstanceRequest, DeleteInstanceRequest, GetInstanceRequest, Instance,
        ListInstancesRequest, ListInstancesResponse, StartInstanceRequest, StopInstanceRequest,
        instance_service_server::InstanceService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListInstancesRequest: parent_id, page_token);

#[async_trait]
impl InstanceService for Desk {
    async fn get(
        &self,
        request: Request<GetInstanceRequest>,
    ) -> Result<Response<Instance>, Status> {
        let id = &request.get_ref().id;
        self.watched(&request, id, |account| {
            let instance = account.inventory().instances.get(id)?;
            Ok(instance.shown.clone())
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<Instance>, Status> {
        let GetByNameRequest { parent_id, name } = request.get_ref();
        self.named(&request, (parent_id, name), |account| {
            let instances = &account.inventory().instances;
            instances.named(parent_id, name).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListInstancesRequest>,
    ) -> Result<Response<ListInstancesResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.created(parent, |inventory| &inventory.instances)
        })?;
        Ok(Response::new(ListInstancesResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateInstanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.create_instance(asked))
    }

    async fn delete(
        &self,
        request: Request<DeleteInstanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            account.delete_instance(&asked.id)
        })
    }

    async fn start(
        &self,
        request: Request<StartInstanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.start_instance(&asked.id))
    }

    async fn stop(
        &self,
        request: Request<StopInstanceRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.stop_instance(&asked.id))
    }
}
