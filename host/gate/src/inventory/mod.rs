//! The host's view of the account: what each source answered, with its state and age, less what is promised. A snapshot
//! never changes; whatever happens makes a new one.

mod answer;
mod cache;
mod entry;
mod lists;
mod recorded;
mod state;
mod usage;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use self::answer::SourceKind;
pub use self::state::WarmUpError;
pub(crate) use self::{
    answer::{Answer, SourceKey},
    cache::{Cache, Projects, Unread},
    lists::RowsOf,
    state::{Promise, State},
};
use crate::{
    bindings::quotagate::plugin::inventory as contract,
    clock::{Moment, milliseconds},
    holds::Held,
    types::{Block, SourceReport, SourceState},
};

/// One count for the process: a plugin that serves two gates must not take one's inventory for the other's.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(1);

/// One account at one time.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    generation: u64,
    lists: BTreeMap<SourceKey, Listed>,
    held: Arc<Held>,
    blocks: Arc<Vec<Block>>,
    /// What plugins are shown of an inventory that was written down: just that, by project.
    shown: Arc<BTreeMap<String, ShownInventory>>,
}

/// A source's answer and how far it can be trusted; no answer where nothing was read.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) answer: Option<Arc<Answer>>,
    /// When it was read in this process, and how old it was then.
    pub(crate) read: Option<(Moment, Duration)>,
    pub(crate) report: SourceReport,
}

/// One source of an inventory, for reports.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSource {
    /// What it holds, such as `tenant_allowances`.
    pub name: &'static str,
    /// The project it belongs to; none for the tenant's.
    pub project: Option<String>,
    /// How far it was read, and when.
    pub report: SourceReport,
}

/// What a plugin is shown for one project; its JSON is what the engine reads natively.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ShownInventory {
    allowances: contract::Allowances,
    instance_types: contract::InstanceTypes,
    capacities: contract::Capacities,
    reservations: contract::Reservations,
    blocks: Vec<Block>,
}

impl Inventory {
    /// An inventory that nothing was read for.
    pub(crate) fn empty() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// The same account with something changed: another generation.
    pub(crate) fn changed(
        lists: BTreeMap<SourceKey, Listed>,
        held: Arc<Held>,
        blocks: Arc<Vec<Block>>,
    ) -> Self {
        Self {
            generation: NEXT_GENERATION.fetch_add(1, Ordering::Relaxed),
            lists,
            held,
            blocks,
            shown: Arc::default(),
        }
    }

    /// The same answers, read again.
    pub(crate) fn confirmed(&self, lists: BTreeMap<SourceKey, Listed>) -> Self {
        Self {
            lists,
            ..self.clone()
        }
    }

    /// The same account without what could not be read again: it counts as unreadable, for that reason. Which reservations
    /// there are stays known, so that what a launch may take of them is held.
    pub(crate) fn distrusting(&self, unread: &Unread) -> Self {
        let mut lists = self.lists.clone();
        for (key, reason) in unread {
            let why = format!("it could not be read again before the launch: {reason}");
            let distrusted = Listed::unread(&why);
            let names_reservations = matches!(
                key.kind,
                SourceKind::Reservations | SourceKind::ReservationShares
            );
            let known = lists.get(key).filter(|_| names_reservations);
            let answer = known.and_then(|listed| listed.answer.clone());
            lists.insert(
                key.clone(),
                Listed {
                    answer,
                    ..distrusted
                },
            );
        }
        Self::changed(lists, Arc::clone(&self.held), Arc::clone(&self.blocks))
    }

    /// Whether plugins would be told the same, apart from ages.
    pub(crate) fn says_the_same(
        &self,
        lists: &BTreeMap<SourceKey, Listed>,
        held: &Held,
        blocks: &[Block],
    ) -> bool {
        self.lists.len() == lists.len()
            && self
                .lists
                .iter()
                .zip(lists)
                .all(|((key, one), (other_key, other))| {
                    key == other_key && one.says_the_same(other)
                })
            && *self.held == *held
            && *self.blocks == blocks
    }

    /// Unique among the inventories of this process, and rising: a plugin may keep what it derived from one. It rises
    /// when an answer, the state of a source, a hold or a block changed, not when the same was read again.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// What failed launches taught, as far as it still holds.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Every source with its state and age: the tenant's first, then each project's.
    pub fn sources(&self) -> Vec<NamedSource> {
        self.lists
            .iter()
            .map(|(key, listed)| NamedSource {
                name: key.kind.as_str(),
                project: key.project.clone(),
                report: listed.report.clone(),
            })
            .collect()
    }

    /// The sources that a judgement in one project rests on.
    pub fn sources_for(&self, project: &str) -> Vec<NamedSource> {
        let mut sources = self.sources();
        sources.retain(|source| source.project.as_deref().is_none_or(|id| id == project));
        sources
    }

    /// What a plugin is shown for one project, whole: for tests, records and hosts of other languages.
    pub fn shown_for(&self, project: &str) -> ShownInventory {
        ShownInventory {
            allowances: self.allowances(project, None),
            instance_types: self.instance_types(project, None),
            capacities: self.capacities(None),
            reservations: self.reservations(project, None),
            blocks: self.blocks().to_vec(),
        }
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    pub(crate) fn lists(&self) -> &BTreeMap<SourceKey, Listed> {
        &self.lists
    }
}

impl Listed {
    pub(crate) fn unread(why: &str) -> Self {
        Self::unreadable(SourceReport {
            state: SourceState::Unavailable,
            fetched_at: 0,
            detail: Some(why.to_owned()),
        })
    }

    pub(crate) const fn unreadable(report: SourceReport) -> Self {
        Self {
            answer: None,
            read: None,
            report,
        }
    }

    /// The report with the instant of reading as a plugin must see it, which knows the time of day alone: a clock that was
    /// set makes nothing young.
    pub(crate) fn report_at(&self, now: Moment) -> SourceReport {
        let mut report = self.report.clone();
        if let Some((read, age_then)) = self.read {
            let age = milliseconds(now.age_since(read).saturating_add(age_then));
            report.fetched_at = report.fetched_at.min(now.wall_ms.saturating_sub(age));
        }
        report
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let same_answer = match (&self.answer, &other.answer) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_answer && self.report.state == other.report.state
    }
}
