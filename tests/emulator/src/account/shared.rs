//! What instances share: GPU clusters and file systems.

use nebius_api::nebius::{
    common::v1::Operation,
    compute::v1::{
        CreateFilesystemRequest, CreateGpuClusterRequest, Filesystem, FilesystemStatus, GpuCluster,
        GpuClusterStatus,
        filesystem_spec::{FilesystemType, Size},
        filesystem_status::State,
    },
};

use super::{
    Account, disks, must_be_new,
    operations::{Change, End, Kind},
};
use crate::{
    inventory::{Charges, Held},
    refusal::Refusal,
};

const CLUSTERS: &str = "compute.gpucluster.count";
const FILESYSTEMS: &str = "compute.filesystem.count";

impl Account {
    /// Blocks do not change what a cluster takes, unless the settings say so.
    pub(crate) fn create_gpu_cluster(
        &mut self,
        request: &CreateGpuClusterRequest,
    ) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Create GPU cluster";
        let metadata = request.metadata.clone().unwrap_or_default();
        let place = self.new_place(&metadata.parent_id)?;
        let clusters = &self.inventory.gpu_clusters;
        must_be_new(
            &metadata.name,
            clusters.named(&place.project_id, &metadata.name),
        )?;
        let spec = request.spec.clone().unwrap_or_default();
        if spec.infiniband_fabric.is_empty() {
            return Err(Refusal::invalid("spec.infiniband_fabric", "is required"));
        }
        let is_spared = self.settings.blocks_spare_clusters
            && self.has_block_on(&place, &spec.infiniband_fabric);
        let charges = Charges::of([(CLUSTERS, u64::from(!is_spared))]);
        let quotas = self.violations(&place, &charges);
        if !quotas.is_empty() {
            let refusal = Refusal::over_quota(quotas);
            return self.refuse(Kind::GpuCluster, None, DESCRIPTION, refusal);
        }
        let id = self.mint(Kind::GpuCluster.id_type());
        let held = Held {
            charges,
            shown: GpuCluster {
                metadata: Some(self.metadata(&id, &place, &metadata.name, metadata.labels)),
                spec: Some(spec),
                status: Some(GpuClusterStatus::default()),
            },
            place,
            more: (),
        };
        self.inventory.gpu_clusters.insert(id.clone(), held);
        Ok(self.begin(Change {
            kind: Kind::GpuCluster,
            resource_id: id,
            description: DESCRIPTION,
            failure: None,
            end: End::Ready,
        }))
    }

    pub(crate) fn delete_gpu_cluster(&mut self, id: &str) -> Result<Operation, Refusal> {
        let held = self.inventory.gpu_clusters.get(id)?;
        self.must_be_idle(id)?;
        let status = held.shown.status.as_ref();
        if status.is_some_and(|status| !status.instances.is_empty()) {
            return Err(Refusal::State {
                resource_id: id.to_owned(),
                message: "the GPU cluster has instances",
            });
        }
        Ok(self.begin(Change {
            kind: Kind::GpuCluster,
            resource_id: id.to_owned(),
            description: "Delete GPU cluster",
            failure: None,
            end: End::Removed,
        }))
    }

    pub(crate) fn create_filesystem(
        &mut self,
        request: &CreateFilesystemRequest,
    ) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Create filesystem";
        let metadata = request.metadata.clone().unwrap_or_default();
        let place = self.new_place(&metadata.parent_id)?;
        let filesystems = &self.inventory.filesystems;
        must_be_new(
            &metadata.name,
            filesystems.named(&place.project_id, &metadata.name),
        )?;
        let spec = request.spec.unwrap_or_default();
        let (size, scale) = match spec.size {
            Some(Size::SizeBytes(size)) => (size, 0),
            Some(Size::SizeKibibytes(size)) => (size, 10),
            Some(Size::SizeMebibytes(size)) => (size, 20),
            Some(Size::SizeGibibytes(size)) => (size, 30),
            None => (0, 0),
        };
        let bytes = disks::bytes(size, scale)?;
        let quota = match spec.r#type() {
            FilesystemType::Unspecified => {
                return Err(Refusal::invalid("spec.type", "is required"));
            }
            FilesystemType::NetworkSsd => "compute.filesystem.size.network-ssd",
            FilesystemType::NetworkHdd => "compute.filesystem.size.network-hdd",
            FilesystemType::Weka => "compute.filesystem.size.weka",
            FilesystemType::Vast => "compute.filesystem.size.vast",
        };
        let charges = Charges::of([(FILESYSTEMS, 1), (quota, bytes)]);
        let quotas = self.violations(&place, &charges);
        if !quotas.is_empty() {
            let refusal = Refusal::over_quota(quotas);
            return self.refuse(Kind::Filesystem, None, DESCRIPTION, refusal);
        }
        let id = self.mint(Kind::Filesystem.id_type());
        let held = Held {
            charges,
            shown: Filesystem {
                metadata: Some(self.metadata(&id, &place, &metadata.name, metadata.labels)),
                spec: Some(spec),
                status: Some(FilesystemStatus {
                    state: State::Creating.into(),
                    size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                    ..FilesystemStatus::default()
                }),
            },
            place,
            more: (),
        };
        self.inventory.filesystems.insert(id.clone(), held);
        Ok(self.begin(Change {
            kind: Kind::Filesystem,
            resource_id: id,
            description: DESCRIPTION,
            failure: None,
            end: End::Ready,
        }))
    }

    pub(crate) fn delete_filesystem(&mut self, id: &str) -> Result<Operation, Refusal> {
        let held = self.inventory.filesystems.get(id)?;
        self.must_be_idle(id)?;
        let status = held.shown.status.clone().unwrap_or_default();
        let attached = status.read_write_attachments.len() + status.read_only_attachments.len();
        let message = if attached > 0 {
            "the filesystem is attached"
        } else if held.shown.spec.is_some_and(|spec| spec.forbid_deletion) {
            "the filesystem forbids its deletion"
        } else {
            if let Some(held) = self.inventory.filesystems.get_mut(id) {
                let status = held.shown.status.get_or_insert_default();
                status.set_state(State::Deleting);
            }
            return Ok(self.begin(Change {
                kind: Kind::Filesystem,
                resource_id: id.to_owned(),
                description: "Delete filesystem",
                failure: None,
                end: End::Removed,
            }));
        };
        Err(Refusal::State {
            resource_id: id.to_owned(),
            message,
        })
    }
}
