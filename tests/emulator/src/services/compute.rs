//! Instance types that a project is offered.

use nebius_api::nebius::{
    common::v1::GetByNameRequest,
    compute::v1::{
        ListPlatformsRequest, ListPlatformsResponse, Platform,
        platform_service_server::PlatformService,
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, list_request};
use crate::paging::Bounds;

const PAGES: Bounds = Bounds {
    default: 100,
    most: None,
};

list_request!(ListPlatformsRequest: parent_id, page_token);

#[async_trait]
impl PlatformService for Desk {
    async fn get_by_name(
        &self,
        request: Request<GetByNameRequest>,
    ) -> Result<Response<Platform>, Status> {
        let asked = request.get_ref();
        self.one(&request, |account| {
            account.platform_named(&asked.parent_id, &asked.name)
        })
    }

    async fn list(
        &self,
        request: Request<ListPlatformsRequest>,
    ) -> Result<Response<ListPlatformsResponse>, Status> {
        let (items, next_page_token) =
            self.page(&request, PAGES, |account, parent| account.platforms(parent))?;
        Ok(Response::new(ListPlatformsResponse {
            items,
            next_page_token,
        }))
    }
}
