//! An orchestrator's hands: really creates, starts, stops and deletes over gRPC, and tells a refusal for quota from any
//! other. It knows the API and nothing of quotas.

use nebius_api::nebius::{
    common::v1::{Operation, ResourceMetadata, ServiceError, service_error::Details},
    compute::v1::{
        AttachedDiskSpec, CreateDiskRequest, CreateFilesystemRequest, CreateGpuClusterRequest,
        CreateInstanceRequest, DeleteDiskRequest, DeleteFilesystemRequest, DeleteGpuClusterRequest,
        DeleteInstanceRequest, DiskSpec, ExistingDisk, FilesystemSpec, GpuClusterSpec,
        InstanceGpuClusterSpec, InstanceSpec, IpAddress, ManagedDisk, NetworkInterfaceSpec,
        PreemptibleSpec, PublicIpAddress, ReservationPolicy, ResourcesSpec, StartInstanceRequest,
        StopInstanceRequest, attached_disk_spec, disk_service_client::DiskServiceClient, disk_spec,
        filesystem_service_client::FilesystemServiceClient, filesystem_spec,
        gpu_cluster_service_client::GpuClusterServiceClient,
        instance_service_client::InstanceServiceClient, preemptible_spec::PreemptionPolicy,
        reservation_policy, resources_spec,
    },
};
use prost::Message;
use quotagate::{Launch, Need, ReservationUse};
use tonic::{Code, Request, Status, metadata::MetadataValue, transport::Channel};

/// What came of a launch.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// All of it runs.
    Launched(Launched),
    /// A quota refused it; whatever had been created is gone again.
    OverQuota {
        #[expect(dead_code, reason = "read by whoever reads a failure")]
        quotas: Vec<String>,
    },
    /// There was no hardware for it; whatever had been created is gone again.
    NoHardware,
}

/// What a launch created.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launched {
    pub(crate) instances: Vec<String>,
    filesystems: Vec<String>,
    clusters: Vec<String>,
    /// Those that were there before it.
    disks: Vec<String>,
}

enum Refusal {
    Quota(Vec<String>),
    /// The instance that found none; mostly it stays behind, stopped.
    Hardware(String),
}

/// A connection to the cloud, with a token.
#[derive(Clone)]
pub(crate) struct Launcher {
    channel: Channel,
}

impl Launcher {
    pub(crate) async fn connect(address: impl std::fmt::Display) -> Self {
        let channel = Channel::from_shared(format!("http://{address}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Self { channel }
    }

    /// Creates everything that a launch stands for, one call after another as orchestrators do.
    pub(crate) async fn launch(&self, launch: &Launch) -> Outcome {
        self.launch_with(launch, None).await
    }

    /// The same, of which the first instance attaches a disk that is there.
    pub(crate) async fn launch_with(&self, launch: &Launch, disk: Option<String>) -> Outcome {
        let mut created = Launched {
            disks: disk.into_iter().collect(),
            ..Launched::default()
        };
        match self.create(launch, &mut created).await {
            Ok(()) => Outcome::Launched(created),
            Err(refusal) => {
                if let Refusal::Hardware(id) = &refusal {
                    // A launch that insisted on a full reservation leaves nothing behind, so there may be nothing here.
                    let request = DeleteInstanceRequest { id: id.clone() };
                    let _ = self.instances().delete(authorized(request)).await;
                }
                self.delete(&created).await;
                match refusal {
                    Refusal::Quota(quotas) => Outcome::OverQuota { quotas },
                    Refusal::Hardware(_) => Outcome::NoHardware,
                }
            }
        }
    }

    async fn create(&self, launch: &Launch, created: &mut Launched) -> Result<(), Refusal> {
        let profile = &launch.profile;
        for filesystem in each_piece(launch, "filesystem.") {
            let id = self.create_filesystem(&profile.project, filesystem).await?;
            created.filesystems.push(id);
        }
        if pieces(launch, "cluster") > 0 {
            created
                .clusters
                .push(self.create_cluster(&profile.project).await?);
        }
        for _ in 0..launch.count {
            let id = self.create_instance(launch, created).await?;
            created.instances.push(id);
        }
        Ok(())
    }

    /// Deletes what a launch created.
    pub(crate) async fn delete(&self, launched: &Launched) {
        for id in &launched.instances {
            let id = id.clone();
            finish(
                self.instances()
                    .delete(authorized(DeleteInstanceRequest { id }))
                    .await,
            )
            .ok();
        }
        for id in &launched.clusters {
            let id = id.clone();
            let mut client = GpuClusterServiceClient::new(self.channel.clone());
            finish(
                client
                    .delete(authorized(DeleteGpuClusterRequest { id }))
                    .await,
            )
            .ok();
        }
        for id in &launched.disks {
            let id = id.clone();
            let mut client = DiskServiceClient::new(self.channel.clone());
            finish(client.delete(authorized(DeleteDiskRequest { id })).await).ok();
        }
        for id in &launched.filesystems {
            let id = id.clone();
            let mut client = FilesystemServiceClient::new(self.channel.clone());
            finish(
                client
                    .delete(authorized(DeleteFilesystemRequest { id }))
                    .await,
            )
            .ok();
        }
    }

    /// Stops every instance of a launch.
    pub(crate) async fn stop(&self, launched: &Launched) {
        for id in &launched.instances {
            let id = id.clone();
            let stopped = finish(
                self.instances()
                    .stop(authorized(StopInstanceRequest { id }))
                    .await,
            );
            assert!(stopped.is_ok(), "a running instance can be stopped");
        }
    }

    /// Starts every instance of a launch; those started before one is refused are stopped again.
    pub(crate) async fn start(&self, launched: &Launched) -> Outcome {
        let mut started = Launched::default();
        for id in &launched.instances {
            let request = StartInstanceRequest { id: id.clone() };
            match finish(self.instances().start(authorized(request)).await) {
                Ok(_) => started.instances.push(id.clone()),
                Err(refusal) => {
                    self.stop(&started).await;
                    return match refusal {
                        Refusal::Quota(quotas) => Outcome::OverQuota { quotas },
                        Refusal::Hardware(_) => Outcome::NoHardware,
                    };
                }
            }
        }
        Outcome::Launched(launched.clone())
    }

    /// A disk of its own, where there is room for it.
    pub(crate) async fn create_disk(&self, project: &str, disk: &Need) -> Option<String> {
        let request = CreateDiskRequest {
            metadata: Some(metadata(project)),
            spec: Some(disk_spec(disk)),
        };
        let mut client = DiskServiceClient::new(self.channel.clone());
        finish(client.create(authorized(request)).await).ok()
    }

    fn instances(&self) -> InstanceServiceClient<Channel> {
        InstanceServiceClient::new(self.channel.clone())
    }

    async fn create_filesystem(&self, project: &str, disk: &Need) -> Result<String, Refusal> {
        let spec = FilesystemSpec {
            size: Some(filesystem_spec::Size::SizeBytes(
                i64::try_from(disk.bytes).unwrap(),
            )),
            r#type: kind(&disk.kind),
            ..FilesystemSpec::default()
        };
        let request = CreateFilesystemRequest {
            metadata: Some(metadata(project)),
            spec: Some(spec),
        };
        let mut client = FilesystemServiceClient::new(self.channel.clone());
        finish(client.create(authorized(request)).await)
    }

    async fn create_cluster(&self, project: &str) -> Result<String, Refusal> {
        let request = CreateGpuClusterRequest {
            metadata: Some(metadata(project)),
            spec: Some(GpuClusterSpec {
                infiniband_fabric: "fabric-7".to_owned(),
            }),
        };
        let mut client = GpuClusterServiceClient::new(self.channel.clone());
        finish(client.create(authorized(request)).await)
    }

    /// Asks for one instance of a launch, and says with which status it is refused at once, if so.
    pub(crate) async fn refused(&self, launch: &Launch) -> Option<Status> {
        let request = authorized(request(launch, None));
        self.instances().create(request).await.err()
    }

    async fn create_instance(
        &self,
        launch: &Launch,
        created: &Launched,
    ) -> Result<String, Refusal> {
        let mut request = request(launch, created.clusters.first());
        if let (Some(id), true, Some(spec)) = (
            created.disks.first(),
            created.instances.is_empty(),
            &mut request.spec,
        ) {
            spec.secondary_disks.push(AttachedDiskSpec {
                attach_mode: 2,
                r#type: Some(attached_disk_spec::Type::ExistingDisk(ExistingDisk {
                    id: id.clone(),
                })),
                ..AttachedDiskSpec::default()
            });
        }
        finish(self.instances().create(authorized(request)).await)
    }
}

/// One instance of a launch.
fn request(launch: &Launch, cluster: Option<&String>) -> CreateInstanceRequest {
    let profile = &launch.profile;
    let (platform, preset) = launch.offer.instance_type.split_once(' ').unwrap();
    let mut disks = each_piece(launch, "disk.").map(managed);
    let preemptible = launch.offer.lifecycle == "preemptible";
    let is_static = pieces(launch, "address.public.static") > 0;
    let public = is_static || pieces(launch, "address.public.dynamic") > 0;
    let policy = match profile.reservation {
        ReservationUse::Auto => reservation_policy::Policy::Auto,
        ReservationUse::Forbid => reservation_policy::Policy::Forbid,
        ReservationUse::Strict => reservation_policy::Policy::Strict,
    };
    let spec = InstanceSpec {
        resources: Some(ResourcesSpec {
            platform: platform.to_owned(),
            size: Some(resources_spec::Size::Preset(preset.to_owned())),
        }),
        gpu_cluster: cluster.map(|id| InstanceGpuClusterSpec { id: id.clone() }),
        network_interfaces: vec![NetworkInterfaceSpec {
            // The only subnet of a project, whose id the cloud derives from the project's.
            subnet_id: profile.project.replace("project-", "vpcsubnet-"),
            name: "eth0".to_owned(),
            ip_address: Some(IpAddress::default()),
            public_ip_address: public.then(|| PublicIpAddress {
                r#static: is_static,
                ..PublicIpAddress::default()
            }),
            ..NetworkInterfaceSpec::default()
        }],
        boot_disk: disks.next(),
        secondary_disks: disks.collect(),
        // 1 is FAIL, which preemptible instances need.
        recovery_policy: i32::from(preemptible),
        preemptible: preemptible.then(|| PreemptibleSpec {
            on_preemption: PreemptionPolicy::Stop.into(),
            ..PreemptibleSpec::default()
        }),
        reservation_policy: (!preemptible).then(|| ReservationPolicy {
            policy: policy.into(),
            ..ReservationPolicy::default()
        }),
        ..InstanceSpec::default()
    };
    CreateInstanceRequest {
        metadata: Some(metadata(&profile.project)),
        spec: Some(spec),
    }
}

fn managed(disk: &Need) -> AttachedDiskSpec {
    AttachedDiskSpec {
        attach_mode: 2,
        r#type: Some(attached_disk_spec::Type::ManagedDisk(ManagedDisk {
            name: "disk".to_owned(),
            spec: Some(disk_spec(disk)),
            ..ManagedDisk::default()
        })),
        ..AttachedDiskSpec::default()
    }
}

fn disk_spec(disk: &Need) -> DiskSpec {
    DiskSpec {
        size: Some(disk_spec::Size::SizeBytes(
            i64::try_from(disk.bytes).unwrap(),
        )),
        r#type: kind(&disk.kind),
        ..DiskSpec::default()
    }
}

/// The needs of these kinds, one for each piece of them.
fn each_piece<'a>(launch: &'a Launch, kinds: &'a str) -> impl Iterator<Item = &'a Need> {
    let needs = launch.profile.needs.iter();
    needs
        .filter(move |need| need.kind.starts_with(kinds))
        .flat_map(|need| (0..need.pieces).map(move |_| need))
}

/// How many pieces of a kind a launch needs.
fn pieces(launch: &Launch, kind: &str) -> usize {
    each_piece(launch, kind).count()
}

/// The number of a kind of storage in the API.
fn kind(name: &str) -> i32 {
    match name.split_once('.').map(|(_, kind)| kind) {
        Some("network-ssd") => 1,
        Some("network-hdd") => 2,
        Some("network-ssd-non-replicated") => 3,
        Some("network-ssd-io-m3") => 4,
        _ => panic!("no kind of storage: {name}"),
    }
}

fn metadata(project: &str) -> ResourceMetadata {
    ResourceMetadata {
        parent_id: project.to_owned(),
        ..ResourceMetadata::default()
    }
}

fn authorized<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", MetadataValue::from_static("Bearer test"));
    request
}

/// The id of what was made, or why it was refused. Any other failure is a mistake of the test.
fn finish(answer: Result<tonic::Response<Operation>, Status>) -> Result<String, Refusal> {
    let (status, left_behind) = match answer {
        Ok(operation) => {
            let operation = operation.into_inner();
            let status = operation
                .status
                .expect("operations are finished when they are returned");
            if status.code == 0 {
                return Ok(operation.resource_id);
            }
            (status, operation.resource_id)
        }
        Err(status) => {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            let status = nebius_api::google::rpc::Status::decode(status.details()).unwrap();
            (status, String::new())
        }
    };
    for detail in &status.details {
        let error = ServiceError::decode(detail.value.as_slice()).unwrap();
        match error.details {
            Some(Details::QuotaFailure(failure)) => {
                return Err(Refusal::Quota(
                    failure
                        .violations
                        .into_iter()
                        .map(|violation| violation.quota)
                        .collect(),
                ));
            }
            Some(Details::NotEnoughResources(_)) => return Err(Refusal::Hardware(left_behind)),
            _ => {}
        }
    }
    panic!("a refusal that is none: {status:?}");
}
