//! Reserved capacity and a project's share of it, both in GPUs (nebius rule 28).

use nebius_api::nebius::capacity::v1::{
    CapacityAllowance, CapacityBlockGroup, CapacityBlockGroupStatus, capacity_allowance_status,
    capacity_block_group_status::{State, UsageState as CloudUsageState},
    resource_affinity::Versions,
};
use quotagate::{
    source::ReservationShare,
    types::{Reservation, ReservationChange, UsageState},
};

use super::{ConvertError, Converted, filled, milliseconds};

/// The service whose instances can be placed on a block.
const COMPUTE: &str = "compute";

/// The blocks that hold instances; those of other services are passed over. The share of a project is left at "not
/// limited".
pub(crate) fn reservations(blocks: &[CapacityBlockGroup]) -> Converted<Reservation> {
    Converted::collect(blocks.iter().filter_map(|block| {
        let status = block.status.clone().unwrap_or_default();
        is_compute(&status).then(|| reservation(block, status))
    }))
}

/// What a project may take of each block. An absent limit is documented as unlimited here.
pub(crate) fn reservation_shares(rows: &[CapacityAllowance]) -> Converted<ReservationShare> {
    Converted::collect(rows.iter().map(|row| {
        let spec = row.spec.clone().unwrap_or_default();
        let status = row.status.clone().unwrap_or_default();
        if spec.capacity_block_group_id.is_empty() {
            return Err(ConvertError::Nameless("capacity allowance"));
        }
        Ok(ReservationShare {
            reservation: spec.capacity_block_group_id,
            limit: spec.limit,
            usage: status.usage,
            usage_state: share_usage_state(status.usage_state),
            usage_fraction: filled(&status.usage_percentage),
        })
    }))
}

/// The affinity speaks where the cloud leaves the service out.
fn is_compute(status: &CapacityBlockGroupStatus) -> bool {
    status.service == COMPUTE || (status.service.is_empty() && status.resource_affinity.is_some())
}

fn reservation(
    block: &CapacityBlockGroup,
    status: CapacityBlockGroupStatus,
) -> Result<Reservation, ConvertError> {
    let id = match &block.metadata {
        Some(metadata) if !metadata.id.is_empty() => metadata.id.clone(),
        _ => return Err(ConvertError::Nameless("capacity block group")),
    };
    let affinity = match status.resource_affinity.and_then(|held| held.versions) {
        Some(Versions::ComputeV1(affinity)) if !affinity.platform.is_empty() => affinity,
        _ => return Err(ConvertError::UnknownAffinity(id)),
    };
    Ok(Reservation {
        id,
        family: affinity.platform,
        region: status.region,
        fabric: filled(&affinity.fabric),
        active: State::try_from(status.state) == Ok(State::Active),
        limit: status.current_limit,
        usage: status.usage,
        usage_state: usage_state(status.usage_state),
        usage_fraction: filled(&status.usage_percentage),
        project_limit: None,
        project_usage: 0,
        project_usage_state: UsageState::Unspecified,
        project_usage_fraction: None,
        held: 0,
        held_at_most: 0,
        project_held: 0,
        project_held_at_most: 0,
        next_change: status
            .next_change_at
            .as_ref()
            .and_then(milliseconds)
            .map(|at| ReservationChange {
                at,
                limit: status.next_change_to,
            }),
    })
}

fn usage_state(number: i32) -> UsageState {
    match CloudUsageState::try_from(number) {
        Ok(CloudUsageState::Used) => UsageState::Used,
        Ok(CloudUsageState::NotUsed) => UsageState::NotUsed,
        Ok(CloudUsageState::Unknown) => UsageState::Unknown,
        Ok(CloudUsageState::Unspecified) | Err(_) => UsageState::Unspecified,
    }
}

fn share_usage_state(number: i32) -> UsageState {
    use capacity_allowance_status::UsageState as Share;
    match Share::try_from(number) {
        Ok(Share::Used) => UsageState::Used,
        Ok(Share::NotUsed) => UsageState::NotUsed,
        Ok(Share::Unknown) => UsageState::Unknown,
        Ok(Share::Unspecified) | Err(_) => UsageState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::{
        capacity::v1::{
            CapacityAllowanceSpec, CapacityAllowanceStatus, ResourceAffinity,
            ResourceAffinityComputeV1,
        },
        common::v1::ResourceMetadata,
    };
    use prost_types::Timestamp;

    use super::*;

    fn block(id: &str, service: &str, affinity: Option<ResourceAffinity>) -> CapacityBlockGroup {
        CapacityBlockGroup {
            metadata: Some(ResourceMetadata {
                id: id.to_owned(),
                ..ResourceMetadata::default()
            }),
            spec: None,
            status: Some(CapacityBlockGroupStatus {
                region: "uk-south1".to_owned(),
                resource_affinity: affinity,
                service: service.to_owned(),
                state: 2,
                current_limit: 16,
                usage: 8,
                usage_state: 1,
                usage_percentage: "0.50".to_owned(),
                next_change_at: Some(Timestamp {
                    seconds: 10,
                    nanos: 0,
                }),
                next_change_to: Some(0),
                ..CapacityBlockGroupStatus::default()
            }),
        }
    }

    fn affinity(platform: &str, fabric: &str) -> Option<ResourceAffinity> {
        Some(ResourceAffinity {
            versions: Some(Versions::ComputeV1(ResourceAffinityComputeV1 {
                fabric: fabric.to_owned(),
                platform: platform.to_owned(),
            })),
        })
    }

    #[test]
    fn a_compute_block_passes_through() {
        let converted = reservations(&[block(
            "capacityblockgroup-1",
            "compute",
            affinity("gpu-b300-sxm", "uk-south1-a"),
        )]);
        let expected = Reservation {
            id: "capacityblockgroup-1".to_owned(),
            family: "gpu-b300-sxm".to_owned(),
            region: "uk-south1".to_owned(),
            fabric: Some("uk-south1-a".to_owned()),
            active: true,
            limit: 16,
            usage: 8,
            usage_state: UsageState::Used,
            usage_fraction: Some("0.50".to_owned()),
            project_limit: None,
            project_usage: 0,
            project_usage_state: UsageState::Unspecified,
            project_usage_fraction: None,
            held: 0,
            held_at_most: 0,
            project_held: 0,
            project_held_at_most: 0,
            next_change: Some(ReservationChange {
                at: 10_000,
                limit: Some(0),
            }),
        };
        assert_eq!(converted.rows, [expected]);
    }

    #[test]
    fn blocks_of_other_services_are_passed_over_without_a_word() {
        let converted = reservations(&[
            block("a", "tokenfactory", None),
            block("b", "", None),
            block("c", "", affinity("gpu-b300-sxm", "")),
        ]);
        assert_eq!(converted.malformed, []);
        let block = converted.rows.first().unwrap();
        assert_eq!((block.id.as_str(), &block.fabric), ("c", &None));
        assert_eq!(converted.rows.len(), 1);
    }

    #[test]
    fn a_compute_block_of_unknown_hardware_makes_the_list_incomplete() {
        let unknown = Some(ResourceAffinity { versions: None });
        let converted = reservations(&[
            block("a", "compute", None),
            block("b", "compute", unknown),
            block("c", "compute", affinity("", "fabric-7")),
        ]);
        assert_eq!(converted.rows, []);
        assert_eq!(converted.malformed.len(), 3);
    }

    #[test]
    fn only_state_active_is_active() {
        for (state, active) in [
            (0, false),
            (1, false),
            (2, true),
            (3, false),
            (4, false),
            (9, false),
        ] {
            let mut block = block("a", "compute", affinity("gpu-b300-sxm", ""));
            if let Some(status) = &mut block.status {
                status.state = state;
                status.usage_state = 99;
                status.next_change_at = None;
            }
            let row = reservations(&[block]).rows.remove(0);
            assert_eq!(row.active, active, "{state}");
            assert_eq!(row.usage_state, UsageState::Unspecified);
            assert_eq!(row.next_change, None);
        }
    }

    #[test]
    fn a_share_keeps_its_absent_limit() {
        let share = |id: &str, limit| CapacityAllowance {
            metadata: None,
            spec: Some(CapacityAllowanceSpec {
                capacity_block_group_id: id.to_owned(),
                limit,
            }),
            status: Some(CapacityAllowanceStatus {
                usage: 3,
                usage_state: 1,
                ..CapacityAllowanceStatus::default()
            }),
        };
        let converted =
            reservation_shares(&[share("a", None), share("b", Some(0)), share("", None)]);
        let limits: Vec<_> = converted.rows.iter().map(|row| row.limit).collect();
        assert_eq!(limits, [None, Some(0)]);
        assert_eq!(
            converted.rows.first().unwrap().usage_state,
            UsageState::Used
        );
        assert_eq!(
            converted.malformed,
            [ConvertError::Nameless("capacity allowance")]
        );
    }
}
