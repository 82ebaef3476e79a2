//! Shared file systems.

use nebius_api::nebius::{
    common::v1::{GetByNameRequest, Operation},
    compute::v1::{
        CreateFilesystemRequest, DeleteFilesystemRequest, Filesystem, GetFilesystemRequest,
        ListFilesystemsRequest, ListFilesystemsResponse,
        filesystem_service_server::FilesystemService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListFilesystemsRequest: parent_id, page_token, filter);

#[async_trait]
impl FilesystemService for Desk {
    async fn get(
        &self,
        request: Request<GetFilesystemRequest>,
    ) -> Result<Response<Filesystem>, Status> {
        let id = &request.get_ref().id;
        self.watched(&request, id, |account| {
            let filesystem = account.inventory().filesystems.get(id)?;
            Ok(filesystem.shown.clone())
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<Filesystem>, Status> {
        let GetByNameRequest { parent_id, name } = request.get_ref();
        self.named(&request, (parent_id, name), |account| {
            let filesystems = &account.inventory().filesystems;
            filesystems.named(parent_id, name).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListFilesystemsRequest>,
    ) -> Result<Response<ListFilesystemsResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.created(parent, |inventory| &inventory.filesystems)
        })?;
        Ok(Response::new(ListFilesystemsResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateFilesystemRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.create_filesystem(asked))
    }

    async fn delete(
        &self,
        request: Request<DeleteFilesystemRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            account.delete_filesystem(&asked.id)
        })
    }
}
