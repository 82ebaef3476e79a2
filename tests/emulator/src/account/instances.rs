//! Instances: created, started, stopped and deleted, everything checked before anything is taken.

use nebius_api::nebius::{
    common::v1::Operation,
    compute::v1::{
        CreateInstanceRequest, DiskAttachmentStatus, Instance, InstanceSpec, InstanceStatus,
        attached_filesystem_spec::{AttachMode, Type},
        instance_status::InstanceState,
    },
};

use super::{
    Account,
    disks::Wanted,
    hardware::{self, Found},
    id_of,
    interfaces::Address,
    launch::NoBlock,
    must_be_new, name_of,
    operations::{Change, End, Kind},
};
use crate::{
    inventory::{Charges, Held, Launch, Machine, Place, Source},
    refusal::{Refusal, Shortage},
};

const REGULAR: &str = "compute.instance.count";
const PREEMPTIBLE: &str = "compute.instance.preemptible.count";

impl Account {
    pub(crate) fn create_instance(
        &mut self,
        request: &CreateInstanceRequest,
    ) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Create instance";
        let metadata = request.metadata.clone().unwrap_or_default();
        let place = self.new_place(&metadata.parent_id)?;
        let instances = &self.inventory.instances;
        must_be_new(
            &metadata.name,
            instances.named(&place.project_id, &metadata.name),
        )?;
        let spec = request.spec.clone();
        let spec = spec.ok_or_else(|| Refusal::invalid("spec", "is required"))?;
        let launch = self.read_launch(&place, &spec)?;
        let secondary = &spec.secondary_disks;
        let disks = self.wanted_disks(&place, spec.boot_disk.as_ref(), secondary)?;
        let mut addresses = self.addresses(&place, &spec.network_interfaces)?;
        addresses.retain(|address| !(spec.stopped && address.is_dynamic()));
        self.check_filesystems(&place, &spec)?;

        let row = if launch.preemptible {
            PREEMPTIBLE
        } else {
            REGULAR
        };
        let counts_twice =
            launch.preemptible && self.settings.preemptible_instances_count_as_instances;
        let charges = Charges::of([(row, 1), (REGULAR, u64::from(counts_twice))]);
        let mut demand = charges.clone();
        for disk in &disks {
            if let Wanted::Managed { held, .. } = disk {
                demand.extend(&held.charges);
            }
        }
        let holds = !spec.stopped || self.settings.stopped_instances_hold_gpus;
        let source = match self.admit(&place, &launch, holds, demand, &addresses) {
            Ok(source) => source,
            Err(shortage) => {
                let refusal = Refusal::Exhausted(shortage);
                return self.refuse(Kind::Instance, None, DESCRIPTION, refusal);
            }
        };

        let id = self.mint(Kind::Instance.id_type());
        let status = InstanceStatus {
            state: InstanceState::Creating.into(),
            ..InstanceStatus::default()
        };
        let stopped = spec.stopped;
        let held = Held {
            place: place.clone(),
            charges,
            shown: Instance {
                metadata: Some(self.metadata(&id, &place, &metadata.name, metadata.labels)),
                spec: Some(spec),
                status: Some(status),
            },
            more: Machine {
                launch,
                source: None,
                hardware: None,
            },
        };
        self.inventory.instances.insert(id.clone(), held);
        self.attach_disks(&id, disks);
        self.join(&id);
        self.assign(&place, &id, addresses);
        self.hold(&id, source);
        let found = stopped || self.occupy(&id);
        Ok(self.begin(Change {
            failure: self.failure(&id, found),
            kind: Kind::Instance,
            resource_id: id,
            description: DESCRIPTION,
            end: if stopped || !found {
                End::Stopped
            } else {
                End::Ready
            },
        }))
    }

    /// Takes again what the instance let go when it stopped.
    pub(crate) fn start_instance(&mut self, id: &str) -> Result<Operation, Refusal> {
        const DESCRIPTION: &str = "Start instance";
        self.must_be_in(id, InstanceState::Stopped, "the instance is not stopped")?;
        let held = self.inventory.instances.get(id)?;
        let place = held.place.clone();
        self.must_be_active(&place.project_id)?;
        let lacks = held.more.source.is_none();
        let addresses = self.addresses_at_start(id);
        let demand = Charges::default();
        let source = match self.admit(&place, &held.more.launch, lacks, demand, &addresses) {
            Ok(source) => source,
            Err(shortage) => {
                let refusal = Refusal::Exhausted(shortage);
                return self.refuse(Kind::Instance, Some(id), DESCRIPTION, refusal);
            }
        };
        self.set_state(id, InstanceState::Starting);
        self.assign(&place, id, addresses);
        self.hold(id, source);
        let found = self.occupy(id);
        Ok(self.begin(Change {
            failure: self.failure(id, found),
            kind: Kind::Instance,
            resource_id: id.to_owned(),
            description: DESCRIPTION,
            end: if found { End::Ready } else { End::Stopped },
        }))
    }

    pub(crate) fn stop_instance(&mut self, id: &str) -> Result<Operation, Refusal> {
        self.must_be_in(id, InstanceState::Running, "the instance does not run")?;
        self.set_state(id, InstanceState::Stopping);
        Ok(self.begin(Change {
            kind: Kind::Instance,
            resource_id: id.to_owned(),
            description: "Stop instance",
            failure: None,
            end: End::Stopped,
        }))
    }

    pub(crate) fn delete_instance(&mut self, id: &str) -> Result<Operation, Refusal> {
        self.inventory.instances.get(id)?;
        self.must_be_idle(id)?;
        self.set_state(id, InstanceState::Deleting);
        Ok(self.begin(Change {
            kind: Kind::Instance,
            resource_id: id.to_owned(),
            description: "Delete instance",
            failure: None,
            end: End::Removed,
        }))
    }

    /// Finds where the GPUs are to be counted, if the instance is to hold them, and checks every quota at once.
    fn admit(
        &self,
        place: &Place,
        launch: &Launch,
        holds: bool,
        mut demand: Charges,
        addresses: &[Address],
    ) -> Result<Option<Source>, Shortage> {
        let mut shortage = Shortage::default();
        let mut source = None;
        if holds {
            match self.source_for(place, launch) {
                Ok(found) => {
                    demand.extend(&launch.compute(&found));
                    source = Some(found);
                }
                Err(NoBlock) => {
                    let violation = hardware::no_block(&launch.instance_type);
                    shortage.resources.push(violation);
                }
            }
        }
        for address in addresses {
            demand.extend(&address.charges(&self.settings));
        }
        shortage.quotas = self.violations(place, &demand);
        if shortage.is_empty() {
            Ok(source)
        } else {
            Err(shortage)
        }
    }

    /// Counts the instance's GPUs there from now on.
    fn hold(&mut self, id: &str, source: Option<Source>) {
        let Some(held) = self.inventory.instances.get_mut(id) else {
            return;
        };
        if let Some(Source::Block(block)) = &source {
            held.status().reservation_id.clone_from(block);
        }
        if source.is_some() {
            held.more.source = source;
        }
    }

    /// Takes hardware, and says whether there was any.
    fn occupy(&mut self, id: &str) -> bool {
        let Ok(held) = self.inventory.instances.get(id) else {
            return false;
        };
        let launch = &held.more.launch;
        let source = held.more.source.as_ref().unwrap_or(&Source::Rows);
        let instance_type = launch.instance_type.clone();
        match self.find_hardware(&held.place, launch, source) {
            Found::Endless => true,
            Found::Nowhere => false,
            Found::In(hardware) => {
                self.take_hardware(&hardware, &instance_type);
                if let Some(held) = self.inventory.instances.get_mut(id) {
                    held.more.hardware = Some(hardware);
                }
                true
            }
        }
    }

    /// How the operation ends of an instance that found its hardware or did not.
    fn failure(&self, id: &str, found: bool) -> Option<Refusal> {
        let held = self.inventory.instances.get(id).ok()?;
        (!found).then(|| {
            Refusal::Exhausted(Shortage {
                quotas: Vec::new(),
                resources: vec![hardware::none_left(&held.more.launch.instance_type)],
            })
        })
    }

    fn must_be_in(
        &self,
        id: &str,
        state: InstanceState,
        message: &'static str,
    ) -> Result<(), Refusal> {
        let held = self.inventory.instances.get(id)?;
        self.must_be_idle(id)?;
        if held.state() == state {
            return Ok(());
        }
        Err(Refusal::State {
            resource_id: id.to_owned(),
            message,
        })
    }

    fn set_state(&mut self, id: &str, state: InstanceState) {
        if let Some(held) = self.inventory.instances.get_mut(id) {
            held.status().set_state(state);
        }
    }

    fn attach_disks(&mut self, id: &str, disks: Vec<Wanted>) {
        for disk in disks {
            let (disk_id, is_managed) = match disk {
                Wanted::Managed { held, name, labels } => {
                    (self.put_disk(*held, &name, labels, id), true)
                }
                Wanted::Existing {
                    id: disk_id,
                    read_only,
                } => {
                    if let Some(held) = self.inventory.disks.get_mut(&disk_id) {
                        let status = held.shown.status.get_or_insert_default();
                        if read_only {
                            status.read_only_attachments.push(id.to_owned());
                        } else {
                            id.clone_into(&mut status.read_write_attachment);
                        }
                    }
                    (disk_id, false)
                }
            };
            let disk = self.inventory.disks.get(&disk_id).ok();
            let metadata = disk.and_then(|held| held.shown.metadata.as_ref());
            let attachment = DiskAttachmentStatus {
                id: id_of(metadata).to_owned(),
                name: name_of(metadata).to_owned(),
                is_managed,
            };
            if let Some(held) = self.inventory.instances.get_mut(id) {
                held.status().disk_attachments.push(attachment);
            }
        }
    }

    fn check_filesystems(&self, place: &Place, spec: &InstanceSpec) -> Result<(), Refusal> {
        for attached in &spec.filesystems {
            let Some(Type::ExistingFilesystem(existing)) = &attached.r#type else {
                return Err(Refusal::invalid("spec.filesystems.type", "is required"));
            };
            let filesystems = &self.inventory.filesystems;
            filesystems.get_in(&place.project_id, &existing.id)?;
            self.must_be_idle(&existing.id)?;
        }
        Ok(())
    }

    /// Enters an instance with its GPU cluster and its file systems.
    fn join(&mut self, id: &str) {
        let held = self.inventory.instances.get(id).ok();
        let spec = held.and_then(|held| held.shown.spec.clone());
        let spec = spec.unwrap_or_default();
        if let Some(cluster) = &spec.gpu_cluster
            && let Some(held) = self.inventory.gpu_clusters.get_mut(&cluster.id)
        {
            let status = held.shown.status.get_or_insert_default();
            status.instances.push(id.to_owned());
        }
        for attached in &spec.filesystems {
            if let Some(Type::ExistingFilesystem(existing)) = &attached.r#type
                && let Some(held) = self.inventory.filesystems.get_mut(&existing.id)
            {
                let status = held.shown.status.get_or_insert_default();
                let attachments = match attached.attach_mode() {
                    AttachMode::ReadOnly => &mut status.read_only_attachments,
                    AttachMode::Unspecified | AttachMode::ReadWrite => {
                        &mut status.read_write_attachments
                    }
                };
                attachments.push(id.to_owned());
            }
        }
    }

    /// What goes with an instance, and what stays but is attached to it no longer.
    pub(super) fn remove_what_comes_with(&mut self, id: &str) {
        let inventory = &mut self.inventory;
        inventory.disks.retain(|held| {
            let status = held.shown.status.as_ref();
            status.is_none_or(|status| status.managed_by != id)
        });
        for held in inventory.disks.iter_mut() {
            let status = held.shown.status.get_or_insert_default();
            if status.read_write_attachment == id {
                status.read_write_attachment.clear();
            }
            status.read_only_attachments.retain(|holder| holder != id);
        }
        for held in inventory.filesystems.iter_mut() {
            let status = held.shown.status.get_or_insert_default();
            status.read_write_attachments.retain(|holder| holder != id);
            status.read_only_attachments.retain(|holder| holder != id);
        }
        for held in inventory.gpu_clusters.iter_mut() {
            let status = held.shown.status.get_or_insert_default();
            status.instances.retain(|member| member != id);
        }
        self.release_addresses(id);
    }
}
