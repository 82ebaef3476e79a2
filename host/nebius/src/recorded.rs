//! A recorded account: the files of a world as a source, with the answers that the live account gave.

use std::{collections::BTreeSet, path::Path};

use async_trait::async_trait;
use jiff::Timestamp;
use nebius_api::world::{ProjectFiles, Recorded, UnknownWords, World, WorldError};
use quotagate::{
    source::{
        Account, OwnedAllowances, Read, ReservationShare, Source, SourceError, SourceErrorKind,
    },
    types::{Capacity, InstanceType, Reservation},
};

use crate::{
    client::CLOUD,
    convert::{self, Converted},
    pages::ListResponse,
    status::{code_named, kind_of_code, printable},
};

/// An account as a world directory holds it. It asks nobody.
#[derive(Debug)]
pub struct RecordedWorld {
    world: World,
    recorded_at: Option<u64>,
    unknown_words: UnknownWords,
    /// What a project without a folder holds.
    nothing: ProjectFiles,
}

/// Why a recorded account cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedWorldError {
    /// The directory cannot be read.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The date of the recording is none.
    #[error("`recorded.json` says `{value}`, which is no instant of RFC 3339 after 1970: {reason}")]
    RecordedAt {
        /// What it says.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl RecordedWorld {
    /// Reads a world directory.
    ///
    /// # Errors
    /// When it is no world, or a file of it is malformed. A missing file is a source that cannot be read, not an error.
    pub fn read(directory: &Path) -> Result<Self, RecordedWorldError> {
        let (world, unknown_words) = World::read_with_unknown(directory)?;
        Ok(Self {
            unknown_words,
            ..Self::new(world)?
        })
    }

    /// Takes a world that has been read.
    ///
    /// # Errors
    /// When its date is malformed.
    pub fn new(world: World) -> Result<Self, RecordedWorldError> {
        let recorded_at = match &world.recorded_at {
            Some(text) => Some(instant(text)?),
            None => None,
        };
        Ok(Self {
            world,
            recorded_at,
            unknown_words: UnknownWords::new(),
            nothing: ProjectFiles::default(),
        })
    }

    /// When the world was recorded, in milliseconds since the Unix epoch.
    pub const fn recorded_at(&self) -> Option<u64> {
        self.recorded_at
    }

    /// The names of enums in the files that this build does not know, and what it makes of them: one sentence each.
    pub fn unknown_words(&self) -> impl Iterator<Item = String> + '_ {
        self.unknown_words.iter().flat_map(|(file, words)| {
            words.iter().map(move |word| {
                format!(
                    "`{}` says `{}` in `{}`, which this version does not know; it counts as unspecified",
                    printable(file),
                    printable(&word.word),
                    word.field
                )
            })
        })
    }

    /// The tenant's id: what `tenant.json` says, else whom all the projects belong to. Credentials that may not read
    /// the tenant may still list its projects.
    fn tenant(&self) -> Result<String, SourceError> {
        let file = "tenant/tenant.json";
        let missing = match answer(&self.world.tenant, file) {
            Ok(tenant) => match &tenant.metadata {
                Some(metadata) if !metadata.id.is_empty() => return Ok(metadata.id.clone()),
                _ => error(
                    SourceErrorKind::Invalid,
                    format!("`{file}` holds no id of a tenant"),
                ),
            },
            Err(missing) => missing,
        };
        let projects = self.world.projects.answer().into_iter();
        let parents: BTreeSet<&str> = projects
            .flat_map(|list| &list.items)
            .filter_map(|project| project.metadata.as_ref())
            .map(|metadata| metadata.parent_id.as_str())
            .filter(|parent| !parent.is_empty())
            .collect();
        match (parents.first(), parents.len()) {
            (Some(parent), 1) => Ok((*parent).to_owned()),
            _ => Err(missing),
        }
    }

    /// The files of a project. One that is listed and has no folder has no files.
    fn project(&self, id: &str) -> Result<&ProjectFiles, SourceError> {
        if let Some(files) = self.world.by_project.get(id) {
            return Ok(files);
        }
        let projects = self.world.projects.answer().into_iter();
        let is_listed = projects
            .flat_map(|list| &list.items)
            .filter_map(|project| project.metadata.as_ref())
            .any(|metadata| metadata.id == id);
        if is_listed {
            return Ok(&self.nothing);
        }
        Err(error(
            SourceErrorKind::NotFound,
            format!(
                "the recorded world holds no project `{id}`; it holds {}",
                match self.world.by_project.len() {
                    0 => "none".to_owned(),
                    _ => self
                        .world
                        .by_project
                        .keys()
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", "),
                }
            ),
        ))
    }

    fn list<Page, Row>(
        &self,
        recorded: &Recorded<Page>,
        file: &str,
        convert: impl Fn(&[Page::Item]) -> Converted<Row>,
    ) -> Result<Read<Vec<Row>>, SourceError>
    where
        Page: ListResponse,
    {
        let (items, token) = answer(recorded, file)?.parts();
        let interrupted_by = (!token.is_empty()).then(|| {
            error(
                SourceErrorKind::Unavailable,
                format!("`{file}` holds only a part of the list: it has a `next_page_token`; record it again"),
            )
        });
        Ok(convert(items).into_read(interrupted_by, self.recorded_at))
    }
}

#[async_trait]
impl Source for RecordedWorld {
    fn cloud(&self) -> &str {
        CLOUD
    }

    async fn account(&self) -> Result<Read<Account>, SourceError> {
        let tenant = self.tenant()?;
        let file = "tenant/projects.json";
        let projects = self.list(&self.world.projects, file, convert::projects)?;
        Ok(convert::account(tenant, projects))
    }

    async fn tenant_allowances(&self) -> Result<Read<OwnedAllowances>, SourceError> {
        let tenant = self.tenant()?;
        let file = "tenant/allowances.json";
        let rows = self.list(&self.world.allowances, file, convert::allowances)?;
        Ok(convert::owned(tenant, rows))
    }

    async fn project_allowances(
        &self,
        project: &str,
    ) -> Result<Read<OwnedAllowances>, SourceError> {
        let files = self.project(project)?;
        let file = format!("projects/{project}/allowances.json");
        let rows = self.list(&files.allowances, &file, convert::allowances)?;
        Ok(convert::owned(project.to_owned(), rows))
    }

    async fn instance_types(&self, project: &str) -> Result<Read<Vec<InstanceType>>, SourceError> {
        let files = self.project(project)?;
        let file = format!("projects/{project}/platforms.json");
        self.list(&files.platforms, &file, convert::instance_types)
    }

    async fn capacities(&self) -> Result<Read<Vec<Capacity>>, SourceError> {
        let file = "tenant/resource-advice.json";
        self.list(&self.world.resource_advice, file, convert::capacities)
    }

    async fn reservations(&self) -> Result<Read<Vec<Reservation>>, SourceError> {
        let file = "tenant/capacity-block-groups.json";
        self.list(
            &self.world.capacity_block_groups,
            file,
            convert::reservations,
        )
    }

    async fn reservation_shares(
        &self,
        project: &str,
    ) -> Result<Read<Vec<ReservationShare>>, SourceError> {
        let files = self.project(project)?;
        let file = format!("projects/{project}/capacity-allowances.json");
        self.list(
            &files.capacity_allowances,
            &file,
            convert::reservation_shares,
        )
    }
}

/// What a file answers; `file` is its path in the world.
fn answer<'a, T>(recorded: &'a Recorded<T>, file: &str) -> Result<&'a T, SourceError> {
    match recorded {
        Recorded::Answer(answer) => Ok(answer),
        Recorded::Error(refused) => Err(error(
            kind_of_code(code_named(&refused.code)),
            format!(
                "`{file}` holds an error instead of an answer, {}: {}",
                printable(&refused.code),
                printable(&refused.message)
            ),
        )),
        Recorded::Missing => Err(error(
            SourceErrorKind::Unavailable,
            format!("the recorded world has no `{file}`"),
        )),
    }
}

fn instant(text: &str) -> Result<u64, RecordedWorldError> {
    let wrong = |reason: String| RecordedWorldError::RecordedAt {
        value: text.to_owned(),
        reason,
    };
    let timestamp: Timestamp = text
        .parse()
        .map_err(|error: jiff::Error| wrong(error.to_string()))?;
    u64::try_from(timestamp.as_millisecond()).map_err(|_| wrong("it is before 1970".to_owned()))
}

const fn error(kind: SourceErrorKind, message: String) -> SourceError {
    SourceError::new(kind, message)
}
