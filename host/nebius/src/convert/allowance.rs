//! Quota rows, as the cloud says them.

use nebius_api::nebius::quotas::v1::{QuotaAllowance, quota_allowance_status::State};
use quotagate::{Limit, Place, Row, RowState, Usage};

use super::{Converted, filled, usage};

/// The rows of an owner as the cloud says them: an absent limit stays absent, and nothing is concluded from a usage. Where a list
/// holds rows of other owners too, they are left to the lists of those, which would show them twice.
pub(crate) fn allowances(owner: &str, rows: &[QuotaAllowance]) -> Converted<Row> {
    let rows = rows.iter().map(allowance);
    Converted::collect(rows.filter(|row| is_of(row, owner)).map(Ok))
}

/// One that names no owner is nobody else's.
fn is_of(row: &Row, owner: &str) -> bool {
    row.owner == owner || row.owner.is_empty()
}

fn allowance(entry: &QuotaAllowance) -> Row {
    let metadata = entry.metadata.clone().unwrap_or_default();
    let spec = entry.spec.clone().unwrap_or_default();
    let status = entry.status.clone().unwrap_or_default();
    Row {
        key: format!("{}/{}/{}", metadata.parent_id, metadata.name, spec.region),
        quota: metadata.name,
        owner: metadata.parent_id,
        place: Place {
            region: filled(&spec.region),
            zone: None,
        },
        unit: status.unit,
        state: row_state(status.state),
        limit: spec.limit.map_or(Limit::Unset, Limit::Amount),
        usage: match &entry.status {
            Some(status) => Usage::exactly(status.usage),
            None => Usage::UNKNOWN,
        },
        attributes: usage::attributes(
            usage::state_of_row(status.usage_state),
            &status.usage_percentage,
        ),
        ..Row::default()
    }
}

fn row_state(number: i32) -> RowState {
    match State::try_from(number) {
        Ok(State::Active) => RowState::InForce,
        Ok(State::Provisioning) => RowState::Changing,
        Ok(State::Frozen) => RowState::Suspended,
        Ok(State::Deleted) => RowState::Gone,
        Ok(State::Unspecified) | Err(_) => RowState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::{
        common::v1::ResourceMetadata,
        quotas::v1::{QuotaAllowanceSpec, QuotaAllowanceStatus},
    };
    use quotagate::Attribute;

    use super::*;

    const TENANT: &str = "tenant-e00acme";

    fn row(limit: Option<u64>, usage: u64, state: i32, usage_state: i32) -> QuotaAllowance {
        QuotaAllowance {
            metadata: Some(ResourceMetadata {
                name: "compute.instance.gpu.h200".to_owned(),
                parent_id: TENANT.to_owned(),
                ..ResourceMetadata::default()
            }),
            spec: Some(QuotaAllowanceSpec {
                limit,
                region: "eu-north1".to_owned(),
            }),
            status: Some(QuotaAllowanceStatus {
                state,
                usage,
                usage_state,
                unit: "count".to_owned(),
                usage_percentage: "0.94".to_owned(),
                ..QuotaAllowanceStatus::default()
            }),
        }
    }

    #[test]
    fn every_field_passes_through() {
        let rows = allowances(TENANT, &[row(Some(32), 30, 2, 1)]).rows;
        let expected = Row {
            key: "tenant-e00acme/compute.instance.gpu.h200/eu-north1".to_owned(),
            quota: "compute.instance.gpu.h200".to_owned(),
            title: None,
            owner: TENANT.to_owned(),
            place: Place::region("eu-north1"),
            dimensions: Vec::new(),
            unit: "count".to_owned(),
            state: RowState::InForce,
            limit: Limit::Amount(32),
            usage: Usage::exactly(30),
            attributes: vec![
                Attribute::new("usage_state", "used"),
                Attribute::new("usage_fraction", "0.94"),
            ],
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn absent_zero_and_largest_limits_stay_apart() {
        let limits = [None, Some(0), Some(u64::MAX)];
        let rows = limits.map(|limit| row(limit, u64::MAX, 2, 1));
        let converted = allowances(TENANT, &rows).rows;
        let read: Vec<_> = converted.iter().map(|row| row.limit).collect();
        let expected = [Limit::Unset, Limit::Amount(0), Limit::Amount(u64::MAX)];
        assert_eq!(read, expected);
        let largest = Usage::exactly(u64::MAX);
        assert!(converted.iter().all(|row| row.usage == largest));
    }

    #[test]
    fn twins_share_a_key_and_another_region_has_its_own() {
        let mut elsewhere = row(Some(1), 0, 2, 1);
        elsewhere.spec.as_mut().unwrap().region = "eu-west1".to_owned();
        let rows = [row(Some(1), 0, 2, 1), row(Some(2), 0, 2, 1), elsewhere];
        let converted = allowances(TENANT, &rows).rows;
        let keys: Vec<_> = converted.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
    }

    #[test]
    fn rows_of_another_owner_are_not_this_ones() {
        let converted = allowances("project-e00eunorth1", &[row(Some(1), 0, 2, 1)]);
        assert_eq!(converted.rows, []);
        assert_eq!(converted.malformed, []);
    }

    #[test]
    fn a_row_that_names_no_owner_stays() {
        let rows = allowances(TENANT, &[QuotaAllowance::default()]).rows;
        let [row] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert_eq!((row.key.as_str(), row.owner.as_str()), ("//", ""));
    }

    #[test]
    fn numbers_that_this_build_does_not_know_say_nothing() {
        let states = [
            (0, RowState::Unknown),
            (1, RowState::Changing),
            (2, RowState::InForce),
            (3, RowState::Suspended),
            (4, RowState::Unknown),
            (10, RowState::Gone),
            (-1, RowState::Unknown),
            (i32::MAX, RowState::Unknown),
        ];
        for (number, state) in states {
            assert_eq!(row_state(number), state, "{number}");
        }
    }

    #[test]
    fn a_row_without_spec_and_status_says_nothing() {
        let bare = QuotaAllowance {
            spec: None,
            status: None,
            ..row(Some(1), 1, 2, 1)
        };
        let row = allowances(TENANT, &[bare]).rows.remove(0);
        assert_eq!(row.limit, Limit::Unset);
        assert_eq!(row.state, RowState::Unknown);
        assert_eq!(row.usage, Usage::UNKNOWN);
        assert_eq!(row.place, Place::EVERYWHERE);
        let state = quotagate::attribute(&row.attributes, "usage_state");
        assert_eq!(state, Some("unspecified"));
    }
}
