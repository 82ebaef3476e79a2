//! How the emulated cloud behaves where the real one leaves a choice or keeps it to itself, and the file that says so.
//!
//! ```json
//! {"quota_failures": "in_operation", "polls_to_finish": 2, "usage_lag_ms": 60000,
//!  "stopped_instances_hold_gpus": false, "default_limits": {"compute.instance.count": 12},
//!  "advice": "derived",
//!  "hardware": [{"region": "eu-north1", "platform": "gpu-h200-sxm", "fabric": "fabric-7", "lane": "on_demand",
//!                "free": 16}]}
//! ```
//!
//! Every field is optional, and without the file all have their defaults.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

/// The quota that stands for all others in [`Settings::default_limits`].
const ANY: &str = "*";

/// The choices of an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where a launch over quota is refused; default: by the call itself.
    pub quota_failures: QuotaFailures,
    /// How often an operation, or the resource it is about, is read before the operation finishes. Default: 0, so an
    /// operation is finished when it is returned.
    pub polls_to_finish: u32,
    /// How long the usage that readers see trails the truth that launches are held to. Default: 0.
    pub usage_lag_ms: u64,
    /// Whether a stopped instance keeps its GPUs (one without GPUs: its vCPUs and memory); both readings occur in the
    /// field (nebius rule 26). Default: true, so that starting it takes no more of them.
    pub stopped_instances_hold_gpus: bool,
    /// Whether a project row that is DELETED refuses everything (nebius rule 5). Default: false, so that the tenant's
    /// row alone governs.
    pub deleted_project_rows_refuse: bool,
    /// Whether a preemptible instance counts in `compute.instance.count` too. Default: false, so that it counts in
    /// `compute.instance.preemptible.count` alone.
    pub preemptible_instances_count_as_instances: bool,
    /// Whether an active block on its fabric spares a GPU cluster its one of `compute.gpucluster.count`. Default: false.
    pub blocks_spare_clusters: bool,
    /// Whether the private address that comes with an instance takes an allocation. Default: true.
    pub private_addresses_take_allocations: bool,
    /// Which block an instance is placed on, of those that have room. Default: the first that is listed.
    pub block_order: BlockOrder,
    /// The domain below which each service answers, under its own host name alone, as in
    /// `compute.api.nebius.cloud`. Default: none, so that every service answers under any name; with TLS only under an
    /// address, `localhost`, or a name that begins with its own.
    pub domain: Option<String>,
    /// What is enforced where the tenant has no row of a quota, or one without a limit (nebius rule 7), by the quota's
    /// name; `*` stands for every other. Default: empty, so that nothing is.
    pub default_limits: BTreeMap<String, u64>,
    /// The limit of the tenant that is enforced of a quota, by its name, where the lists show another: what is displayed and
    /// what is enforced can differ, and then the error tells the limit in force. Default: empty, so that the lists are true.
    pub enforced_limits: BTreeMap<String, u64>,
    /// Whether a violation names the tenant or project whose row it is, which the cloud does not always do. Default: true.
    pub violations_name_containers: bool,
    /// Where capacity advice is from. Default: what the world recorded.
    pub advice: Advice,
    /// The hardware that is left. Where a region, platform and lane has no entry at all, it never runs out.
    pub hardware: Vec<Hardware>,
}

/// Where a launch over quota is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaFailures {
    /// The call fails.
    #[default]
    Synchronous,
    /// The call is accepted, and its operation fails; nothing is created or taken.
    InOperation,
}

/// Which block an instance is placed on, of those that have room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOrder {
    /// The first that is listed.
    #[default]
    First,
    /// The last that is listed.
    Last,
    /// The one with the least room.
    Fullest,
}

/// Where capacity advice is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The world's, as it was recorded.
    #[default]
    Recorded,
    /// For platforms in fabrics whose hardware is set, worked out of that, the tenant's rows and its blocks; else the
    /// world's.
    Derived,
}

/// On what terms hardware is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Regular instances without a reservation.
    OnDemand,
    /// Preemptible instances.
    Preemptible,
    /// Instances from capacity block groups.
    Reserved,
}

/// The hardware left of one platform in one fabric on one lane.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Such as `eu-north1`.
    pub region: String,
    /// Such as `gpu-h200-sxm`.
    pub platform: String,
    /// Such as `fabric-7`; empty where the platform has none.
    #[serde(default)]
    pub fabric: String,
    /// On what terms.
    pub lane: Lane,
    /// The GPUs that are free now; of a platform without GPUs, the instances. Running instances take from it, and give
    /// back when they stop.
    pub free: u64,
}

/// Why a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The text is not JSON, or not of this shape.
    #[error("the settings are malformed: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota_failures: QuotaFailures::default(),
            polls_to_finish: 0,
            usage_lag_ms: 0,
            stopped_instances_hold_gpus: true,
            deleted_project_rows_refuse: false,
            preemptible_instances_count_as_instances: false,
            blocks_spare_clusters: false,
            private_addresses_take_allocations: true,
            block_order: BlockOrder::default(),
            domain: None,
            default_limits: BTreeMap::new(),
            enforced_limits: BTreeMap::new(),
            violations_name_containers: true,
            advice: Advice::default(),
            hardware: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads settings from JSON.
    ///
    /// # Errors
    /// With line and column when the text is not JSON or has an unknown field or value.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// As [`Settings::from_json`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&text)
    }

    /// Puts this in the place of the hardware of the same platform, fabric and lane.
    pub fn set_hardware(&mut self, hardware: Hardware) {
        match self.hardware.iter_mut().find(|at| at.is_with(&hardware)) {
            Some(there) => *there = hardware,
            None => self.hardware.push(hardware),
        }
    }

    pub(crate) const fn usage_lag(&self) -> Duration {
        Duration::from_millis(self.usage_lag_ms)
    }

    pub(crate) fn default_limit(&self, quota: &str) -> Option<u64> {
        let limits = &self.default_limits;
        limits.get(quota).or_else(|| limits.get(ANY)).copied()
    }
}

impl Hardware {
    pub(crate) fn is_with(&self, other: &Self) -> bool {
        self.region == other.region
            && self.platform == other.platform
            && self.fabric == other.fabric
            && self.lane == other.lane
    }
}
