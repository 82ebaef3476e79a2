//! What plugins are shown of a snapshot.

use std::{collections::HashSet, sync::Arc};

use quotagate_contract::{
    Capacity, Feed, Holding, InstanceType, KindOffered, Lesson, Owner, Place, PlaceOffered,
    Reservation, Row, SourceReport, SourceState, Take,
};

use super::{Answered, Inventory, Listed};
use crate::{
    plugin::Shown,
    source::{Answer, Share},
};

impl Inventory {
    /// The sources of a feed that have something of one owner, or are its own.
    fn of_owner(&self, feed: Feed, owner: &str) -> impl Iterator<Item = &Listed> {
        let keys = self.of_owners.get(&(feed, Arc::from(owner)));
        let keys = keys.into_iter().flat_map(|keys| keys.iter());
        keys.filter_map(|key| self.lists.get(key))
    }

    /// The answers of a feed that a project is shown: those of the whole account, those of its owners, its own.
    pub(super) fn shown_to(&self, feed: Feed, project: &str) -> Vec<&Answered> {
        let chain = self.chains.of(project);
        let owners = chain.iter().map(|owner| owner.id.as_str());
        let itself = Some(project).filter(|id| chain.is_empty() && !id.is_empty());
        [""].into_iter()
            .chain(owners)
            .chain(itself)
            .flat_map(move |owner| self.of_owner(feed, owner))
            .filter_map(|listed| listed.answer.as_deref())
            .collect()
    }

    /// Whether judgements in a project rest on a source.
    fn concerns(&self, listed: &Listed, project: &str) -> bool {
        let Some(owner) = listed.id.owner.as_deref() else {
            return true;
        };
        let chain = self.chains.of(project);
        owner == project
            || chain.iter().any(|own| own.id == owner)
            // Whose it is is not known where the project is not.
            || (chain.is_empty() && !self.chains.is_project(owner))
    }

    /// Whether a source of the project's own shares may hold some that were not read.
    fn may_lack_shares(&self, project: &str) -> bool {
        self.of_owner(Feed::Reservations, project).any(|listed| {
            !matches!(
                listed.status.state,
                SourceState::Complete | SourceState::Unsupported
            )
        })
    }

    /// The sources that a judgement in one project rests on, by key.
    pub fn sources_for(&self, project: &str) -> Vec<SourceReport> {
        let lists = self.lists.values();
        lists
            .filter(|listed| self.concerns(listed, project))
            .map(Listed::report)
            .collect()
    }

    /// The reservations that a project can draw on, with its share of each; of one region, or of all.
    pub(super) fn reservations_of(&self, project: &str, region: Option<&str>) -> Vec<Reservation> {
        let answers = self.shown_to(Feed::Reservations, project);
        let share_of = |key: &str| -> Option<&Share> {
            answers.iter().find_map(|answered| match &answered.answer {
                Answer::Shares(shares) => shares.iter().find(|share| share.reservation == key),
                _ => None,
            })
        };
        let may_lack_shares = self.may_lack_shares(project);
        let mut found = Vec::new();
        for answered in &answers {
            let Answer::Reservations(items) = &answered.answer else {
                continue;
            };
            let is_there = |item: &&Reservation| {
                let place = item.row.place.region.as_deref();
                region.is_none() || place.is_none() || place == region
            };
            found.extend(items.iter().filter(is_there).map(|item| {
                let mut item = item.clone();
                if item.share.is_none() {
                    item.share = share_of(&item.row.key).map(|share| share.row.clone());
                    item.share_unread |= item.share.is_none() && may_lack_shares;
                }
                item
            }));
        }
        found
    }
}

impl Shown for Inventory {
    fn generation(&self, region: Option<&str>) -> u64 {
        match region {
            None => self.of_none,
            Some(region) => {
                let own = self.of_regions.get(region).copied().unwrap_or_default();
                own.max(self.of_all)
            }
        }
    }

    fn owners(&self, project: &str) -> Vec<Owner> {
        self.chains.of(project).to_vec()
    }

    fn projects(&self) -> Vec<String> {
        Self::projects(self).map(str::to_owned).collect()
    }

    fn places(&self) -> Vec<PlaceOffered> {
        let mut places = self.chains.account().places.clone();
        let known: HashSet<&str> = self.chains.account().regions().collect();
        let others = self
            .of_regions
            .keys()
            .filter(|region| !known.contains(region.as_str()));
        places.extend(others.map(|region| PlaceOffered {
            place: Place::region(region.as_str()),
            restriction: None,
        }));
        places
    }

    fn rows<'a>(&'a self, owner: &str, region: Option<&str>) -> Vec<&'a Row> {
        let region = region.map(str::to_owned);
        let lists = self.of_owner(Feed::Rows, owner);
        lists
            .filter_map(|listed| listed.answer.as_deref())
            .flat_map(|answered| match &answered.answer {
                Answer::Rows(rows) => {
                    picked(rows, answered.of_owner(owner, &region).iter().copied())
                }
                _ => Vec::new(),
            })
            .collect()
    }

    fn holdings<'a>(&'a self, owner: &str, region: Option<&str>) -> Vec<&'a Holding> {
        let region = region.map(str::to_owned);
        let lists = self.of_owner(Feed::Holdings, owner);
        lists
            .filter_map(|listed| listed.answer.as_deref())
            .flat_map(|answered| match &answered.answer {
                Answer::Holdings(items) => {
                    picked(items, answered.of_owner(owner, &region).iter().copied())
                }
                _ => Vec::new(),
            })
            .collect()
    }

    fn instance_types<'a>(&'a self, project: &str, region: &str) -> Vec<&'a InstanceType> {
        self.shown_to(Feed::Types, project)
            .into_iter()
            .flat_map(|answered| match &answered.answer {
                Answer::Types { items, .. } => picked(items, answered.shown_in(region)),
                _ => Vec::new(),
            })
            .collect()
    }

    fn kinds<'a>(&'a self, project: &str, region: &str) -> Vec<&'a KindOffered> {
        self.shown_to(Feed::Types, project)
            .into_iter()
            .flat_map(|answered| match &answered.answer {
                Answer::Types { kinds, .. } => picked(kinds, answered.kinds_in(region)),
                _ => Vec::new(),
            })
            .collect()
    }

    fn capacities<'a>(&'a self, region: &str) -> Vec<&'a Capacity> {
        let lists = self.lists_of(Feed::Capacities);
        lists
            .filter_map(|listed| listed.answer.as_deref())
            .flat_map(|answered| match &answered.answer {
                Answer::Capacities(items) => picked(items, answered.shown_in(region)),
                _ => Vec::new(),
            })
            .collect()
    }

    fn reservations(&self, project: &str, region: &str) -> Vec<Reservation> {
        self.reservations_of(project, Some(region))
    }

    fn held(&self) -> &[Take] {
        &self.held
    }

    fn lessons(&self) -> &[Lesson] {
        &self.lessons
    }

    fn sources_counter(&self) -> u64 {
        self.sources
    }

    fn sources(&self, project: &str) -> Vec<SourceReport> {
        self.sources_for(project)
    }
}

fn picked<T>(items: &[T], numbers: impl Iterator<Item = u32>) -> Vec<&T> {
    numbers
        .filter_map(|number| items.get(number as usize))
        .collect()
}
