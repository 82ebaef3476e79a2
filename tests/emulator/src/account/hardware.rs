//! Hardware that can run out: where an instance finds room, and what it leaves when it stops.

use nebius_api::nebius::common::v1::not_enough_resources::Violation;

use super::{Account, blocks};
use crate::{
    inventory::{InstanceType, Launch, Place, Source},
    settings::{Hardware, Lane},
};

/// What came of the search for hardware.
pub(super) enum Found {
    /// Nothing was said of such hardware, so there is always some.
    Endless,
    /// Here is enough.
    In(Hardware),
    /// It has run out.
    Nowhere,
}

impl Account {
    /// Finds room for a whole instance in one fabric: its cluster's or its block's, else the emptiest.
    pub(super) fn find_hardware(&self, place: &Place, launch: &Launch, source: &Source) -> Found {
        let of_block = match source {
            Source::Block(id) => self.fabric_of_block(id),
            Source::Rows => None,
        };
        let fabric = launch.fabric.as_deref().or(of_block);
        let lane = match source {
            Source::Block(_) => Lane::Reserved,
            Source::Rows if launch.preemptible => Lane::Preemptible,
            Source::Rows => Lane::OnDemand,
        };
        let mut all = self.settings.hardware.iter().filter(|hardware| {
            hardware.region == place.region
                && hardware.platform == launch.instance_type.platform
                && hardware.lane == lane
        });
        if all.clone().next().is_none() {
            return Found::Endless;
        }
        let units = units(&launch.instance_type);
        let emptiest = if let Some(fabric) = fabric {
            all.find(|hardware| hardware.fabric == fabric)
        } else {
            all.max_by_key(|hardware| hardware.free)
        };
        match emptiest.filter(|hardware| hardware.free >= units) {
            Some(hardware) => Found::In(hardware.clone()),
            None => Found::Nowhere,
        }
    }

    pub(super) fn take_hardware(&mut self, at: &Hardware, instance_type: &InstanceType) {
        let mut all = self.settings.hardware.iter_mut();
        if let Some(there) = all.find(|there| there.is_with(at)) {
            there.free = there.free.saturating_sub(units(instance_type));
        }
    }

    pub(super) fn give_hardware(&mut self, at: &Hardware, instance_type: &InstanceType) {
        let mut all = self.settings.hardware.iter_mut();
        if let Some(there) = all.find(|there| there.is_with(at)) {
            there.free = there.free.saturating_add(units(instance_type));
        }
    }

    fn fabric_of_block(&self, id: &str) -> Option<&str> {
        let status = self.block_group(id)?.status.as_ref()?;
        let affinity = blocks::affinity(status)?;
        (!affinity.fabric.is_empty()).then_some(&affinity.fabric)
    }
}

/// What an instance lacks that found no hardware.
pub(super) fn none_left(instance_type: &InstanceType) -> Violation {
    violation("virtualMachine", "VM schedule timeout", instance_type)
}

/// What a launch lacks that insists on a reservation, where none has room (nebius rule 28). The cloud's own answer is not
/// recorded anywhere; no larger quota would help, so it is not enough resources and no quota failure.
pub(super) fn no_block(instance_type: &InstanceType) -> Violation {
    let message = "No reservation with enough capacity";
    violation("capacityBlockGroup", message, instance_type)
}

fn violation(resource_type: &str, message: &str, instance_type: &InstanceType) -> Violation {
    Violation {
        resource_type: resource_type.to_owned(),
        message: message.to_owned(),
        requested: instance_type.preset.clone(),
    }
}

/// GPUs, or whole instances of a platform without.
fn units(instance_type: &InstanceType) -> u64 {
    instance_type.gpus.max(1)
}
