//! Instance types: a platform with one of its presets.

use nebius_api::nebius::compute::v1::{Platform, Preset};
use quotagate::{Draw, InstanceType, Offered, Place};

use super::{ConvertError, Converted, filled};

const GIBIBYTE: u64 = 1 << 30;

/// The usual way of launching.
pub(super) const ON_DEMAND: &str = "on-demand";
/// Instances that the cloud may take back.
pub(super) const PREEMPTIBLE: &str = "preemptible";

/// One row per preset, offered where the project lives: its platforms name no place. The platform is called by
/// `metadata.name`, since that is what instances ask for.
pub(crate) fn instance_types(place: &Place, platforms: &[Platform]) -> Converted<InstanceType> {
    Converted::collect(platforms.iter().flat_map(|platform| {
        let presets = platform.spec.iter().flat_map(|spec| &spec.presets);
        presets.map(move |preset| instance_type(place, platform, preset))
    }))
}

/// The name under which offers, launches and advice call a preset; preset names are unique only within a platform.
pub(super) fn type_name(platform: &str, preset: &str) -> String {
    format!("{platform} {preset}")
}

fn instance_type(
    place: &Place,
    platform: &Platform,
    preset: &Preset,
) -> Result<InstanceType, ConvertError> {
    let family = match &platform.metadata {
        Some(metadata) if !metadata.name.is_empty() => metadata.name.clone(),
        _ => return Err(ConvertError::Nameless("platform")),
    };
    if preset.name.is_empty() {
        return Err(ConvertError::Nameless("preset"));
    }
    let resources = preset.resources.unwrap_or_default();
    let at_least = |least: u32, amount: i32, what: &'static str| {
        u32::try_from(amount)
            .ok()
            .filter(|amount| *amount >= least)
            .ok_or_else(|| ConvertError::Amount {
                platform: family.clone(),
                preset: preset.name.clone(),
                what,
                amount,
            })
    };
    // An instance without processors or memory would draw on no quota at all, and so always fit.
    let vcpus = at_least(1, resources.vcpu_count, "vCPUs")?;
    let gibibytes = at_least(1, resources.memory_gibibytes, "GiB of memory")?;
    let gpus = at_least(0, resources.gpu_count, "GPUs")?;
    let allowed_for_preemptibles = platform
        .status
        .as_ref()
        .is_some_and(|status| status.allowed_for_preemptibles);
    let mut lifecycles = vec![ON_DEMAND.to_owned()];
    if allowed_for_preemptibles && gpus > 0 {
        lifecycles.push(PREEMPTIBLE.to_owned());
    }
    let spec = platform.spec.as_ref();
    let gpu_quota = spec.and_then(|spec| filled(&spec.gpu_count_quota_type));
    let draws = gpu_quota.map(|quota| Draw {
        quota,
        each: u64::from(gpus),
    });
    Ok(InstanceType {
        name: type_name(&family, &preset.name),
        family,
        vcpus,
        memory_bytes: u64::from(gibibytes) * GIBIBYTE,
        gpus,
        gpu_model: None,
        draws: draws.into_iter().collect(),
        offered: vec![Offered {
            place: place.clone(),
            lifecycles,
            together: preset.allow_gpu_clustering,
            restriction: None,
        }],
    })
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::{
        common::v1::ResourceMetadata,
        compute::v1::{PlatformSpec, PlatformStatus, PresetResources},
    };

    use super::*;

    fn platform(name: &str, quota: &str, presets: Vec<Preset>) -> Platform {
        Platform {
            metadata: Some(ResourceMetadata {
                id: "computeplatform-e00".to_owned(),
                name: name.to_owned(),
                ..ResourceMetadata::default()
            }),
            spec: Some(PlatformSpec {
                presets,
                gpu_count_quota_type: quota.to_owned(),
                ..PlatformSpec::default()
            }),
            status: Some(PlatformStatus {
                allowed_for_preemptibles: true,
            }),
        }
    }

    fn preset(name: &str, vcpu_count: i32, memory_gibibytes: i32, gpu_count: i32) -> Preset {
        Preset {
            name: name.to_owned(),
            resources: Some(PresetResources {
                vcpu_count,
                memory_gibibytes,
                gpu_count,
            }),
            allow_gpu_clustering: gpu_count == 8,
        }
    }

    #[test]
    fn a_preset_becomes_a_type_of_its_platform() {
        let presets = vec![preset("8gpu-128vcpu-1600gb", 128, 1600, 8)];
        let quota = "compute.instance.gpu.h200";
        let place = Place::region("eu-north1");
        let types = instance_types(&place, &[platform("gpu-h200-sxm", quota, presets)]);
        let expected = InstanceType {
            name: "gpu-h200-sxm 8gpu-128vcpu-1600gb".to_owned(),
            family: "gpu-h200-sxm".to_owned(),
            vcpus: 128,
            memory_bytes: 1600 << 30,
            gpus: 8,
            gpu_model: None,
            draws: vec![Draw {
                quota: quota.to_owned(),
                each: 8,
            }],
            offered: vec![Offered {
                place,
                lifecycles: vec!["on-demand".to_owned(), "preemptible".to_owned()],
                together: true,
                restriction: None,
            }],
        };
        assert_eq!(types.rows, [expected]);
        assert_eq!(types.malformed, []);
    }

    #[test]
    fn a_type_without_gpus_is_never_preemptible_and_names_no_gpu_quota() {
        let presets = vec![preset("4vcpu-16gb", 4, 16, 0)];
        let types = instance_types(&Place::EVERYWHERE, &[platform("cpu-d3", "", presets)]);
        let cpu = types.rows.first().unwrap();
        let [offered] = cpu.offered.as_slice() else {
            panic!("{cpu:?}");
        };
        assert_eq!(offered.lifecycles, ["on-demand"]);
        assert!(!offered.together);
        assert_eq!(cpu.draws, []);
    }

    #[test]
    fn absurd_sizes_are_left_out_and_said() {
        let presets = vec![
            preset("negative-gpus", 1, 1, -8),
            preset("negative-vcpus", i32::MIN, 1, 0),
            preset("negative-memory", 1, -1, 0),
            preset("no-vcpus", 0, 1, 0),
            preset("", 1, 1, 0),
            Preset {
                name: "no-resources".to_owned(),
                ..Preset::default()
            },
            preset("largest", i32::MAX, i32::MAX, i32::MAX),
        ];
        let platforms = [
            platform("gpu-x", "", presets),
            platform("", "", vec![preset("nameless-platform", 1, 1, 1)]),
        ];
        let types = instance_types(&Place::EVERYWHERE, &platforms);
        assert_eq!(types.malformed.len(), 7);
        let largest = types.rows.first().unwrap();
        assert_eq!(largest.memory_bytes, 0x7fff_ffff << 30);
        assert_eq!(types.rows.len(), 1);
        let first = types.malformed.first().unwrap().to_string();
        assert_eq!(
            first,
            "preset `negative-gpus` of platform `gpu-x` has -8 GPUs"
        );
    }
}
