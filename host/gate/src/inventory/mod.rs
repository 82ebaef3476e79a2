//! The host's view of the account: what each source answered, with its state and age, what is promised, what failed launches
//! taught. A snapshot never changes; whatever happens makes a new one, which shares everything else with the one before.

mod answered;
mod cache;
mod chains;
mod contract;
mod entry;
mod lists;
mod readings;
mod shown;
mod state;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quotagate_contract::{Feed, Lesson, Owner, SourceReport, SourceState, Take};
use rpds::RedBlackTreeMapSync;

use self::answered::Changes;
pub use self::state::WarmUpError;
pub(crate) use self::{
    answered::Answered,
    cache::{Cache, Projects},
    chains::Chains,
    contract::{Part, id_of, parts},
    readings::{AskStandings, Reading, Readings, Wanted, read},
    state::{Followed, Promise, State},
};
use crate::{
    clock::{Moment, milliseconds},
    holds::HeldAmount,
    source::SourceId,
};

/// One count for the process: a plugin that serves two gates must not take one's inventory for the other's.
static NEXT: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Keys of sources.
type Keys = Arc<[Arc<str>]>;

/// One account at one time.
#[derive(Clone)]
pub struct Inventory {
    /// Rises when a judgement may differ.
    generation: u64,
    /// Rises when an answer or a source's state changed, and not for holds and lessons.
    answers: u64,
    /// Of what is of no region.
    of_none: u64,
    /// Of regions that nothing was changed of by itself.
    of_all: u64,
    of_regions: RedBlackTreeMapSync<String, u64>,
    /// Rises when a source's state, time or words changed.
    sources: u64,
    lists: RedBlackTreeMapSync<Arc<str>, Listed>,
    /// The keys of the sources that have something of an owner, or are an owner's; without an owner, of the whole account.
    of_owners: RedBlackTreeMapSync<(Feed, Arc<str>), Keys>,
    chains: Arc<Chains>,
    /// The one project that is judged, where it is one alone.
    only: Option<Arc<str>>,
    /// Its owners, where they are known without the account.
    named: Arc<[Owner]>,
    held: Arc<[Take]>,
    lessons: Arc<[Lesson]>,
}

/// A source's answer and how far it can be trusted; no answer where nothing was read.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Arc<SourceId>,
    pub(crate) answer: Option<Arc<Answered>>,
    /// When it was read in this process, and how old it was then.
    pub(crate) read: Option<(Moment, Duration)>,
    pub(crate) status: Status,
}

/// How far a source was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) state: SourceState,
    pub(crate) fetched_at: u64,
    pub(crate) asked_at: u64,
    pub(crate) detail: Option<String>,
}

impl Status {
    pub(crate) fn unread(why: &str) -> Self {
        Self {
            state: SourceState::Unavailable,
            fetched_at: 0,
            asked_at: 0,
            detail: Some(why.to_owned()),
        }
    }
}

impl Listed {
    pub(crate) fn new(id: Arc<SourceId>, shown: entry::Shown) -> Self {
        Self {
            id,
            answer: shown.answer,
            read: shown.read,
            status: shown.status,
        }
    }

    pub(crate) fn report(&self) -> SourceReport {
        let SourceId {
            key,
            kind,
            feed,
            owner,
            place,
        } = &*self.id;
        let status = self.status.clone();
        SourceReport {
            key: key.clone(),
            kind: kind.clone(),
            feed: *feed,
            owner: owner.clone(),
            place: place.clone(),
            state: status.state,
            fetched_at: status.fetched_at,
            asked_at: status.asked_at,
            detail: status.detail,
        }
    }

    /// The same with the instant of reading as a plugin must see it, which knows the time of day alone: a clock that was set
    /// makes nothing young.
    fn at(mut self, now: Moment) -> Self {
        if let Some((read, age_then)) = self.read {
            let age = milliseconds(now.age_since(read).saturating_add(age_then));
            let latest = now.wall_ms.saturating_sub(age);
            self.status.fetched_at = self.status.fetched_at.min(latest);
        }
        self
    }
}

/// What a snapshot has in the place of a source's answer, and where the two differ. Made without any lock.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    listed: Listed,
    changes: Changes,
    /// Where its state, time or words differ.
    is_told: bool,
    /// Where a judgement may differ.
    is_news: bool,
}

impl Replacement {
    pub(crate) fn new(old: Option<&Listed>, new: Listed) -> Self {
        let said = |listed: Option<&Listed>| listed.and_then(|listed| listed.answer.clone());
        let (old_answer, new_answer) = (said(old), new.answer.clone());
        let is_same = match (&old_answer, &new_answer) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        let mut changes = if is_same {
            Changes::default()
        } else {
            Answered::changes(old_answer.as_deref(), new_answer.as_deref())
        };
        let state = |listed: &Listed| listed.status.state;
        // Whether a project may have a share that was not read is said with the reservations.
        let may_be_shares = new.id.feed == Feed::Reservations && new.id.owner.is_some();
        changes.everywhere |= may_be_shares && old.map(state) != Some(state(&new));
        let is_other = old.is_none_or(|old| old.id != new.id);
        Self {
            is_told: is_other || old.is_none_or(|old| old.status != new.status),
            is_news: is_other || !changes.is_empty() || old.map(state) != Some(state(&new)),
            listed: new,
            changes,
        }
    }
}

impl Replacement {
    /// The same of a source that turned out to be another owner's while it was read.
    pub(crate) fn of(mut self, id: &Arc<SourceId>) -> Self {
        self.listed.id = Arc::clone(id);
        self
    }
}

impl Inventory {
    /// An inventory that nothing was read for.
    pub(crate) fn empty(only: Option<&str>) -> Self {
        let number = next();
        Self {
            generation: number,
            answers: number,
            of_none: number,
            of_all: number,
            of_regions: RedBlackTreeMapSync::new_sync(),
            sources: number,
            lists: RedBlackTreeMapSync::new_sync(),
            of_owners: RedBlackTreeMapSync::new_sync(),
            chains: Arc::default(),
            only: only.map(Arc::from),
            named: Arc::default(),
            held: Arc::default(),
            lessons: Arc::default(),
        }
    }

    /// Puts a source's answer in the place of the one before it.
    pub(crate) fn replace(&mut self, replacement: Replacement) {
        let Replacement {
            listed,
            changes,
            is_told,
            is_news,
        } = replacement;
        let key: Arc<str> = Arc::from(listed.id.key.as_str());
        if let Some(old) = self.lists.get(&key).cloned() {
            self.unlink(&key, &old);
        }
        self.link(&key, &listed);
        if listed.id.feed == Feed::Account && !changes.is_empty() {
            self.chains = Arc::new(Chains::new(listed.answer.as_deref(), &self.named));
        }
        self.lists.insert_mut(key, listed);
        self.changed(changes, is_told, is_news);
    }

    /// Says whose the one project is that is judged, as far as it is known without the account.
    pub(crate) fn name(&mut self, owners: Vec<Owner>) {
        if *self.named == *owners {
            return;
        }
        self.named = owners.into();
        let mut accounts = self
            .lists
            .values()
            .filter(|listed| listed.id.feed == Feed::Account);
        let account = accounts.next().and_then(|listed| listed.answer.as_deref());
        self.chains = Arc::new(Chains::new(account, &self.named));
        let changes = Changes {
            nowhere: true,
            everywhere: true,
            ..Changes::default()
        };
        self.changed(changes, true, true);
    }

    /// Takes a source out.
    pub(crate) fn remove(&mut self, key: &str) {
        let Some(old) = self.lists.get(key).cloned() else {
            return;
        };
        let changes = Answered::changes(old.answer.as_deref(), None);
        self.unlink(key, &old);
        self.lists.remove_mut(key);
        self.changed(changes, true, true);
    }

    fn changed(&mut self, changes: Changes, is_told: bool, is_news: bool) {
        if changes.nowhere {
            self.of_none = next();
        }
        if changes.everywhere {
            self.of_all = next();
        }
        for region in changes.regions {
            // A place that was not known so far.
            if !self.of_regions.contains_key(&region) {
                self.of_none = next();
            }
            self.of_regions.insert_mut(region, next());
        }
        if is_told {
            self.sources = next();
        }
        if is_news {
            self.answers = next();
            self.generation = self.answers;
        }
    }

    /// Has another account's amounts and lessons in force; says whether they differ.
    pub(crate) fn promise(&mut self, held: Vec<Take>, lessons: Vec<Lesson>) -> bool {
        let is_same = *self.held == *held && *self.lessons == *lessons;
        if !is_same {
            self.held = held.into();
            self.lessons = lessons.into();
            self.generation = next();
        }
        !is_same
    }

    /// Tells every source's age anew, for a time of day that was set.
    pub(crate) fn tell_ages(&mut self, now: Moment) {
        let lists: Vec<_> = self
            .lists
            .iter()
            .map(|(key, listed)| (key.clone(), listed.clone()))
            .collect();
        for (key, listed) in lists {
            self.lists.insert_mut(key, listed.at(now));
        }
        self.sources = next();
    }

    /// The same account without what could not be read again: it counts as unreadable, for that reason. Which rows and
    /// reservations there are, and whose, stays known, so that what a launch may take of them is held.
    pub(crate) fn distrusting(&self, unread: &[(String, String)]) -> Self {
        let mut distrusting = self.clone();
        for (key, reason) in unread {
            let Some(old) = self.lists.get(key.as_str()) else {
                continue;
            };
            let why = format!("it could not be read again before the launch: {reason}");
            let names_rows = matches!(old.id.feed, Feed::Account | Feed::Rows | Feed::Reservations);
            let new = Listed {
                id: Arc::clone(&old.id),
                answer: old.answer.clone().filter(|_| names_rows),
                read: None,
                status: Status::unread(&why),
            };
            distrusting.replace(Replacement::new(Some(old), new));
        }
        distrusting
    }

    /// The same account with these amounts held by nobody.
    pub(crate) fn give_back(&mut self, amounts: &[HeldAmount]) {
        let mut held = self.held.to_vec();
        for amount in amounts {
            let own = held.iter_mut().find(|take| take.row == amount.row);
            if let Some(own) = own {
                own.at_least = own.at_least.saturating_sub(amount.at_least);
                own.at_most = own.at_most.saturating_sub(amount.at_most);
            }
        }
        held.retain(|take| take.at_most > 0);
        self.held = held.into();
    }

    fn link(&mut self, key: &Arc<str>, listed: &Listed) {
        for index in links(listed) {
            let keys = self.of_owners.get(&index).map_or(&[][..], |keys| keys);
            let more: Vec<_> = keys.iter().cloned().chain([Arc::clone(key)]).collect();
            self.of_owners.insert_mut(index, more.into());
        }
    }

    fn unlink(&mut self, key: &str, listed: &Listed) {
        for index in links(listed) {
            let keys = self.of_owners.get(&index).map_or(&[][..], |keys| keys);
            let left: Vec<_> = keys
                .iter()
                .filter(|other| ***other != *key)
                .cloned()
                .collect();
            if left.is_empty() {
                self.of_owners.remove_mut(&index);
            } else {
                self.of_owners.insert_mut(index, left.into());
            }
        }
    }

    /// Unique among the inventories of this process, and rising: whoever judged by one knows that nothing changed as long as
    /// it is in force. It rises when an answer, the state of a source, a hold or a lesson changed, not when the same was read
    /// again.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// As [`Self::generation`], but for holds and lessons.
    pub(crate) const fn answers_generation(&self) -> u64 {
        self.answers
    }

    /// What failed launches taught, as far as it still holds.
    pub fn lessons(&self) -> &[Lesson] {
        &self.lessons
    }

    /// What is promised, by row.
    pub fn held(&self) -> &[Take] {
        &self.held
    }

    /// What is promised of one row.
    pub(crate) fn held_of(&self, row: &str) -> Option<&Take> {
        let found = self
            .held
            .binary_search_by(|take| take.row.as_str().cmp(row));
        found.ok().and_then(|at| self.held.get(at))
    }

    pub(crate) const fn lists(&self) -> &RedBlackTreeMapSync<Arc<str>, Listed> {
        &self.lists
    }

    pub(crate) fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The projects that launches may go to where they name none, in one region.
    pub(crate) fn projects_in(&self, region: &str) -> impl Iterator<Item = &Arc<str>> {
        let projects = self.chains.in_region(region);
        projects.filter(|id| self.is_judged(id))
    }

    fn is_judged(&self, project: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == project)
    }
}

/// Under which owners a source is looked for.
fn links(listed: &Listed) -> Vec<(Feed, Arc<str>)> {
    let (id, answer) = (&listed.id, listed.answer.as_deref());
    match id.feed {
        Feed::Rows | Feed::Holdings => {
            let owners = answer.into_iter().flat_map(Answered::owners);
            owners.map(|owner| (id.feed, Arc::from(owner))).collect()
        }
        Feed::Account | Feed::Types | Feed::Capacities | Feed::Reservations => {
            let owner = id.owner.as_deref().unwrap_or_default();
            vec![(id.feed, Arc::from(owner))]
        }
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inventory")
            .field("generation", &self.generation)
            .field("sources", &self.lists.size())
            .field("held", &self.held)
            .field("lessons", &self.lessons)
            .finish_non_exhaustive()
    }
}
