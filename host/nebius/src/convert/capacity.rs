//! Advice on free hardware, a row per way of launching that the cloud speaks of.

use nebius_api::nebius::capacity::v1::{
    ResourceAdvice,
    resource_advice_spec::ResourceDetails,
    resource_advice_status::{
        Availability,
        availability::{AvailabilityLevel, DataState},
    },
};
use quotagate::{Capacity, Grade, Place, RESERVED};

use super::{
    Converted, filled,
    instance_type::{ON_DEMAND, PREEMPTIBLE, type_name},
    milliseconds,
};

/// Advice that names no instance type this build knows is passed over: no advice is no evidence, in either direction.
pub(crate) fn capacities(advice: &[ResourceAdvice]) -> Converted<Capacity> {
    Converted::collect(advice.iter().flat_map(by_lifecycle).map(Ok))
}

fn by_lifecycle(advice: &ResourceAdvice) -> Vec<Capacity> {
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
    let place = place(&spec.region, &spec.fabric);
    let lifecycles = [
        (ON_DEMAND, &status.on_demand),
        (PREEMPTIBLE, &status.preemptible),
        (RESERVED, &status.reserved),
    ];
    lifecycles
        .into_iter()
        .filter_map(|(lifecycle, availability)| {
            availability.as_ref().map(|availability| Capacity {
                instance_type: instance_type.clone(),
                place: place.clone(),
                lifecycle: lifecycle.to_owned(),
                available: Some(availability.available),
                for_count: None,
                grade: grade(level(availability)),
                clipped: level(availability) == Some(AvailabilityLevel::LimitReached),
                fresh: DataState::try_from(availability.data_state) == Ok(DataState::Fresh),
                measured_at: availability.effective_at.as_ref().and_then(milliseconds),
            })
        })
        .collect()
}

/// The region and the fabric, which is its zone. A region is taken as it stands, unless it has the shape of a fabric, `<region>-<letter>`:
/// then it is a fabric of that region, never another region.
fn place(region: &str, fabric: &str) -> Place {
    let fabric = filled(fabric);
    match region_of_fabric(region) {
        Some(parent) => Place::zone(parent, fabric.as_deref().unwrap_or(region)),
        None => Place {
            region: filled(region),
            zone: fabric,
        },
    }
}

/// `us-central1` of `us-central1-b`: regions are words joined by dashes that end in a number.
fn region_of_fabric(place: &str) -> Option<&str> {
    let (region, letter) = place.rsplit_once('-')?;
    let is_letter = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = region.contains('-') && region.ends_with(|end: char| end.is_ascii_digit());
    (is_letter && is_region).then_some(region)
}

fn level(availability: &Availability) -> Option<AvailabilityLevel> {
    AvailabilityLevel::try_from(availability.availability_level).ok()
}

fn grade(level: Option<AvailabilityLevel>) -> Grade {
    match level {
        Some(AvailabilityLevel::High) => Grade::High,
        Some(AvailabilityLevel::Medium) => Grade::Medium,
        Some(AvailabilityLevel::Low) => Grade::Low,
        // A limit that is reached speaks of the account, not of hardware.
        Some(
            AvailabilityLevel::LimitReached
            | AvailabilityLevel::Unspecified
            | AvailabilityLevel::Unknown,
        )
        | None => Grade::Unknown,
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
    fn an_absent_lifecycle_is_no_row_and_a_measured_zero_is_one() {
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
            place: Place::zone("eu-north1", "fabric-7"),
            lifecycle: "on-demand".to_owned(),
            available: Some(0),
            for_count: None,
            grade: Grade::Unknown,
            clipped: true,
            fresh: true,
            measured_at: Some(5_000),
        };
        assert_eq!(rows.first(), Some(&expected));
        let last = rows.last().unwrap();
        assert_eq!(last.available, Some(u32::MAX));
        assert_eq!(
            (last.lifecycle.as_str(), last.grade),
            ("preemptible", Grade::High)
        );
        assert!(!last.clipped && !last.fresh);
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
        ];
        for (region, fabric, expected, on) in cases {
            let at = place(region, fabric);
            let expected = (Some(expected), on);
            assert_eq!(
                (at.region.as_deref(), at.zone.as_deref()),
                expected,
                "{region}"
            );
        }
        assert_eq!(place("", ""), Place::EVERYWHERE);
    }

    #[test]
    fn numbers_that_this_build_does_not_know_say_nothing() {
        let row = |level, data_state| {
            let status = ResourceAdviceStatus {
                reserved: Some(availability(9, level, data_state)),
                ..ResourceAdviceStatus::default()
            };
            let mut rows = capacities(&[advice("gpu-h200-sxm", "1gpu", status)]).rows;
            rows.remove(0)
        };
        for number in [0, 5, 6, -1, i32::MAX] {
            let row = row(number, 1);
            assert_eq!((row.grade, row.clipped), (Grade::Unknown, false));
        }
        for number in [0, 2, 3, 10, 11, i32::MIN] {
            assert!(!row(1, number).fresh, "{number}");
        }
        assert_eq!(row(2, 1).grade, Grade::Medium);
        assert_eq!(row(3, 1).grade, Grade::Low);
        assert_eq!(row(3, 1).lifecycle, RESERVED);
    }
}
