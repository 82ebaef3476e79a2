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

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use prost::Name;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, Error as _},
};

use crate::{
    batch::{Batch, Refused},
    json,
    nebius::{
        capacity::v1::{
            ListCapacityAllowancesResponse, ListCapacityBlockGroupsResponse,
            ListResourceAdviceResponse,
        },
        compute::v1::ListPlatformsResponse,
        iam::{
            v1,
            v2::{
                ListProjectsResponse, ProjectSpec, ProjectStatus, Tenant,
                project_status::ProjectState,
            },
        },
        quotas::v1::ListQuotaAllowancesResponse,
    },
    plan::Plans,
    reader::{Context, Top, TopSeed},
    text::{self, NotJson},
};

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

/// Why a world could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The directory is not there, or holds nothing of a world.
    #[error("no world at `{}`: a world has the folders `tenant` and `projects`", .0.display())]
    NoWorld(PathBuf),
    /// A file is not JSON.
    #[error("`{}` {what}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: NotJson,
    },
    /// A file is not the JSON that the official CLI prints.
    #[error("`{}` is malformed{}: {source}; give what {} prints", path.display(), at(field), command(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The field, such as `items[3].spec.limit`; empty where it is none.
        field: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A file is JSON but holds neither a list nor an error.
    #[error("`{}` holds neither `items` nor an `error`, but {}; give what {} prints", path.display(), named(fields), command(path))]
    NotAList {
        /// The file.
        path: PathBuf,
        /// The fields that it holds.
        fields: Vec<String>,
    },
    /// A file is too large.
    #[error("`{}` is larger than {} MiB, and no list is", .0.display(), LARGEST >> 20)]
    TooLarge(PathBuf),
    /// A project's id cannot be the name of a folder.
    #[error("the project id `{0}` cannot name a folder")]
    ProjectId(String),
    /// The file system refused.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// More than the longest list that a cloud hands out.
const LARGEST: u64 = 512 << 20;

/// How many fields an error lists.
const LISTED: usize = 8;

fn at(field: &str) -> String {
    match field {
        "" | "." => String::new(),
        field => format!(" at `{field}`"),
    }
}

fn named(fields: &[String]) -> String {
    let shown = fields.iter().take(LISTED);
    let shown: Vec<_> = shown
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    let more = if fields.len() > LISTED {
        " and more"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

/// The command whose output a file holds.
fn command(path: &Path) -> &'static str {
    let below_project = path.iter().any(|part| part == "projects");
    match path.file_name().and_then(|name| name.to_str()) {
        Some("tenant.json") => "`nebius iam tenant get --format json`",
        Some("projects.json") => "`nebius iam project list --format json`",
        Some("allowances.json") if below_project => {
            "`nebius quotas quota-allowance list --parent-id PROJECT --format json`"
        }
        Some("allowances.json") => {
            "`nebius quotas quota-allowance list --parent-id TENANT --format json`"
        }
        Some("platforms.json") => "`nebius compute platform list --format json`",
        Some("resource-advice.json") => "`nebius capacity resource-advice list --format json`",
        Some("capacity-block-groups.json") => {
            "`nebius capacity capacity-block-group list --format json`"
        }
        Some("capacity-allowances.json") => {
            "`nebius capacity capacity-allowance list --format json`"
        }
        _ => "`quotagate record`",
    }
}

impl World {
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
        if !root.join("tenant").is_dir() && !root.join("projects").is_dir() {
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
        let mut reader = Reader {
            files,
            unknown: BTreeMap::new(),
        };
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
        Ok((world, reader.unknown))
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Object,
    List,
}

#[derive(Deserialize)]
struct RecordedAt {
    recorded_at: String,
}

/// Where the files of a world come from; names are paths below the world's root with `/` between the parts.
trait Files {
    fn bytes(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, WorldError>;
    fn project_ids(&self) -> Result<BTreeSet<String>, WorldError>;
    /// The name as an error should show it.
    fn path(&self, name: &str) -> PathBuf;
}

struct Directory<'a>(&'a Path);

impl Files for Directory<'_> {
    fn bytes(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, WorldError> {
        let path = self.path(name);
        let mut bytes = Vec::new();
        let file = File::open(&path);
        match file.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
            Ok(length) if length as u64 > LARGEST => Err(WorldError::TooLarge(path)),
            Ok(_) => Ok(Some(Cow::Owned(bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(unreadable(&path, source)),
        }
    }

    fn project_ids(&self) -> Result<BTreeSet<String>, WorldError> {
        let folder = self.0.join("projects");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(source) => return Err(unreadable(&folder, source)),
        };
        let mut ids = BTreeSet::new();
        for entry in entries {
            let path = entry.map_err(|source| unreadable(&folder, source))?.path();
            let id = path.file_name().and_then(|name| name.to_str());
            ids.extend(id.filter(|_| path.is_dir()).map(str::to_owned));
        }
        Ok(ids)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Files for BTreeMap<String, String> {
    fn bytes(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, WorldError> {
        Ok(self.get(name).map(|text| Cow::Borrowed(text.as_bytes())))
    }

    fn project_ids(&self) -> Result<BTreeSet<String>, WorldError> {
        let below = self
            .keys()
            .filter_map(|name| name.strip_prefix("projects/"));
        let ids = below.filter_map(|name| name.split_once('/'));
        Ok(ids.map(|(id, _)| id.to_owned()).collect())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

/// Reads the files of one world.
struct Reader<'a> {
    files: &'a dyn Files,
    unknown: UnknownWords,
}

impl Reader<'_> {
    /// An optional list: no file means that there is nothing of the kind.
    fn optional<M>(&mut self, name: &str) -> Result<Recorded<M>, WorldError>
    where
        M: prost::Message + Name + Default,
    {
        Ok(match self.message(name, Shape::List)? {
            Recorded::Missing => Recorded::Answer(M::default()),
            read => read,
        })
    }

    fn message<M>(&mut self, name: &str, shape: Shape) -> Result<Recorded<M>, WorldError>
    where
        M: prost::Message + Name + Default,
    {
        let Some(bytes) = self.files.bytes(name)? else {
            return Ok(Recorded::Missing);
        };
        let path = self.files.path(name);
        let unknown = RefCell::default();
        let top = parse(&path, &bytes, |json, track| {
            top_of::<M>(json, track, &unknown)
        })?;
        let unknown = unknown.into_inner();
        if !unknown.is_empty() {
            self.unknown
                .entry(name.to_owned())
                .or_default()
                .extend(unknown);
        }
        if let Some(error) = top.error {
            return Ok(Recorded::Error(error));
        }
        // The CLI leaves an empty list out, so `{}` is one, and so is a page of nothing but a token; any other object
        // without `items` is some other file.
        if shape == Shape::List && top.known.is_empty() && !top.unknown.is_empty() {
            return Err(WorldError::NotAList {
                path,
                fields: top.unknown,
            });
        }
        match M::decode(top.wire.as_slice()) {
            Ok(message) => Ok(Recorded::Answer(message)),
            Err(error) => Err(WorldError::Malformed {
                path,
                field: String::new(),
                source: serde_json::Error::custom(error),
            }),
        }
    }

    /// The projects, in either version of the API: the first has no region in `spec`, and its state under another name.
    fn projects(&mut self, name: &str) -> Result<Recorded<ListProjectsResponse>, WorldError> {
        let mut read: Recorded<ListProjectsResponse> = self.message(name, Shape::List)?;
        let Recorded::Answer(list) = &mut read else {
            return Ok(read);
        };
        let first: Recorded<v1::ListProjectsResponse> = self.message(name, Shape::List)?;
        let Recorded::Answer(first) = first else {
            return Ok(read);
        };
        for (project, container) in list.items.iter_mut().zip(first.items) {
            let Some(status) = container.status else {
                continue;
            };
            let spec = project.spec.get_or_insert_with(ProjectSpec::default);
            if spec.region.is_empty() {
                spec.region.clone_from(&status.region);
            }
            if status.container_state != 0 {
                project.status = Some(ProjectStatus {
                    project_state: of_first_version(status.container_state).into(),
                });
            }
        }
        Ok(read)
    }

    fn recorded_at(&self, name: &str) -> Result<Option<String>, WorldError> {
        let Some(bytes) = self.files.bytes(name)? else {
            return Ok(None);
        };
        let marker = parse(&self.files.path(name), &bytes, |json, track| match track {
            Some(track) => {
                RecordedAt::deserialize(serde_path_to_error::Deserializer::new(json, track))
            }
            None => RecordedAt::deserialize(json),
        })?;
        Ok(Some(marker.recorded_at))
    }
}

/// A state of the first version of the API in the words of the second, which calls everything on its way out purging. Of one
/// that it has no word for, nothing is known.
fn of_first_version(state: i32) -> ProjectState {
    use v1::State;
    match State::try_from(state).unwrap_or(State::Unspecified) {
        State::Creating => ProjectState::Creating,
        State::Created => ProjectState::Created,
        State::Activating => ProjectState::Activating,
        State::Active => ProjectState::Active,
        State::Parking => ProjectState::Parking,
        State::Parked => ProjectState::Parked,
        State::SchedulingForDeletion
        | State::ScheduledForDeletion
        | State::SchedulingForDeletionByParent
        | State::ScheduledForDeletionByParent
        | State::Purging
        | State::Purged => ProjectState::Purging,
        State::Undeleting | State::Unspecified => ProjectState::StateUnspecified,
    }
}

/// What a parser of JSON reads from.
type Json<'a, 'text> = &'a mut serde_json::Deserializer<serde_json::de::StrRead<'text>>;

/// Parses a file. What parses at once costs nothing more; what does not is looked at for what it is.
fn parse<T>(
    path: &Path,
    bytes: &[u8],
    read: impl Fn(Json<'_, '_>, Option<&mut serde_path_to_error::Track>) -> Result<T, serde_json::Error>,
) -> Result<T, WorldError> {
    let whole = |text: &str, track: Option<&mut serde_path_to_error::Track>| {
        let mut json = serde_json::Deserializer::from_str(text);
        let value = read(&mut json, track)?;
        json.end()?;
        Ok(value)
    };
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(value) = whole(text, None)
    {
        return Ok(value);
    }
    let text = text::json_of(bytes).map_err(|what| WorldError::NotJson {
        path: path.to_owned(),
        what,
    })?;
    let mut track = serde_path_to_error::Track::new();
    whole(&text, Some(&mut track)).map_err(|source: serde_json::Error| WorldError::Malformed {
        path: path.to_owned(),
        field: track.path().to_string(),
        source,
    })
}

fn top_of<M: Name>(
    json: Json<'_, '_>,
    track: Option<&mut serde_path_to_error::Track>,
    unknown_words: &RefCell<BTreeSet<UnknownWord>>,
) -> Result<Top, serde_json::Error> {
    let plans = Plans::get().map_err(serde_json::Error::custom)?;
    let name = M::full_name();
    let message = plans.find(&name).and_then(|place| plans.message(place));
    let message = message.ok_or_else(|| {
        serde_json::Error::custom(format_args!("no message `{name}` in the definitions"))
    })?;
    let context = Context {
        plans,
        unknown_words,
    };
    let seed = TopSeed { context, message };
    match track {
        Some(track) => seed.deserialize(serde_path_to_error::Deserializer::new(json, track)),
        None => seed.deserialize(json),
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

fn unreadable(path: &Path, source: std::io::Error) -> WorldError {
    WorldError::Io {
        verb: "read",
        path: path.to_owned(),
        source,
    }
}

fn unwritable((path, source): Refused) -> WorldError {
    WorldError::Io {
        verb: "write",
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_written_world_reads_back_equal() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            "tenant/allowances.json",
            r#"{"items": [{"metadata": {"name": "q"}, "spec": {"region": "r", "limit": "18446744073709551615"},
                "status": {"state": "STATE_ACTIVE", "usage": 7, "usage_state": "USAGE_STATE_USED"}}]}"#,
        );
        write(
            folder.path(),
            "tenant/projects.json",
            r#"{"error": {"code": "PERMISSION_DENIED", "message": "no viewer"}}"#,
        );
        let world = World::read(folder.path()).unwrap();
        let name = "tenant/allowances.json".to_owned();
        let text = fs::read_to_string(folder.path().join(&name)).unwrap();
        let in_memory = World::from_texts(&BTreeMap::from([(name, text)])).unwrap();
        assert_eq!(in_memory.allowances, world.allowances);

        let copy = tempfile::tempdir().unwrap();
        world.write(copy.path()).unwrap();
        let again = World::read(copy.path()).unwrap();

        assert_eq!(world, again);
        let rows = again.allowances.answer().unwrap();
        let row = rows.items.first().unwrap();
        assert_eq!(row.spec.as_ref().unwrap().limit, Some(u64::MAX));
        assert_eq!(row.status.as_ref().unwrap().usage, 7);
        assert!(matches!(again.projects, Recorded::Error(error) if error.message == "no viewer"));
        assert_eq!(again.tenant, Recorded::Missing);
    }

    #[test]
    fn an_unset_limit_is_not_a_zero() {
        let folder = tempfile::tempdir().unwrap();
        let rows = r#"{"items": [{"spec": {"limit": "0"}}, {"spec": {}}]}"#;
        write(folder.path(), "tenant/allowances.json", rows);
        let world = World::read(folder.path()).unwrap();
        let limits: Vec<_> = world
            .allowances
            .answer()
            .unwrap()
            .items
            .iter()
            .map(|row| row.spec.as_ref().unwrap().limit)
            .collect();
        assert_eq!(limits, [Some(0), None]);
    }

    #[test]
    fn what_a_newer_cli_prints_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let rows = r#"{"items": [{"brand_new": 1, "status": {"state": "STATE_BRAND_NEW"}}]}"#;
        write(folder.path(), "tenant/allowances.json", rows);
        let world = World::read(folder.path()).unwrap();
        let status = world
            .allowances
            .answer()
            .unwrap()
            .items
            .first()
            .unwrap()
            .status
            .clone()
            .unwrap();
        assert_eq!(status.state, 0);
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            "tenant/allowances.json",
            "{\"items\": [\n{\"spec\": {\"limit\": \"many\"}}\n]}",
        );
        let error = World::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("tenant/allowances.json"), "{error}");
        assert!(error.contains("line 2"), "{error}");

        write(folder.path(), "tenant/allowances.json", "{\"rows\": []}");
        let error = World::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("neither `items` nor an `error`"), "{error}");

        let error = World::read(&folder.path().join("nowhere")).unwrap_err();
        assert!(matches!(error, WorldError::NoWorld(_)));
    }

    #[test]
    fn a_world_that_cannot_be_written_whole_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World {
            recorded_at: Some("2026-01-01T00:00:00Z".to_owned()),
            ..World::default()
        };
        world.allowances = Recorded::Answer(ListQuotaAllowancesResponse::default());
        world.write(folder.path()).unwrap();
        let before = files(folder.path());
        // What comes last of the lists has no room.
        fs::write(folder.path().join("projects/project-e00"), "no folder").unwrap();
        let mut newer = world.clone();
        newer.allowances = Recorded::Error(RecordedError {
            code: "UNAVAILABLE".to_owned(),
            message: String::new(),
        });
        let files_of_project = ProjectFiles {
            allowances: world.allowances.clone(),
            ..ProjectFiles::default()
        };
        newer
            .by_project
            .insert("project-e00".to_owned(), files_of_project);
        assert!(matches!(
            newer.write(folder.path()),
            Err(WorldError::Io { .. })
        ));
        fs::remove_file(folder.path().join("projects/project-e00")).unwrap();
        assert_eq!(files(folder.path()), before);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let world = folder.path().join("world");
        fs::create_dir_all(world.join("tenant")).unwrap();
        std::os::unix::fs::symlink(&victim, world.join("tenant/allowances.json")).unwrap();
        let written = World {
            allowances: Recorded::Answer(ListQuotaAllowancesResponse::default()),
            ..World::default()
        };
        written.write(&world).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(World::read(&world).unwrap().allowances, written.allowances);
    }

    /// Every file with its text.
    fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn a_project_id_from_outside_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::default();
        world
            .by_project
            .insert("../evil".to_owned(), ProjectFiles::default());
        assert!(matches!(
            world.write(folder.path()),
            Err(WorldError::ProjectId(_))
        ));
    }
}
