//! Amounts for people: sizes as the command line takes them, and the numbers of a quota row as it shows them.

use quotagate::{Unit, UnitKind};

/// The binary units, smallest first.
const UNITS: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SizeError {
    /// A number without a unit, or no number.
    #[error(
        "`{0}` is no size: give a whole number and a unit, as in 100GiB; the units are B, KiB, MiB, GiB and TiB"
    )]
    Shape(String),
    /// A unit that is not exact.
    #[error(
        "the unit `{unit}` is not taken, since quotas count in binary units: write {number}{instead} if you mean it"
    )]
    Unit {
        /// What was written.
        unit: String,
        /// The number before it.
        number: u64,
        /// The binary unit of the same order.
        instead: &'static str,
    },
    /// More than a quota can count.
    #[error("`{0}` is larger than any size")]
    TooLarge(String),
    /// Nothing.
    #[error("a size of 0 makes no disk")]
    Zero,
}

/// Reads a size such as `100GiB`.
pub(crate) fn parse_size(text: &str) -> Result<u64, SizeError> {
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    if number.is_empty() || unit.is_empty() {
        return Err(SizeError::Shape(text.to_owned()));
    }
    let number: u64 = number
        .parse()
        .map_err(|_| SizeError::TooLarge(text.to_owned()))?;
    let Some((_, factor)) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    else {
        return Err(match binary_for(unit) {
            Some(instead) => SizeError::Unit {
                unit: unit.to_owned(),
                number,
                instead,
            },
            None => SizeError::Shape(text.to_owned()),
        });
    };
    match number.checked_mul(*factor) {
        Some(0) => Err(SizeError::Zero),
        Some(bytes) => Ok(bytes),
        None => Err(SizeError::TooLarge(text.to_owned())),
    }
}

/// The binary unit that a decimal or shortened one may stand for.
fn binary_for(unit: &str) -> Option<&'static str> {
    match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" => Some("KiB"),
        "m" | "mb" => Some("MiB"),
        "g" | "gb" => Some("GiB"),
        "t" | "tb" => Some("TiB"),
        _ => None,
    }
}

/// An amount in the unit of its row: bytes as `100 GiB`, everything else as the bare number. The largest number stands
/// for all that are larger.
pub(crate) fn show(amount: u64, unit: &str, units: &[Unit]) -> String {
    if amount == u64::MAX {
        return format!("over {}", show(amount - 1, unit, units));
    }
    if counts_bytes(unit, units) {
        show_bytes(amount)
    } else {
        amount.to_string()
    }
}

/// Whether a row counts bytes, by what the plugin says of its unit.
pub(crate) fn counts_bytes(unit: &str, units: &[Unit]) -> bool {
    let mut known = units.iter();
    known.any(|known| known.name == unit && known.kind == UnitKind::Bytes)
}

/// Bytes in the largest unit that keeps the number whole and short, else with two decimals, rounded down.
fn show_bytes(bytes: u64) -> String {
    let whole = UNITS
        .iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    if let Some((name, factor)) = whole
        && bytes / factor < 10_000
    {
        return format!("{} {name}", bytes / factor);
    }
    let largest = UNITS.iter().rev().find(|(_, factor)| bytes >= *factor);
    let Some((name, factor)) = largest else {
        return String::from("0 B");
    };
    let hundredths = u128::from(bytes) * 100 / u128::from(*factor);
    format!("{}.{:02} {name}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_exact() {
        let cases = [
            ("1B", 1),
            ("1KiB", 1 << 10),
            ("3MiB", 3 << 20),
            ("100GiB", 100 << 30),
            ("100 GiB", 100 << 30),
            ("100gib", 100 << 30),
            ("2TiB", 2 << 40),
            ("16777215TiB", 16_777_215 << 40),
            ("18446744073709551615B", u64::MAX),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_size_is_refused() {
        for text in [
            "",
            "GiB",
            "100",
            "-1GiB",
            "1.5GiB",
            "1e3GiB",
            "100 GiBs",
            "100GiB ssd",
            "０GiB",
        ] {
            assert!(
                matches!(parse_size(text), Err(SizeError::Shape(_))),
                "{text}"
            );
        }
        for text in [
            "16777216TiB",
            "18446744073709551616B",
            "99999999999999999999GiB",
        ] {
            assert!(
                matches!(parse_size(text), Err(SizeError::TooLarge(_))),
                "{text}"
            );
        }
        assert_eq!(parse_size("0GiB"), Err(SizeError::Zero));
        for (text, instead) in [
            ("100GB", "100GiB"),
            ("100G", "100GiB"),
            ("2t", "2TiB"),
            ("5Kb", "5KiB"),
            ("7M", "7MiB"),
        ] {
            let message = parse_size(text).unwrap_err().to_string();
            assert!(message.contains(instead), "{message}");
        }
    }

    #[test]
    fn bytes_are_shown_in_units_that_keep_them_whole() {
        let cases = [
            (0, "0 B"),
            (1, "1 B"),
            (100 << 30, "100 GiB"),
            (3_221_225_472_000, "3000 GiB"),
            (5_497_558_138_880, "5 TiB"),
            ((1 << 40) + 1, "1.00 TiB"),
            ((5 << 30) - 1, "4.99 GiB"),
            (10_001 << 30, "9.76 TiB"),
            (u64::MAX, "over 16777215.99 TiB"),
        ];
        let units = [Unit {
            name: String::from("byte"),
            kind: UnitKind::Bytes,
        }];
        for (bytes, text) in cases {
            assert_eq!(show(bytes, "byte", &units), text);
        }
        assert_eq!(show(32, "count", &units), "32");
    }
}
