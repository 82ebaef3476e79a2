//! What the cloud says of a usage besides the number, in its own words: attributes of a row, which the plugin reads.

use nebius_api::nebius::{
    capacity::v1::{capacity_allowance_status, capacity_block_group_status},
    quotas::v1::quota_allowance_status,
};
use quotagate::Attribute;

/// Whether the usage is a measurement.
const USAGE_STATE: &str = "usage_state";
/// The usage as a fraction of the limit, as the cloud writes it.
const USAGE_FRACTION: &str = "usage_fraction";

/// The attributes of a row: the state of its usage, and the fraction where there is one.
pub(super) fn attributes(state: &str, fraction: &str) -> Vec<Attribute> {
    let mut attributes = vec![Attribute::new(USAGE_STATE, state)];
    if !fraction.is_empty() {
        attributes.push(Attribute::new(USAGE_FRACTION, fraction));
    }
    attributes
}

/// Of a quota row.
pub(super) fn state_of_row(number: i32) -> &'static str {
    use quota_allowance_status::UsageState as State;
    match State::try_from(number) {
        Ok(State::Used) => "used",
        Ok(State::NotUsed) => "not-used",
        Ok(State::Unknown) => "unknown",
        Ok(State::NotApplicable) => "not-applicable",
        Ok(State::Unspecified) | Err(_) => "unspecified",
    }
}

/// Of a block of reserved capacity.
pub(super) fn state_of_block(number: i32) -> &'static str {
    use capacity_block_group_status::UsageState as State;
    match State::try_from(number) {
        Ok(State::Used) => "used",
        Ok(State::NotUsed) => "not-used",
        Ok(State::Unknown) => "unknown",
        Ok(State::Unspecified) | Err(_) => "unspecified",
    }
}

/// Of a project's share of a block.
pub(super) fn state_of_share(number: i32) -> &'static str {
    use capacity_allowance_status::UsageState as State;
    match State::try_from(number) {
        Ok(State::Used) => "used",
        Ok(State::NotUsed) => "not-used",
        Ok(State::Unknown) => "unknown",
        Ok(State::Unspecified) | Err(_) => "unspecified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_this_build_does_not_know_say_nothing() {
        let states = [
            (0, "unspecified"),
            (1, "used"),
            (2, "not-used"),
            (3, "unknown"),
            (4, "not-applicable"),
            (5, "unspecified"),
            (i32::MIN, "unspecified"),
        ];
        for (number, state) in states {
            assert_eq!(state_of_row(number), state, "{number}");
            let of_capacity = if number == 4 { "unspecified" } else { state };
            assert_eq!(state_of_block(number), of_capacity, "{number}");
            assert_eq!(state_of_share(number), of_capacity, "{number}");
        }
    }

    #[test]
    fn a_fraction_that_is_not_given_is_no_attribute() {
        assert_eq!(attributes("used", "").len(), 1);
        let both = attributes("used", "0.94");
        assert_eq!(quotagate::attribute(&both, "usage_fraction"), Some("0.94"));
        assert_eq!(quotagate::attribute(&both, "usage_state"), Some("used"));
    }
}
