//! Capacity advice: what the world recorded, or what follows from the hardware that is left and the tenant's own limits.

use std::borrow::Cow;

use nebius_api::{
    nebius::{
        capacity::v1::{
            ComputeInstanceDetails, ResourceAdvice, ResourceAdviceSpec, ResourceAdviceStatus,
            compute_instance_details,
            resource_advice_spec::ResourceDetails,
            resource_advice_status::{
                Availability,
                availability::{AvailabilityLevel, DataState},
            },
        },
        common::v1::ResourceMetadata,
        compute::v1::{Platform, Preset},
    },
    world::Recorded,
};
use prost_types::Timestamp;

use super::{Account, Rows, answer, blocks, launch, rows};
use crate::{
    inventory::{RowKey, Scope, Tally},
    refusal::Refusal,
    settings::{Advice, Hardware, Lane},
};

const PREEMPTIBLE: &str = "compute.instance.preemptible.count";

/// From so many instances on there is room for large requests, and for medium ones.
const HIGH: u64 = 8;
const MEDIUM: u64 = 2;

impl Account {
    pub(crate) fn resource_advice(
        &self,
        parent_id: &str,
    ) -> Result<Rows<'_, ResourceAdvice>, Refusal> {
        self.must_be_the_tenant(parent_id)?;
        let recorded = &self.world.resource_advice;
        let list = answer(recorded, parent_id, "the tenant's capacity advice")?;
        if self.settings.advice == Advice::Recorded || self.settings.hardware.is_empty() {
            return Ok(rows(&list.items, &list.next_page_token));
        }
        let modelled = |row: &&ResourceAdvice| {
            let spec = row.spec.clone().unwrap_or_default();
            let Some(ResourceDetails::ComputeInstance(instance)) = spec.resource_details else {
                return false;
            };
            self.settings.hardware.iter().any(|hardware| {
                hardware.region == spec.region
                    && hardware.fabric == spec.fabric
                    && hardware.platform == instance.platform
            })
        };
        let items = list.items.iter().filter(|row| !modelled(row)).cloned();
        Ok(Rows {
            items: Cow::Owned(items.chain(self.derived(parent_id)).collect()),
            complete: list.next_page_token.is_empty(),
        })
    }

    /// One row for each preset in each fabric whose hardware is set.
    fn derived(&self, parent_id: &str) -> Vec<ResourceAdvice> {
        let tally = self.seen();
        let mut advice = Vec::new();
        let mut done: Vec<&Hardware> = Vec::new();
        for hardware in &self.settings.hardware {
            let again = |before: &&Hardware| {
                before.region == hardware.region
                    && before.platform == hardware.platform
                    && before.fabric == hardware.fabric
            };
            let Some(platform) = self.platform_in(&hardware.region, &hardware.platform) else {
                continue;
            };
            if done.iter().any(again) {
                continue;
            }
            done.push(hardware);
            let presets = platform.spec.as_ref().map_or(&[][..], |spec| &spec.presets);
            for preset in presets.iter().filter(|preset| launch::gpus(preset) > 0) {
                advice.push(self.advice_on(parent_id, hardware, platform, preset, &tally));
            }
        }
        advice
    }

    fn advice_on(
        &self,
        parent_id: &str,
        hardware: &Hardware,
        platform: &Platform,
        preset: &Preset,
        tally: &Tally,
    ) -> ResourceAdvice {
        let gpus = launch::gpus(preset).max(1);
        let whole = |(limit, left): (u64, u64)| (limit / gpus, left / gpus);
        let regular = launch::gpu_quota(platform);
        let regular = regular.map(|quota| whole(self.own_room(&quota, &hardware.region, tally)));
        let preemptible = self.own_room(PREEMPTIBLE, &hardware.region, tally);
        let reserved = whole(self.reserved_room(hardware, tally));
        let lane = |lane: Lane, (limit, left): (u64, u64)| {
            let of_lane = |other: &&Hardware| {
                let wanted = Hardware {
                    lane,
                    ..hardware.clone()
                };
                other.is_with(&wanted)
            };
            let there = self.settings.hardware.iter().find(of_lane)?;
            Some(self.availability(limit, left, there.free / gpus))
        };
        let resources = preset.resources.unwrap_or_default();
        let details = ComputeInstanceDetails {
            platform: hardware.platform.clone(),
            preset: Some(compute_instance_details::Preset {
                name: preset.name.clone(),
                resources: Some(compute_instance_details::preset::Resources {
                    vcpu_count: resources.vcpu_count,
                    memory_gibibytes: resources.memory_gibibytes,
                    gpu_count: resources.gpu_count,
                }),
            }),
            gpu_memory_gigabytes: platform
                .spec
                .as_ref()
                .map_or(0, |spec| spec.gpu_memory_gigabytes),
        };
        ResourceAdvice {
            metadata: Some(ResourceMetadata {
                parent_id: parent_id.to_owned(),
                ..ResourceMetadata::default()
            }),
            spec: Some(ResourceAdviceSpec {
                region: hardware.region.clone(),
                fabric: hardware.fabric.clone(),
                resource_details: Some(ResourceDetails::ComputeInstance(details)),
            }),
            status: Some(ResourceAdviceStatus {
                reserved: lane(Lane::Reserved, reserved),
                on_demand: lane(Lane::OnDemand, regular.unwrap_or((u64::MAX, u64::MAX))),
                preemptible: lane(Lane::Preemptible, preemptible),
            }),
        }
    }

    /// All three in instances; what is free is clipped by what the tenant may still take (nebius rule 33).
    fn availability(&self, limit: u64, left: u64, free: u64) -> Availability {
        let available = free.min(left);
        let level = match available {
            _ if left == 0 => AvailabilityLevel::LimitReached,
            HIGH.. => AvailabilityLevel::High,
            MEDIUM.. => AvailabilityLevel::Medium,
            _ => AvailabilityLevel::Low,
        };
        let seen_at = self
            .clock
            .now()
            .checked_sub(self.settings.usage_lag())
            .unwrap_or(std::time::SystemTime::UNIX_EPOCH);
        Availability {
            data_state: DataState::Fresh.into(),
            available: u32::try_from(available).unwrap_or(u32::MAX),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            availability_level: level.into(),
            effective_at: Some(Timestamp::from(seen_at)),
        }
    }

    /// The tenant's limit of a quota and what is left of it.
    fn own_room(&self, quota: &str, region: &str, tally: &Tally) -> (u64, u64) {
        let key = RowKey::new(&Scope::Tenant, quota, region);
        let default_limit = self.settings.default_limit(quota);
        let row = self.rows(&key).next();
        let limit = row.and_then(|row| row.spec.as_ref()?.limit);
        let limit = limit.or(default_limit).unwrap_or(u64::MAX);
        let base = row.map_or(0, |row| self.base(&key, row));
        let usage = base.saturating_add(tally.row(&key));
        (limit, limit.saturating_sub(usage))
    }

    /// The GPUs of the tenant's blocks there, and what is left of them.
    fn reserved_room(&self, hardware: &Hardware, tally: &Tally) -> (u64, u64) {
        let there = self.block_groups().filter_map(|group| {
            let status = group.status.as_ref()?;
            let affinity = blocks::affinity(status)?;
            let same = status.region == hardware.region
                && affinity.platform == hardware.platform
                && affinity.fabric == hardware.fabric;
            same.then(|| (status.current_limit, self.block_headroom(group, tally)))
        });
        there.fold((0, 0), |(limits, rooms), (limit, room)| {
            (
                u64::saturating_add(limits, limit),
                rooms.saturating_add(room),
            )
        })
    }

    fn platform_in(&self, region: &str, name: &str) -> Option<&Platform> {
        let projects = self.world.by_project.iter();
        let mut there = projects
            .filter(|(id, _)| self.place(id).is_ok_and(|place| place.region == region))
            .filter_map(|(_, files)| Recorded::answer(&files.platforms))
            .flat_map(|list| &list.items);
        there.find(|platform| launch::name(platform) == name)
    }
}
