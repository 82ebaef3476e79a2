//! The exchange of a signed assertion for an access token.

use nebius_api::nebius::iam::v1::{
    CreateTokenResponse, ExchangeTokenRequest, token_exchange_service_server::TokenExchangeService,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, api_of};

#[async_trait]
impl TokenExchangeService for Desk {
    async fn exchange(
        &self,
        request: Request<ExchangeTokenRequest>,
    ) -> Result<Response<CreateTokenResponse>, Status> {
        let now = self.0.clock.now();
        match self.0.access.exchange(request.get_ref(), now) {
            Ok(token) => Ok(Response::new(token)),
            Err(refusal) => Err(refusal.status(api_of(&request))),
        }
    }
}
