//! How much of a limit is used, by all that the cloud says of it: a number, whether it is a measurement, a fraction.
//!
//! A number of zero (the same as none) beside a fraction above zero is no measurement: the two contradict each other. Then
//! the fraction says between which numbers the usage lies. A number above zero is believed, and the fraction not asked.

use alloc::{format, string::String};

use crate::{
    row::clamp,
    vocabulary::{Allowance, Reason, Reservation, UsageState},
};

/// All that the cloud says of one usage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage<'a> {
    number: u64,
    state: UsageState,
    /// The usage as a fraction of the limit, word for word.
    fraction: Option<&'a str>,
}

/// Digits behind the point to which a fraction is rounded at least; zeros at its end may have been left out.
const ROUNDED_TO: usize = 2;
/// More digits than these change no whole number of a limit.
const DIGITS: usize = 18;

impl<'a> Usage<'a> {
    pub(crate) fn of_row(row: &'a Allowance) -> Self {
        Self {
            number: row.usage,
            state: row.usage_state,
            fraction: row.usage_fraction.as_deref(),
        }
    }

    pub(crate) fn of_reservation(reservation: &'a Reservation) -> Self {
        Self {
            number: reservation.usage,
            state: reservation.usage_state,
            fraction: reservation.usage_fraction.as_deref(),
        }
    }

    /// The asking project's of its share.
    pub(crate) fn of_share(reservation: &'a Reservation) -> Self {
        Self {
            number: reservation.project_usage,
            state: reservation.project_usage_state,
            fraction: reservation.project_usage_fraction.as_deref(),
        }
    }

    /// The usage where it is a measurement, or why it is none.
    pub(crate) fn measured(self) -> Result<u64, Reason> {
        match (self.number, self.state) {
            (0, UsageState::Used) if self.is_denied() => Err(Reason::UsageUnmeasured),
            (number, UsageState::Used) => Ok(number),
            (0, UsageState::NotUsed) if !self.is_denied() => Ok(0),
            (_, UsageState::NotUsed) => Err(Reason::Contradictory),
            (number @ 1.., UsageState::Unspecified) => Ok(number),
            (0, UsageState::Unspecified) | (_, UsageState::Unknown | UsageState::NotApplicable) => {
                Err(Reason::UsageUnmeasured)
            }
        }
    }

    /// The least that is used of this limit, where no number is a measurement.
    pub(crate) fn at_least(self, limit: u64) -> u64 {
        self.bounds(limit).map_or(0, |(at_least, _)| at_least)
    }

    /// What the fraction says against the number, in words.
    pub(crate) fn said(self, limit: u64) -> Option<String> {
        let fraction = self.fraction.filter(|_| self.is_denied())?;
        let bounds = match self.bounds(limit) {
            None => String::new(),
            Some((least, most)) if least == most => format!(", which is {least}"),
            Some((least, most)) => format!(", which is from {least} to {most}"),
        };
        Some(format!(
            "no usage is given, yet {fraction} of the limit is said to be used{bounds}"
        ))
    }

    /// Whether the fraction contradicts a number of zero.
    fn is_denied(self) -> bool {
        let above_zero = |text: &str| text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        self.number == 0 && self.fraction.is_some_and(above_zero)
    }

    /// Between which numbers the usage lies by the fraction. None where it does not say, or where no whole number does.
    fn bounds(self, limit: u64) -> Option<(u64, u64)> {
        let is_told = matches!(self.state, UsageState::Used | UsageState::Unspecified);
        let text = self.fraction.filter(|_| is_told && self.is_denied())?;
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = part.len().clamp(ROUNDED_TO, DIGITS);
        let (mut value, mut scale) = (0_u128, 1_u128);
        let rounded = part.bytes().chain(core::iter::repeat(b'0')).take(digits);
        for (index, byte) in whole.bytes().chain(rounded).enumerate() {
            if !byte.is_ascii_digit() {
                return None;
            }
            value = value.checked_mul(10)?.checked_add((byte - b'0').into())?;
            if index >= whole.len() {
                scale = scale.checked_mul(10)?;
            }
        }
        // However it was rounded, it is less than one of the last digit off.
        let limit = u128::from(limit);
        let below = limit.checked_mul(value.saturating_sub(1))?;
        let above = limit.checked_mul(value.checked_add(1)?)?;
        let at_least = clamp(below / scale + 1);
        let at_most = clamp(above.div_ceil(scale).saturating_sub(1));
        (at_least <= at_most).then_some((at_least, at_most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(fraction: &str, limit: u64) -> Option<(u64, u64)> {
        let usage = Usage {
            number: 0,
            state: UsageState::Used,
            fraction: Some(fraction),
        };
        usage.bounds(limit)
    }

    #[test]
    fn a_fraction_bounds_the_usage_from_both_sides() {
        assert_eq!(bounds("0.17", 100), Some((17, 17)));
        assert_eq!(bounds("0.17", 1000), Some((161, 179)));
        assert_eq!(bounds("0.5", 1000), Some((491, 509)));
        assert_eq!(bounds("0.5000", 1000), Some((500, 500)));
        assert_eq!(bounds("1", 64), Some((64, 64)));
        assert_eq!(bounds("1.50", 64), Some((96, 96)));
        assert_eq!(bounds("0.01", 1000), Some((1, 19)));
        assert_eq!(bounds("1.01", u64::MAX), Some((u64::MAX, u64::MAX)));
        assert_eq!(
            bounds("0.50", u64::MAX),
            Some((9_038_904_596_117_680_292, 9_407_839_477_591_871_323))
        );
    }

    #[test]
    fn every_way_of_rounding_is_within_the_bounds() {
        for limit in [1_u64, 3, 8, 32, 200, 4096] {
            for usage in 1..=limit {
                let hundredths = usage * 100;
                for rounded in [
                    hundredths / limit,
                    hundredths.div_ceil(limit),
                    (2 * hundredths + limit) / (2 * limit),
                ] {
                    let text = format!("{}.{:02}", rounded / 100, rounded % 100);
                    let Some((at_least, at_most)) = bounds(&text, limit) else {
                        assert_eq!(rounded, 0, "{usage} of {limit} as {text}");
                        continue;
                    };
                    assert!(
                        (at_least..=at_most).contains(&usage),
                        "{usage} of {limit} as {text}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_fraction_bounds_nothing() {
        for text in [
            "", "0", "0.00", "-", "17%", "1e-05", "-0.5", "0,5", "0.5.5", "٣",
        ] {
            assert_eq!(bounds(text, 1000), None, "{text}");
        }
        // No whole number of 8 lies near 0.17 of it.
        assert_eq!(bounds("0.17", 8), None);
        assert_eq!(bounds(&"9".repeat(60), 8), None);
    }
}
