//! Disks, made alone or with an instance.

use std::collections::HashMap;

use nebius_api::nebius::{
    common::v1::Operation,
    compute::v1::{
        AttachedDiskSpec, CreateDiskRequest, Disk, DiskSpec, DiskStatus,
        attached_disk_spec::{AttachMode, Type},
        disk_spec::{DiskType, Size},
        disk_status::State,
    },
};

use super::{
    Account, must_be_new,
    operations::{Change, End, Kind},
};
use crate::{
    inventory::{Charges, Held, Place},
    refusal::Refusal,
};

const COUNT: &str = "compute.disk.count";

/// Disks of two types are made of pieces of 93 GiB.
const PIECE: u64 = 93 << 30;

/// A disk that an instance wants.
pub(super) enum Wanted {
    /// One that is there, which takes nothing.
    Existing { id: String, read_only: bool },
    /// One that comes and goes with the instance.
    Managed {
        held: Box<Held<Disk>>,
        name: String,
        labels: HashMap<String, String>,
    },
}

impl Account {
    pub(crate) fn create_disk(
        &mut self,
        request: &CreateDiskRequest,
    ) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Create disk";
        let metadata = request.metadata.clone().unwrap_or_default();
        let place = self.new_place(&metadata.parent_id)?;
        must_be_new(
            &metadata.name,
            self.inventory
                .disks
                .named(&place.project_id, &metadata.name),
        )?;
        let held = held(&place, request.spec.as_ref())?;
        let quotas = self.violations(&place, &held.charges);
        if !quotas.is_empty() {
            let refusal = Refusal::over_quota(quotas);
            return self.refuse(Kind::Disk, None, DESCRIPTION, refusal);
        }
        let id = self.put_disk(held, &metadata.name, metadata.labels, "");
        Ok(self.begin(Change {
            kind: Kind::Disk,
            resource_id: id,
            description: DESCRIPTION,
            failure: None,
            end: End::Ready,
        }))
    }

    pub(crate) fn delete_disk(&mut self, id: &str) -> Result<Operation, Refusal> {
        let held = self.inventory.disks.get(id)?;
        self.must_be_idle(id)?;
        let status = held.shown.status.clone().unwrap_or_default();
        let attached = !status.read_write_attachment.is_empty()
            || !status.read_only_attachments.is_empty()
            || !status.managed_by.is_empty();
        let spec = held.shown.spec.as_ref();
        let message = if attached {
            "the disk is attached"
        } else if spec.is_some_and(|spec| spec.forbid_deletion) {
            "the disk forbids its deletion"
        } else {
            if let Some(held) = self.inventory.disks.get_mut(id) {
                let status = held.shown.status.get_or_insert_default();
                status.set_state(State::Deleting);
            }
            return Ok(self.begin(Change {
                kind: Kind::Disk,
                resource_id: id.to_owned(),
                description: "Delete disk",
                failure: None,
                end: End::Removed,
            }));
        };
        Err(Refusal::State {
            resource_id: id.to_owned(),
            message,
        })
    }

    /// Reads the disks of an instance and checks that the ones that exist can be attached.
    pub(super) fn wanted_disks(
        &self,
        place: &Place,
        boot: Option<&AttachedDiskSpec>,
        secondary: &[AttachedDiskSpec],
    ) -> Result<Vec<Wanted>, Refusal> {
        let boot = boot.ok_or_else(|| Refusal::invalid("spec.boot_disk", "is required"))?;
        let mut wanted = Vec::new();
        let mut named = Vec::new();
        for attached in std::iter::once(boot).chain(secondary) {
            match &attached.r#type {
                Some(Type::ExistingDisk(existing)) => {
                    let read_only = attached.attach_mode() == AttachMode::ReadOnly;
                    self.must_be_attachable(place, &existing.id, read_only)?;
                    if named.contains(&&existing.id) {
                        return Err(Refusal::invalid(
                            "spec.secondary_disks",
                            "names a disk twice",
                        ));
                    }
                    named.push(&existing.id);
                    wanted.push(Wanted::Existing {
                        id: existing.id.clone(),
                        read_only,
                    });
                }
                Some(Type::ManagedDisk(managed)) => wanted.push(Wanted::Managed {
                    held: Box::new(held(place, managed.spec.as_ref())?),
                    name: managed.name.clone(),
                    labels: managed.labels.clone(),
                }),
                None => {
                    let message = "needs an existing or a managed disk";
                    return Err(Refusal::invalid("spec.boot_disk.type", message));
                }
            }
        }
        Ok(wanted)
    }

    /// Stores a disk and returns its id.
    pub(super) fn put_disk(
        &mut self,
        mut held: Held<Disk>,
        name: &str,
        labels: HashMap<String, String>,
        managed_by: &str,
    ) -> String {
        let id = self.mint(Kind::Disk.id_type());
        held.shown.metadata = Some(self.metadata(&id, &held.place, name, labels));
        let status = held.shown.status.get_or_insert_default();
        managed_by.clone_into(&mut status.managed_by);
        managed_by.clone_into(&mut status.read_write_attachment);
        if !managed_by.is_empty() {
            status.set_state(State::Ready);
        }
        self.inventory.disks.insert(id.clone(), held);
        id
    }

    fn must_be_attachable(&self, place: &Place, id: &str, read_only: bool) -> Result<(), Refusal> {
        let disk = self.inventory.disks.get_in(&place.project_id, id)?;
        self.must_be_idle(id)?;
        let status = disk.shown.status.clone().unwrap_or_default();
        let shared = read_only && !status.read_only_attachments.is_empty();
        let free =
            status.read_write_attachment.is_empty() && status.read_only_attachments.is_empty();
        if free || (shared && status.read_write_attachment.is_empty()) {
            return Ok(());
        }
        Err(Refusal::State {
            resource_id: id.to_owned(),
            message: "the disk is attached to another instance",
        })
    }
}

/// A disk that is still to get its id.
fn held(place: &Place, spec: Option<&DiskSpec>) -> Result<Held<Disk>, Refusal> {
    let spec = spec.ok_or_else(|| Refusal::invalid("spec", "is required"))?;
    let (size, scale) = match spec.size {
        Some(Size::SizeBytes(size)) => (size, 0),
        Some(Size::SizeKibibytes(size)) => (size, 10),
        Some(Size::SizeMebibytes(size)) => (size, 20),
        Some(Size::SizeGibibytes(size)) => (size, 30),
        None => (0, 0),
    };
    let bytes = bytes(size, scale)?;
    let quota = match spec.r#type() {
        DiskType::Unspecified => return Err(Refusal::invalid("spec.type", "is required")),
        DiskType::NetworkSsd => "compute.disk.size.network-ssd",
        DiskType::NetworkHdd => "compute.disk.size.network-hdd",
        DiskType::NetworkSsdNonReplicated => "compute.disk.size.network-ssd-non-replicated",
        DiskType::NetworkSsdIoM3 => "compute.disk.size.network-ssd-io-m3",
    };
    let is_whole = match spec.r#type() {
        DiskType::NetworkSsdNonReplicated | DiskType::NetworkSsdIoM3 => bytes % PIECE == 0,
        _ => true,
    };
    if !is_whole {
        let message = "must be a multiple of 93 GiB for this type of disk";
        return Err(Refusal::invalid("spec.size", message));
    }
    Ok(Held {
        place: place.clone(),
        charges: Charges::of([(COUNT, 1), (quota, bytes)]),
        shown: Disk {
            metadata: None,
            spec: Some(spec.clone()),
            status: Some(DiskStatus {
                state: State::Creating.into(),
                size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                ..DiskStatus::default()
            }),
        },
        more: (),
    })
}

/// A size given in some power of two of bytes.
pub(super) fn bytes(size: i64, scale: u32) -> Result<u64, Refusal> {
    let bytes = i64::checked_mul(size, 1 << scale);
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok());
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| Refusal::invalid("spec.size", "must be a number of bytes above zero"))
}
