//! Demands resolved to rows, once a generation for each type, lifecycle and zone.

use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::Cell;

use quotagate_contract::{InstanceType, Limit, RowState};

use crate::{
    capacity::Advised,
    cloud::{At, Cloud, Demand, Draws, Meaning, Serves},
    context::RegionContext,
    offered::Refused,
    reader::{Number, Reader},
    short::ShortEntry,
    sum::Sum,
    target::{Found, Target},
};

/// What of an offer and its profile decides what one instance draws on, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asking {
    pub(crate) instance_type: Number,
    pub(crate) lifecycle: Number,
    pub(crate) zone: Number,
    pub(crate) reservation_key: Number,
    /// Restart, together and reservation use.
    pub(crate) how: u8,
}

/// What is derived of one such offer.
#[derive(Default)]
pub(crate) struct Compiled {
    /// The type, where the project is offered it or the cloud sells it unlisted.
    pub(crate) instance_type: Option<Rc<InstanceType>>,
    /// Why it is not offered as asked for.
    pub(crate) refused: Option<Refused>,
    /// The zones in which it may land.
    pub(crate) zones: Vec<String>,
    /// What its instances draw on.
    pub(crate) part: Part,
    pub(crate) may_be_reserved: bool,
    /// The reservations that serve it, by place, and what one instance takes of each.
    pub(crate) serving: Vec<Serving>,
    pub(crate) not_checked: Vec<&'static str>,
    pub(crate) is_preemptible: bool,
    /// What the cloud's advice says of it.
    pub(crate) advised: Advised,
    /// Where it was judged last: offers that are the same share a judgement.
    pub(crate) judged: Cell<JudgedIn>,
}

/// An offer of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JudgedIn {
    pub(crate) call: u64,
    pub(crate) offer: usize,
}

/// A reservation that serves a launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Serving {
    pub(crate) index: usize,
    pub(crate) serves: Serves,
}

/// A part of what a launch takes: sums by row, and demands of which it is open which row governs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Entry>,
    /// The same entries in short.
    pub(crate) short: Vec<ShortEntry>,
    choices: Vec<Choice>,
}

/// What is taken of one row.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) target: u32,
    pub(crate) sum: Sum,
    /// Rows that one demand names share it; they are told together.
    pub(crate) group: u32,
    /// Whether it is of the outermost owner that the demand names.
    pub(crate) is_outermost: bool,
}

/// A demand with rows that stand in for each other: of several zones, in each the alternatives, of each its targets.
#[derive(Clone, Debug)]
struct Choice {
    zones: Vec<Vec<Vec<u32>>>,
    /// One for each target named.
    sums: Vec<TargetSum>,
}

#[derive(Clone, Debug)]
struct TargetSum {
    target: u32,
    sum: Sum,
}

/// Whether the row of an alternative lets anything through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Open,
    Closed,
    Unknown,
}

/// A demand of which several rows may govern.
#[derive(Debug)]
pub(crate) struct Alternatives {
    /// Of each alternative its entries.
    pub(crate) options: Vec<Vec<Entry>>,
    /// Whether they are of several zones, so that instances which need not share one may spread over them.
    pub(crate) is_by_zone: bool,
}

/// A launch's demands as they stand in one call.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    pub(crate) entries: Vec<Entry>,
    pub(crate) alternatives: Vec<Alternatives>,
}

impl Part {
    /// Resolves demands; `zones` are those in which the launch may land.
    pub(crate) fn resolve(
        context: &mut RegionContext,
        cloud: &impl Cloud,
        reader: &dyn Reader,
        demands: &[Demand<'_>],
        zones: &[String],
    ) -> Self {
        let mut part = Self::default();
        for demand in demands {
            // What is not taken asks no row.
            if demand.each == 0 && demand.once == 0 {
                continue;
            }
            let is_zonal = demand.any_of.iter().any(|claim| claim.at == At::Zone);
            let mut places: Vec<Option<&str>> =
                zones.iter().map(|zone| Some(zone.as_str())).collect();
            if !is_zonal || places.is_empty() {
                places = Vec::from([None]);
            }
            let mut in_zone = |zone: Option<&str>| -> Vec<Vec<u32>> {
                let claims = demand.any_of.iter();
                claims
                    .map(|claim| context.resolve(cloud, reader, claim, zone))
                    .collect()
            };
            let resolved: Vec<Vec<Vec<u32>>> = places.into_iter().map(&mut in_zone).collect();
            part.take_in(context, demand, resolved);
        }
        part.short = part.entries.iter().map(ShortEntry::of).collect();
        part
    }

    fn take_in(&mut self, context: &RegionContext, demand: &Demand<'_>, zones: Vec<Vec<Vec<u32>>>) {
        let sum_at = |target: u32| {
            let unit = target_at(context, target).and_then(Target::unit_name);
            Sum::of(demand, unit)
        };
        if let [only] = zones.as_slice()
            && let [targets] = only.as_slice()
        {
            let entries: Vec<Entry> = entries(targets, sum_at);
            self.add(&entries);
            return;
        }
        let mut sums: Vec<TargetSum> = Vec::new();
        for target in zones.iter().flatten().flatten() {
            if sums.iter().all(|known| known.target != *target) {
                let (target, sum) = (*target, sum_at(*target));
                sums.push(TargetSum { target, sum });
            }
        }
        let known = self.choices.iter_mut().find(|known| known.zones == zones);
        match known {
            Some(known) => {
                for (known, other) in known.sums.iter_mut().zip(&sums) {
                    known.sum.add(&other.sum);
                }
            }
            None => self.choices.push(Choice { zones, sums }),
        }
    }

    fn add(&mut self, entries: &[Entry]) {
        add(&mut self.entries, entries);
    }

    /// Whether nothing is open, whatever the sources say.
    pub(crate) fn is_plain(&self) -> bool {
        self.choices.is_empty()
    }
}

/// Adds up what parts take, with each demand on the row that governs it. `is_known` says whether an owner's list of a target can be
/// relied on for a row that it lacks.
pub(crate) fn draw_on(
    context: &RegionContext,
    parts: &[&Part],
    is_known: impl Fn(&Target) -> bool,
) -> Drawing {
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Vec<Alternatives> = Vec::new();
    for part in parts {
        add(&mut entries, &part.entries);
        for choice in &part.choices {
            let sum_at = |target: u32| {
                let found = choice.sums.iter().find(|known| known.target == target);
                found.map(|known| known.sum)
            };
            let mut options: Vec<&Vec<u32>> = Vec::new();
            for zone in &choice.zones {
                for option in governing(context, zone, &is_known) {
                    if !options.contains(&option) {
                        options.push(option);
                    }
                }
            }
            let mut of_options = options.into_iter().map(|targets| {
                let known: Vec<u32> = targets.clone();
                let sums = |target| sum_at(target);
                entries_of(&known, sums)
            });
            match (of_options.next(), of_options.next()) {
                (None, _) => {}
                (Some(only), None) => add(&mut entries, &only),
                (Some(one), Some(other)) => {
                    open.push(Alternatives {
                        options: [one, other].into_iter().chain(of_options).collect(),
                        is_by_zone: choice.zones.len() > 1,
                    });
                }
            }
        }
    }
    Drawing::of(entries, open)
}

impl Alternatives {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.options.iter().flatten()
    }
}

impl Drawing {
    /// What is certain of a row counts beside what may be taken of it, and the other way round.
    fn of(certain: Vec<Entry>, open: Vec<Alternatives>) -> Self {
        let mut entries = certain.clone();
        for option in open.iter().flat_map(Alternatives::entries) {
            for entry in entries
                .iter_mut()
                .filter(|entry| entry.target == option.target)
            {
                if entry.sum.draws != Draws::Never {
                    entry.sum = entry.sum.beside(&option.sum);
                }
            }
        }
        let mut alternatives: Vec<Alternatives> = Vec::new();
        for (index, known) in open.iter().enumerate() {
            let others = || {
                let others = open.iter().enumerate();
                others.filter(move |(other, _)| *other != index)
            };
            let with_others = |entry: &Entry| {
                let mut entry = entry.clone();
                let beside = certain.iter().filter(|known| known.target == entry.target);
                for known in beside {
                    entry.sum.add(&known.sum);
                }
                for (_, others) in others() {
                    let same = others.entries();
                    for other in same.filter(|other| other.target == entry.target) {
                        entry.sum = entry.sum.beside(&other.sum);
                    }
                }
                entry
            };
            let options = known.options.iter();
            let options = options.map(|option| option.iter().map(with_others).collect());
            alternatives.push(Alternatives {
                options: options.collect(),
                is_by_zone: known.is_by_zone,
            });
        }
        Self {
            entries,
            alternatives,
        }
    }
}

/// The alternatives that may govern: each that is not known to let nothing through, up to the first that lets something through;
/// the last where none does.
fn governing<'o>(
    context: &RegionContext,
    alternatives: &'o [Vec<u32>],
    is_known: &impl Fn(&Target) -> bool,
) -> Vec<&'o Vec<u32>> {
    let mut possible = Vec::new();
    let last = alternatives.len().saturating_sub(1);
    for (index, targets) in alternatives.iter().enumerate() {
        match passage(context, targets, is_known) {
            Passage::Open => {
                possible.push(targets);
                break;
            }
            Passage::Unknown => possible.push(targets),
            Passage::Closed if index == last => possible.push(targets),
            Passage::Closed => {}
        }
    }
    possible
}

/// Whether all rows of an alternative let something through. A row that is not there lets nothing through, unless other owners'
/// rows govern without it.
fn passage(
    context: &RegionContext,
    targets: &[u32],
    is_known: &impl Fn(&Target) -> bool,
) -> Passage {
    let mut found = None;
    for target in targets
        .iter()
        .filter_map(|target| target_at(context, *target))
    {
        let rules = context.owners.get(target.owner).map(|owner| owner.rules);
        let meant = |meaning: Option<Meaning>| match meaning {
            Some(Meaning::Unconstrained) => Passage::Open,
            Some(Meaning::Blocks) => Passage::Closed,
            Some(Meaning::Unknown) | None => Passage::Unknown,
        };
        let one = match &target.found {
            _ if !is_known(target) => Passage::Unknown,
            Found::Twins(_) => Passage::Unknown,
            Found::Absent => match rules.map(|rules| rules.absent) {
                Some(Meaning::Unconstrained) => continue,
                _ => Passage::Closed,
            },
            Found::Row(row) if row.read.numbers.state != RowState::InForce => Passage::Unknown,
            Found::Row(row) => match row.read.numbers.limit {
                Limit::Unlimited => Passage::Open,
                Limit::Amount(0) => Passage::Closed,
                Limit::ByDefault(0) => Passage::Unknown,
                Limit::Amount(_) | Limit::ByDefault(_) => Passage::Open,
                Limit::Unset => meant(rules.map(|rules| rules.unset)),
            },
        };
        found = Some(match (found, one) {
            (Some(Passage::Closed), _) | (_, Passage::Closed) => Passage::Closed,
            (Some(Passage::Unknown), _) | (_, Passage::Unknown) => Passage::Unknown,
            _ => Passage::Open,
        });
    }
    found.unwrap_or(Passage::Closed)
}

fn entries(targets: &[u32], sum_at: impl Fn(u32) -> Sum) -> Vec<Entry> {
    entries_of(targets, |target| Some(sum_at(target)))
}

fn entries_of(targets: &[u32], sum_at: impl Fn(u32) -> Option<Sum>) -> Vec<Entry> {
    let outermost = targets.first().copied().unwrap_or(u32::MAX);
    let named = targets.iter().enumerate();
    named
        .filter_map(|(index, target)| {
            Some(Entry {
                target: *target,
                sum: sum_at(*target)?,
                group: outermost,
                is_outermost: index == 0,
            })
        })
        .collect()
}

/// Adds entries on the same rows, in the order in which each row is named first.
fn add(entries: &mut Vec<Entry>, more: &[Entry]) {
    for entry in more {
        match entries
            .iter_mut()
            .find(|known| known.target == entry.target)
        {
            Some(known) => known.sum.add(&entry.sum),
            None => {
                // A row that only now is named stands beside those of its demand.
                let group = entries.iter().rposition(|known| known.group == entry.group);
                let at = group.map_or(entries.len(), |last| last + 1);
                entries.insert(at, entry.clone());
            }
        }
    }
}

pub(crate) fn target_at(context: &RegionContext, target: u32) -> Option<&Target> {
    context.targets.get(usize::try_from(target).ok()?)
}
