//! Quota rows, as the cloud says them.

use nebius_api::nebius::quotas::v1::{
    QuotaAllowance,
    quota_allowance_status::{State, UsageState as CloudUsageState},
};
use quotagate::{
    source::{OwnedAllowances, Read},
    types::{Allowance, RowState, UsageState},
};

use super::{Converted, filled};

/// The rows as the cloud says them: an absent limit stays absent, and nothing is concluded from a usage.
pub(crate) fn allowances(rows: &[QuotaAllowance]) -> Converted<Allowance> {
    Converted::collect(rows.iter().map(|row| Ok(allowance(row))))
}

/// The rows with whom they were asked of.
pub(crate) fn owned(owner: String, rows: Read<Vec<Allowance>>) -> Read<OwnedAllowances> {
    Read {
        value: OwnedAllowances {
            owner,
            rows: rows.value,
        },
        interrupted_by: rows.interrupted_by,
        recorded_at: rows.recorded_at,
    }
}

fn allowance(row: &QuotaAllowance) -> Allowance {
    let metadata = row.metadata.clone().unwrap_or_default();
    let spec = row.spec.clone().unwrap_or_default();
    let status = row.status.clone().unwrap_or_default();
    Allowance {
        name: metadata.name,
        owner: metadata.parent_id,
        region: spec.region,
        unit: status.unit,
        state: row_state(status.state),
        limit: spec.limit,
        usage: status.usage,
        usage_state: usage_state(status.usage_state),
        usage_fraction: filled(&status.usage_percentage),
        held: 0,
        held_at_most: 0,
    }
}

fn row_state(number: i32) -> RowState {
    match State::try_from(number) {
        Ok(State::Active) => RowState::Active,
        Ok(State::Provisioning) => RowState::Provisioning,
        Ok(State::Frozen) => RowState::Frozen,
        Ok(State::Deleted) => RowState::Deleted,
        Ok(State::Unspecified) | Err(_) => RowState::Unknown,
    }
}

fn usage_state(number: i32) -> UsageState {
    match CloudUsageState::try_from(number) {
        Ok(CloudUsageState::Used) => UsageState::Used,
        Ok(CloudUsageState::NotUsed) => UsageState::NotUsed,
        Ok(CloudUsageState::Unknown) => UsageState::Unknown,
        Ok(CloudUsageState::NotApplicable) => UsageState::NotApplicable,
        Ok(CloudUsageState::Unspecified) | Err(_) => UsageState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::{
        common::v1::ResourceMetadata,
        quotas::v1::{QuotaAllowanceSpec, QuotaAllowanceStatus},
    };

    use super::*;

    fn row(limit: Option<u64>, usage: u64, state: i32, usage_state: i32) -> QuotaAllowance {
        QuotaAllowance {
            metadata: Some(ResourceMetadata {
                name: "compute.instance.gpu.h200".to_owned(),
                parent_id: "tenant-e00acme".to_owned(),
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
        let rows = allowances(&[row(Some(32), 30, 2, 1)]).rows;
        let expected = Allowance {
            name: "compute.instance.gpu.h200".to_owned(),
            owner: "tenant-e00acme".to_owned(),
            region: "eu-north1".to_owned(),
            unit: "count".to_owned(),
            state: RowState::Active,
            limit: Some(32),
            usage: 30,
            usage_state: UsageState::Used,
            usage_fraction: Some("0.94".to_owned()),
            held: 0,
            held_at_most: 0,
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn absent_zero_and_largest_limits_stay_apart() {
        let limits = [None, Some(0), Some(u64::MAX)];
        let rows = limits.map(|limit| row(limit, u64::MAX, 2, 1));
        let converted = allowances(&rows).rows;
        assert_eq!(
            converted.iter().map(|row| row.limit).collect::<Vec<_>>(),
            limits
        );
        assert!(converted.iter().all(|row| row.usage == u64::MAX));
    }

    #[test]
    fn numbers_that_this_build_does_not_know_say_nothing() {
        let states = [
            (0, RowState::Unknown),
            (1, RowState::Provisioning),
            (2, RowState::Active),
            (3, RowState::Frozen),
            (4, RowState::Unknown),
            (10, RowState::Deleted),
            (-1, RowState::Unknown),
            (i32::MAX, RowState::Unknown),
        ];
        for (number, state) in states {
            assert_eq!(row_state(number), state, "{number}");
        }
        let usage_states = [
            (0, UsageState::Unspecified),
            (1, UsageState::Used),
            (2, UsageState::NotUsed),
            (3, UsageState::Unknown),
            (4, UsageState::NotApplicable),
            (5, UsageState::Unspecified),
            (i32::MIN, UsageState::Unspecified),
        ];
        for (number, state) in usage_states {
            assert_eq!(usage_state(number), state, "{number}");
        }
    }

    #[test]
    fn an_empty_message_is_a_row_that_says_nothing() {
        let rows = allowances(&[QuotaAllowance::default()]).rows;
        let row = rows.first().unwrap();
        assert_eq!(row.limit, None);
        assert_eq!(row.state, RowState::Unknown);
        assert_eq!(row.usage_state, UsageState::Unspecified);
    }
}
