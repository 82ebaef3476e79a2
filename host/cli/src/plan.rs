//! Plans: launches that are judged together because they draw on the same quotas.
//!
//! A plan is a JSON object, `{"launches": [...]}`. Each launch has an `instance_type` and a `region`; `lifecycle`, `count`,
//! `project`, `reservation`, `disks`, `filesystems`, `public_ip`, `restart`, `new_cluster`, `node_group`, `zone` and
//! `accelerators` may be left out and mean what the options of `quotagate check` mean. A disk is a text such as
//! `network-ssd:100GiB`; without `disks` an instance gets the boot disk that `check` gives it, and with `[]` none. Anything
//! else in the object is an error that names its line: a misspelt field would be judged as if it were not there.

#[cfg(test)]
mod tests;

use quotagate::ReservationUse;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_path_to_error::{Path, Segment};

use crate::{
    args::{KindCount, KindSize, LaunchOptions},
    input::Input,
    names,
};

/// A launch of a plan, in the terms of the command line.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The instance type.
    pub(crate) instance_type: String,
    /// Where.
    pub(crate) region: String,
    /// How long the instances may stay, where the plan says so.
    pub(crate) lifecycle: Option<String>,
    /// What is attached to each instance.
    pub(crate) accelerators: Vec<KindCount>,
    /// The rest.
    pub(crate) options: LaunchOptions,
}

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PlanError {
    /// It is not JSON, or not of the form of a plan.
    #[error("the plan `{file}` is malformed at line {line}, column {column}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong, and with which field of which launch.
        reason: String,
        /// The nearest names of fields, for one that there is not.
        near: Option<String>,
    },
    /// There is nothing in it.
    #[error("the plan `{0}` has no launches")]
    Empty(String),
    /// It is no text, or a web page.
    #[error("the plan `{file}` {what}")]
    Other {
        /// The file.
        file: String,
        /// What it is.
        what: nebius_api::text::NotJson,
    },
}

impl PlanError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &str {
        const FORM: &str = "`quotagate check --help` describes plans";
        match self {
            Self::Malformed {
                near: Some(near), ..
            } => near,
            Self::Malformed { .. } | Self::Empty(_) | Self::Other { .. } => FORM,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with a list `launches`")]
struct Plan {
    launches: Vec<Launch>,
}

/// The fields of a launch.
const FIELDS: [&str; 14] = [
    "instance_type",
    "region",
    "lifecycle",
    "count",
    "project",
    "reservation",
    "disks",
    "filesystems",
    "public_ip",
    "restart",
    "new_cluster",
    "node_group",
    "zone",
    "accelerators",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a launch, which is an object")]
struct Launch {
    instance_type: String,
    region: String,
    lifecycle: Option<String>,
    #[serde(default = "one", deserialize_with = "count")]
    count: u32,
    project: Option<String>,
    #[serde(default, deserialize_with = "reservation")]
    reservation: ReservationUse,
    disks: Option<Vec<Size>>,
    #[serde(default)]
    filesystems: Vec<Size>,
    public_ip: Option<String>,
    #[serde(default)]
    restart: bool,
    #[serde(default)]
    new_cluster: bool,
    #[serde(default)]
    node_group: bool,
    // On Nebius a zone is a fabric.
    #[serde(alias = "fabric")]
    zone: Option<String>,
    #[serde(default)]
    accelerators: Vec<Count>,
}

const fn one() -> u32 {
    1
}

/// Reads the launches of a plan.
pub(crate) fn parse(input: &Input) -> Result<Vec<Planned>, PlanError> {
    if let Some(what) = nebius_api::text::unlike_text(&input.bytes) {
        return Err(PlanError::Other {
            file: input.name.clone(),
            what,
        });
    }
    // Some editors put a mark before the text.
    let text = input
        .bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&input.bytes);
    let mut json = serde_json::Deserializer::from_slice(text);
    let malformed = |error: &serde_json::Error, path: Option<&Path>| {
        let words = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = words.strip_suffix(&place).unwrap_or(&words);
        // The hint names the fields that come near.
        let (reason, _) = reason
            .split_once(", expected one of `")
            .unwrap_or((reason, ""));
        PlanError::Malformed {
            file: input.name.clone(),
            line: error.line(),
            column: error.column(),
            reason: match path.and_then(|path| place_of(path, reason)) {
                Some(place) => format!("{place}: {reason}"),
                None => reason.to_owned(),
            },
            near: near(reason),
        }
    };
    let plan: Plan = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| malformed(error.inner(), Some(error.path())))?;
    json.end().map_err(|error| malformed(&error, None))?;
    if plan.launches.is_empty() {
        return Err(PlanError::Empty(input.name.clone()));
    }
    let launches = plan.launches.into_iter();
    Ok(launches.map(Launch::planned).collect())
}

/// The launch and the field that an error is about; none where it is about the whole plan.
fn place_of(path: &Path, reason: &str) -> Option<String> {
    let mut segments = path.iter();
    let launch = segments.find_map(|segment| match segment {
        Segment::Seq { index } => Some(format!("launch {}", index + 1)),
        _ => None,
    })?;
    let field = segments.find_map(|segment| match segment {
        Segment::Map { key } => Some(key),
        _ => None,
    });
    // A field that there is not, or that is missing, names itself.
    let named = field.filter(|field| !reason.contains(&format!("field `{field}`")));
    Some(match named {
        Some(field) => format!("{launch}, `{field}`"),
        None => launch,
    })
}

/// The fields that one that there is not may stand for.
fn near(reason: &str) -> Option<String> {
    let (field, _) = reason.strip_prefix("unknown field `")?.split_once('`')?;
    let full_list = "`quotagate check --help` lists the fields";
    Some(names::hint(field, FIELDS, full_list))
}

impl Launch {
    fn planned(self) -> Planned {
        let sizes = |sizes: Vec<Size>| sizes.into_iter().map(|Size(size)| size).collect();
        let accelerators = self.accelerators.into_iter();
        Planned {
            instance_type: self.instance_type,
            region: self.region,
            lifecycle: self.lifecycle,
            accelerators: accelerators.map(|Count(count)| count).collect(),
            options: LaunchOptions {
                count: self.count,
                project: self.project,
                reservation: self.reservation,
                no_disk: self.disks.as_ref().is_some_and(Vec::is_empty),
                disk: self.disks.map(sizes).unwrap_or_default(),
                filesystem: sizes(self.filesystems),
                public_ip: self.public_ip,
                restart: self.restart,
                new_cluster: self.new_cluster,
                node_group: self.node_group,
                zone: self.zone,
            },
        }
    }
}

/// A kind of accelerator with its number, as text.
struct Count(KindCount);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A kind of disk with its size, as text.
struct Size(KindSize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("a launch has at least one instance")),
        count => Ok(count),
    }
}

/// Reads a word, under the name that the options know it by.
fn reservation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReservationUse, D::Error> {
    let text = String::deserialize(deserializer)?;
    let all = ReservationUse::ALL;
    let found = all.iter().copied().find(|word| word.as_str() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|word| word.as_str()).collect();
        D::Error::custom(format!("`{text}` is none of {}", names.join(", ")))
    })
}
