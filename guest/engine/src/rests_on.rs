//! The sources that an admission rests on and that change with launches: what to read again before one.

use alloc::{string::String, vec::Vec};

use quotagate_contract::{Feed, QuotaOutcome, ReservationUse, SourceReport};

use crate::{
    cloud::{Cloud, Draws},
    compile::{Entry, target_at},
    here::{Call, Here},
    judge::Launching,
    ledger::Ledger,
    reader::Number,
    target::{Found, LedgerKey},
};

/// Keys of sources, each once, in the order in which they were named first.
#[derive(Default)]
pub(crate) struct RestsOn(Vec<String>);

impl RestsOn {
    pub(crate) fn keys(self) -> Vec<String> {
        self.0
    }

    pub(crate) fn add<'s>(&mut self, sources: impl Iterator<Item = (usize, &'s SourceReport)>) {
        for (_, source) in sources {
            if !self.0.contains(&source.key) {
                self.0.push(source.key.clone());
            }
        }
    }

    /// Adds what the judgement of a launch rests on.
    pub(crate) fn add_launch<C: Cloud>(
        &mut self,
        call: &Call<'_, C>,
        here: &Here,
        launch: &Launching<'_>,
        quota: QuotaOutcome,
        is_refused: bool,
    ) {
        let sources = here.sources(call);
        let region = here.context.region.as_str();
        let is_project = |owner: &str| owner == here.context.project;
        let in_chain = |owner: &str| here.context.chain_has(owner) || is_project(owner);
        self.add(sources.of_feed(Feed::Rows).filter(|(_, source)| {
            source.owner.as_deref().is_none_or(in_chain)
                && source
                    .place
                    .region
                    .as_deref()
                    .is_none_or(|own| own == region)
        }));
        self.add_usages(call, here, launch);
        let is_unknown = launch.compiled.instance_type.is_none();
        let of_types = || sources.of_region(Feed::Types, region, is_project);
        // Without its type nobody knows what a launch takes; and what was not offered may be so by now.
        if is_unknown || is_refused {
            self.add(of_types());
        }
        if is_refused {
            self.add(sources.of_feed(Feed::Account));
        }
        let is_accelerated = launch
            .compiled
            .instance_type
            .as_ref()
            .is_some_and(|known| known.gpus > 0);
        let is_advised = !here.context.capacities(launch.instance_type).is_empty();
        if is_unknown || is_accelerated || is_advised {
            self.add(sources.of_region(Feed::Capacities, region, is_project));
        }
        let may_be_reserved =
            launch.compiled.may_be_reserved || (is_unknown && !launch.compiled.is_preemptible);
        if may_be_reserved && launch.profile.reservation != ReservationUse::Forbid {
            let insists = launch.profile.reservation == ReservationUse::Strict;
            let are_none = here.context.reservations.is_empty() && here.reservations.is_whole();
            // What is not there may be there by now, where a refusal rests on it.
            if insists || !are_none || quota == QuotaOutcome::Blocked {
                self.add(sources.of_region(Feed::Reservations, region, in_chain));
            }
        }
    }

    /// Adds what the usages of the rows that a launch draws on are counted from.
    fn add_usages<C: Cloud>(&mut self, call: &Call<'_, C>, here: &Here, launch: &Launching<'_>) {
        if here.context.foundations.is_empty() {
            return;
        }
        let sources = here.sources(call);
        for entry in call.drawn_on(here, launch) {
            let found = target_at(&here.context, entry.target).map(|target| &target.found);
            let Some(Found::Row(row)) = found else {
                continue;
            };
            let foundation = row
                .foundation
                .and_then(|at| here.context.foundations.get(at));
            let Some(foundation) = foundation else {
                continue;
            };
            let owner = here.context.owners.get(foundation.owner);
            let owner = owner.map_or("", |known| known.owner.id.as_str());
            let region = (!foundation.is_everywhere).then_some(here.context.region.as_str());
            self.add(sources.of_usage(&foundation.kinds, owner, region));
        }
    }
}

impl<C: Cloud> Call<'_, C> {
    /// Everything that a launch draws on, also where it is open which row governs.
    pub(crate) fn drawn_on(&self, here: &Here, launch: &Launching<'_>) -> Vec<Entry> {
        let drawing = self.drawing(here, launch);
        let open = drawing
            .alternatives
            .into_iter()
            .flat_map(|known| known.options);
        let all = drawing.entries.into_iter().chain(open.flatten());
        all.filter(|entry| entry.sum.draws != Draws::Never)
            .collect()
    }

    /// The reservations that a launch must name to be served as judged.
    pub(crate) fn reservations_to_name(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        ledger: &Ledger,
    ) -> Vec<Number> {
        if self.is_refused(here, launch) {
            return Vec::new();
        }
        let cover = self.cover(here, launch, ledger);
        cover.map_or_else(Vec::new, |cover| cover.to_name().collect())
    }

    /// What a launch takes of a quota by itself, at most, with the rows that it takes it of; none where it is not known to take any.
    pub(crate) fn own_demand(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        quota: Number,
    ) -> Option<OwnDemand> {
        let cover = self.cover(here, launch, &Ledger::default());
        let mut demand: Option<OwnDemand> = None;
        for entry in self.drawn_on(here, launch) {
            let Some(target) = target_at(&here.context, entry.target) else {
                continue;
            };
            if target.quota != quota {
                continue;
            }
            let count = crate::judge::drawing_count(launch, &entry, cover.as_ref());
            let taken = entry.sum.each.times(count).plus(entry.sum.once).at_most;
            let demand = demand.get_or_insert_with(OwnDemand::default);
            demand.at_most = demand.at_most.max(crate::amount::clamp(taken));
            let number = match target.ledger_key {
                LedgerKey::Row(number) => number,
                LedgerKey::Position(_) => 0,
            };
            demand.rows.push(OwnRow {
                owner: target.owner,
                number,
                is_everywhere: target.region == 0,
                zone: target.zone_name.as_deref().map(String::from),
                is_limited: match &target.found {
                    Found::Row(row) => row.read.numbers.limit != quotagate_contract::Limit::Unset,
                    Found::Twins(_) => true,
                    Found::Absent => false,
                },
                may_lack: here.readability(self, target).may_lack(),
            });
        }
        demand
    }
}

/// What a launch takes of one quota by itself.
#[derive(Default)]
pub(crate) struct OwnDemand {
    pub(crate) at_most: u64,
    /// Outermost owner first.
    pub(crate) rows: Vec<OwnRow>,
}

/// A row that it takes it of.
pub(crate) struct OwnRow {
    /// By place in the chain.
    pub(crate) owner: usize,
    /// Zero where it is not listed.
    pub(crate) number: Number,
    pub(crate) is_everywhere: bool,
    pub(crate) zone: Option<String>,
    pub(crate) is_limited: bool,
    /// Whether the owner's list may lack rows that are there.
    pub(crate) may_lack: bool,
}
