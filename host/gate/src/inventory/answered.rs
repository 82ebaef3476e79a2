//! An answer of a source, sorted by where it speaks of, and what differs between two answers of one source.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use quotagate_contract::{Feed, Offered, Place};

use crate::source::Answer;

/// What a source answered. Sorted once, when it arrives: whoever asks for one region looks at nothing else.
#[derive(Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// The places of the items of each region in the answer's list; none: of no region.
    regions: BTreeMap<Option<String>, Items>,
    /// The same of one owner, for what has owners.
    owners: HashMap<String, BTreeMap<Option<String>, Vec<u32>>>,
}

#[derive(Debug, Default, PartialEq)]
struct Items {
    items: Vec<u32>,
    kinds: Vec<u32>,
}

/// Where an answer differs from the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// In what is of no region.
    pub(crate) nowhere: bool,
    /// In what every region shows.
    pub(crate) everywhere: bool,
    /// In these regions.
    pub(crate) regions: BTreeSet<String>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        !self.nowhere && !self.everywhere && self.regions.is_empty()
    }
}

impl Answered {
    pub(crate) fn new(answer: Answer) -> Self {
        let mut sorted = Self {
            answer: Answer::Rows(Vec::new()),
            regions: BTreeMap::new(),
            owners: HashMap::new(),
        };
        match &answer {
            Answer::Account(_) => {}
            Answer::Rows(rows) => {
                sorted.sort_owned(rows.iter().map(|row| (&row.owner, &row.place)))
            }
            Answer::Holdings(items) => {
                sorted.sort_owned(items.iter().map(|item| (&item.owner, &item.place)));
            }
            Answer::Types { items, kinds } => {
                for (number, item) in numbered(items) {
                    for region in regions_of(&item.offered) {
                        sorted.regions.entry(region).or_default().items.push(number);
                    }
                }
                // Every region shows every kind: what is offered elsewhere alone is not offered here.
                let shown = sorted.regions.entry(None).or_default();
                shown
                    .kinds
                    .extend(numbered(kinds).map(|(number, _)| number));
            }
            Answer::Capacities(items) => sorted.sort(items.iter().map(|item| &item.place)),
            Answer::Reservations(items) => sorted.sort(items.iter().map(|item| &item.row.place)),
            Answer::Shares(items) => sorted.sort(items.iter().map(|item| &item.row.place)),
        }
        sorted.answer = answer;
        sorted
    }

    fn sort<'a>(&mut self, places: impl Iterator<Item = &'a Place>) {
        for (number, place) in (0_u32..).zip(places) {
            let region = self.regions.entry(place.region.clone()).or_default();
            region.items.push(number);
        }
    }

    fn sort_owned<'a>(&mut self, owned: impl Iterator<Item = (&'a String, &'a Place)> + Clone) {
        for (number, (owner, place)) in (0_u32..).zip(owned.clone()) {
            if !self.owners.contains_key(owner) {
                self.owners.insert(owner.clone(), BTreeMap::new());
            }
            if let Some(regions) = self.owners.get_mut(owner) {
                let items = regions.entry(place.region.clone()).or_default();
                items.push(number);
            }
        }
        self.sort(owned.map(|(_, place)| place));
    }

    /// Whose items there are, for what has owners.
    pub(crate) fn owners(&self) -> impl Iterator<Item = &str> {
        self.owners.keys().map(String::as_str)
    }

    /// The places of an owner's items of one region in the list.
    pub(super) fn of_owner(&self, owner: &str, region: &Option<String>) -> &[u32] {
        let regions = self.owners.get(owner);
        let items = regions.and_then(|regions| regions.get(region));
        items.map_or(&[], Vec::as_slice)
    }

    /// The places of the items that one region shows: its own, and those of no region.
    pub(super) fn shown_in(&self, region: &str) -> impl Iterator<Item = u32> {
        self.both(region)
            .flat_map(|items| items.items.iter().copied())
    }

    /// The same of kinds of needs.
    pub(super) fn kinds_in(&self, region: &str) -> impl Iterator<Item = u32> {
        self.both(region)
            .flat_map(|items| items.kinds.iter().copied())
    }

    fn both(&self, region: &str) -> impl Iterator<Item = &Items> {
        let regions = [None, Some(region.to_owned())];
        regions
            .into_iter()
            .filter_map(|region| self.regions.get(&region))
    }

    pub(crate) const fn feed(&self) -> Feed {
        match &self.answer {
            Answer::Account(_) => Feed::Account,
            Answer::Rows(_) => Feed::Rows,
            Answer::Holdings(_) => Feed::Holdings,
            Answer::Types { .. } => Feed::Types,
            Answer::Capacities(_) => Feed::Capacities,
            Answer::Reservations(_) | Answer::Shares(_) => Feed::Reservations,
        }
    }

    /// Whether what is of no region shows in every one.
    const fn shows_everywhere(&self) -> bool {
        !matches!(self.answer, Answer::Rows(_) | Answer::Holdings(_))
    }

    /// Whether the items at these places are equal.
    fn is_same_in(&self, other: &Self, region: &Option<String>) -> bool {
        let nothing = Items::default();
        let here = self.regions.get(region).unwrap_or(&nothing);
        let there = other.regions.get(region).unwrap_or(&nothing);
        match (&self.answer, &other.answer) {
            (Answer::Account(one), Answer::Account(other)) => one == other,
            (Answer::Rows(one), Answer::Rows(other)) => {
                alike(one, &here.items, other, &there.items)
            }
            (Answer::Holdings(one), Answer::Holdings(other)) => {
                alike(one, &here.items, other, &there.items)
            }
            (
                Answer::Types { items, kinds },
                Answer::Types {
                    items: other_items,
                    kinds: other_kinds,
                },
            ) => {
                alike(items, &here.items, other_items, &there.items)
                    && alike(kinds, &here.kinds, other_kinds, &there.kinds)
            }
            (Answer::Capacities(one), Answer::Capacities(other)) => {
                alike(one, &here.items, other, &there.items)
            }
            (Answer::Reservations(one), Answer::Reservations(other)) => {
                alike(one, &here.items, other, &there.items)
            }
            (Answer::Shares(one), Answer::Shares(other)) => {
                alike(one, &here.items, other, &there.items)
            }
            _ => false,
        }
    }

    /// Where two answers of one source differ; none is an answer that says nothing.
    pub(super) fn changes(old: Option<&Self>, new: Option<&Self>) -> Changes {
        let mut changes = Changes::default();
        let (old_regions, new_regions) = (
            old.into_iter().flat_map(|answered| answered.regions.keys()),
            new.into_iter().flat_map(|answered| answered.regions.keys()),
        );
        let both: BTreeSet<&Option<String>> = old_regions.chain(new_regions).collect();
        for region in both {
            let is_same = match (old, new) {
                (Some(old), Some(new)) => old.is_same_in(new, region),
                _ => false,
            };
            match region {
                _ if is_same => {}
                Some(region) => {
                    changes.regions.insert(region.clone());
                }
                None => {
                    let shows = [old, new].into_iter().flatten();
                    changes.nowhere = true;
                    changes.everywhere |= shows.into_iter().any(Self::shows_everywhere);
                }
            }
        }
        let is_account = [old, new]
            .into_iter()
            .flatten()
            .any(|answered| matches!(answered.answer, Answer::Account(_)));
        let is_same = match (old, new) {
            (Some(old), Some(new)) => old.answer == new.answer,
            (None, None) => true,
            _ => false,
        };
        // Whose reservations and types a project is shown depends on its owners.
        if is_account && !is_same {
            (changes.nowhere, changes.everywhere) = (true, true);
        }
        changes
    }
}

fn numbered<T>(items: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (0_u32..).zip(items)
}

/// Each region once; what is offered nowhere is of no region.
fn regions_of(offered: &[Offered]) -> BTreeSet<Option<String>> {
    offered.iter().map(|at| at.place.region.clone()).collect()
}

fn alike<T: PartialEq>(one: &[T], here: &[u32], other: &[T], there: &[u32]) -> bool {
    here.len() == there.len()
        && here
            .iter()
            .zip(there)
            .all(|(here, there)| one.get(*here as usize) == other.get(*there as usize))
}
