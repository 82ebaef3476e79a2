//! A source whose answers are data: for tests, for documentation, for an account that was written down.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use quotagate_contract::{SourceReport, SourceState};

use crate::{
    inventory::{Part, id_of, parts},
    source::{Account, Answer, Read, Source, SourceError, SourceErrorKind, SourceId},
};

/// An account as data. What [`quotagate_contract::Inventory::sources`] says of a list is what asking for it comes to: one that
/// was denied is denied again. Lists that it says nothing of were read to their end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use quotagate::{Inventory, Owner, Row, Source, StaticSource, source::Answer};
///
/// let account = quotagate::ContractInventory {
///     owners: vec![vec![Owner { id: "p".into(), level: "project".into(), ..Owner::default() }]],
///     rows: vec![Row { key: "p/cpus".into(), quota: "cpus".into(), owner: "p".into(), ..Row::default() }],
///     ..Default::default()
/// };
/// let source = StaticSource::new("mine", account);
/// let ids = source.sources(None);
/// let rows = ids.iter().find(|id| id.key == "rows").unwrap();
/// assert!(matches!(source.ask(rows).await.unwrap().value, Answer::Rows(rows) if rows.len() == 1));
/// # }
/// ```
pub struct StaticSource {
    cloud: String,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    parts: Vec<Part>,
    failing: BTreeMap<String, SourceError>,
}

impl StaticSource {
    /// An account of a cloud.
    pub fn new(cloud: impl Into<String>, account: quotagate_contract::Inventory) -> Self {
        Self {
            cloud: cloud.into(),
            said: Mutex::new(Said {
                parts: parts(account),
                failing: BTreeMap::new(),
            }),
        }
    }

    /// The account is another one from now on, and no list fails any more.
    pub fn set(&self, account: quotagate_contract::Inventory) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = Said {
            parts: parts(account),
            failing: BTreeMap::new(),
        };
    }

    /// The list of this key fails from now on.
    pub fn fail(&self, key: &str, error: SourceError) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.failing.insert(key.to_owned(), error);
    }

    fn read(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = said.failing.get(&source.key) {
            return Err(error.clone());
        }
        let part = said.parts.iter().find(|part| part.report.key == source.key);
        let Some(Part { report, answer }) = part else {
            return Err(SourceError::new(
                SourceErrorKind::NotFound,
                format!("there is no source {}", source.key),
            ));
        };
        let interrupted_by = error_of(report)?;
        Ok(Read {
            value: answer.clone(),
            interrupted_by,
            recorded_at: (report.fetched_at > 0).then_some(report.fetched_at),
        })
    }
}

/// Why a list is not there, or why there may be more of it.
fn error_of(report: &SourceReport) -> Result<Option<SourceError>, SourceError> {
    let error = |kind| {
        let otherwise = || format!("{} was written down as {}", report.key, report.state);
        SourceError::new(kind, report.detail.clone().unwrap_or_else(otherwise))
    };
    match report.state {
        SourceState::Complete => Ok(None),
        SourceState::Incomplete => Ok(Some(error(SourceErrorKind::Unavailable))),
        SourceState::Denied => Err(error(SourceErrorKind::Denied)),
        SourceState::Unavailable => Err(error(SourceErrorKind::Unavailable)),
        SourceState::Unsupported => Err(error(SourceErrorKind::Unsupported)),
    }
}

#[async_trait]
impl Source for StaticSource {
    fn cloud(&self) -> &str {
        &self.cloud
    }

    fn sources(&self, _account: Option<&Account>) -> Vec<SourceId> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.parts.iter().map(|part| id_of(&part.report)).collect()
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        self.read(source)
    }
}
