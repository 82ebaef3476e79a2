//! GPU clusters.

use nebius_api::nebius::{
    common::v1::{GetByNameRequest, Operation},
    compute::v1::{
        CreateGpuClusterRequest, DeleteGpuClusterRequest, GetGpuClusterRequest, GpuCluster,
        ListGpuClustersRequest, ListGpuClustersResponse,
        gpu_cluster_service_server::GpuClusterService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListGpuClustersRequest: parent_id, page_token, filter);

#[async_trait]
impl GpuClusterService for Desk {
    async fn get(
        &self,
        request: Request<GetGpuClusterRequest>,
    ) -> Result<Response<GpuCluster>, Status> {
        let id = &request.get_ref().id;
        self.watched(&request, id, |account| {
            let cluster = account.inventory().gpu_clusters.get(id)?;
            Ok(cluster.shown.clone())
        })
    }

    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<GpuCluster>, Status> {
        let GetByNameRequest { parent_id, name } = request.get_ref();
        self.named(&request, (parent_id, name), |account| {
            let clusters = &account.inventory().gpu_clusters;
            clusters.named(parent_id, name).cloned()
        })
    }

    async fn list(
        &self,
        request: Request<ListGpuClustersRequest>,
    ) -> Result<Response<ListGpuClustersResponse>, Status> {
        let (items, next_page_token) = self.page(&request, PAGES, |account, parent| {
            account.created(parent, |inventory| &inventory.gpu_clusters)
        })?;
        Ok(Response::new(ListGpuClustersResponse {
            items,
            next_page_token,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateGpuClusterRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| account.create_gpu_cluster(asked))
    }

    async fn delete(
        &self,
        request: Request<DeleteGpuClusterRequest>,
    ) -> Result<Response<Operation>, Status> {
        self.operate(&request, |account, asked| {
            account.delete_gpu_cluster(&asked.id)
        })
    }
}
