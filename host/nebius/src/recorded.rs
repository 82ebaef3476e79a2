//! A recorded account: the files of a world as a source, with the answers that the live account gave.

use std::{collections::BTreeSet, path::Path};

use async_trait::async_trait;
use jiff::Timestamp;
use nebius_api::world::{ProjectFiles, Recorded, UnknownWords, World, WorldError};
use quotagate::{
    Owner, Place,
    source::{Account, Answer, Read, Source, SourceError, SourceErrorKind, SourceId},
};

use crate::{
    client::CLOUD,
    convert::{self, Converted},
    error::CloudRefusal,
    pages::ListResponse,
    sources::{Asked, sources},
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
    /// Whether a directory is a world of this cloud, by its files.
    pub fn is_at(directory: &Path) -> bool {
        World::is_at(directory)
    }

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

    /// Where a project lives, by the list of projects.
    fn home_of(&self, id: &str) -> Place {
        let projects = self.world.projects.answer().into_iter();
        let known = projects.flat_map(|list| &list.items).find(|project| {
            let metadata = project.metadata.as_ref();
            metadata.is_some_and(|metadata| metadata.id == id)
        });
        known.map_or(Place::EVERYWHERE, convert::region_of)
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

    fn chain(&self, project: &str) -> Vec<Owner> {
        convert::chain(self.tenant().ok().as_deref(), project)
    }

    fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
        sources(self.tenant().ok().as_deref(), account)
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        Ok(match Asked::of(source)? {
            Asked::Account => {
                let tenant = self.tenant()?;
                let file = "tenant/projects.json";
                let projects = self.list(&self.world.projects, file, convert::projects)?;
                convert::account(&tenant, projects).map(Answer::Account)
            }
            Asked::TenantAllowances => {
                let tenant = self.tenant()?;
                let file = "tenant/allowances.json";
                let convert = |rows: &[_]| convert::allowances(&tenant, rows);
                self.list(&self.world.allowances, file, convert)?
                    .map(Answer::Rows)
            }
            Asked::ProjectAllowances(project) => {
                let files = self.project(project)?;
                let file = format!("projects/{project}/allowances.json");
                let convert = |rows: &[_]| convert::allowances(project, rows);
                self.list(&files.allowances, &file, convert)?
                    .map(Answer::Rows)
            }
            Asked::InstanceTypes(project) => {
                let files = self.project(project)?;
                let home = self.home_of(project);
                let file = format!("projects/{project}/platforms.json");
                let convert = |items: &[_]| convert::instance_types(&home, items);
                self.list(&files.platforms, &file, convert)?
                    .map(convert::types_answer)
            }
            Asked::Capacities => {
                let file = "tenant/resource-advice.json";
                self.list(&self.world.resource_advice, file, convert::capacities)?
                    .map(Answer::Capacities)
            }
            Asked::Reservations => {
                // Who may not read the tenant may still read its blocks.
                let tenant = self.tenant().unwrap_or_default();
                let file = "tenant/capacity-block-groups.json";
                let convert = |blocks: &[_]| convert::reservations(&tenant, blocks);
                self.list(&self.world.capacity_block_groups, file, convert)?
                    .map(Answer::Reservations)
            }
            Asked::ReservationShares(project) => {
                let files = self.project(project)?;
                let file = format!("projects/{project}/capacity-allowances.json");
                let convert = |rows: &[_]| convert::reservation_shares(project, rows);
                self.list(&files.capacity_allowances, &file, convert)?
                    .map(Answer::Shares)
            }
        })
    }
}

/// What a file answers; `file` is its path in the world.
fn answer<'a, T>(recorded: &'a Recorded<T>, file: &str) -> Result<&'a T, SourceError> {
    match recorded {
        Recorded::Answer(answer) => Ok(answer),
        Recorded::Error(refused) => {
            let refusal = CloudRefusal {
                code: printable(&refused.code),
                service_code: None,
                request_id: None,
                text: printable(&refused.message),
            };
            let text = format!("`{file}` holds an error instead of an answer, {refusal}");
            let kind = kind_of_code(code_named(&refused.code));
            Err(error(kind, text).because(refusal))
        }
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
