//! Operations: how a change that was accepted ends, and when.

use std::collections::BTreeMap;

use nebius_api::{
    google::rpc,
    nebius::{
        common::v1::Operation,
        compute::v1::{disk_status, filesystem_status, instance_status::InstanceState},
    },
};
use prost_types::Timestamp;

use super::Account;
use crate::{inventory::Source, refusal::Refusal, settings::QuotaFailures};

/// The operations so far, finished ones too.
#[derive(Default)]
pub(crate) struct Operations {
    entries: BTreeMap<String, Entry>,
    /// The operation under way on each resource.
    under_way: BTreeMap<String, String>,
    /// What each idempotency key of a method was used for.
    keys: BTreeMap<(String, String), (Vec<u8>, String)>,
}

struct Entry {
    operation: Operation,
    polls_left: u32,
    /// How it will end.
    status: rpc::Status,
    end: End,
}

/// A resource by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Instance,
    Disk,
    GpuCluster,
    Filesystem,
    Allocation,
    /// A quota row.
    Allowance,
}

impl Kind {
    /// The type in an id of this kind.
    pub(super) const fn id_type(self) -> &'static str {
        match self {
            Self::Instance => "computeinstance",
            Self::Disk => "computedisk",
            Self::GpuCluster => "computegpucluster",
            Self::Filesystem => "computefilesystem",
            Self::Allocation => "vpcallocation",
            Self::Allowance => "quotaallowance",
        }
    }

    const fn service(self) -> &'static str {
        match self {
            Self::Allocation => "vpc",
            Self::Allowance => "quotas",
            Self::Instance | Self::Disk | Self::GpuCluster | Self::Filesystem => "compute",
        }
    }
}

/// What happens to the resource when its operation finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Unchanged,
    /// It is there: a disk is ready, an instance runs.
    Ready,
    /// An instance has stopped.
    Stopped,
    /// It is gone.
    Removed,
}

/// A change that was accepted.
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) resource_id: String,
    pub(super) description: &'static str,
    pub(super) failure: Option<Refusal>,
    pub(super) end: End,
}

impl Account {
    /// Begins an operation, and finishes it where operations finish at once.
    pub(super) fn begin(&mut self, change: Change) -> Operation {
        let id = self.mint(&format!("{}operation", change.kind.service()));
        let status = change.failure.map_or_else(rpc::Status::default, |failure| {
            failure.rpc_status(change.kind.service())
        });
        let operation = Operation {
            id: id.clone(),
            description: change.description.to_owned(),
            created_at: Some(Timestamp::from(self.clock.now())),
            created_by: "emulator".to_owned(),
            finished_at: None,
            resource_id: change.resource_id.clone(),
            status: None,
        };
        let entry = Entry {
            operation,
            polls_left: self.settings.polls_to_finish,
            status,
            end: change.end,
        };
        let operations = &mut self.operations;
        operations.under_way.insert(change.resource_id, id.clone());
        let polls_left = entry.polls_left;
        operations.entries.insert(id.clone(), entry);
        if polls_left == 0 {
            self.finish(&id);
        }
        let entry = self.operations.entries.get(&id);
        entry
            .map(|entry| entry.operation.clone())
            .unwrap_or_default()
    }

    /// Begins an operation that fails, or refuses the call, as launches over quota are to be refused.
    pub(super) fn refuse(
        &mut self,
        kind: Kind,
        resource_id: Option<&str>,
        description: &'static str,
        refusal: Refusal,
    ) -> Result<Operation, Refusal> {
        if self.settings.quota_failures == QuotaFailures::Synchronous {
            return Err(refusal);
        }
        let resource_id = match resource_id {
            Some(id) => id.to_owned(),
            None => self.mint(kind.id_type()),
        };
        Ok(self.begin(Change {
            kind,
            resource_id,
            description,
            failure: Some(refusal),
            end: End::Unchanged,
        }))
    }

    /// Reads an operation, which may be what it waits for.
    pub(crate) fn operation(&mut self, id: &str) -> Result<Operation, Refusal> {
        self.poll(id);
        let entry = self.operations.entries.get(id);
        entry
            .map(|entry| entry.operation.clone())
            .ok_or_else(|| Refusal::NotFound(id.to_owned()))
    }

    /// Counts a look at a resource as one at the operation under way on it.
    pub(crate) fn look_at(&mut self, resource_id: &str) {
        if let Some(id) = self.operations.under_way.get(resource_id).cloned() {
            self.poll(&id);
        }
    }

    /// The operations on a resource, oldest first.
    pub(crate) fn operations_on(&self, resource_id: &str) -> Vec<Operation> {
        let operations = self.operations.entries.values();
        operations
            .map(|entry| &entry.operation)
            .filter(|operation| operation.resource_id == resource_id)
            .cloned()
            .collect()
    }

    /// Changes of one resource must not overlap.
    pub(super) fn must_be_idle(&self, resource_id: &str) -> Result<(), Refusal> {
        match self.operations.under_way.get(resource_id) {
            None => Ok(()),
            Some(operation_id) => Err(Refusal::Conflict {
                operation_id: operation_id.clone(),
                resource_id: resource_id.to_owned(),
            }),
        }
    }

    /// Does what a request asks for, or answers as the first time where its key was used for the same before.
    pub(crate) fn once(
        &mut self,
        method: &str,
        key: &str,
        request: Vec<u8>,
        change: impl FnOnce(&mut Self) -> Result<Operation, Refusal>,
    ) -> Result<Operation, Refusal> {
        if key.is_empty() {
            return change(self);
        }
        let used = (method.to_owned(), key.to_owned());
        if let Some((before, operation_id)) = self.operations.keys.get(&used) {
            if *before != request {
                return Err(Refusal::Invalid {
                    field: "x-idempotency-key",
                    message: "was used for another request".to_owned(),
                });
            }
            let entry = self.operations.entries.get(operation_id);
            return entry
                .map(|entry| entry.operation.clone())
                .ok_or_else(|| Refusal::NotFound(operation_id.clone()));
        }
        let operation = change(self)?;
        let answer = (request, operation.id.clone());
        self.operations.keys.insert(used, answer);
        Ok(operation)
    }

    fn poll(&mut self, id: &str) {
        let Some(entry) = self.operations.entries.get_mut(id) else {
            return;
        };
        if entry.operation.status.is_some() {
            return;
        }
        entry.polls_left = entry.polls_left.saturating_sub(1);
        if entry.polls_left == 0 {
            self.finish(id);
        }
    }

    fn finish(&mut self, id: &str) {
        let now = Timestamp::from(self.clock.now());
        let Some(entry) = self.operations.entries.get_mut(id) else {
            return;
        };
        entry.operation.finished_at = Some(now);
        entry.operation.status = Some(entry.status.clone());
        let resource_id = entry.operation.resource_id.clone();
        let end = entry.end;
        self.operations.under_way.remove(&resource_id);
        match end {
            End::Unchanged => {}
            End::Ready => self.make_ready(&resource_id),
            End::Stopped => self.make_stopped(&resource_id),
            End::Removed => self.make_gone(&resource_id),
        }
    }

    fn make_ready(&mut self, id: &str) {
        if let Some(held) = self.inventory.instances.get_mut(id) {
            held.status().set_state(InstanceState::Running);
        }
        if let Some(held) = self.inventory.disks.get_mut(id) {
            let status = held.shown.status.get_or_insert_default();
            status.set_state(disk_status::State::Ready);
        }
        if let Some(held) = self.inventory.filesystems.get_mut(id) {
            let status = held.shown.status.get_or_insert_default();
            status.set_state(filesystem_status::State::Ready);
        }
    }

    /// An instance leaves its hardware and its dynamic addresses, and with them what stopped instances do not hold.
    fn make_stopped(&mut self, id: &str) {
        let holds = self.settings.stopped_instances_hold_gpus;
        self.leave_hardware(id);
        self.release_dynamic_addresses(id);
        if let Some(held) = self.inventory.instances.get_mut(id) {
            if !holds {
                held.more.source = None;
            }
            let block = match &held.more.source {
                Some(Source::Block(block)) => block.clone(),
                Some(Source::Rows) | None => String::new(),
            };
            let status = held.status();
            status.reservation_id = block;
            status.set_state(InstanceState::Stopped);
        }
    }

    fn make_gone(&mut self, id: &str) {
        self.leave_hardware(id);
        self.remove_what_comes_with(id);
        self.inventory.instances.remove(id);
        self.inventory.disks.remove(id);
        self.inventory.gpu_clusters.remove(id);
        self.inventory.filesystems.remove(id);
        self.inventory.allocations.remove(id);
    }

    fn leave_hardware(&mut self, id: &str) {
        let Some(held) = self.inventory.instances.get_mut(id) else {
            return;
        };
        if let Some(hardware) = held.more.hardware.take() {
            let instance_type = held.more.launch.instance_type.clone();
            self.give_hardware(&hardware, &instance_type);
        }
    }
}
