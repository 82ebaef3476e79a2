//! GPUs by name: what a filter such as `H100:8` asks for, and which GPU an instance family carries.

use std::str::FromStr;

use quotagate::InstanceType;

/// What `--gpu` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GpuFilter {
    /// The GPU's name in lower case; none for any.
    pub(crate) model: Option<String>,
    /// GPUs of one instance; none for any number of them.
    pub(crate) count: Option<u32>,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no GPU filter: give NAME, NAME:COUNT or COUNT, as in H100, H100:8 or 8")]
pub(crate) struct GpuFilterError(String);

impl FromStr for GpuFilter {
    type Err = GpuFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || GpuFilterError(text.to_owned());
        let count = |digits: &str| match digits.parse::<u32>() {
            Ok(count) if count > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(count),
            _ => Err(refused()),
        };
        let (model, count) = match text.split_once(':') {
            Some((model, digits)) => (model, Some(count(digits)?)),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => ("", Some(count(text)?)),
            None => (text, None),
        };
        if text.starts_with(':')
            || !model
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err(refused());
        }
        Ok(Self {
            model: Some(model.to_ascii_lowercase()).filter(|model| !model.is_empty()),
            count,
        })
    }
}

impl GpuFilter {
    /// Whether a type carries what is asked for. Names are compared whole: `b200` is not `gb200`, though one GPU may have
    /// several names.
    pub(crate) fn matches(&self, gpus: &Gpus) -> bool {
        gpus.count > 0
            && self.count.is_none_or(|count| count == gpus.count)
            && self
                .model
                .as_ref()
                .is_none_or(|model| same_model(model, &gpus.model))
    }
}

/// The GPUs of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gpus {
    /// How many.
    pub(crate) count: u32,
    /// Their name, in capital letters; empty where there are none.
    pub(crate) model: String,
}

impl Gpus {
    /// Of a type that the account is offered.
    pub(crate) fn of(instance_type: &InstanceType) -> Self {
        let named = instance_type.gpu_model.as_deref();
        let named = named.or_else(|| model(&instance_type.family));
        Self::named(instance_type.gpus, named)
    }

    /// Of a type known by its name alone, such as `gpu-h200-sxm 8gpu-128vcpu-1600gb`.
    pub(crate) fn of_name(name: &str) -> Self {
        let (family, preset) = name.split_once(' ').unwrap_or((name, ""));
        let count = preset
            .split_once("gpu")
            .and_then(|(count, _)| count.parse().ok())
            .unwrap_or(0);
        Self::named(count, model(family))
    }

    /// These, by count and name.
    pub(crate) fn named(count: u32, model: Option<&str>) -> Self {
        Self {
            count,
            model: model
                .filter(|_| count > 0)
                .unwrap_or_default()
                .to_ascii_uppercase(),
        }
    }
}

impl std::fmt::Display for Gpus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.count, self.model.as_str()) {
            (0, _) => formatter.write_str("-"),
            (count, "") => write!(formatter, "{count}"),
            (count, model) => write!(formatter, "{count} × {model}"),
        }
    }
}

/// Names of one GPU: what clouds call their types after, and what catalogs call it.
const SAME: [[&str; 2]; 1] = [["RTX6000", "RTXPRO6000"]];

/// Whether two names are of one GPU: `rtx-pro-6000` is `RTXPRO6000`, which is `RTX6000` in the names of types.
pub(crate) fn same_model(one: &str, other: &str) -> bool {
    let bare = |name: &str| {
        let bare = name.replace(['-', '_'], "").to_ascii_uppercase();
        let same = SAME.iter().find(|[_, long]| *long == bare);
        same.map_or(bare, |[short, _]| (*short).to_owned())
    };
    bare(one) == bare(other)
}

/// The GPU of an instance family: the part of its name after `gpu-`.
fn model(family: &str) -> Option<&str> {
    let (_, rest) = family
        .split_at_checked(4)
        .filter(|(prefix, _)| prefix.eq_ignore_ascii_case("gpu-"))?;
    rest.split('-').next().filter(|model| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> GpuFilter {
        text.parse().unwrap()
    }

    #[test]
    fn a_filter_names_a_model_a_count_or_both() {
        let asked = |model: Option<&str>, count| GpuFilter {
            model: model.map(str::to_owned),
            count,
        };
        assert_eq!(filter("H100:8"), asked(Some("h100"), Some(8)));
        assert_eq!(filter("h100"), asked(Some("h100"), None));
        assert_eq!(filter("8"), asked(None, Some(8)));
        for text in [
            ":8", "H100:", "H100:0", "H100:-1", "H100:x", "0", "H100:+8", "H 100", "H100:8:8",
        ] {
            assert!(text.parse::<GpuFilter>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_gpu_may_have_several_names() {
        let listed = Gpus::of_name("gpu-rtx6000 1gpu-24vcpu-218gb");
        let in_catalog = Gpus::named(1, Some("RTXPRO6000"));
        for name in ["RTX6000", "rtxpro6000", "RTX-PRO-6000:1"] {
            assert!(filter(name).matches(&listed), "{name}");
            assert!(filter(name).matches(&in_catalog), "{name}");
        }
        assert!(!filter("RTX600").matches(&listed));
    }

    #[test]
    fn names_are_compared_whole_and_in_any_case() {
        let b200 = Gpus::of_name("gpu-b200-sxm-a 8gpu-160vcpu-1792gb");
        let gb200 = Gpus::of_name("gpu-gb200 4gpu-1vcpu-1gb");
        let cpu = Gpus::of_name("cpu-d3 4vcpu-16gb");
        assert_eq!(b200.to_string(), "8 × B200");
        assert_eq!(cpu.to_string(), "-");
        assert!(filter("b200").matches(&b200));
        assert!(filter("B200:8").matches(&b200));
        assert!(!filter("B200:1").matches(&b200));
        assert!(!filter("b200").matches(&gb200));
        assert!(!filter("b20").matches(&b200));
        assert!(filter("4").matches(&gb200));
        assert!(!filter("4").matches(&cpu));
    }
}
