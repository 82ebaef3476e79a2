//! How much of a limit is used, by all that the cloud says of it: a number, whether it is a measurement, a fraction (nebius
//! rules 10 and 11).
//!
//! A number of zero (the same as none) beside a fraction above zero is no measurement: the two contradict each other. Then
//! the fraction says how much is used at least. A number above zero is believed, and the fraction not asked.

use alloc::{format, string::String};

use quotagate_guest::{Reading, Reason, Row, Usage, UsageDoubt, attribute};

/// The attribute that says whether the number is a measurement.
const STATE: &str = "usage_state";
/// The attribute that says the usage as a fraction of the limit.
const FRACTION: &str = "usage_fraction";

/// Digits behind the point to which a fraction is rounded at least; zeros at its end may have been left out.
const ROUNDED_TO: usize = 2;
/// More digits than these change no whole number of a limit.
const DIGITS: usize = 18;

/// How much of a row is used.
pub(crate) fn of(row: &Row) -> Reading {
    let told = Told::of(row);
    let Err(reason) = told.measured() else {
        let measured = Usage {
            at_most: Some(told.number),
            at_least: told.number,
            ..row.usage
        };
        return Reading {
            usage: measured,
            doubt: None,
        };
    };
    let limit = row.limit.number().unwrap_or_default();
    Reading {
        // How much is used at most by a fraction that contradicts the number proves no room.
        usage: Usage {
            at_least: told.bounds(limit).map_or(0, |(at_least, _)| at_least),
            at_most: None,
            ..row.usage
        },
        doubt: Some(UsageDoubt {
            reason,
            detail: told.said(limit),
        }),
    }
}

/// The states of a usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Used,
    NotUsed,
    /// Not measured, or a word that is not known here.
    Unknown,
    /// None is told.
    Unspecified,
}

/// All that the cloud says of one usage.
#[derive(Clone, Copy, Debug)]
struct Told<'a> {
    number: u64,
    state: State,
    /// The usage as a fraction of the limit, word for word.
    fraction: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            number: row.usage.at_least,
            state: match attribute(&row.attributes, STATE) {
                Some("used") => State::Used,
                Some("not-used") => State::NotUsed,
                Some("unspecified") | None => State::Unspecified,
                Some(_) => State::Unknown,
            },
            fraction: attribute(&row.attributes, FRACTION),
        }
    }

    /// Why the number is no measurement.
    fn measured(self) -> Result<(), Reason> {
        match (self.number, self.state) {
            (0, State::Used) if self.is_denied() => Err(Reason::UsageUnmeasured),
            (_, State::Used) => Ok(()),
            (0, State::NotUsed) if !self.is_denied() => Ok(()),
            (_, State::NotUsed) => Err(Reason::Contradictory),
            (1.., State::Unspecified) => Ok(()),
            (0, State::Unspecified) | (_, State::Unknown) => Err(Reason::UsageUnmeasured),
        }
    }

    /// What the fraction says against the number, in words.
    fn said(self, limit: u64) -> Option<String> {
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
        let is_told = matches!(self.state, State::Used | State::Unspecified);
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
        let whole_number = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        let at_least = whole_number(below / scale + 1);
        let at_most = whole_number(above.div_ceil(scale).saturating_sub(1));
        (at_least <= at_most).then_some((at_least, at_most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(fraction: &str, limit: u64) -> Option<(u64, u64)> {
        let told = Told {
            number: 0,
            state: State::Used,
            fraction: Some(fraction),
        };
        told.bounds(limit)
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
