//! Reservations: the capacity block groups that an instance can take its GPUs from, and how much of each is taken.

use nebius_api::{
    nebius::capacity::v1::{
        CapacityBlockGroup, CapacityBlockGroupStatus, ResourceAffinityComputeV1,
        capacity_block_group_status::State, resource_affinity::Versions,
    },
    world::Recorded,
};

use super::{Account, id_of};
use crate::{
    inventory::{Launch, Place, Tally},
    settings::BlockOrder,
};

impl Account {
    /// The block that an instance takes all of its GPUs from: the listed ones in their order, or any (nebius rule 28).
    pub(super) fn block_for(&self, place: &Place, launch: &Launch) -> Option<String> {
        let tally = self.inventory.tally();
        let gpus = launch.instance_type.gpus;
        let usable = |group: &&CapacityBlockGroup| {
            let id = id_of(group.metadata.as_ref());
            let free = self.block_headroom(group, &tally);
            let slice = self.slice_headroom(&place.project_id, id, &tally);
            matches(group, place, launch) && free.min(slice) >= gpus
        };
        let found = if launch.reservation_ids.is_empty() {
            let mut usable = self.block_groups().filter(usable);
            match self.settings.block_order {
                BlockOrder::First => usable.next(),
                BlockOrder::Last => usable.last(),
                BlockOrder::Fullest => usable.min_by_key(|group| {
                    let id = id_of(group.metadata.as_ref());
                    let slice = self.slice_headroom(&place.project_id, id, &tally);
                    self.block_headroom(group, &tally).min(slice)
                }),
            }
        } else {
            let listed = launch.reservation_ids.iter();
            let mut listed = listed.filter_map(|id| self.block_group(id));
            listed.find(usable)
        };
        found.map(|group| id_of(group.metadata.as_ref()).to_owned())
    }

    /// Whether an active block of this service holds hardware on a fabric of the project's region.
    pub(super) fn has_block_on(&self, place: &Place, fabric: &str) -> bool {
        self.block_groups().any(|group| {
            group.status.as_ref().is_some_and(|status| {
                let on_fabric = affinity(status).is_some_and(|affinity| affinity.fabric == fabric);
                status.state() == State::Active && status.region == place.region && on_fabric
            })
        })
    }

    pub(super) fn block_groups(&self) -> impl Iterator<Item = &CapacityBlockGroup> {
        let list = self.world.capacity_block_groups.answer();
        list.map_or(&[][..], |list| &list.items).iter()
    }

    pub(super) fn block_group(&self, id: &str) -> Option<&CapacityBlockGroup> {
        self.block_groups()
            .find(|group| id_of(group.metadata.as_ref()) == id)
    }

    /// The GPUs that a block has left.
    pub(super) fn block_headroom(&self, group: &CapacityBlockGroup, tally: &Tally) -> u64 {
        let limit = group
            .status
            .as_ref()
            .map_or(0, |status| status.current_limit);
        limit.saturating_sub(self.block_usage(group, tally))
    }

    /// The GPUs that are taken of a block.
    fn block_usage(&self, group: &CapacityBlockGroup, tally: &Tally) -> u64 {
        let id = id_of(group.metadata.as_ref());
        let recorded = || group.status.as_ref().map_or(0, |status| status.usage);
        let base = self.truths.blocks.get(id).copied();
        base.unwrap_or_else(recorded)
            .saturating_add(tally.block(id))
    }

    /// The GPUs that are really taken of a block now.
    pub(crate) fn true_block_usage(&self, id: &str) -> Option<u64> {
        let group = self.block_group(id)?;
        Some(self.block_usage(group, &self.inventory.tally()))
    }

    /// What a project may still take of a block; without an allowance or a limit there, all.
    fn slice_headroom(&self, project_id: &str, block_id: &str, tally: &Tally) -> u64 {
        let files = self.world.by_project.get(project_id);
        let list = files.and_then(|files| Recorded::answer(&files.capacity_allowances));
        let rows = list.map_or(&[][..], |list| &list.items).iter();
        let headrooms = rows.filter_map(|row| {
            let spec = row.spec.as_ref()?;
            let limit = (spec.capacity_block_group_id == block_id).then_some(spec.limit?)?;
            let base = row.status.as_ref().map_or(0, |status| status.usage);
            let usage = base.saturating_add(tally.slice(project_id, block_id));
            Some(limit.saturating_sub(usage))
        });
        headrooms.min().unwrap_or(u64::MAX)
    }
}

/// Same region, platform and fabric, and in use by this service.
fn matches(group: &CapacityBlockGroup, place: &Place, launch: &Launch) -> bool {
    let Some(status) = &group.status else {
        return false;
    };
    let Some(affinity) = affinity(status) else {
        return false;
    };
    let fabric = launch.fabric.as_ref();
    matches!(status.service.as_str(), "compute" | "")
        && status.state() == State::Active
        && status.region == place.region
        && affinity.platform == launch.instance_type.platform
        && fabric.is_none_or(|fabric| *fabric == affinity.fabric)
}

/// The hardware that a block reserves.
pub(super) fn affinity(status: &CapacityBlockGroupStatus) -> Option<&ResourceAffinityComputeV1> {
    let Versions::ComputeV1(affinity) = status.resource_affinity.as_ref()?.versions.as_ref()?;
    Some(affinity)
}
