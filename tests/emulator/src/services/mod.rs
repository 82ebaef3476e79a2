//! The services: each method names the rows of the account it shows, the rest is common.

mod capacity;
mod clusters;
mod compute;
mod disks;
mod filesystems;
mod iam_v1;
mod iam_v2;
mod instances;
mod operations;
mod quotas;
mod tokens;
mod vpc;

use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use nebius_api::nebius::{
    capacity::v1::{
        capacity_allowance_service_server::CapacityAllowanceServiceServer,
        capacity_block_group_service_server::CapacityBlockGroupServiceServer,
        resource_advice_service_server::ResourceAdviceServiceServer,
    },
    common::v1::{Operation, operation_service_server::OperationServiceServer},
    compute::v1::{
        disk_service_server::DiskServiceServer, filesystem_service_server::FilesystemServiceServer,
        gpu_cluster_service_server::GpuClusterServiceServer,
        instance_service_server::InstanceServiceServer,
        platform_service_server::PlatformServiceServer,
    },
    iam::{v1, v2},
    quotas::v1::quota_allowance_service_server::QuotaAllowanceServiceServer,
    vpc::v1::{
        allocation_service_server::AllocationServiceServer,
        subnet_service_server::SubnetServiceServer,
    },
};
use prost::Message;
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    account::{Account, Rows, SharedAccount},
    emulator::Shared,
    front::Passed,
    inventory::Resource,
    paging::{self, Bending, Bounds, ListRequest},
    refusal::Refusal,
};

/// Every service, unguarded.
pub(crate) fn routes(shared: &Arc<Shared>) -> Routes {
    let desk = Desk(Arc::clone(shared));
    let tenants_v1 = v1::tenant_service_server::TenantServiceServer::new(desk.clone());
    let tenants_v2 = v2::tenant_service_server::TenantServiceServer::new(desk.clone());
    let projects_v1 = v1::project_service_server::ProjectServiceServer::new(desk.clone());
    let projects_v2 = v2::project_service_server::ProjectServiceServer::new(desk.clone());
    let tokens = v1::token_exchange_service_server::TokenExchangeServiceServer::new(desk.clone());
    Routes::new(tenants_v1)
        .add_service(tenants_v2)
        .add_service(projects_v1)
        .add_service(projects_v2)
        .add_service(tokens)
        .add_service(OperationServiceServer::new(desk.clone()))
        .add_service(PlatformServiceServer::new(desk.clone()))
        .add_service(InstanceServiceServer::new(desk.clone()))
        .add_service(DiskServiceServer::new(desk.clone()))
        .add_service(GpuClusterServiceServer::new(desk.clone()))
        .add_service(FilesystemServiceServer::new(desk.clone()))
        .add_service(AllocationServiceServer::new(desk.clone()))
        .add_service(SubnetServiceServer::new(desk.clone()))
        .add_service(QuotaAllowanceServiceServer::new(desk.clone()))
        .add_service(ResourceAdviceServiceServer::new(desk.clone()))
        .add_service(CapacityBlockGroupServiceServer::new(desk.clone()))
        .add_service(CapacityAllowanceServiceServer::new(desk))
        .prepare()
}

/// Answers for every service.
#[derive(Clone)]
struct Desk(Arc<Shared>);

impl Desk {
    /// One page of a list, and the token of the next.
    fn page<T: Clone>(
        &self,
        request: &Request<impl ListRequest>,
        bounds: Bounds,
        rows: impl for<'a> FnOnce(&'a Account, &str) -> Result<Rows<'a, T>, Refusal>,
    ) -> Result<(Vec<T>, String), Status> {
        let asked = request.get_ref();
        let unbent = Bending::default();
        let (method, bending) = match request.extensions().get::<Passed>() {
            Some(passed) => (passed.method.as_str(), &passed.bending),
            None => ("", &unbent),
        };
        self.answer(request, |account| {
            if !asked.filter().is_empty() {
                return Err(Refusal::Filter);
            }
            let rows = rows(account, asked.parent_id())?;
            paging::page(&rows, method, asked, bounds, bending)
        })
    }

    /// One resource.
    fn one<T: Clone>(
        &self,
        request: &Request<impl Sized>,
        find: impl FnOnce(&Account) -> Result<T, Refusal>,
    ) -> Result<Response<T>, Status> {
        let found = self.answer(request, find)?;
        Ok(Response::new(found))
    }

    /// One resource that an operation may be under way on.
    fn watched<T>(
        &self,
        request: &Request<impl Sized>,
        id: &str,
        find: impl FnOnce(&Account) -> Result<T, Refusal>,
    ) -> Result<Response<T>, Status> {
        let found = self.change(request, |account| {
            account.look_at(id);
            find(account)
        })?;
        Ok(Response::new(found))
    }

    /// One resource by its project and name.
    fn named<T: Resource>(
        &self,
        request: &Request<impl Sized>,
        (parent_id, name): (&str, &str),
        find: impl Fn(&Account) -> Option<T>,
    ) -> Result<Response<T>, Status> {
        let found = self.change(request, |account| {
            account.scope(parent_id)?;
            let id = |found: T| found.metadata().map(|metadata| metadata.id.clone());
            if let Some(id) = find(account).and_then(id) {
                account.look_at(&id);
            }
            find(account).ok_or_else(|| Refusal::NotFound(name.to_owned()))
        })?;
        Ok(Response::new(found))
    }

    /// Changes something, once for each idempotency key.
    fn operate<R: Message>(
        &self,
        request: &Request<R>,
        change: impl FnOnce(&mut Account, &R) -> Result<Operation, Refusal>,
    ) -> Result<Response<Operation>, Status> {
        let key = request.metadata().get("x-idempotency-key");
        let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
        let passed = request.extensions().get::<Passed>();
        let method = passed.map_or("", |passed| &passed.method);
        let asked = request.get_ref();
        let operation = self.change(request, |account| {
            let body = asked.encode_to_vec();
            account.once(method, key, body, |account| change(account, asked))
        })?;
        Ok(Response::new(operation))
    }

    fn answer<T>(
        &self,
        request: &Request<impl Sized>,
        read: impl FnOnce(&Account) -> Result<T, Refusal>,
    ) -> Result<T, Status> {
        read(&self.read(request)).map_err(|refusal| refusal.status(api_of(request)))
    }

    fn change<T>(
        &self,
        request: &Request<impl Sized>,
        change: impl FnOnce(&mut Account) -> Result<T, Refusal>,
    ) -> Result<T, Status> {
        let mut account = self.write(request);
        let changed = change(&mut account);
        account.remember();
        changed.map_err(|refusal| refusal.status(api_of(request)))
    }

    fn read<'a>(&'a self, request: &'a Request<impl Sized>) -> RwLockReadGuard<'a, Account> {
        let account = self.account(request);
        account.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<'a>(&'a self, request: &'a Request<impl Sized>) -> RwLockWriteGuard<'a, Account> {
        let account = self.account(request);
        account.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that the caller's token opens.
    fn account<'a>(&'a self, request: &'a Request<impl Sized>) -> &'a SharedAccount {
        let passed = request.extensions().get::<Passed>();
        passed.map_or(&self.0.account, |passed| &passed.account)
    }
}

/// The part of the API that a request is for, such as `quotas`.
fn api_of(request: &Request<impl Sized>) -> &str {
    let passed = request.extensions().get::<Passed>();
    let method = passed.map_or("", |passed| &passed.method);
    method.split('.').nth(1).unwrap_or_default()
}

/// Makes a message a list request; named are the texts that it has.
macro_rules! list_request {
    ($message:ty: $($text:ident),+) => {
        impl crate::paging::ListRequest for $message {
            fn page_size(&self) -> i64 {
                self.page_size
            }
            $(fn $text(&self) -> &str {
                &self.$text
            })+
        }
    };
}
use list_request;
