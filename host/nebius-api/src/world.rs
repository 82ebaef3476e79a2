//! A world: one account in a directory, each file what the official CLI prints for it.
//!
//! ```text
//! WORLD/
//!   tenant/tenant.json  projects.json  allowances.json
//!          resource-advice.json  capacity-block-groups.json     (optional)
//!   projects/<project-id>/allowances.json  platforms.json
//!          capacity-allowances.json                             (optional)
//!   recorded.json   {"recorded_at": RFC 3339}                   (optional)
//! ```
//!
//! A missing file is a source that could not be read, a missing optional file an empty list, and a file
//! `{"error": {"code": "PERMISSION_DENIED", "message": "..."}}` a source that answered so. A list that still carries a
//! `next_page_token` is the first part of a longer one.
//!
//! Read too: a list without its envelope, projects as the first version of the API has them, a byte order mark, and what
//! the CLI tells around its JSON. What else a file may hold by mistake is named in the error.

mod error;
mod reading;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use prost::Name;
use serde::{Deserialize, Deserializer, Serialize};

use self::reading::{Directory, Files, Reader, Shape};
use crate::{
    batch::{Batch, Refused},
    json,
    nebius::{
        capacity::v1::{
            ListCapacityAllowancesResponse, ListCapacityBlockGroupsResponse,
            ListResourceAdviceResponse,
        },
        compute::v1::ListPlatformsResponse,
        iam::v2::{ListProjectsResponse, Tenant},
        quotas::v1::ListQuotaAllowancesResponse,
    },
};

pub use self::error::WorldError;
pub use crate::reader::UnknownWord;

/// One account as files hold it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// `tenant/tenant.json`
    pub tenant: Recorded<Tenant>,
    /// `tenant/projects.json`
    pub projects: Recorded<ListProjectsResponse>,
    /// `tenant/allowances.json`
    pub allowances: Recorded<ListQuotaAllowancesResponse>,
    /// `tenant/resource-advice.json`
    pub resource_advice: Recorded<ListResourceAdviceResponse>,
    /// `tenant/capacity-block-groups.json`
    pub capacity_block_groups: Recorded<ListCapacityBlockGroupsResponse>,
    /// `projects/<project-id>/`, by project id.
    pub by_project: BTreeMap<String, ProjectFiles>,
    /// `recorded.json`: when the world was read from a live account, as RFC 3339.
    pub recorded_at: Option<String>,
}

/// The files of one project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectFiles {
    /// `allowances.json`
    pub allowances: Recorded<ListQuotaAllowancesResponse>,
    /// `platforms.json`
    pub platforms: Recorded<ListPlatformsResponse>,
    /// `capacity-allowances.json`
    pub capacity_allowances: Recorded<ListCapacityAllowancesResponse>,
}

/// What a file of a world holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Recorded<T> {
    /// The answer of the cloud.
    Answer(T),
    /// The cloud answered with this error.
    Error(RecordedError),
    /// There is no such file: nobody knows.
    #[default]
    Missing,
}

/// An error of the cloud, as a world records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedError {
    /// The name of the gRPC status, such as `PERMISSION_DENIED`, or its number.
    #[serde(deserialize_with = "code")]
    pub code: String,
    /// The message of the status.
    #[serde(default)]
    pub message: String,
}

/// Names of enums that this build does not know, by file.
pub type UnknownWords = BTreeMap<String, BTreeSet<UnknownWord>>;

impl World {
    /// Whether a directory is a world, by its files.
    pub fn is_at(root: &Path) -> bool {
        root.join("tenant").is_dir() || root.join("projects").is_dir()
    }

    /// Reads a world.
    ///
    /// # Errors
    /// When the directory is no world, or a file of it is malformed or unreadable. A missing file is no error.
    pub fn read(root: &Path) -> Result<Self, WorldError> {
        Ok(Self::read_with_unknown(root)?.0)
    }

    /// Reads a world, with the names of enums in it that this build does not know, by file. They read as unspecified.
    ///
    /// # Errors
    /// As [`World::read`].
    pub fn read_with_unknown(root: &Path) -> Result<(Self, UnknownWords), WorldError> {
        if !Self::is_at(root) {
            return Err(WorldError::NoWorld(root.to_owned()));
        }
        Self::load(&Directory(root))
    }

    /// Reads a world held in memory: each file's text by its path below the world's root, such as
    /// `tenant/allowances.json`.
    ///
    /// # Errors
    /// As [`World::read`].
    pub fn from_texts(texts: &BTreeMap<String, String>) -> Result<Self, WorldError> {
        if texts.is_empty() {
            return Err(WorldError::NoWorld(PathBuf::new()));
        }
        Ok(Self::load(texts)?.0)
    }

    fn load(files: &dyn Files) -> Result<(Self, UnknownWords), WorldError> {
        let mut reader = Reader::new(files);
        let mut by_project = BTreeMap::new();
        for id in files.project_ids()? {
            let name = |file: &str| format!("projects/{id}/{file}.json");
            let project = ProjectFiles {
                allowances: reader.message(&name("allowances"), Shape::List)?,
                platforms: reader.message(&name("platforms"), Shape::List)?,
                capacity_allowances: reader.optional(&name("capacity-allowances"))?,
            };
            by_project.insert(id, project);
        }
        let world = Self {
            tenant: reader.message("tenant/tenant.json", Shape::Object)?,
            projects: reader.projects("tenant/projects.json")?,
            allowances: reader.message("tenant/allowances.json", Shape::List)?,
            resource_advice: reader.optional("tenant/resource-advice.json")?,
            capacity_block_groups: reader.optional("tenant/capacity-block-groups.json")?,
            by_project,
            recorded_at: reader.recorded_at("recorded.json")?,
        };
        Ok((world, reader.into_unknown()))
    }

    /// Writes the world below `root`, creating folders as needed and replacing files of the same name: none before all are
    /// on the disk, and each whole or not at all. A source that is [`Recorded::Missing`] leaves no file, and an older one of
    /// its name is removed.
    ///
    /// # Errors
    /// When the file system refuses, or a project's id cannot be the name of a folder.
    pub fn write(&self, root: &Path) -> Result<(), WorldError> {
        if let Some(id) = self.by_project.keys().find(|id| !names_a_folder(id)) {
            return Err(WorldError::ProjectId(id.clone()));
        }
        let tenant = root.join("tenant");
        let mut batch = Batch::default();
        stage(&mut batch, &tenant.join("tenant.json"), &self.tenant)?;
        stage(&mut batch, &tenant.join("projects.json"), &self.projects)?;
        stage(
            &mut batch,
            &tenant.join("allowances.json"),
            &self.allowances,
        )?;
        let advice = tenant.join("resource-advice.json");
        stage(&mut batch, &advice, &self.resource_advice)?;
        let blocks = tenant.join("capacity-block-groups.json");
        stage(&mut batch, &blocks, &self.capacity_block_groups)?;
        for (id, files) in &self.by_project {
            let folder = root.join("projects").join(id);
            stage(
                &mut batch,
                &folder.join("allowances.json"),
                &files.allowances,
            )?;
            stage(&mut batch, &folder.join("platforms.json"), &files.platforms)?;
            let shares = folder.join("capacity-allowances.json");
            stage(&mut batch, &shares, &files.capacity_allowances)?;
        }
        // A world without projects is one all the same.
        let projects = root.join("projects");
        fs::create_dir_all(&projects).map_err(|source| unwritable((projects, source)))?;
        // The last: rows that are newer than the date are only taken for older than they are.
        if let Some(recorded_at) = &self.recorded_at {
            let marker = serde_json::json!({ "recorded_at": recorded_at });
            let text = format!("{marker:#}\n");
            batch
                .write(&root.join("recorded.json"), &text)
                .map_err(unwritable)?;
        }
        batch.commit().map_err(unwritable)
    }
}

impl<T> Recorded<T> {
    /// The answer, where the file holds one.
    pub const fn answer(&self) -> Option<&T> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Error(_) | Self::Missing => None,
        }
    }
}

fn stage<M>(batch: &mut Batch, path: &Path, recorded: &Recorded<M>) -> Result<(), WorldError>
where
    M: prost::Message + Name + Default,
{
    let value = match recorded {
        Recorded::Answer(message) => {
            json::to_value(message).map_err(|source| WorldError::Malformed {
                path: path.to_owned(),
                field: String::new(),
                source,
            })?
        }
        Recorded::Error(error) => serde_json::json!({ "error": error }),
        Recorded::Missing => {
            batch.remove(path);
            return Ok(());
        }
    };
    batch
        .write(path, &format!("{value:#}\n"))
        .map_err(unwritable)
}

fn names_a_folder(id: &str) -> bool {
    !id.is_empty()
        && !id.starts_with('.')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn unwritable((path, source): Refused) -> WorldError {
    WorldError::Io {
        verb: "write",
        path,
        source,
    }
}

/// A status of gRPC by its name or its number.
fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected the name of a status, or its number")]
    enum Code {
        Name(String),
        Number(u8),
    }
    Ok(match Code::deserialize(deserializer)? {
        Code::Name(name) => name,
        Code::Number(number) => number.to_string(),
    })
}
