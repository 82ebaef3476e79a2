//! Advice on free hardware, a row per lane that the cloud speaks of.

use nebius_api::nebius::capacity::v1::{
    ResourceAdvice,
    resource_advice_spec::ResourceDetails,
    resource_advice_status::{
        Availability,
        availability::{AvailabilityLevel, DataState},
    },
};
use quotagate::types::{Capacity, CapacityLevel, Freshness, Lane};

use super::{Converted, filled, instance_type::type_name, milliseconds};

/// Advice that names no instance type this build knows is passed over: no advice is no evidence, in either direction.
pub(crate) fn capacities(advice: &[ResourceAdvice]) -> Converted<Capacity> {
    Converted::collect(advice.iter().flat_map(lanes).map(Ok))
}

fn lanes(advice: &ResourceAdvice) -> Vec<Capacity> {
    let (Some(spec), Some(status)) = (&advice.spec, &advice.status) else {
        return Vec::new();
    };
    let Some(ResourceDetails::ComputeInstance(instance)) = &spec.resource_details else {
        return Vec::new();
    };
    let preset = instance.preset.as_ref().map(|preset| preset.name.as_str());
    let Some(preset) = preset.filter(|name| !name.is_empty() && !instance.platform.is_empty())
    else {
        return Vec::new();
    };
    let instance_type = type_name(&instance.platform, preset);
    let (region, fabric) = place(&spec.region, &spec.fabric);
    let lanes = [
        (Lane::OnDemand, &status.on_demand),
        (Lane::Preemptible, &status.preemptible),
        (Lane::Reserved, &status.reserved),
    ];
    lanes
        .into_iter()
        .filter_map(|(lane, availability)| {
            availability.as_ref().map(|availability| Capacity {
                instance_type: instance_type.clone(),
                region: region.clone(),
                fabric: fabric.clone(),
                lane,
                available: availability.available,
                level: level(availability),
                freshness: freshness(availability),
                observed_at: availability.effective_at.as_ref().and_then(milliseconds),
            })
        })
        .collect()
}

/// The region and the fabric. A region is taken as it stands, unless it has the shape of a fabric, `<region>-<letter>`:
/// then it is a fabric of that region, never another region.
fn place(region: &str, fabric: &str) -> (String, Option<String>) {
    let fabric = filled(fabric);
    match region_of_fabric(region) {
        Some(parent) => (
            parent.to_owned(),
            fabric.or_else(|| Some(region.to_owned())),
        ),
        None => (region.to_owned(), fabric),
    }
}

/// `us-central1` of `us-central1-b`: regions are words joined by dashes that end in a number.
fn region_of_fabric(place: &str) -> Option<&str> {
    let (region, letter) = place.rsplit_once('-')?;
    let is_letter = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = region.contains('-') && region.ends_with(|end: char| end.is_ascii_digit());
    (is_letter && is_region).then_some(region)
}

fn level(availability: &Availability) -> CapacityLevel {
    match AvailabilityLevel::try_from(availability.availability_level) {
        Ok(AvailabilityLevel::High) => CapacityLevel::High,
        Ok(AvailabilityLevel::Medium) => CapacityLevel::Medium,
        Ok(AvailabilityLevel::Low) => CapacityLevel::Low,
        Ok(AvailabilityLevel::LimitReached) => CapacityLevel::LimitReached,
        Ok(AvailabilityLevel::Unspecified | AvailabilityLevel::Unknown) | Err(_) => {
            CapacityLevel::Unknown
        }
    }
}

fn freshness(availability: &Availability) -> Freshness {
    match DataState::try_from(availability.data_state) {
        Ok(DataState::Fresh) => Freshness::Fresh,
        Ok(DataState::Stale) => Freshness::Stale,
        Ok(DataState::Unspecified | DataState::Unknown) | Err(_) => Freshness::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::capacity::v1::{
        ComputeInstanceDetails, ResourceAdviceSpec, ResourceAdviceStatus,
        compute_instance_details::Preset,
    };
    use prost_types::Timestamp;

    use super::*;

    fn advice(platform: &str, preset: &str, status: ResourceAdviceStatus) -> ResourceAdvice {
        ResourceAdvice {
            metadata: None,
            spec: Some(ResourceAdviceSpec {
                region: "eu-north1".to_owned(),
                fabric: "fabric-7".to_owned(),
                resource_details: Some(ResourceDetails::ComputeInstance(ComputeInstanceDetails {
                    platform: platform.to_owned(),
                    preset: Some(Preset {
                        name: preset.to_owned(),
                        resources: None,
                    }),
                    gpu_memory_gigabytes: 141,
                })),
            }),
            status: Some(status),
        }
    }

    fn availability(available: u32, level: i32, data_state: i32) -> Availability {
        Availability {
            data_state,
            available,
            limit: 4,
            availability_level: level,
            effective_at: Some(Timestamp {
                seconds: 5,
                nanos: 0,
            }),
        }
    }

    #[test]
    fn an_absent_lane_is_no_row_and_a_measured_zero_is_one() {
        let rows = capacities(&[advice(
            "gpu-h200-sxm",
            "8gpu-128vcpu-1600gb",
            ResourceAdviceStatus {
                reserved: None,
                on_demand: Some(availability(0, 4, 1)),
                preemptible: Some(availability(u32::MAX, 1, 2)),
            },
        )])
        .rows;
        assert_eq!(rows.len(), 2);
        let expected = Capacity {
            instance_type: "gpu-h200-sxm 8gpu-128vcpu-1600gb".to_owned(),
            region: "eu-north1".to_owned(),
            fabric: Some("fabric-7".to_owned()),
            lane: Lane::OnDemand,
            available: 0,
            level: CapacityLevel::LimitReached,
            freshness: Freshness::Fresh,
            observed_at: Some(5_000),
        };
        assert_eq!(rows.first(), Some(&expected));
        assert_eq!(rows.last().map(|row| row.available), Some(u32::MAX));
    }

    #[test]
    fn advice_on_other_resources_is_passed_over() {
        let lane = ResourceAdviceStatus {
            on_demand: Some(availability(1, 1, 1)),
            ..ResourceAdviceStatus::default()
        };
        let mut other = advice("gpu-h200-sxm", "1gpu", lane);
        if let Some(spec) = &mut other.spec {
            spec.resource_details = None;
        }
        let rows = [
            other,
            advice("", "1gpu", lane),
            advice("gpu-h200-sxm", "", lane),
            ResourceAdvice::default(),
        ];
        let converted = capacities(&rows);
        assert_eq!(converted.rows, []);
        assert_eq!(converted.malformed, []);
    }

    #[test]
    fn a_fabric_in_the_place_of_a_region_is_a_fabric_of_that_region() {
        let cases = [
            (
                "us-central1",
                "us-central1-a",
                "us-central1",
                Some("us-central1-a"),
            ),
            ("us-central1-b", "", "us-central1", Some("us-central1-b")),
            (
                "us-central1-b",
                "us-central1-b",
                "us-central1",
                Some("us-central1-b"),
            ),
            ("us-central1-b", "fabric-7", "us-central1", Some("fabric-7")),
            ("eu-north1", "", "eu-north1", None),
            ("eu-north", "", "eu-north", None),
            ("fabric-7", "", "fabric-7", None),
            ("region1-b", "", "region1-b", None),
            ("us-central1-1", "", "us-central1-1", None),
            ("us-central1-ab", "", "us-central1-ab", None),
            ("us-central1-", "", "us-central1-", None),
            ("", "", "", None),
        ];
        for (region, fabric, expected, on) in cases {
            let (at, fabric) = place(region, fabric);
            assert_eq!((at.as_str(), fabric.as_deref()), (expected, on), "{region}");
        }
    }

    #[test]
    fn numbers_that_this_build_does_not_know_say_nothing() {
        for number in [0, 5, 6, -1, i32::MAX] {
            assert_eq!(level(&availability(9, number, 1)), CapacityLevel::Unknown);
        }
        for number in [0, 3, 10, 11, i32::MIN] {
            assert_eq!(freshness(&availability(9, 1, number)), Freshness::Unknown);
        }
        assert_eq!(freshness(&availability(9, 1, 2)), Freshness::Stale);
        assert_eq!(level(&availability(9, 2, 1)), CapacityLevel::Medium);
        assert_eq!(level(&availability(9, 3, 1)), CapacityLevel::Low);
    }
}
