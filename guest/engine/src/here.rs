//! One region in one call: what a generation says of it, with what may differ from call to call.

use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::OnceCell;

use quotagate_contract::{
    Descriptor, ErrorCode, Feed, LessonKind, Policy, Profile, Refusal, SourceReport,
};

use crate::{
    cloud::{At, Cloud},
    compile::{Compiled, Drawing, Part, draw_on},
    context::RegionContext,
    judgement::{Collecting, Judgement},
    lesson::{self, StandingLesson},
    offered::Refused,
    profile::KnownProfile,
    reader::{Held, Number, NumberedLesson, Reader},
    sources::{ListReading, Readability, Sources},
    target::Target,
};

/// What a call rests on, whatever the launch.
pub(crate) struct Call<'a, C> {
    pub(crate) cloud: &'a C,
    pub(crate) reader: &'a dyn Reader,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) now: u64,
    pub(crate) policy: &'a Policy,
    pub(crate) collecting: Collecting,
    pub(crate) words: CommonWords,
}

/// The numbers of words that findings of every cloud use.
#[derive(Clone, Copy)]
pub(crate) struct CommonWords {
    pub(crate) instance: Number,
    pub(crate) count: Number,
    pub(crate) reserved: Number,
}

/// What may differ between two calls of one generation, for one project.
#[derive(Clone)]
pub(crate) struct ProjectMoment {
    pub(crate) sources: Rc<[SourceReport]>,
    /// Sorted by row.
    pub(crate) held: Rc<[Held]>,
    pub(crate) lessons: Rc<[NumberedLesson]>,
}

/// One region in one call.
pub(crate) struct Here {
    pub(crate) context: RegionContext,
    pub(crate) moment: ProjectMoment,
    /// The number of the project's id.
    pub(crate) project: Number,
    owners: Vec<OwnerReadability>,
    /// Lists of zones alone that are not as whole as those of their region.
    pub(crate) types: Readability,
    pub(crate) capacities: Readability,
    pub(crate) reservations: Readability,
    pub(crate) lessons: Vec<StandingLesson>,
    /// Of each foundation, whether it leaves usages open.
    open: Vec<bool>,
    has_quota_lessons: bool,
    /// The place of the next offer among those of the region that have no needs of their own.
    pub(crate) next_in_order: usize,
    /// Why nothing is launched here, whatever it is.
    pub(crate) refused: Option<Refused>,
    pub(crate) state_refused: Option<Refused>,
    pub(crate) state_unknown: Option<Refused>,
    /// What every launch takes, whatever its type.
    pub(crate) profile: Rc<KnownProfile>,
    zonal_parts: Vec<ZonalPart>,
    /// What is found of the profile's part, where the launch takes nothing else of the same rows.
    pub(crate) judgement: Judgement,
}

struct ZonalPart {
    zones: Vec<String>,
    part: Rc<Part>,
}

struct OwnerReadability {
    everywhere: Readability,
    here: Readability,
    /// Whether some list is of single zones.
    has_zonal: bool,
}

impl Here {
    /// Takes in what differs from call to call.
    pub(crate) fn new<C: Cloud>(
        call: &Call<'_, C>,
        mut context: RegionContext,
        moment: ProjectMoment,
    ) -> Self {
        context.in_short.clear();
        let sources = Sources {
            all: &moment.sources,
            now: call.now,
            policy: call.policy,
        };
        let region = context.region.as_str();
        let owners = context.owners.iter().map(|known| {
            let id = known.owner.id.as_str();
            OwnerReadability {
                everywhere: sources.weigh(sources.of_rows(id, None, None)),
                here: sources.weigh(sources.of_rows(id, Some(region), None)),
                has_zonal: sources
                    .of_feed(Feed::Rows)
                    .any(|(_, source)| source.place.zone.is_some()),
            }
        });
        let owners = owners.collect();
        let project = context.project.as_str();
        let is_project = |owner: &str| owner == project;
        let of_types = || sources.of_region(Feed::Types, region, is_project);
        let types = if of_types().next().is_some() {
            sources.weigh(of_types())
        } else {
            sources.weigh(sources.of_feed(Feed::Account))
        };
        let capacities = sources.weigh(sources.of_region(Feed::Capacities, region, is_project));
        let in_chain = |owner: &str| context.chain_has(owner);
        let of_reservations = || sources.of_region(Feed::Reservations, region, in_chain);
        let mut reservations = sources.weigh(of_reservations());
        if of_reservations().next().is_none() {
            // A list that nobody asks for is one that the cloud does not have.
            let is_asked_for =
                |need: &quotagate_contract::SourceNeed| need.feed == Feed::Reservations;
            if !call.descriptor.sources.iter().any(is_asked_for) {
                reservations.reading = ListReading::Unsupported;
            }
        }
        let lessons = lesson::standing(
            call.reader,
            call.descriptor,
            &context,
            &moment.lessons,
            call.now,
        );
        let has_quota_lessons = lessons
            .iter()
            .any(|known| known.lesson.kind == LessonKind::Quota);
        Self {
            project: call.reader.number_of(project),
            owners,
            types,
            capacities,
            reservations,
            lessons,
            open: Vec::new(),
            has_quota_lessons,
            next_in_order: 0,
            refused: context.place_is_against(),
            state_refused: context
                .state_is_against(call.cloud, quotagate_contract::Reason::NotOffered),
            state_unknown: context
                .state_is_against(call.cloud, quotagate_contract::Reason::StateUnknown),
            profile: Rc::default(),
            zonal_parts: Vec::new(),
            judgement: Judgement::new(),
            context,
            moment,
        }
    }

    /// Resolves what every launch of a profile takes here.
    pub(crate) fn set_profile<C: Cloud>(
        &mut self,
        call: &Call<'_, C>,
        profile: &Profile,
    ) -> Result<(), Refusal> {
        let kept = self.context.profile.take();
        let known = match kept.filter(|known| known.is(profile)) {
            Some(known) => known,
            None => {
                let known = KnownProfile::resolve(call, &mut self.context, profile);
                Rc::new(known.map_err(invalid)?)
            }
        };
        self.context.profile = Some(Rc::clone(&known));
        self.profile = known;
        self.zonal_parts.clear();
        self.open_up(call);
        Ok(())
    }

    /// What a launch that may land in these zones takes of zones' rows by its profile.
    pub(crate) fn zonal_part<C: Cloud>(
        &mut self,
        call: &Call<'_, C>,
        zones: &[String],
    ) -> Option<Rc<Part>> {
        if self.profile.zonal.is_empty() {
            return None;
        }
        let known = self.zonal_parts.iter().find(|known| known.zones == zones);
        if let Some(known) = known {
            return Some(Rc::clone(&known.part));
        }
        let context = &mut self.context;
        let part = Part::resolve(context, call.cloud, call.reader, &self.profile.zonal, zones);
        let part = Rc::new(part);
        self.zonal_parts.push(ZonalPart {
            zones: zones.to_vec(),
            part: Rc::clone(&part),
        });
        self.open_up(call);
        Some(part)
    }

    /// Looks at what the usages of rows rest on that were resolved meanwhile.
    pub(crate) fn open_up<C: Cloud>(&mut self, call: &Call<'_, C>) {
        let sources = Sources {
            all: &self.moment.sources,
            now: call.now,
            policy: call.policy,
        };
        let context = &self.context;
        let new = context.foundations.iter().skip(self.open.len());
        let open = new.map(|foundation| {
            let owner = context.owners.get(foundation.owner);
            let owner = owner.map_or("", |known| known.owner.id.as_str());
            let region = (!foundation.is_everywhere).then_some(context.region.as_str());
            sources
                .leave_open(&foundation.kinds, owner, region)
                .is_some()
        });
        let open: Vec<bool> = open.collect();
        self.open.extend(open);
        let context = &mut self.context;
        context
            .in_short
            .resize_with(context.targets.len(), OnceCell::new);
    }

    /// The sources as they stand.
    pub(crate) fn sources<'h, C: Cloud>(&'h self, call: &Call<'h, C>) -> Sources<'h> {
        Sources {
            all: &self.moment.sources,
            now: call.now,
            policy: call.policy,
        }
    }

    /// How far the list of a target was read.
    pub(crate) fn readability<C: Cloud>(&self, call: &Call<'_, C>, target: &Target) -> Readability {
        let Some(owner) = self.owners.get(target.owner) else {
            return self.types;
        };
        match (target.at, &target.zone_name) {
            (At::Everywhere, _) => owner.everywhere,
            (At::Zone, Some(zone)) if owner.has_zonal => {
                let sources = Sources {
                    all: &self.moment.sources,
                    now: call.now,
                    policy: call.policy,
                };
                let known = self.context.owners.get(target.owner);
                let id = known.map_or("", |known| known.owner.id.as_str());
                let region = Some(self.context.region.as_str());
                sources.weigh(sources.of_rows(id, region, Some(zone)))
            }
            _ => owner.here,
        }
    }

    /// Whether failed launches taught something of rows here.
    pub(crate) const fn has_quota_lessons(&self) -> bool {
        self.has_quota_lessons
    }

    /// Whether the usage of a row may be more than was counted.
    pub(crate) fn is_open(&self, foundation: Option<usize>) -> bool {
        foundation.is_some_and(|at| self.open.get(at).copied().unwrap_or(true))
    }

    /// What a launch takes, with each demand on the row that governs it as things stand.
    pub(crate) fn drawing<C: Cloud>(&self, call: &Call<'_, C>, parts: &[&Part]) -> Drawing {
        draw_on(&self.context, parts, |target| {
            let readability = self.readability(call, target);
            match readability.reading {
                ListReading::Whole => true,
                ListReading::InPart => target.is_listed(),
                _ => false,
            }
        })
    }

    /// What was derived of an offer, where it was before.
    pub(crate) fn compiled(&self, asking: &crate::compile::Asking) -> Option<Rc<Compiled>> {
        self.context.compiled.get(asking).cloned()
    }
}

/// A launch that makes no sense in the cloud.
pub(crate) fn invalid(why: crate::cloud::InvalidLaunch) -> Refusal {
    Refusal {
        code: ErrorCode::InvalidLaunch,
        message: why.0,
    }
}
