//! Operations, on the one port that every service has.

use std::borrow::Cow;

use nebius_api::nebius::common::v1::{
    GetOperationRequest, ListOperationsRequest, ListOperationsResponse, Operation,
    operation_service_server::OperationService,
};
use tonic::{Request, Response, Status, async_trait};

use super::Desk;
use crate::{
    account::Rows,
    paging::{Bounds, ListRequest},
};

const PAGES: Bounds = Bounds {
    default: 100,
    most: Some(1000),
};

impl ListRequest for ListOperationsRequest {
    fn page_size(&self) -> i64 {
        self.page_size
    }

    fn page_token(&self) -> &str {
        &self.page_token
    }

    fn parent_id(&self) -> &str {
        &self.resource_id
    }
}

#[async_trait]
impl OperationService for Desk {
    async fn get(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        let id = &request.get_ref().id;
        let operation = self.change(&request, |account| account.operation(id))?;
        Ok(Response::new(operation))
    }

    async fn list(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        let (operations, next_page_token) =
            self.page(&request, PAGES, |account, resource_id| {
                Ok(Rows {
                    items: Cow::Owned(account.operations_on(resource_id)),
                    complete: true,
                })
            })?;
        Ok(Response::new(ListOperationsResponse {
            operations,
            next_page_token,
        }))
    }
}
