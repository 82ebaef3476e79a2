//! What an instance wants to run: its type, its lane and its reservations, read from a request and checked.

use nebius_api::nebius::compute::v1::{
    InstanceRecoveryPolicy, InstanceSpec, Platform, PlatformStatus, Preset, ResourcesSpec,
    preemptible_spec::PreemptionPolicy, reservation_policy::Policy, resources_spec::Size,
};

use super::Account;
use crate::{
    inventory::{Charges, InstanceType, Launch, Place, RowKey, Scope, Source},
    refusal::Refusal,
};

const GPU_PREFIX: &str = "compute.instance.gpu.";
const VCPU: &str = "compute.instance.non-gpu.vcpu";
const MEMORY: &str = "compute.instance.non-gpu.memory";
const GIBIBYTE: u64 = 1 << 30;

/// A launch that no block has room for and that takes no other.
pub(super) struct NoBlock;

impl Account {
    pub(super) fn read_launch(
        &self,
        place: &Place,
        spec: &InstanceSpec,
    ) -> Result<Launch, Refusal> {
        let resources = spec.resources.as_ref();
        let resources =
            resources.ok_or_else(|| Refusal::invalid("spec.resources", "is required"))?;
        let instance_type = self.instance_type(place, resources)?;
        check_preemptible(spec, &instance_type)?;
        let reservation = spec.reservation_policy.clone().unwrap_or_default();
        let policy = reservation.policy();
        if policy == Policy::Strict && (spec.preemptible.is_some() || instance_type.gpus == 0) {
            return Err(Refusal::invalid(
                "spec.reservation_policy.policy",
                "only regular GPU instances can use reservations",
            ));
        }
        for id in &reservation.reservation_ids {
            self.block_group(id)
                .ok_or_else(|| Refusal::NotFound(id.clone()))?;
        }
        if spec.preemptible.is_some() && !reservation.reservation_ids.is_empty() {
            return Err(Refusal::invalid(
                "spec.reservation_policy.reservation_ids",
                "preemptible instances cannot use reservations",
            ));
        }
        let fabric = match &spec.gpu_cluster {
            None => None,
            Some(cluster) => {
                if !instance_type.allow_gpu_clustering {
                    return Err(Refusal::invalid(
                        "spec.gpu_cluster",
                        "this preset cannot join a GPU cluster",
                    ));
                }
                let clusters = &self.inventory.gpu_clusters;
                let cluster = clusters.get_in(&place.project_id, &cluster.id)?;
                let spec = cluster.shown.spec.as_ref();
                spec.map(|spec| spec.infiniband_fabric.clone())
            }
        };
        Ok(Launch {
            preemptible: spec.preemptible.is_some(),
            policy,
            reservation_ids: reservation.reservation_ids,
            fabric,
            instance_type,
        })
    }

    /// Where an instance's GPUs are to be counted: blocks first, unless it forbids them (nebius rule 28).
    pub(super) fn source_for(&self, place: &Place, launch: &Launch) -> Result<Source, NoBlock> {
        let may_reserve =
            launch.instance_type.gpus > 0 && !launch.preemptible && launch.policy != Policy::Forbid;
        let block = may_reserve.then(|| self.block_for(place, launch)).flatten();
        match block {
            Some(id) => Ok(Source::Block(id)),
            None if launch.policy == Policy::Strict => Err(NoBlock),
            None => Ok(Source::Rows),
        }
    }

    fn instance_type(
        &self,
        place: &Place,
        resources: &ResourcesSpec,
    ) -> Result<InstanceType, Refusal> {
        let offered = self.platforms(&place.project_id)?;
        let mut offered = offered.items.iter();
        let platform = offered.find(|platform| name(platform) == resources.platform);
        let platform = platform.ok_or_else(|| {
            Refusal::invalid("spec.resources.platform", "is not offered to this project")
        })?;
        let wanted = match &resources.size {
            Some(Size::Preset(preset)) => preset.as_str(),
            None => "",
        };
        let spec = platform.spec.as_ref();
        let mut presets = spec.map_or(&[][..], |spec| &spec.presets).iter();
        let preset = presets.find(|preset| preset.name == wanted);
        let preset = preset.ok_or_else(|| {
            Refusal::invalid("spec.resources.preset", "is no preset of this platform")
        })?;
        Ok(InstanceType {
            platform: resources.platform.clone(),
            preset: preset.name.clone(),
            gpus: gpus(preset),
            compute: self.compute(place, platform, preset),
            allowed_for_preemptibles: platform.status.as_ref().is_some_and(
                |PlatformStatus {
                     allowed_for_preemptibles,
                 }| *allowed_for_preemptibles,
            ),
            allow_gpu_clustering: preset.allow_gpu_clustering,
        })
    }

    /// What a regular instance takes: GPUs of its model, or vCPUs and, where the tenant has the row, memory.
    fn compute(&self, place: &Place, platform: &Platform, preset: &Preset) -> Charges {
        let gpus = gpus(preset);
        if gpus > 0 {
            return Charges::of(gpu_quota(platform).map(|quota| (quota, gpus)));
        }
        let resources = preset.resources.unwrap_or_default();
        let mut charges = Charges::of([(VCPU, unsigned(resources.vcpu_count))]);
        let memory = RowKey::new(&Scope::Tenant, MEMORY, &place.region);
        if self.rows(&memory).next().is_some() {
            let gibibytes = unsigned(resources.memory_gibibytes);
            charges.add(MEMORY, gibibytes.saturating_mul(GIBIBYTE));
        }
        charges
    }
}

/// The rules of preemptible instances (nebius rule 19).
fn check_preemptible(spec: &InstanceSpec, instance_type: &InstanceType) -> Result<(), Refusal> {
    let Some(preemptible) = &spec.preemptible else {
        return Ok(());
    };
    if instance_type.gpus == 0 || !instance_type.allowed_for_preemptibles {
        return Err(Refusal::invalid(
            "spec.preemptible",
            "this platform has no preemptible instances in this project",
        ));
    }
    if preemptible.on_preemption() != PreemptionPolicy::Stop {
        return Err(Refusal::invalid(
            "spec.preemptible.on_preemption",
            "must be `STOP`",
        ));
    }
    if spec.recovery_policy() != InstanceRecoveryPolicy::Fail {
        return Err(Refusal::invalid(
            "spec.recovery_policy",
            "must be `FAIL` for preemptible instances",
        ));
    }
    Ok(())
}

/// The quota that GPUs of a platform count against (nebius rule 17).
pub(super) fn gpu_quota(platform: &Platform) -> Option<String> {
    let named = platform
        .spec
        .as_ref()
        .map(|spec| &spec.gpu_count_quota_type);
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(named.clone());
    }
    let mut tokens = name(platform).split('-');
    match (tokens.next(), tokens.next()) {
        (Some("gpu"), Some(model)) => Some(format!("{GPU_PREFIX}{model}")),
        _ => None,
    }
}

pub(super) fn name(platform: &Platform) -> &str {
    super::name_of(platform.metadata.as_ref())
}

pub(super) fn gpus(preset: &Preset) -> u64 {
    unsigned(preset.resources.map_or(0, |resources| resources.gpu_count))
}

fn unsigned(count: i32) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
