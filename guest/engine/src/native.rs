//! An account given as plain data, for tests and for hosts that judge without a component.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::cell::RefCell;

use quotagate_contract::{
    Capacity, Holding, InstanceType, Inventory, KindOffered, Offered, Owner, Place, PlaceOffered,
};

use crate::reader::{
    Held, Moment, Number, NumberedLesson, NumberedReservation, NumberedRow, NumberedType, Reader,
};

/// A [`Reader`] over an [`Inventory`]: it never changes, and neither does its time.
#[derive(Debug)]
pub struct NativeReader {
    inventory: Inventory,
    now_ms: u64,
    generation: u64,
    names: RefCell<Names>,
}

/// Names by number and numbers by name.
#[derive(Debug, Default)]
struct Names {
    texts: Vec<String>,
    numbers: BTreeMap<String, Number>,
}

impl Names {
    fn number(&mut self, name: &str) -> Number {
        if name.is_empty() {
            return 0;
        }
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        self.texts.push(name.into());
        let number = Number::try_from(self.texts.len()).unwrap_or(Number::MAX);
        self.numbers.insert(name.into(), number);
        number
    }
}

impl NativeReader {
    /// Shows an inventory as of `now_ms`, in milliseconds since the Unix epoch.
    pub fn new(inventory: Inventory, now_ms: u64) -> Self {
        Self {
            inventory,
            now_ms,
            generation: 1,
            names: RefCell::default(),
        }
    }

    /// The same as another generation: an engine that knows another inventory believes nothing that it kept.
    #[must_use]
    pub fn with_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// What it shows.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }
}

impl Reader for NativeReader {
    fn name_of(&self, number: Number) -> String {
        let names = self.names.borrow();
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let text = index
            .checked_sub(1)
            .and_then(|index| names.texts.get(index));
        text.cloned().unwrap_or_default()
    }

    fn number_of(&self, name: &str) -> Number {
        self.names.borrow_mut().number(name)
    }

    fn generation(&self, _: Option<&str>) -> u64 {
        self.generation
    }

    fn owners(&self, project: &str) -> Vec<Owner> {
        let mut chains = self.inventory.owners.iter();
        let chain = chains.find(|chain| chain.last().is_some_and(|owner| owner.id == project));
        chain.cloned().unwrap_or_default()
    }

    fn projects(&self) -> Vec<String> {
        let projects = self
            .inventory
            .owners
            .iter()
            .filter_map(|chain| chain.last());
        projects.map(|project| project.id.clone()).collect()
    }

    fn places(&self) -> Vec<PlaceOffered> {
        let inventory = &self.inventory;
        let mut places = inventory.places.clone();
        let rows = inventory.rows.iter().map(|row| &row.place);
        let types = inventory.types.iter().flat_map(|types| &types.items);
        let offered = types
            .flat_map(|item| &item.offered)
            .map(|offered| &offered.place);
        let advised = inventory.capacities.iter().map(|known| &known.place);
        let held = inventory.holdings.iter().map(|known| &known.place);
        let reserved = inventory.reservations.iter().flat_map(|known| &known.items);
        let reserved = reserved.map(|known| &known.row.place);
        let all = rows
            .chain(offered)
            .chain(advised)
            .chain(held)
            .chain(reserved);
        let named: BTreeSet<&String> = all.filter_map(|place| place.region.as_ref()).collect();
        for region in named {
            if !places
                .iter()
                .any(|known| known.place.region.as_ref() == Some(region))
            {
                places.push(PlaceOffered {
                    place: Place::region(region.as_str()),
                    restriction: None,
                });
            }
        }
        places
    }

    fn rows(&self, owner: &str, region: Option<&str>) -> Vec<NumberedRow> {
        let rows = self.inventory.rows.iter();
        let rows = rows.filter(|row| row.owner == owner && row.place.region.as_deref() == region);
        rows.map(|row| NumberedRow {
            number: self.number_of(&row.key),
            row: row.clone(),
        })
        .collect()
    }

    fn holdings(&self, owner: &str, region: Option<&str>) -> Vec<Holding> {
        let all = self.inventory.holdings.iter();
        let here = |item: &&Holding| item.owner == owner && item.place.region.as_deref() == region;
        all.filter(here).cloned().collect()
    }

    fn instance_types(&self, project: &str, region: &str) -> Vec<NumberedType> {
        let types = self.inventory.types.iter();
        let types = types.filter(|types| types.project == project);
        types
            .flat_map(|types| &types.items)
            .filter(|item| is_offered_in(&item.offered, region))
            .map(|item| NumberedType {
                number: self.number_of(&item.name),
                instance_type: InstanceType {
                    offered: offered_in(&item.offered, region),
                    ..item.clone()
                },
            })
            .collect()
    }

    fn kinds(&self, project: &str, region: &str) -> Vec<KindOffered> {
        let types = self.inventory.types.iter();
        let types = types.filter(|types| types.project == project);
        types
            .flat_map(|types| &types.kinds)
            .map(|kind| KindOffered {
                kind: kind.kind.clone(),
                offered: offered_in(&kind.offered, region),
            })
            .collect()
    }

    fn capacities(&self, region: &str) -> Vec<Capacity> {
        let all = self.inventory.capacities.iter();
        all.filter(|item| is_in(&item.place, region))
            .cloned()
            .collect()
    }

    fn reservations(&self, project: &str, region: &str) -> Vec<NumberedReservation> {
        let lists = self.inventory.reservations.iter();
        let lists = lists.filter(|list| list.project == project);
        lists
            .flat_map(|list| &list.items)
            .filter(|item| is_in(&item.row.place, region))
            .map(|item| NumberedReservation {
                number: self.number_of(&item.row.key),
                share: item
                    .share
                    .as_ref()
                    .map_or(0, |share| self.number_of(&share.key)),
                reservation: item.clone(),
            })
            .collect()
    }

    fn moment(&self, project: &str, seen: u64) -> Moment {
        let _ = project;
        let inventory = &self.inventory;
        Moment {
            counter: self.generation,
            sources: (seen != self.generation).then(|| inventory.sources.clone()),
            held: inventory
                .held
                .iter()
                .map(|take| Held {
                    row: self.number_of(&take.row),
                    at_least: take.at_least,
                    at_most: take.at_most,
                })
                .collect(),
            lessons: inventory
                .lessons
                .iter()
                .map(|lesson| NumberedLesson {
                    rows: lesson.rows.iter().map(|key| self.number_of(key)).collect(),
                    lesson: quotagate_contract::Lesson {
                        rows: Vec::new(),
                        ..lesson.clone()
                    },
                })
                .collect(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

fn is_in(place: &Place, region: &str) -> bool {
    place.region.as_deref().is_none_or(|own| own == region)
}

fn is_offered_in(offered: &[Offered], region: &str) -> bool {
    offered.iter().any(|offered| is_in(&offered.place, region))
}

fn offered_in(offered: &[Offered], region: &str) -> Vec<Offered> {
    let here = offered
        .iter()
        .filter(|offered| is_in(&offered.place, region));
    here.cloned().collect()
}
