//! What a generation says of one project in one region: its owners, rows, types, advice and reservations by number.

use alloc::{
    collections::BTreeMap,
    rc::Rc,
    string::{String, ToString as _},
    vec::Vec,
};
use core::cell::OnceCell;

use quotagate_contract::{
    Attribute, Capacity, InstanceType, KindOffered, Limit, Owner, Reservation, Row, RowState,
};

use crate::{
    cloud::{At, Claim, Cloud, LevelRules, Owners},
    compile::{Asking, Compiled},
    profile::KnownProfile,
    reader::{Number, Reader},
    row::RowNumbers,
    rows::{Lookup, OwnerRows, fingerprint},
    short::TargetInShort,
    target::{Found, Foundation, LedgerKey, Target, TargetKey, TargetRow},
};

/// What is derived of one project in one region, once a generation.
pub(crate) struct RegionContext {
    /// The generations that it was derived from.
    pub(crate) stamp: Vec<u64>,
    pub(crate) project: String,
    pub(crate) region: String,
    pub(crate) region_number: Number,
    /// The chain of owners, outermost first.
    pub(crate) owners: Vec<KnownOwner>,
    /// Why the account may not launch in the region.
    pub(crate) restriction: Option<String>,
    /// The zones that the cloud lists in the region.
    zones: Vec<String>,
    /// Sorted by number.
    types: Vec<KnownType>,
    pub(crate) kinds: Vec<KindOffered>,
    /// Sorted by the number of the type.
    capacities: Vec<KnownCapacity>,
    pub(crate) reservations: Vec<KnownReservation>,
    pub(crate) targets: Vec<Target>,
    /// Of each target what it is in short in the present call, once somebody asks.
    pub(crate) in_short: Vec<OnceCell<TargetInShort>>,
    targets_by_key: BTreeMap<TargetKey, u32>,
    /// Claims without coordinates that were resolved, by the fingerprint of their quota: many types draw on the same few quotas.
    claims: BTreeMap<u64, Vec<KnownClaim>>,
    /// What people call quotas, by the number of the quota.
    titles: BTreeMap<Number, Rc<str>>,
    /// What usages rest on, besides the rows themselves.
    pub(crate) foundations: Vec<Foundation>,
    pub(crate) compiled: BTreeMap<Asking, Rc<Compiled>>,
    /// The profile that was asked about last.
    pub(crate) profile: Option<Rc<KnownProfile>>,
    /// The same in the order in which the last call asked: lists of offers come again as they were.
    pub(crate) in_order: Vec<(Asking, Rc<Compiled>)>,
}

/// One owner of the chain.
pub(crate) struct KnownOwner {
    pub(crate) owner: Owner,
    pub(crate) number: Number,
    pub(crate) level: Number,
    pub(crate) rules: LevelRules,
    /// Rows that count everywhere.
    pub(crate) everywhere: Rc<OwnerRows>,
    /// Rows of the region and its zones.
    pub(crate) here: Rc<OwnerRows>,
}

/// An instance type with the number of its name.
pub(crate) struct KnownType {
    number: Number,
    pub(crate) instance_type: Rc<InstanceType>,
}

/// Advice by number.
pub(crate) struct KnownCapacity {
    instance_type: Number,
    pub(crate) lifecycle: Number,
    pub(crate) zone: Number,
    pub(crate) capacity: Capacity,
}

/// A reservation with what its rows say in numbers.
pub(crate) struct KnownReservation {
    /// The number of the row's key.
    pub(crate) number: Number,
    /// The number of the share's key; zero where there is none.
    pub(crate) share_number: Number,
    pub(crate) zone: Number,
    pub(crate) unit: Number,
    pub(crate) reservation: Reservation,
    pub(crate) own: ReadRow,
    /// The asking project's share, where it is limited or not in force.
    pub(crate) share: Option<ReadRow>,
}

impl KnownReservation {
    /// Its own row and the project's share of it, if that counts.
    fn rows(&self) -> impl Iterator<Item = &ReadRow> {
        [&self.own].into_iter().chain(&self.share)
    }

    /// Whether it, or the project's share of it, lets nothing through.
    pub(crate) fn is_suspended(&self) -> bool {
        let mut rows = self.rows();
        rows.any(|row| row.numbers.state == RowState::Suspended)
    }

    /// Whether a limit that bounds it is the cloud's default, so that it may be larger than it says.
    pub(crate) fn is_by_default(&self) -> bool {
        let mut rows = self.rows();
        let is_by_default = rows.any(|row| matches!(row.numbers.limit, Limit::ByDefault(_)));
        is_by_default && !self.is_suspended()
    }

    /// Whether its numbers, and those of the project's share, are in force.
    pub(crate) fn is_in_force(&self) -> bool {
        let mut rows = self.rows();
        rows.all(|row| row.numbers.state == RowState::InForce)
    }
}

/// A row as the cloud's rules read it.
#[derive(Clone, Debug)]
pub(crate) struct ReadRow {
    pub(crate) numbers: RowNumbers,
    /// Why the usage is no measurement, in words.
    pub(crate) doubt: Option<Rc<str>>,
}

impl ReadRow {
    pub(crate) fn of(cloud: &impl Cloud, row: &Row, rows: Option<&OwnerRows>) -> Self {
        let holdings = rows.map_or(&[][..], |rows| &rows.holdings);
        let reading = cloud.reading(row, holdings);
        let doubt = reading.doubt.as_ref();
        Self {
            numbers: RowNumbers {
                state: row.state,
                limit: row.limit,
                used_at_least: reading.usage.at_least,
                used_at_most: reading
                    .usage
                    .at_most
                    .map(|most| most.max(reading.usage.at_least)),
                doubt: doubt.map(|doubt| doubt.reason),
                is_bounded: doubt.is_none() || reading.usage.at_most.is_some(),
            },
            doubt: doubt
                .and_then(|doubt| doubt.detail.as_deref())
                .map(Rc::from),
        }
    }
}

/// A claim without coordinates, with its targets.
struct KnownClaim {
    quota: String,
    at: At,
    owners: Owners,
    zone: Option<String>,
    targets: Vec<u32>,
}

impl KnownClaim {
    fn is(&self, claim: &Claim<'_>, zone: Option<&str>) -> bool {
        self.at == claim.at
            && self.owners == claim.owners
            && self.zone.as_deref() == zone
            && self.quota == claim.quota
    }
}

/// What a context is made of, read once.
pub(crate) struct Parts {
    pub(crate) stamp: Vec<u64>,
    pub(crate) owners: Vec<KnownOwner>,
    pub(crate) restriction: Option<String>,
    pub(crate) zones: Vec<String>,
}

impl RegionContext {
    /// Reads a region for a project.
    pub(crate) fn read(
        cloud: &impl Cloud,
        reader: &dyn Reader,
        project: &str,
        region: &str,
        parts: Parts,
    ) -> Self {
        let types = reader.instance_types(project, region).into_iter();
        let types = types.map(|known| KnownType {
            number: known.number,
            instance_type: Rc::new(known.instance_type),
        });
        let types = joined_types(types.collect());
        let capacities = reader.capacities(region).into_iter();
        let mut capacities: Vec<KnownCapacity> = capacities
            .map(|capacity| KnownCapacity {
                instance_type: reader.number_of(&capacity.instance_type),
                lifecycle: reader.number_of(&capacity.lifecycle),
                zone: reader.number_of(capacity.place.zone.as_deref().unwrap_or_default()),
                capacity,
            })
            .collect();
        capacities.sort_by_key(|known| known.instance_type);
        let reservations = reader.reservations(project, region).into_iter();
        let reservations = reservations.map(|known| {
            let reservation = known.reservation;
            let zone = reservation.row.place.zone.as_deref().unwrap_or_default();
            let share = reservation.share.as_ref();
            let share = share
                .filter(|share| share.limit.number().is_some() || share.state != RowState::InForce);
            KnownReservation {
                number: known.number,
                share_number: known.share,
                zone: reader.number_of(zone),
                unit: reader.number_of(&reservation.row.unit),
                own: ReadRow::of(cloud, &reservation.row, None),
                share: share.map(|share| ReadRow::of(cloud, share, None)),
                reservation,
            }
        });
        Self {
            stamp: parts.stamp,
            project: project.into(),
            region: region.into(),
            region_number: reader.number_of(region),
            owners: parts.owners,
            restriction: parts.restriction,
            zones: parts.zones,
            types,
            kinds: joined_kinds(reader.kinds(project, region)),
            capacities,
            reservations: reservations.collect(),
            targets: Vec::new(),
            in_short: Vec::new(),
            targets_by_key: BTreeMap::new(),
            claims: BTreeMap::new(),
            titles: BTreeMap::new(),
            foundations: Vec::new(),
            compiled: BTreeMap::new(),
            profile: None,
            in_order: Vec::new(),
        }
    }

    /// The type of that number, if the project is offered it there.
    pub(crate) fn instance_type(&self, number: Number) -> Option<&Rc<InstanceType>> {
        let at = self.types.partition_point(|known| known.number < number);
        let found = self.types.get(at).filter(|known| known.number == number);
        found.map(|known| &known.instance_type)
    }

    /// The advice on one type: all zones, all lifecycles.
    pub(crate) fn capacities(&self, instance_type: Number) -> &[KnownCapacity] {
        let all = &self.capacities;
        let start = all.partition_point(|known| known.instance_type < instance_type);
        let end = all.partition_point(|known| known.instance_type <= instance_type);
        all.get(start..end).unwrap_or_default()
    }

    /// The same with their places among all advice.
    pub(crate) fn capacities_of(
        &self,
        instance_type: Number,
    ) -> impl Iterator<Item = (usize, &KnownCapacity)> {
        let all = &self.capacities;
        let start = all.partition_point(|known| known.instance_type < instance_type);
        let rest = all.iter().enumerate().skip(start);
        rest.take_while(move |(_, known)| known.instance_type == instance_type)
    }

    /// All advice there is.
    pub(crate) fn all_capacities(&self) -> &[KnownCapacity] {
        &self.capacities
    }

    /// What people call a quota.
    pub(crate) fn title(&self, quota: Number) -> Option<String> {
        self.titles.get(&quota).map(|title| String::from(&**title))
    }

    pub(crate) fn chain_has(&self, owner: &str) -> bool {
        self.owners.iter().any(|known| known.owner.id == owner)
    }

    /// The zones in which a launch may land: the one that it names, else those in which its type is offered, else those of the
    /// region.
    pub(crate) fn zones_of(&self, instance_type: &InstanceType, zone: Option<&str>) -> Vec<String> {
        if let Some(zone) = zone {
            return Vec::from([zone.to_string()]);
        }
        let mut zones: Vec<String> = Vec::new();
        for offered in &instance_type.offered {
            if offered
                .place
                .region
                .as_deref()
                .is_none_or(|own| own == self.region)
                && offered.restriction.is_none()
                && let Some(zone) = &offered.place.zone
                && !zones.contains(zone)
            {
                zones.push(zone.clone());
            }
        }
        if zones.is_empty() {
            self.zones.clone()
        } else {
            zones
        }
    }

    /// The targets of a claim, one an owner, outermost first. `zone` is where a claim on a zone's rows is resolved.
    pub(crate) fn resolve(
        &mut self,
        cloud: &impl Cloud,
        reader: &dyn Reader,
        claim: &Claim<'_>,
        zone: Option<&str>,
    ) -> Vec<u32> {
        let zone = zone.filter(|_| claim.at == At::Zone);
        let fingerprint = fingerprint(&claim.quota);
        let is_bare = claim.dimensions.is_empty();
        if is_bare && let Some(known) = self.claims.get(&fingerprint) {
            let mut known = known.iter();
            if let Some(known) = known.find(|known| known.is(claim, zone)) {
                return known.targets.clone();
            }
        }
        let last = self.owners.len().saturating_sub(1);
        let owners = match claim.owners {
            Owners::All => 0..self.owners.len(),
            Owners::Outermost => 0..self.owners.len().min(1),
            Owners::Innermost => last..self.owners.len(),
        };
        let targets: Vec<u32> = owners
            .map(|owner| self.target(cloud, reader, claim, owner, zone))
            .collect();
        if is_bare {
            self.claims
                .entry(fingerprint)
                .or_default()
                .push(KnownClaim {
                    quota: claim.quota.clone().into_owned(),
                    at: claim.at,
                    owners: claim.owners,
                    zone: zone.map(String::from),
                    targets: targets.clone(),
                });
        }
        targets
    }

    fn target(
        &mut self,
        cloud: &impl Cloud,
        reader: &dyn Reader,
        claim: &Claim<'_>,
        owner: usize,
        zone: Option<&str>,
    ) -> u32 {
        let Some(known) = self.owners.get(owner) else {
            return u32::MAX;
        };
        let is_everywhere = claim.at == At::Everywhere;
        let rows = if is_everywhere {
            Rc::clone(&known.everywhere)
        } else {
            Rc::clone(&known.here)
        };
        let lookup = rows.find(&claim.quota, zone, &claim.dimensions);
        let region = (!is_everywhere).then(|| self.region.clone());
        let position: Rc<str> = position(&known.owner.id, claim, region.as_deref(), zone).into();
        let key = match lookup {
            Lookup::Row(row) => TargetKey::Row {
                owner,
                number: row.number,
            },
            // Contradicting rows of one position may have one key.
            Lookup::Twins(_) | Lookup::Absent => TargetKey::Position {
                owner,
                text: Rc::clone(&position),
            },
        };
        if let Some(known) = self.targets_by_key.get(&key) {
            return *known;
        }
        let (found, ledger_key) = match lookup {
            Lookup::Row(row) => {
                let title = row.row.title.as_deref();
                let title = title.or_else(|| cloud.title(&row.row.quota));
                if let Some(title) = title {
                    let quota = reader.number_of(&row.row.quota);
                    self.titles.insert(quota, title.into());
                }
                let foundation = self.foundation(cloud, &row.row, owner, is_everywhere);
                let row = TargetRow {
                    number: row.number,
                    unit: reader.number_of(&row.row.unit),
                    unit_name: row.row.unit.as_str().into(),
                    read: ReadRow::of(cloud, &row.row, Some(&rows)),
                    foundation,
                };
                let key = LedgerKey::Row(row.number);
                (Found::Row(row), key)
            }
            Lookup::Twins(row) => (Found::Twins(row.number), LedgerKey::Row(row.number)),
            Lookup::Absent => (Found::Absent, LedgerKey::Position(position)),
        };
        let target = Target {
            owner,
            quota: reader.number_of(&claim.quota),
            region: region.map_or(0, |_| self.region_number),
            zone: zone.map_or(0, |zone| reader.number_of(zone)),
            zone_name: zone.map(Rc::from),
            at: claim.at,
            found,
            ledger_key,
        };
        let index = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        self.targets.push(target);
        self.targets_by_key.insert(key, index);
        index
    }

    fn foundation(
        &mut self,
        cloud: &impl Cloud,
        row: &Row,
        owner: usize,
        is_everywhere: bool,
    ) -> Option<usize> {
        let kinds = cloud.usage_rests_on(row);
        if kinds.is_empty() {
            return None;
        }
        let is_same = |known: &Foundation| {
            known.kinds == kinds && known.owner == owner && known.is_everywhere == is_everywhere
        };
        let known = self.foundations.iter().position(is_same);
        Some(known.unwrap_or_else(|| {
            self.foundations.push(Foundation {
                kinds: kinds.to_vec(),
                owner,
                is_everywhere,
            });
            self.foundations.len() - 1
        }))
    }
}

/// The types sorted by number, each once. One that is listed more than once is offered wherever one of its entries says so.
fn joined_types(mut types: Vec<KnownType>) -> Vec<KnownType> {
    types.sort_by_key(|known| known.number);
    types.dedup_by(|later, first| {
        let is_same = later.number == first.number;
        if is_same {
            let offered = &later.instance_type.offered;
            let known = Rc::make_mut(&mut first.instance_type);
            known.offered.extend_from_slice(offered);
        }
        is_same
    });
    types
}

/// The kinds, each once, offered wherever one of its entries says so.
fn joined_kinds(mut kinds: Vec<KindOffered>) -> Vec<KindOffered> {
    kinds.sort_by(|one, other| one.kind.cmp(&other.kind));
    kinds.dedup_by(|later, first| {
        let is_same = later.kind == first.kind;
        if is_same {
            first.offered.append(&mut later.offered);
        }
        is_same
    });
    kinds
}

/// A position of one owner in words that no other has.
fn position(owner: &str, claim: &Claim<'_>, region: Option<&str>, zone: Option<&str>) -> String {
    let mut text = String::new();
    let mut part = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    part(owner);
    part(&claim.quota);
    part(region.unwrap_or_default());
    part(zone.unwrap_or_default());
    let mut dimensions: Vec<&Attribute> = claim.dimensions.iter().collect();
    dimensions.sort();
    for dimension in dimensions {
        part(&dimension.name);
        part(&dimension.value);
    }
    text
}
