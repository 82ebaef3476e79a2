//! What is kept from call to call: rows and regions by generation, sources by counter. Bounded; what was used last stays.

use alloc::{collections::BTreeMap, rc::Rc, string::String, vec::Vec};

use quotagate_contract::{Descriptor, Feed, PlaceOffered, SourceReport};

use crate::{
    cloud::Cloud,
    context::{KnownOwner, Parts, RegionContext},
    here::ProjectMoment,
    reader::Reader,
    rows::{OwnerRows, regions},
};

/// Regions of projects that are kept.
const REGIONS: usize = 64;
/// Lists of rows that are kept: those of several owners in each region.
const LISTS: usize = 4 * REGIONS;
/// Projects whose sources are kept.
const PROJECTS: usize = 64;

/// Everything that is kept.
pub(crate) struct Store {
    places: Option<KnownPlaces>,
    rows: BTreeMap<RowsKey, Kept<Rc<OwnerRows>>>,
    contexts: BTreeMap<RegionKey, Kept<RegionContext>>,
    moments: BTreeMap<String, KeptSources>,
    uses: u64,
}

/// The places of one generation.
struct KnownPlaces {
    generation: u64,
    places: Rc<[PlaceOffered]>,
    regions: Rc<[String]>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowsKey {
    owner: String,
    region: Option<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RegionKey {
    project: String,
    region: String,
}

struct Kept<T> {
    stamp: Vec<u64>,
    used: u64,
    item: T,
}

struct KeptSources {
    counter: u64,
    sources: Rc<[SourceReport]>,
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self {
            places: None,
            rows: BTreeMap::new(),
            contexts: BTreeMap::new(),
            moments: BTreeMap::new(),
            uses: 0,
        }
    }

    fn next_use(&mut self) -> u64 {
        self.uses = self.uses.saturating_add(1);
        self.uses
    }

    /// Counts a call.
    pub(crate) fn begin(&mut self) -> u64 {
        self.next_use()
    }

    /// What may differ from call to call; to be asked in every call.
    pub(crate) fn moment(&mut self, reader: &dyn Reader, project: &str) -> ProjectMoment {
        let known = self.moments.get(project);
        let seen = known.map_or(0, |known| known.counter);
        let moment = reader.moment(project, seen);
        let sources: Rc<[SourceReport]> = match moment.sources {
            Some(sources) => sources.into(),
            None => known.map_or_else(|| Rc::from([]), |known| Rc::clone(&known.sources)),
        };
        if self.moments.len() >= PROJECTS && !self.moments.contains_key(project) {
            self.moments.clear();
        }
        self.moments.insert(
            project.into(),
            KeptSources {
                counter: moment.counter,
                sources: Rc::clone(&sources),
            },
        );
        let mut held = moment.held;
        held.sort_unstable_by_key(|held| held.row);
        ProjectMoment {
            sources,
            held: held.into(),
            lessons: moment.lessons.into(),
        }
    }

    fn places(&mut self, reader: &dyn Reader) -> &KnownPlaces {
        let generation = reader.generation(None);
        let is_known = self
            .places
            .as_ref()
            .is_some_and(|known| known.generation == generation);
        if !is_known {
            let places = reader.places();
            self.places = None;
            let regions = regions(&places).into();
            self.places = Some(KnownPlaces {
                generation,
                places: places.into(),
                regions,
            });
        }
        self.places.get_or_insert_with(|| KnownPlaces {
            generation,
            places: Rc::from([]),
            regions: Rc::from([]),
        })
    }

    /// The regions that the cloud lists.
    pub(crate) fn regions(&mut self, reader: &dyn Reader) -> Rc<[String]> {
        Rc::clone(&self.places(reader).regions)
    }

    /// An owner's rows of a region, or of everywhere.
    pub(crate) fn rows(
        &mut self,
        reader: &dyn Reader,
        descriptor: &Descriptor,
        owner: &str,
        region: Option<&str>,
    ) -> Rc<OwnerRows> {
        let counts = counts_holdings(descriptor);
        let all_regions = self.regions(reader);
        let stamp = stamp(reader, region, counts && region.is_none(), &all_regions);
        let key = RowsKey {
            owner: owner.into(),
            region: region.map(String::from),
        };
        let used = self.next_use();
        if let Some(kept) = self.rows.get_mut(&key)
            && kept.stamp == stamp
        {
            kept.used = used;
            return Rc::clone(&kept.item);
        }
        let mut holdings_of: Vec<Option<&str>> = Vec::new();
        if counts {
            holdings_of.push(None);
            match region {
                Some(region) => holdings_of.push(Some(region)),
                // What counts everywhere is counted everywhere.
                None => holdings_of.extend(all_regions.iter().map(|region| Some(region.as_str()))),
            }
        }
        let item = Rc::new(OwnerRows::read(reader, owner, region, &holdings_of));
        evict(&mut self.rows, LISTS);
        let kept = Kept {
            stamp,
            used,
            item: Rc::clone(&item),
        };
        self.rows.insert(key, kept);
        item
    }

    /// Takes out what is known of a region for a project, or reads it. It is to be given back.
    pub(crate) fn take<C: Cloud>(
        &mut self,
        cloud: &C,
        descriptor: &Descriptor,
        reader: &dyn Reader,
        project: &str,
        region: &str,
    ) -> RegionContext {
        let all_regions = self.regions(reader);
        let stamp = stamp(
            reader,
            Some(region),
            counts_holdings(descriptor),
            &all_regions,
        );
        let key = RegionKey {
            project: project.into(),
            region: region.into(),
        };
        let known = self
            .contexts
            .remove(&key)
            .filter(|kept| kept.stamp == stamp);
        if let Some(kept) = known {
            return kept.item;
        }
        let mut owners = Vec::new();
        for owner in reader.owners(project) {
            owners.push(KnownOwner {
                number: reader.number_of(&owner.id),
                level: reader.number_of(&owner.level),
                rules: cloud.level_rules(&owner.level),
                everywhere: self.rows(reader, descriptor, &owner.id, None),
                here: self.rows(reader, descriptor, &owner.id, Some(region)),
                owner,
            });
        }
        let places = Rc::clone(&self.places(reader).places);
        let in_region = || {
            let places = places.iter();
            places.filter(|known| known.place.region.as_deref() == Some(region))
        };
        let restriction = in_region()
            .find(|known| known.place.zone.is_none())
            .and_then(|known| known.restriction.clone());
        let zones = in_region().filter(|known| known.restriction.is_none());
        let zones = zones.filter_map(|known| known.place.zone.clone()).collect();
        let parts = Parts {
            stamp,
            owners,
            restriction,
            zones,
        };
        RegionContext::read(cloud, reader, project, region, parts)
    }

    /// Keeps a region for the next call.
    pub(crate) fn give_back(&mut self, context: RegionContext) {
        evict(&mut self.contexts, REGIONS);
        let key = RegionKey {
            project: context.project.clone(),
            region: context.region.clone(),
        };
        let kept = Kept {
            stamp: context.stamp.clone(),
            used: self.next_use(),
            item: context,
        };
        self.contexts.insert(key, kept);
    }
}

/// Makes room for one more by forgetting what was not used for longest.
fn evict<K: Ord + Clone, T>(kept: &mut BTreeMap<K, Kept<T>>, most: usize) {
    while kept.len() >= most {
        let oldest = kept.iter().min_by_key(|(_, kept)| kept.used);
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        kept.remove(&key);
    }
}

/// The generations that something of a region rests on; with those of every region where usage is counted over all.
fn stamp(
    reader: &dyn Reader,
    region: Option<&str>,
    of_all: bool,
    all_regions: &[String],
) -> Vec<u64> {
    let mut stamp = Vec::from([reader.generation(None)]);
    stamp.extend(region.map(|region| reader.generation(Some(region))));
    if of_all {
        stamp.extend(
            all_regions
                .iter()
                .map(|region| reader.generation(Some(region))),
        );
    }
    stamp
}

/// Whether the cloud counts usage from what the account holds.
fn counts_holdings(descriptor: &Descriptor) -> bool {
    descriptor
        .sources
        .iter()
        .any(|need| need.feed == Feed::Holdings)
}
