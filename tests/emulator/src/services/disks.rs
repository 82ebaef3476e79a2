//! Disks.

use nebius_api::nebius::{
    common::v1::{GetByNameRequest, Operation},
    compute::v1::{
        CreateDiskRequest, DeleteDiskRequest, Disk, GetDiskRequest, ListDisksRequest,
        ListDisksResponse, disk_service_server::DiskService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListDisksRequest: parent_id, page_token, filter);

#[async_trait]
impl DiskService for Desk {
    async fn get(&self, request: Request<GetDiskRequest>) -> Result<Response<Disk>, Status> {
        let id = &request.get_ref().id;
        self.watched(&request, id, |account| {
            let disk = account.inventory().disks.get(id)?;
            Ok(disk.shown.clone())
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<Disk>, Status> {
        let GetByNameRequest { parent_id, name } = request.get_ref();
        self.named(&request, (parent_id, name), |account| {
            let disks = &account.inventory().disks;
            disks.named(parent_id, name).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListDisksRequest>,
    ) -> Result<Response<ListDisksResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.created(parent, |inventory| &inventory.disks)
        })?;
        Ok(Response::new(ListDisksResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateDiskRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.create_disk(asked))
    }

    async fn delete(
        &self,
        request: Request<DeleteDiskRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.delete_disk(&asked.id))
    }
}
