//! The files of a world, read: what people really have, and what a file is that is none of it.

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
    Deserialize,
    de::{DeserializeSeed, Error as _},
};

use super::{Recorded, UnknownWord, UnknownWords, WorldError, error::LARGEST};
use crate::{
    nebius::iam::{
        v1,
        v2::{ListProjectsResponse, ProjectSpec, ProjectStatus, project_status::ProjectState},
    },
    plan::Plans,
    reader::{Context, Top, TopSeed},
    text,
};

/// What a file holds where it holds an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One object.
    Object,
    /// A list, with or without its envelope.
    List,
}

#[derive(Deserialize)]
struct RecordedAt {
    recorded_at: String,
}

/// Where the files of a world come from; names are paths below the world's root with `/` between the parts.
pub(super) trait Files {
    fn bytes(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, WorldError>;
    fn project_ids(&self) -> Result<BTreeSet<String>, WorldError>;
    /// The name as an error should show it.
    fn path(&self, name: &str) -> PathBuf;
}

/// A world on a disk.
pub(super) struct Directory<'a>(pub(super) &'a Path);

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
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    unknown: UnknownWords,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub(super) const fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            unknown: BTreeMap::new(),
        }
    }

    /// The names that this build does not know, of all the files that were read.
    pub(super) fn into_unknown(self) -> UnknownWords {
        self.unknown
    }

    /// An optional list: no file means that there is nothing of the kind.
    pub(super) fn optional<M>(&mut self, name: &str) -> Result<Recorded<M>, WorldError>
    where
        M: prost::Message + Name + Default,
    {
        Ok(match self.message(name, Shape::List)? {
            Recorded::Missing => Recorded::Answer(M::default()),
            read => read,
        })
    }

    pub(super) fn message<M>(&mut self, name: &str, shape: Shape) -> Result<Recorded<M>, WorldError>
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
    pub(super) fn projects(
        &mut self,
        name: &str,
    ) -> Result<Recorded<ListProjectsResponse>, WorldError> {
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
            let state = of_suspension(status.suspension_state).or_else(|| {
                (status.container_state != 0).then(|| of_first_version(status.container_state))
            });
            if let Some(state) = state {
                project.status = Some(ProjectStatus {
                    project_state: state.into(),
                });
            }
        }
        Ok(read)
    }

    pub(super) fn recorded_at(&self, name: &str) -> Result<Option<String>, WorldError> {
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

/// What the first version calls suspended the second calls parked. None where nothing is suspended.
fn of_suspension(state: i32) -> Option<ProjectState> {
    use v1::SuspensionState;
    match SuspensionState::try_from(state) {
        Ok(SuspensionState::Unspecified | SuspensionState::None) => None,
        Ok(SuspensionState::Suspending) => Some(ProjectState::Parking),
        Ok(SuspensionState::Suspended) => Some(ProjectState::Parked),
        Ok(SuspensionState::Resuming) => Some(ProjectState::Activating),
        Err(_) => Some(ProjectState::StateUnspecified),
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

fn unreadable(path: &Path, source: std::io::Error) -> WorldError {
    WorldError::Io {
        verb: "read",
        path: path.to_owned(),
        source,
    }
}
