//! What the tests of creation share: clients of every service that changes something, and requests for them.

use std::collections::BTreeMap;

use nebius_api::nebius::{
    common::v1::{
        Operation, QuotaFailure, ResourceMetadata,
        operation_service_client::OperationServiceClient, service_error::Details,
    },
    compute::v1::{
        AttachedDiskSpec, CreateDiskRequest, CreateGpuClusterRequest, CreateInstanceRequest,
        DeleteInstanceRequest, DiskSpec, ExistingDisk, GetInstanceRequest, GpuClusterSpec,
        Instance, InstanceGpuClusterSpec, InstanceRecoveryPolicy, InstanceSpec, InstanceStatus,
        IpAddress, ManagedDisk, NetworkInterfaceSpec, PreemptibleSpec, PublicIpAddress,
        ReservationPolicy, ResourcesSpec, StartInstanceRequest, StopInstanceRequest,
        attached_disk_spec::{AttachMode, Type},
        disk_service_client::DiskServiceClient,
        disk_spec::{DiskType, Size as DiskSize},
        filesystem_service_client::FilesystemServiceClient,
        gpu_cluster_service_client::GpuClusterServiceClient,
        instance_service_client::InstanceServiceClient,
        preemptible_spec::PreemptionPolicy,
        reservation_policy::Policy,
        resources_spec::Size,
    },
    quotas::v1::QuotaAllowance,
    vpc::v1::allocation_service_client::AllocationServiceClient,
};
use nebius_emulator::{Builder, Control, Running, worlds};
use prost::Message;
use tonic::{Request, Status, transport::Channel};

use crate::harness::{Authorized, PROJECT, TENANT, details, list, start, with_token};

pub(crate) const REGION: &str = "eu-north1";
pub(crate) const SUBNET: &str = "vpcsubnet-e00eunorth1";
pub(crate) const H100: (&str, &str) = ("gpu-h100-sxm", "1gpu-16vcpu-200gb");
pub(crate) const H100X8: (&str, &str) = ("gpu-h100-sxm", "8gpu-128vcpu-1600gb");
pub(crate) const H200: (&str, &str) = ("gpu-h200-sxm", "1gpu-16vcpu-200gb");
pub(crate) const H200X8: (&str, &str) = ("gpu-h200-sxm", "8gpu-128vcpu-1600gb");
pub(crate) const CPU: (&str, &str) = ("cpu-d3", "4vcpu-16gb");
pub(crate) const GIBIBYTE: u64 = 1 << 30;

/// Clients of one emulator under one token.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub(crate) instances: InstanceServiceClient<Authorized>,
    pub(crate) disks: DiskServiceClient<Authorized>,
    pub(crate) clusters: GpuClusterServiceClient<Authorized>,
    pub(crate) filesystems: FilesystemServiceClient<Authorized>,
    pub(crate) allocations: AllocationServiceClient<Authorized>,
    pub(crate) operations: OperationServiceClient<Authorized>,
}

impl Cloud {
    pub(crate) fn new(channel: &Channel, token: &str) -> Self {
        let authorized = with_token(channel, token);
        Self {
            instances: InstanceServiceClient::new(authorized.clone()),
            disks: DiskServiceClient::new(authorized.clone()),
            clusters: GpuClusterServiceClient::new(authorized.clone()),
            filesystems: FilesystemServiceClient::new(authorized.clone()),
            allocations: AllocationServiceClient::new(authorized.clone()),
            operations: OperationServiceClient::new(authorized),
        }
    }

    pub(crate) async fn create(
        &mut self,
        request: CreateInstanceRequest,
    ) -> Result<Operation, Status> {
        Ok(self.instances.create(request).await?.into_inner())
    }

    /// Creates what must fit and returns its id.
    pub(crate) async fn made(&mut self, request: CreateInstanceRequest) -> String {
        succeeded(self.create(request).await.unwrap())
    }

    pub(crate) async fn delete(&mut self, id: &str) -> Result<Operation, Status> {
        let id = id.to_owned();
        let deleted = self.instances.delete(DeleteInstanceRequest { id }).await?;
        Ok(deleted.into_inner())
    }

    pub(crate) async fn start(&mut self, id: &str) -> Result<Operation, Status> {
        let id = id.to_owned();
        let started = self.instances.start(StartInstanceRequest { id }).await?;
        Ok(started.into_inner())
    }

    pub(crate) async fn stop(&mut self, id: &str) -> Result<Operation, Status> {
        let id = id.to_owned();
        let stopped = self.instances.stop(StopInstanceRequest { id }).await?;
        Ok(stopped.into_inner())
    }

    pub(crate) async fn get(&mut self, id: &str) -> Result<Instance, Status> {
        let id = id.to_owned();
        let found = self.instances.get(GetInstanceRequest { id }).await?;
        Ok(found.into_inner())
    }

    pub(crate) async fn status(&mut self, id: &str) -> InstanceStatus {
        self.get(id).await.unwrap().status.unwrap()
    }
}

/// An emulator of the bundled world and clients of it.
pub(crate) async fn cloud(builder: Builder) -> (Running, Channel, Cloud) {
    let (running, channel) = start(builder).await;
    let cloud = Cloud::new(&channel, "any");
    (running, channel, cloud)
}

/// The bundled world with room for everything.
pub(crate) fn roomy() -> Builder {
    let mut world = worlds::acme().unwrap();
    let nebius_api::world::Recorded::Answer(rows) = &mut world.allowances else {
        panic!("the tenant has rows");
    };
    for row in &mut rows.items {
        row.spec.as_mut().unwrap().limit = Some(1 << 50);
    }
    nebius_emulator::Emulator::builder(world)
}

pub(crate) fn metadata(name: &str) -> Option<ResourceMetadata> {
    Some(ResourceMetadata {
        parent_id: PROJECT.to_owned(),
        name: name.to_owned(),
        ..Default::default()
    })
}

/// An instance with a managed boot disk of 10 GiB and a private address.
pub(crate) fn instance((platform, preset): (&str, &str)) -> CreateInstanceRequest {
    CreateInstanceRequest {
        metadata: metadata(""),
        spec: Some(InstanceSpec {
            resources: Some(ResourcesSpec {
                platform: platform.to_owned(),
                size: Some(Size::Preset(preset.to_owned())),
            }),
            boot_disk: Some(managed(DiskType::NetworkSsd, 10)),
            network_interfaces: vec![NetworkInterfaceSpec {
                subnet_id: SUBNET.to_owned(),
                name: "eth0".to_owned(),
                ip_address: Some(IpAddress::default()),
                ..Default::default()
            }],
            ..Default::default()
        }),
    }
}

pub(crate) fn disk_spec(kind: DiskType, gibibytes: i64) -> DiskSpec {
    DiskSpec {
        size: Some(DiskSize::SizeGibibytes(gibibytes)),
        r#type: kind.into(),
        ..Default::default()
    }
}

pub(crate) fn managed(kind: DiskType, gibibytes: i64) -> AttachedDiskSpec {
    AttachedDiskSpec {
        attach_mode: AttachMode::ReadWrite.into(),
        r#type: Some(Type::ManagedDisk(ManagedDisk {
            spec: Some(disk_spec(kind, gibibytes)),
            ..Default::default()
        })),
        ..Default::default()
    }
}

pub(crate) fn existing(id: &str) -> AttachedDiskSpec {
    AttachedDiskSpec {
        attach_mode: AttachMode::ReadWrite.into(),
        r#type: Some(Type::ExistingDisk(ExistingDisk { id: id.to_owned() })),
        ..Default::default()
    }
}

pub(crate) fn disk(kind: DiskType, gibibytes: i64) -> CreateDiskRequest {
    CreateDiskRequest {
        metadata: metadata(""),
        spec: Some(disk_spec(kind, gibibytes)),
    }
}

pub(crate) fn cluster(fabric: &str) -> CreateGpuClusterRequest {
    CreateGpuClusterRequest {
        metadata: metadata(""),
        spec: Some(GpuClusterSpec {
            infiniband_fabric: fabric.to_owned(),
        }),
    }
}

/// Changes to a request for an instance, each for one thing that a launch may ask for.
pub(crate) trait Asking {
    fn spec(&mut self) -> &mut InstanceSpec;
    fn preemptible(self) -> Self;
    fn public(self, kept: bool) -> Self;
    fn policy(self, policy: Policy, ids: &[&str]) -> Self;
    fn in_cluster(self, id: &str) -> Self;
    fn named(self, name: &str) -> Self;
}

impl Asking for CreateInstanceRequest {
    fn spec(&mut self) -> &mut InstanceSpec {
        self.spec.as_mut().unwrap()
    }

    fn preemptible(mut self) -> Self {
        let spec = self.spec();
        spec.preemptible = Some(PreemptibleSpec {
            on_preemption: PreemptionPolicy::Stop.into(),
            priority: 1,
        });
        spec.set_recovery_policy(InstanceRecoveryPolicy::Fail);
        self
    }

    fn public(mut self, kept: bool) -> Self {
        self.spec().network_interfaces[0].public_ip_address = Some(PublicIpAddress {
            allocation: None,
            r#static: kept,
        });
        self
    }

    fn policy(mut self, policy: Policy, ids: &[&str]) -> Self {
        self.spec().reservation_policy = Some(ReservationPolicy {
            policy: policy.into(),
            reservation_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        });
        self
    }

    fn in_cluster(mut self, id: &str) -> Self {
        self.spec().gpu_cluster = Some(InstanceGpuClusterSpec { id: id.to_owned() });
        self
    }

    fn named(mut self, name: &str) -> Self {
        self.metadata = metadata(name);
        self
    }
}

pub(crate) fn with_key<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    let headers = request.metadata_mut();
    headers.insert("x-idempotency-key", key.parse().unwrap());
    request
}

/// The resource of an operation that succeeded.
pub(crate) fn succeeded(operation: Operation) -> String {
    assert_eq!(operation.status.unwrap(), Default::default());
    assert!(operation.finished_at.is_some());
    operation.resource_id
}

/// The violations of a refused call: quota, limit and the total that was asked for.
pub(crate) fn violations(status: &Status) -> Vec<(String, String, String)> {
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
    match details(status) {
        Details::QuotaFailure(failure) => triples(failure),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn triples(failure: QuotaFailure) -> Vec<(String, String, String)> {
    let violations = failure.violations.into_iter();
    violations
        .map(|violation| (violation.quota, violation.limit, violation.requested))
        .collect()
}

/// The details of a failed operation, read as those of a refused call.
pub(crate) fn failure(operation: &Operation) -> Status {
    let status = operation.status.clone().unwrap();
    let code = tonic::Code::from(status.code);
    Status::with_details(code, &status.message, status.encode_to_vec().into())
}

/// Every row that readers see, by owner, name and region.
pub(crate) async fn readings(
    channel: &Channel,
) -> BTreeMap<(String, String, String), QuotaAllowance> {
    let mut found = BTreeMap::new();
    let projects = worlds::acme().unwrap().by_project.into_keys();
    for parent in projects.chain([TENANT.to_owned()]) {
        let rows = list(channel, &parent, 1000, "").await.unwrap().into_inner();
        found.extend(rows.items.into_iter().map(|row| {
            let name = row.metadata.clone().unwrap().name;
            let region = row.spec.clone().unwrap().region;
            ((parent.clone(), name, region), row)
        }));
    }
    found
}

/// What moved between two readings: quota and by how much, for the tenant and for the project, which must agree.
pub(crate) async fn moved(
    channel: &Channel,
    before: &BTreeMap<(String, String, String), QuotaAllowance>,
) -> Vec<(String, i64)> {
    let after = readings(channel).await;
    let difference = |owner: &str| -> Vec<(String, i64)> {
        let own = after.iter().filter(|((parent, ..), _)| parent == owner);
        own.filter_map(|(key, row)| {
            let usage = |row: &QuotaAllowance| row.status.as_ref().unwrap().usage.cast_signed();
            let by = usage(row) - usage(&before[key]);
            (by != 0).then(|| (key.1.clone(), by))
        })
        .collect()
    };
    let of_tenant = difference(TENANT);
    assert_eq!(of_tenant, difference(PROJECT));
    of_tenant
}

pub(crate) fn owned(moves: &[(&str, i64)]) -> Vec<(String, i64)> {
    let mut moves: Vec<_> = moves
        .iter()
        .map(|(quota, by)| ((*quota).to_owned(), *by))
        .collect();
    moves.sort();
    moves
}

/// One violation as the tests write it; `total` is what the quota would have reached.
pub(crate) fn violation(quota: &str, limit: u64, total: u64) -> (String, String, String) {
    (quota.to_owned(), limit.to_string(), total.to_string())
}

/// Makes room in the tenant's row of a quota for exactly this much more.
pub(crate) fn leave(control: &Control, quota: &str, room: u64) {
    let usage = control.true_usage(TENANT, quota, REGION).unwrap();
    assert!(control.set_limit(TENANT, quota, REGION, Some(usage + room)));
}
