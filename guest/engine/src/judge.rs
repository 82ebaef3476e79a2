//! One launch: every row that it draws on, reserved capacity, hardware.

use alloc::{borrow::Cow, format, rc::Rc, string::String, vec::Vec};

use quotagate_contract::{
    CapacityOutcome, Detail, Need, Profile, QuotaOutcome, Reason, ReservationUse, SourceState,
};

use crate::{
    amount::Bound,
    answer::NumberedFinding,
    band::Band,
    cloud::Cloud,
    compile::{Compiled, Drawing, Entry, Part},
    here::{Call, Here},
    judgement::{Judgement, Noted},
    ledger::Ledger,
    offered::Refused,
    reader::Number,
    reservation::{CoverQuestion, ReservationCover},
    sources::ListReading,
};

/// A launch to judge.
#[derive(Clone)]
pub(crate) struct Launching<'a> {
    pub(crate) instance_type: Number,
    pub(crate) lifecycle: Number,
    pub(crate) zone: Number,
    pub(crate) zone_name: Option<&'a str>,
    pub(crate) count: u32,
    pub(crate) profile: &'a Profile,
    /// What belongs to the offer itself.
    pub(crate) needs: &'a [Need],
    pub(crate) compiled: Rc<Compiled>,
    /// What the profile takes of zones' rows.
    pub(crate) zonal: Option<Rc<Part>>,
}

/// Why a launch is not judged by its rows.
struct Refusing {
    refused: Refused,
    /// How far the list of types was read, where it is that.
    list: Option<SourceState>,
}

impl<C: Cloud> Call<'_, C> {
    /// Judges what every launch of a profile takes in a region, whatever its type.
    pub(crate) fn judge_profile(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        ledger: &Ledger,
    ) -> Judgement {
        let mut judgement = Judgement::new();
        if here.profile.part.is_plain() {
            self.entries(
                &mut judgement,
                here,
                launch,
                &here.profile.part.entries,
                None,
                ledger,
            );
        }
        judgement
    }

    /// Judges a launch after those in the ledger, and enters what it takes.
    pub(crate) fn launch(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        ledger: &mut Ledger,
    ) -> Judgement {
        let mut judgement = Judgement::new();
        self.launch_into(&mut judgement, here, launch, ledger);
        judgement
    }

    /// The same into a judgement that is empty yet.
    pub(crate) fn launch_into(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        ledger: &mut Ledger,
    ) {
        if let Some(refusing) = self.refusing(here, launch) {
            if refusing.list.is_some() && ledger.is_kept() {
                self.enter_unjudged(here, launch, ledger);
            }
            self.refuse(judgement, here, launch, refusing);
            return;
        }
        if let Some(refused) = &here.state_unknown {
            let refused = refused.clone();
            self.refuse(
                judgement,
                here,
                launch,
                Refusing {
                    refused,
                    list: None,
                },
            );
        }
        let cover = self.cover(here, launch, ledger);
        let cover = cover.as_ref();
        let own = &launch.compiled.part;
        if self.is_apart(here, launch) {
            if self.is_short(here, ledger) {
                self.short_entries(judgement, here, launch, own, cover, ledger);
            } else {
                self.entries(judgement, here, launch, &own.entries, cover, ledger);
            }
            judgement.add(&here.judgement);
            self.settle(judgement, here, launch, own);
        } else {
            let drawing = self.drawing(here, launch);
            self.entries(judgement, here, launch, &drawing.entries, cover, ledger);
            for alternatives in &drawing.alternatives {
                self.alternatives(judgement, here, launch, alternatives, cover, ledger);
            }
        }
        let mut on_reserved = 0;
        if let Some(cover) = cover {
            self.reserving(judgement, here, launch, cover);
            on_reserved = cover.instances;
        }
        self.capacity(judgement, here, launch, on_reserved, ledger);
        if ledger.is_kept() {
            self.enter_all(here, launch, cover, ledger);
        }
        if self.policy.detail == Detail::All {
            for what in &launch.compiled.not_checked {
                let finding =
                    self.about_offer(here, launch, Reason::NotChecked, QuotaOutcome::Fits);
                let noted = Noted::new(finding, Bound::UNLIMITED);
                let said = self.word(|| String::from(*what));
                judgement.note(self.collecting, noted.saying(said));
            }
        }
    }

    /// Whether rows can be judged in short: nobody asks for an explanation, nothing was taken before, and no failed launch taught
    /// anything of rows.
    fn is_short(&self, here: &Here, ledger: &Ledger) -> bool {
        self.policy.detail != Detail::All && !ledger.is_kept() && !here.has_quota_lessons()
    }

    /// Words, where somebody asks for them.
    pub(crate) fn word(&self, words: impl FnOnce() -> String) -> Option<String> {
        self.collecting.words.then(words)
    }

    /// Whether a launch's own rows and its profile's are apart, and nothing is open: then the profile was judged before.
    fn is_apart(&self, here: &Here, launch: &Launching<'_>) -> bool {
        let own = &launch.compiled.part;
        launch.zonal.is_none()
            && own.is_plain()
            && here.profile.part.is_plain()
            && !here.profile.meets(own)
    }

    pub(crate) fn drawing(&self, here: &Here, launch: &Launching<'_>) -> Drawing {
        let mut parts: Vec<&Part> = Vec::from([&launch.compiled.part]);
        parts.extend(launch.zonal.as_deref());
        parts.push(&here.profile.part);
        here.drawing(self, &parts)
    }

    /// Why the launch is not offered, or why nobody knows whether it is.
    fn refusing(&self, here: &Here, launch: &Launching<'_>) -> Option<Refusing> {
        let not = |refused: &Refused| {
            Some(Refusing {
                refused: refused.clone(),
                list: None,
            })
        };
        if let Some(refused) = &here.state_refused {
            return not(refused);
        }
        let compiled = &launch.compiled;
        if let Some(reason) = here.types.reading.unreadable()
            && (here.types.reading != ListReading::Unsupported || compiled.instance_type.is_none())
        {
            let why = || {
                format!(
                    "the list of instance types could not be read: {}",
                    here.sources(self).why(here.types)
                )
            };
            return Some(Refusing {
                refused: Refused::new(reason, self.word(why).unwrap_or_default()),
                list: Some(here.types.state),
            });
        }
        if let Some(refused) = &here.refused {
            return not(refused);
        }
        if compiled.instance_type.is_none() && here.types.reading == ListReading::InPart {
            let why = String::from("the list of instance types was read in part");
            return Some(Refusing {
                refused: Refused::new(Reason::ScopeUnreadable, why),
                list: Some(here.types.state),
            });
        }
        if let Some(refused) = &compiled.refused {
            return not(refused);
        }
        if here.context.owners.is_empty() {
            let project = &here.context.project;
            let why = format!("whose quotas project {project} draws on is not known");
            return not(&Refused::new(Reason::ScopeUnreadable, why));
        }
        if here.context.kinds.is_empty() {
            return None;
        }
        let against = |needs| here.context.needs_are_against(needs, launch.zone_name);
        let own = against(launch.needs);
        if own.is_some() {
            return own.as_ref().and_then(not);
        }
        match launch.zone_name {
            None => here.profile.refused.as_ref().and_then(not),
            Some(_) => against(&launch.profile.needs).as_ref().and_then(not),
        }
    }

    /// Whether the launch is not judged by its rows.
    pub(crate) fn is_refused(&self, here: &Here, launch: &Launching<'_>) -> bool {
        self.refusing(here, launch).is_some()
    }

    fn refuse(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        refusing: Refusing,
    ) {
        let Refusing { refused, list } = refusing;
        let finding = self.about_offer(here, launch, refused.reason, QuotaOutcome::Unknown);
        let noted = Noted::new(finding, Bound::UNKNOWN).resting_on(list);
        let said = self.word(|| refused.why);
        judgement.note(self.collecting, noted.saying(said));
        judgement.bound = Bound::UNKNOWN;
        if refused.reason == Reason::NotOffered {
            judgement.capacity = CapacityOutcome::Unlikely;
        }
    }

    pub(crate) fn cover_question<'h>(
        &'h self,
        here: &'h Here,
        launch: &'h Launching<'_>,
    ) -> CoverQuestion<'h> {
        CoverQuestion {
            context: &here.context,
            sources: here.sources(self),
            list: here.reservations,
            compiled: &launch.compiled,
            zone: launch.zone,
            together: launch.profile.together,
            reservation_key: launch.profile.reservation_key.as_deref(),
            project: here.project,
            held: &here.moment.held,
            held_proves_shortage: self.cloud.held_proves_shortage(),
            words: self.collecting.words,
            restart: launch.profile.restart,
            count: launch.count,
        }
    }

    pub(crate) fn cover(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        ledger: &Ledger,
    ) -> Option<ReservationCover> {
        let use_of = launch.profile.reservation;
        if !launch.compiled.may_be_reserved || use_of == ReservationUse::Forbid {
            return None;
        }
        let reading = here.reservations.reading;
        let is_known = matches!(reading, ListReading::Whole | ListReading::Unsupported);
        if launch.compiled.serving.is_empty() && is_known && use_of == ReservationUse::Auto {
            return None;
        }
        Some(self.cover_question(here, launch).cover(ledger))
    }

    /// What the reservations do for the launch.
    fn reserving(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        cover: &ReservationCover,
    ) {
        if let Some(done) = self.reserved_finding(here, launch, cover, judgement.behind_reserved) {
            judgement.bound = judgement.bound.and(done.bound);
            let mut noted = done.noted;
            noted.always |= !cover.announced.is_empty();
            judgement.note(self.collecting, noted);
        }
        for change in &cover.soon {
            let mut finding =
                self.about_offer(here, launch, Reason::ChangesSoon, QuotaOutcome::Fits);
            finding.unit = self.words.count;
            // The launch takes nothing by it; so it is one finding of a plan, however many launches it concerns.
            finding.required = None;
            finding.limit = Some(change.limit);
            let said = self.word(|| change.said.clone());
            let noted = Noted::new(finding, Bound::UNLIMITED).saying(said);
            judgement.note(self.collecting, noted);
        }
    }

    /// A finding on the offer itself rather than on a row.
    pub(crate) fn about_offer(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        reason: Reason,
        outcome: QuotaOutcome,
    ) -> NumberedFinding {
        NumberedFinding {
            region: here.context.region_number,
            unit: self.words.instance,
            required: Some(launch.count.into()),
            ..NumberedFinding::new(reason, outcome)
        }
    }
}

/// Instances of a launch that draw on a row: those that reserved capacity does not take, where it may take any.
pub(crate) fn drawing_count(
    launch: &Launching<'_>,
    entry: &Entry,
    cover: Option<&ReservationCover>,
) -> Band {
    let count = u64::from(launch.count);
    let beside = |reserved| u128::from(count.saturating_sub(reserved));
    match cover.filter(|_| entry.sum.is_reservable) {
        None => Band::exactly(count.into()),
        Some(cover) => Band {
            at_least: beside(cover.at_most()),
            at_most: beside(cover.instances),
        },
    }
}

/// How many instances a row lets through, with those that reserved capacity takes.
pub(crate) fn behind(cover: Option<&ReservationCover>, row: Bound) -> Bound {
    match cover {
        None => row,
        Some(cover) if cover.is_unbounded => Bound::UNKNOWN,
        Some(cover) => row.plus(cover.bound()),
    }
}

/// Why what stands against a launch proves no shortage, where what the launch itself takes is not certain.
pub(crate) struct OwnDoubt {
    /// The reason of such a finding.
    pub(crate) reason: Reason,
    pub(crate) why: Cow<'static, str>,
}

/// Says why; the reason of such a finding is otherwise `reason`.
pub(crate) fn own_doubt(
    launch: &Launching<'_>,
    entry: &Entry,
    cover: Option<&ReservationCover>,
    reason: Reason,
) -> OwnDoubt {
    let doubt = |reason, why| OwnDoubt { reason, why };
    if entry.sum.is_uncertain() {
        let why = if launch.profile.restart {
            "the stopped instances' own may be inside the usage already"
        } else {
            "it may be inside the usage already, or be taken of another row"
        };
        return doubt(reason, why.into());
    }
    match cover.map(|cover| (cover, &cover.uncertain)) {
        Some((cover, None)) => doubt(Reason::MayBeHeld, cover.may_be_held().into()),
        Some((_, Some(why))) => doubt(
            reason,
            format!("reserved capacity may cover it: {why}").into(),
        ),
        None => doubt(reason, "reserved capacity may cover it".into()),
    }
}
