//! Reserved capacity and a project's share of it, both in GPUs (nebius rule 28).

use nebius_api::nebius::capacity::v1::{
    CapacityAllowance, CapacityBlockGroup, CapacityBlockGroupStatus, capacity_allowance_status,
    capacity_block_group_status::State, resource_affinity::Versions,
};
use quotagate::{Change, Limit, Place, Reservation, Row, RowState, Usage, source::Share};

use super::{ConvertError, Converted, filled, milliseconds, usage};

/// The service whose instances can be placed on a block.
const COMPUTE: &str = "compute";

/// What blocks and shares count in.
const UNIT: &str = "gpu";

/// The blocks of a tenant that hold instances; those of other services are passed over.
pub(crate) fn reservations(tenant: &str, blocks: &[CapacityBlockGroup]) -> Converted<Reservation> {
    Converted::collect(blocks.iter().filter_map(|block| {
        let status = block.status.clone().unwrap_or_default();
        is_compute(&status).then(|| reservation(tenant, block, status))
    }))
}

/// What a project may take of each block. An absent limit is documented as unlimited here; as everywhere it is passed on as
/// one that is not set.
pub(crate) fn reservation_shares(project: &str, rows: &[CapacityAllowance]) -> Converted<Share> {
    Converted::collect(rows.iter().map(|entry| {
        let spec = entry.spec.clone().unwrap_or_default();
        let status = entry.status.clone().unwrap_or_default();
        let block = spec.capacity_block_group_id;
        if block.is_empty() {
            return Err(ConvertError::Nameless("capacity allowance"));
        }
        let reservation = key(&block);
        let row = Row {
            key: format!("{reservation}/{project}"),
            quota: block,
            owner: project.to_owned(),
            unit: UNIT.to_owned(),
            state: share_state(status.state),
            limit: spec.limit.map_or(Limit::Unset, Limit::Amount),
            usage: Usage::exactly(status.usage),
            attributes: usage::attributes(
                usage::state_of_share(status.usage_state),
                &status.usage_percentage,
            ),
            ..Row::default()
        };
        Ok(Share { reservation, row })
    }))
}

/// The key of a block's row, which names the reservation.
fn key(block: &str) -> String {
    format!("reservation/{block}")
}

/// The affinity speaks where the cloud leaves the service out.
fn is_compute(status: &CapacityBlockGroupStatus) -> bool {
    status.service == COMPUTE || (status.service.is_empty() && status.resource_affinity.is_some())
}

fn reservation(
    tenant: &str,
    block: &CapacityBlockGroup,
    status: CapacityBlockGroupStatus,
) -> Result<Reservation, ConvertError> {
    let metadata = block.metadata.clone().unwrap_or_default();
    let id = metadata.id;
    if id.is_empty() {
        return Err(ConvertError::Nameless("capacity block group"));
    }
    let affinity = match status.resource_affinity.and_then(|held| held.versions) {
        Some(Versions::ComputeV1(affinity)) if !affinity.platform.is_empty() => affinity,
        _ => return Err(ConvertError::UnknownAffinity(id)),
    };
    let row = Row {
        key: key(&id),
        quota: id,
        owner: tenant.to_owned(),
        place: Place {
            region: filled(&status.region),
            zone: filled(&affinity.fabric),
        },
        unit: UNIT.to_owned(),
        state: block_state(status.state),
        limit: Limit::Amount(status.current_limit),
        usage: Usage::exactly(status.usage),
        attributes: usage::attributes(
            usage::state_of_block(status.usage_state),
            &status.usage_percentage,
        ),
        ..Row::default()
    };
    let next = status.next_change_at.as_ref().and_then(milliseconds);
    Ok(Reservation {
        row,
        family: Some(affinity.platform),
        next: next.map(|at| Change {
            at,
            amount: status.next_change_to,
        }),
        state: state_word(status.state),
        ..Reservation::default()
    })
}

/// The cloud's own word for the state of a block, such as `ACTIVE`; its number where this build does not know the word.
fn state_word(number: i32) -> String {
    match State::try_from(number) {
        Ok(state) => {
            let word = state.as_str_name();
            word.strip_prefix("STATE_").unwrap_or(word).to_owned()
        }
        Err(_) => number.to_string(),
    }
}

fn block_state(number: i32) -> RowState {
    match State::try_from(number) {
        Ok(State::Active) => RowState::InForce,
        Ok(State::Allocating) => RowState::Changing,
        Ok(State::Shutting | State::Inactive | State::Unspecified) | Err(_) => RowState::Unknown,
    }
}

/// A share whose state the cloud does not say counts by its numbers.
fn share_state(number: i32) -> RowState {
    use capacity_allowance_status::State as Share;
    match Share::try_from(number) {
        Ok(Share::Active | Share::Unspecified) => RowState::InForce,
        Ok(Share::Provisioning) => RowState::Changing,
        Ok(Share::ContainerDeleted) => RowState::Gone,
        Err(_) => RowState::Unknown,
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
    use quotagate::Attribute;

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
        let converted = reservations(
            "tenant-1",
            &[block(
                "capacityblockgroup-1",
                "compute",
                affinity("gpu-b300-sxm", "uk-south1-a"),
            )],
        );
        let expected = Reservation {
            row: Row {
                key: "reservation/capacityblockgroup-1".to_owned(),
                quota: "capacityblockgroup-1".to_owned(),
                title: None,
                owner: "tenant-1".to_owned(),
                place: Place::zone("uk-south1", "uk-south1-a"),
                dimensions: Vec::new(),
                unit: "gpu".to_owned(),
                state: RowState::InForce,
                limit: Limit::Amount(16),
                usage: Usage::exactly(8),
                attributes: vec![
                    Attribute::new("usage_state", "used"),
                    Attribute::new("usage_fraction", "0.50"),
                ],
            },
            instance_type: None,
            family: Some("gpu-b300-sxm".to_owned()),
            targeted: false,
            begins: None,
            ends: None,
            share: None,
            share_unread: false,
            next: Some(Change {
                at: 10_000,
                amount: Some(0),
            }),
            state: "ACTIVE".to_owned(),
            attributes: Vec::new(),
        };
        assert_eq!(converted.rows, [expected]);
    }

    #[test]
    fn blocks_of_other_services_are_passed_over_without_a_word() {
        let converted = reservations(
            "tenant-1",
            &[
                block("a", "tokenfactory", None),
                block("b", "", None),
                block("c", "", affinity("gpu-b300-sxm", "")),
            ],
        );
        assert_eq!(converted.malformed, []);
        let block = converted.rows.first().unwrap();
        assert_eq!(block.row.key, "reservation/c");
        assert_eq!(block.row.place, Place::region("uk-south1"));
        assert_eq!(converted.rows.len(), 1);
    }

    #[test]
    fn a_compute_block_of_unknown_hardware_makes_the_list_incomplete() {
        let unknown = Some(ResourceAffinity { versions: None });
        let converted = reservations(
            "tenant-1",
            &[
                block("a", "compute", None),
                block("b", "compute", unknown),
                block("c", "compute", affinity("", "fabric-7")),
            ],
        );
        assert_eq!(converted.rows, []);
        assert_eq!(converted.malformed.len(), 3);
    }

    #[test]
    fn a_state_is_told_in_the_clouds_own_word_and_only_active_is_in_force() {
        for (number, word, state) in [
            (0, "UNSPECIFIED", RowState::Unknown),
            (1, "ALLOCATING", RowState::Changing),
            (2, "ACTIVE", RowState::InForce),
            (3, "SHUTTING", RowState::Unknown),
            (4, "INACTIVE", RowState::Unknown),
            (9, "9", RowState::Unknown),
        ] {
            let mut block = block("a", "compute", affinity("gpu-b300-sxm", ""));
            if let Some(status) = &mut block.status {
                status.state = number;
                status.usage_state = 99;
                status.next_change_at = None;
            }
            let read = reservations("tenant-1", &[block]).rows.remove(0);
            assert_eq!((read.state.as_str(), read.row.state), (word, state));
            let usage = quotagate::attribute(&read.row.attributes, "usage_state");
            assert_eq!(usage, Some("unspecified"));
            assert_eq!(read.next, None);
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
                state: 2,
                usage: 3,
                usage_state: 1,
                ..CapacityAllowanceStatus::default()
            }),
        };
        let shares = [share("a", None), share("b", Some(0)), share("", None)];
        let converted = reservation_shares("project-1", &shares);
        let limits: Vec<_> = converted.rows.iter().map(|share| share.row.limit).collect();
        assert_eq!(limits, [Limit::Unset, Limit::Amount(0)]);
        let expected = Share {
            reservation: "reservation/a".to_owned(),
            row: Row {
                key: "reservation/a/project-1".to_owned(),
                quota: "a".to_owned(),
                owner: "project-1".to_owned(),
                unit: "gpu".to_owned(),
                usage: Usage::exactly(3),
                attributes: vec![Attribute::new("usage_state", "used")],
                ..Row::default()
            },
        };
        assert_eq!(converted.rows.first(), Some(&expected));
        assert_eq!(
            converted.malformed,
            [ConvertError::Nameless("capacity allowance")]
        );
    }

    #[test]
    fn the_state_of_a_share_is_the_clouds() {
        let states = [
            (0, RowState::InForce),
            (1, RowState::Changing),
            (2, RowState::InForce),
            (100, RowState::Gone),
            (7, RowState::Unknown),
        ];
        for (number, state) in states {
            assert_eq!(share_state(number), state, "{number}");
        }
    }
}
