//! One launch: every row that it draws on, reserved capacity, hardware.

use alloc::{borrow::Cow, format, rc::Rc, string::String, vec::Vec};

use quotagate_contract::{
    CapacityOutcome, Detail, LessonKind, Need, Profile, QuotaOutcome, Reason, ReservationUse,
    SourceState,
};

use crate::{
    amount::Bound,
    answer::NumberedFinding,
    band::Band,
    capacity::{AdviceQuestion, worse},
    cloud::{Cloud, Draws},
    compile::{Compiled, Drawing, Entry, Part, target_at},
    here::{Call, Here},
    judgement::{Judgement, Noted},
    ledger::{Ledger, Placement},
    offered::{Refused, zone_word},
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
        if here.profile.is_plain() {
            self.entries(
                &mut judgement,
                here,
                launch,
                &here.profile.entries,
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
        if let Some(refusing) = self.refusing(here, launch) {
            if refusing.list.is_some() && ledger.is_kept() {
                self.enter_unjudged(here, launch, ledger);
            }
            self.refuse(&mut judgement, here, launch, refusing);
            return judgement;
        }
        if let Some(refused) = &here.state_unknown {
            let refused = refused.clone();
            self.refuse(
                &mut judgement,
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
            self.entries(&mut judgement, here, launch, &own.entries, cover, ledger);
            judgement.add(&here.judgement);
        } else {
            let drawing = self.drawing(here, launch);
            self.entries(
                &mut judgement,
                here,
                launch,
                &drawing.entries,
                cover,
                ledger,
            );
            for alternatives in &drawing.alternatives {
                let options = &alternatives.options;
                self.alternatives(&mut judgement, here, launch, options, cover, ledger);
            }
        }
        let mut on_reserved = 0;
        if let Some(cover) = cover {
            self.reserving(&mut judgement, here, launch, cover);
            on_reserved = cover.instances;
        }
        self.capacity(&mut judgement, here, launch, on_reserved, ledger);
        if ledger.is_kept() {
            self.enter_all(here, launch, cover, ledger);
        }
        if self.policy.detail == Detail::All {
            for what in &launch.compiled.not_checked {
                let finding =
                    self.about_offer(here, launch, Reason::NotChecked, QuotaOutcome::Fits);
                let noted = Noted::new(finding, Bound::UNLIMITED);
                let said = self.word(|| what.clone());
                judgement.note(self.collecting, noted.saying(said));
            }
        }
        judgement
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
            && here.profile.is_plain()
            && !own.meets(&here.profile)
    }

    pub(crate) fn drawing(&self, here: &Here, launch: &Launching<'_>) -> Drawing {
        let mut parts: Vec<&Part> = Vec::from([&launch.compiled.part]);
        parts.extend(launch.zonal.as_deref());
        parts.push(&here.profile);
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
        let needs = [launch.needs, &launch.profile.needs];
        let found = needs
            .iter()
            .find_map(|needs| here.context.needs_are_against(needs, launch.zone_name));
        found.as_ref().and_then(not)
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

    fn cover_question<'h>(
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

    /// Adds the cloud's advice on hardware, which never touches the quota outcome.
    fn capacity(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        on_reserved: u64,
        ledger: &mut Ledger,
    ) {
        let count = u64::from(launch.count);
        let is_strict = launch.profile.reservation == ReservationUse::Strict;
        let reserved = match launch.compiled.may_be_reserved {
            true if is_strict => count,
            true => on_reserved.min(count),
            false => 0,
        };
        let mut outcome: Option<CapacityOutcome> = None;
        let is_split = reserved > 0 && reserved < count;
        for (lifecycle, instances) in [
            (self.words.reserved, reserved),
            (launch.lifecycle, count - reserved),
        ] {
            if instances == 0 {
                continue;
            }
            let place = Placement {
                region: here.context.region_number,
                instance_type: launch.instance_type,
                lifecycle,
            };
            let advice = AdviceQuestion {
                context: &here.context,
                sources: here.sources(self),
                list: here.capacities,
                instance_type: launch.instance_type,
                lifecycle,
                zone: launch.zone,
                together: launch.profile.together,
                wanted: ledger.placed(place).saturating_add(instances),
                quota: judgement.quota,
                zone_word: zone_word(self.descriptor),
                explain: self.policy.detail == Detail::All,
                words: self.collecting.words,
            }
            .answer();
            if ledger.is_kept() {
                ledger.place(place, instances);
            }
            outcome = Some(outcome.map_or(advice.outcome, |known| worse(known, advice.outcome)));
            if let Some(said) = advice.said {
                let detail = self.word(|| {
                    let part = if lifecycle == self.words.reserved {
                        "on reserved capacity"
                    } else {
                        "beside reserved capacity"
                    };
                    if is_split {
                        format!("{part}: {}", said.detail)
                    } else {
                        said.detail
                    }
                });
                let finding = self.about_offer(here, launch, said.reason, QuotaOutcome::Fits);
                let noted = Noted::new(finding, Bound::UNLIMITED).saying(detail);
                judgement.note(self.collecting, noted);
            }
        }
        judgement.capacity = outcome.unwrap_or(CapacityOutcome::Unknown);
        self.no_hardware_before(judgement, here, launch);
    }

    /// What failed launches taught of hardware. It beats advice, which is minutes old; and where nobody knows what such a
    /// launch ran into, nothing about it is known.
    fn no_hardware_before(&self, judgement: &mut Judgement, here: &Here, launch: &Launching<'_>) {
        for (kind, outcome) in [
            (LessonKind::Unclear, QuotaOutcome::Unknown),
            (LessonKind::Capacity, QuotaOutcome::Fits),
        ] {
            let concerning = here.lessons.iter().filter(|known| {
                known.lesson.kind == kind
                    && known.concerns(launch.instance_type, launch.lifecycle, launch.zone)
                    && (known.owner == 0
                        || here
                            .context
                            .owners
                            .iter()
                            .any(|owner| owner.number == known.owner))
            });
            for known in concerning {
                let bound = match outcome {
                    QuotaOutcome::Fits => Bound::UNLIMITED,
                    QuotaOutcome::Unknown | QuotaOutcome::Blocked => Bound::UNKNOWN,
                };
                let finding = self.about_offer(here, launch, Reason::FailedBefore, outcome);
                judgement.bound = judgement.bound.and(bound);
                let noted = Noted::new(finding, bound).saying(self.word(|| known.said()));
                judgement.note(self.collecting, noted);
                judgement.capacity = match (kind, judgement.capacity) {
                    (LessonKind::Capacity, _) | (_, CapacityOutcome::Unlikely) => {
                        CapacityOutcome::Unlikely
                    }
                    _ => CapacityOutcome::Unknown,
                };
            }
        }
    }

    /// Enters what a launch takes that cannot be judged and may be made nevertheless, as far as it is known.
    fn enter_unjudged(&self, here: &Here, launch: &Launching<'_>, ledger: &mut Ledger) {
        let cover = self.cover(here, launch, ledger);
        self.enter_all(here, launch, cover.as_ref(), ledger);
    }

    /// Enters what a launch takes of rows and of reservations.
    fn enter_all(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        cover: Option<&ReservationCover>,
        ledger: &mut Ledger,
    ) {
        let drawing = self.drawing(here, launch);
        // What is certain of a row stands in the entries beside what may be taken of it.
        for entry in &drawing.entries {
            self.enter(here, launch, entry, cover, ledger);
        }
        for alternatives in &drawing.alternatives {
            let mut entered: Vec<u32> = Vec::new();
            for entry in alternatives.options.iter().flatten() {
                let is_beside = drawing
                    .entries
                    .iter()
                    .any(|known| known.target == entry.target);
                if is_beside || entered.contains(&entry.target) {
                    continue;
                }
                entered.push(entry.target);
                let of_all = alternatives
                    .options
                    .iter()
                    .all(|option| option.iter().any(|other| other.target == entry.target));
                let mut entry = entry.clone();
                if !of_all {
                    entry.sum = entry.sum.perhaps();
                }
                self.enter(here, launch, &entry, cover, ledger);
            }
        }
        if let Some(cover) = cover {
            cover.take(&self.cover_question(here, launch), ledger);
        }
    }

    /// Enters what a launch takes: rows that do not decide are not drawn on, and reserved capacity spares those that it covers.
    fn enter(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        entry: &Entry,
        cover: Option<&ReservationCover>,
        ledger: &mut Ledger,
    ) {
        let Some(target) = target_at(&here.context, entry.target) else {
            return;
        };
        let is_drawn_on = match entry.sum.draws {
            Draws::Never => false,
            Draws::WhereListed => {
                let outermost = target_at(&here.context, entry.outermost);
                outermost.is_some_and(|outermost| {
                    let readability = here.readability(self, outermost);
                    outermost.is_listed() && readability.reading.unreadable().is_none()
                })
            }
            Draws::Always => {
                let insists = launch.profile.reservation == ReservationUse::Strict;
                !(entry.sum.is_reservable && insists && launch.compiled.may_be_reserved)
            }
        };
        if is_drawn_on {
            let count = drawing_count(launch, entry, cover);
            let amount = entry.sum.each.times(count).plus(entry.sum.once);
            ledger.take(&target.ledger_key, amount);
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
