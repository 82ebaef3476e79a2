//! One row of a catalog, whatever form it came in, and the offers that it stands for.

use quotagate::{Descriptor, LifecycleKind, Offer};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::Entry;
use crate::{gpu::Gpus, launch};

/// One line of a catalog, in the names of gpuhunt; those of SkyPilot and of quotagate's own JSON are taken too.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Line {
    #[serde(alias = "instance_type", alias = "InstanceType")]
    pub(super) instance_name: Option<String>,
    #[serde(alias = "region", alias = "Region")]
    pub(super) location: Option<String>,
    #[serde(alias = "backend", alias = "cloud", alias = "Cloud")]
    pub(super) provider: Option<String>,
    #[serde(default, alias = "Price", deserialize_with = "number_in_json")]
    pub(super) price: Option<f64>,
    /// SkyPilot has the price of a preemptible instance beside the usual one, in one row.
    #[serde(default, rename = "SpotPrice", deserialize_with = "number_in_json")]
    pub(super) spot_price: Option<f64>,
    #[serde(
        default,
        alias = "AcceleratorCount",
        deserialize_with = "number_in_json"
    )]
    pub(super) gpu_count: Option<f64>,
    #[serde(alias = "AcceleratorName")]
    pub(super) gpu_name: Option<String>,
    pub(super) spot: Option<bool>,
    pub(super) lifecycle: Option<String>,
}

impl Line {
    /// The offers of a line; none where it is of another cloud, whatever else it says.
    pub(super) fn entries(self, cloud: &Descriptor) -> Result<Option<Vec<Entry>>, String> {
        let provider = self.provider.as_deref().unwrap_or_default();
        if is_of_another(provider, cloud) {
            return Ok(None);
        }
        let filled = |name: &str, value: Option<String>| match value {
            Some(value) if !value.trim().is_empty() => Ok(value),
            Some(_) => Err(format!("`{name}` is empty")),
            None => Err(format!("there is no `{name}`")),
        };
        let preemptible = cloud.lifecycles.iter().find(|kind| kind.preemptible);
        let spot = || match preemptible {
            Some(kind) => Ok(kind.name.clone()),
            None => Err(format!("{} has no preemptible instances", cloud.title)),
        };
        let lifecycle = match (self.lifecycle.as_deref(), self.spot) {
            (None, Some(true)) => spot()?,
            (None, Some(false) | None) => usual(cloud),
            (Some(name), is_spot) => {
                let kind = lifecycle(name, cloud)?;
                if is_spot.is_some_and(|is_spot| is_spot != kind.preemptible) {
                    return Err(String::from("`spot` and `lifecycle` contradict each other"));
                }
                kind.name.clone()
            }
        };
        for price in [self.price, self.spot_price].into_iter().flatten() {
            if !price.is_finite() || price < 0.0 {
                return Err(format!("the price {price} is none"));
            }
        }
        let gpus = self.gpu_count.map(whole).transpose()?;
        let gpus = gpus.map(|count| Gpus::named(count, self.gpu_name.as_deref()));
        let usual = Entry {
            offer: Offer {
                instance_type: launch::type_name(&filled("instance_name", self.instance_name)?),
                region: filled("location", self.location)?,
                zone: None,
                lifecycle,
                needs: Vec::new(),
            },
            price: self.price,
            gpus,
        };
        let spot = match self.spot_price {
            Some(price) => Some(Entry {
                offer: Offer {
                    lifecycle: spot()?,
                    ..usual.offer.clone()
                },
                price: Some(price),
                ..usual.clone()
            }),
            None => None,
        };
        // A row of SkyPilot without the usual price is of an instance that is sold as preemptible only.
        let is_spot_only = spot.is_some() && self.price.is_none();
        let usual = (!is_spot_only).then_some(usual);
        Ok(Some(usual.into_iter().chain(spot).collect()))
    }
}

/// Whether a row is of another cloud. One that names none is of this one.
pub(super) fn is_of_another(provider: &str, cloud: &Descriptor) -> bool {
    let provider = provider.trim();
    !provider.is_empty() && !provider.eq_ignore_ascii_case(&cloud.cloud)
}

/// The lifecycle of a row that says nothing of it.
fn usual(cloud: &Descriptor) -> String {
    let usual = cloud.lifecycles.first();
    usual.map(|kind| kind.name.clone()).unwrap_or_default()
}

fn lifecycle<'a>(name: &str, cloud: &'a Descriptor) -> Result<&'a LifecycleKind, String> {
    let found = cloud.lifecycle(name);
    let kind = found.and_then(|found| cloud.lifecycles.iter().find(|kind| kind.name == found));
    kind.ok_or_else(|| {
        let names: Vec<&str> = cloud
            .lifecycles
            .iter()
            .map(|kind| kind.name.as_str())
            .collect();
        format!("the lifecycle `{name}` is none of {}", names.join(", "))
    })
}

/// A number of GPUs, which some write as a fraction.
fn whole(count: f64) -> Result<u32, String> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within bounds"
    )]
    if count.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&count) {
        Ok(count as u32)
    } else {
        Err(format!(
            "`gpu_count` is {count}, which is no number of GPUs"
        ))
    }
}

/// A number, also as text.
fn number_in_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number")]
    enum Number {
        Number(f64),
        Text(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Number::Number(number)) => Some(number),
        Some(Number::Text(text)) if text.trim().is_empty() => None,
        Some(Number::Text(text)) => {
            let number = text.trim().parse();
            Some(number.map_err(|_| D::Error::custom(format_args!("`{text}` is no number")))?)
        }
    })
}
