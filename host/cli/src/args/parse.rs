//! From the text of one argument to its value.

use std::{str::FromStr, time::Duration};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use quotagate::{ReservationUse, Strictness};

use super::{Encoded, KindCount, KindSize};
use crate::amount;

impl FromStr for KindSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((kind, size)) if !kind.is_empty() => Ok(Self {
                kind: kind.to_owned(),
                bytes: amount::parse_size(size).map_err(|error| error.to_string())?,
            }),
            _ => Err(String::from("give KIND:SIZE, as in network-ssd:100GiB")),
        }
    }
}

impl FromStr for KindCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || String::from("give KIND:COUNT, as in nvidia-l4:2");
        let (kind, count) = text.rsplit_once(':').ok_or_else(refused)?;
        match count.parse() {
            Ok(count @ 1..) if !kind.is_empty() => Ok(Self {
                kind: kind.to_owned(),
                count,
            }),
            _ => Err(refused()),
        }
    }
}

/// Reads what to do about reserved capacity.
pub(super) fn reservation() -> impl TypedValueParser<Value = ReservationUse> {
    one_of(ReservationUse::ALL, ReservationUse::as_str)
}

/// Reads what a list leaves out.
pub(super) fn strictness() -> impl TypedValueParser<Value = Strictness> {
    one_of(Strictness::ALL, Strictness::as_str)
}

/// Reads a word of the contract by the name that the contract spells it with.
fn one_of<T>(all: &'static [T], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let names = all.iter().map(move |word| name(*word));
    PossibleValuesParser::new(names).try_map(move |text| {
        let mut words = all.iter().copied();
        words
            .find(|word| name(*word) == text)
            .ok_or("not one of the possible values")
    })
}

/// Reads bytes as gRPC sends them in trailers: base64, padded or not.
pub(super) fn base64(text: &str) -> Result<Encoded, String> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(text.trim())
        .map(Encoded)
        .map_err(|error| format!("not base64: {error}"))
}

/// Reads the digest of a plugin.
pub(super) fn sha256(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(String::from("give 64 hexadecimal digits"))
    }
}

/// Reads a duration such as `20s`, `500ms` or `1h 30m`, as files and variables have them.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match quotagate_config::duration(text) {
        Ok(Duration::ZERO) => Err(String::from("give more than 0s")),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; {}", error.advice().replace('"', "`"))),
    }
}

/// Reads how often something is read: no more often than every second.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        interval if interval < Duration::from_secs(1) => Err(String::from("give 1s or more")),
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_as_in_files() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        for text in [
            "",
            "s",
            "20",
            "0s",
            "-1s",
            "2years",
            "99999999999999999999s",
        ] {
            let refused = duration(text).unwrap_err();
            assert!(refused.contains("give "), "{text}: {refused}");
        }
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        assert!(interval("999ms").is_err());
    }

    #[test]
    fn trailers_are_base64_with_or_without_padding() {
        for text in ["CAg=", "CAg", " CAg=\n"] {
            assert_eq!(base64(text), Ok(Encoded(vec![8, 8])), "{text:?}");
        }
        for text in ["C", "CA!g", "C=A="] {
            assert!(base64(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kind_of_disk_has_a_size() {
        let disk: KindSize = "network-ssd:100GiB".parse().unwrap();
        assert_eq!((disk.kind.as_str(), disk.bytes), ("network-ssd", 100 << 30));
        for text in [
            "network-ssd",
            ":100GiB",
            "network-ssd:",
            "network-ssd:100GB",
        ] {
            assert!(text.parse::<KindSize>().is_err(), "{text}");
        }
    }
    #[test]
    fn a_kind_of_accelerator_has_a_number() {
        let two: KindCount = "nvidia-l4:2".parse().unwrap();
        assert_eq!((two.kind.as_str(), two.count), ("nvidia-l4", 2));
        for text in [
            "nvidia-l4",
            ":2",
            "nvidia-l4:",
            "nvidia-l4:0",
            "nvidia-l4:x",
        ] {
            assert!(text.parse::<KindCount>().is_err(), "{text}");
        }
    }
}
