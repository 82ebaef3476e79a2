//! What an inventory says to whoever asks for the account.

use std::sync::Arc;

use quotagate_contract::{Capacity, Feed, InstanceType, Row, SourceReport, SourceState};

use super::{Answered, Inventory, Listed};
use crate::source::{Account, Answer};

impl Inventory {
    /// The owners, projects and places, as far as they were read.
    pub fn account(&self) -> &Account {
        self.chains.account()
    }

    /// The projects of the account that are judged, by id, in the order of the cloud.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        let projects = self.chains.projects().iter().map(|id| &**id);
        projects.filter(|id| self.is_judged(id))
    }

    /// Every source with its state and age, by key.
    pub fn sources(&self) -> Vec<SourceReport> {
        self.lists.values().map(Listed::report).collect()
    }

    /// One source with its state and age.
    pub fn source(&self, key: &str) -> Option<SourceReport> {
        self.lists.get(key).map(Listed::report)
    }

    /// The types that a project is offered, as far as they were read.
    pub fn types_of(&self, project: &str) -> Vec<&InstanceType> {
        let chain = self.chains.of(project);
        let is_shown = |owner: &str| owner == project || chain.iter().any(|own| own.id == owner);
        self.lists_of(Feed::Types)
            .filter(|listed| listed.id.owner.as_deref().is_none_or(is_shown))
            .filter_map(Listed::said)
            .flat_map(|answer| match answer {
                Answer::Types { items, .. } => items.as_slice(),
                _ => &[],
            })
            .collect()
    }

    /// The type of that name, from the first list that has it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        let lists = self.lists_of(Feed::Types).filter_map(Listed::said);
        let items = lists.flat_map(|answer| match answer {
            Answer::Types { items, .. } => items.as_slice(),
            _ => &[],
        });
        items.into_iter().find(|item| item.name == name)
    }

    /// The quota rows of every owner, as far as they were read.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        // One list may have rows of several owners.
        let lists = self.lists.values().filter_map(Listed::said);
        lists.flat_map(|answer| match answer {
            Answer::Rows(rows) => rows.as_slice(),
            _ => &[],
        })
    }

    /// The cloud's advice on free hardware, as far as it was read.
    pub fn capacities(&self) -> impl Iterator<Item = &Capacity> {
        let lists = self.lists_of(Feed::Capacities).filter_map(Listed::said);
        lists.flat_map(|answer| match answer {
            Answer::Capacities(items) => items.as_slice(),
            _ => &[],
        })
    }

    pub(super) fn lists_of(&self, feed: Feed) -> impl Iterator<Item = &Listed> {
        let from = (feed, Arc::<str>::from(""));
        let keys = self.of_owners.range(from..);
        keys.take_while(move |((of, _), _)| *of == feed)
            .flat_map(|(_, keys)| keys.iter())
            .filter_map(|key| self.lists.get(key))
    }

    /// Whether the list of projects was read to its end.
    pub(crate) fn lists_every_project(&self) -> bool {
        let mut lists = self.lists_of(Feed::Account).peekable();
        lists.peek().is_some() && lists.all(|listed| listed.status.state == SourceState::Complete)
    }
}

impl Listed {
    pub(super) fn said(&self) -> Option<&Answer> {
        self.answer.as_deref().map(Answered::said)
    }
}

impl Answered {
    const fn said(&self) -> &Answer {
        &self.answer
    }
}
