//! What a launch takes beside what failed launches taught of its quotas.

use alloc::format;

use quotagate_contract::{LessonKind, QuotaOutcome, Reason};

use crate::{
    amount::clamp,
    answer::NumberedFinding,
    cloud::{Cloud, Draws},
    compile::{Entry, target_at},
    here::{Call, Here},
    judge::{Launching, behind, own_doubt},
    judge_row::is_spared,
    judgement::{Judgement, Noted},
    ledger::Ledger,
    lesson::StandingLesson,
    reservation::ReservationCover,
};

/// What a launch may take: one of several groups of rows.
pub(crate) struct Options<'a> {
    pub(crate) groups: &'a [&'a [Entry]],
    /// Whether its instances may spread over them.
    pub(crate) may_spread: bool,
}

impl<C: Cloud> Call<'_, C> {
    /// Judges what a launch takes by what failed launches taught of its quota: the cloud refused as much or less a short while ago.
    /// Of several options each may be what the launch takes.
    pub(crate) fn failed_before(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        options: &Options<'_>,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        let of_quotas = here.lessons.iter();
        for known in of_quotas.filter(|known| known.lesson.kind == LessonKind::Quota) {
            let concerned = |entry: &&Entry| self.is_concerned(here, launch, known, entry);
            let groups = options.groups.iter();
            let mut of_options = groups.map(|option| option.iter().find(concerned));
            let Some(entry) = of_options.clone().flatten().next() else {
                continue;
            };
            let mut entry = entry.clone();
            if !of_options.all(|found| found.is_some()) {
                entry.sum = entry.sum.perhaps();
            }
            let zones = if options.may_spread {
                options.groups.len()
            } else {
                1
            };
            self.refused_before(judgement, here, launch, known, &entry, zones, cover, ledger);
        }
    }

    fn is_concerned(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        known: &StandingLesson,
        entry: &Entry,
    ) -> bool {
        if entry.sum.draws == Draws::Never || is_spared(launch, entry) {
            return false;
        }
        let Some(target) = target_at(&here.context, entry.target) else {
            return false;
        };
        let owner = here.context.owners.get(target.owner);
        let is_owner = if known.owner == 0 {
            entry.is_outermost
        } else {
            owner.is_some_and(|owner| owner.number == known.owner)
        };
        let zone = if target.zone == 0 {
            launch.zone
        } else {
            target.zone
        };
        is_owner && target.quota == known.quota && (known.zone == 0 || known.zone == zone)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of the launch as it stands"
    )]
    fn refused_before(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        known: &StandingLesson,
        entry: &Entry,
        zones: usize,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        let Some(target) = target_at(&here.context, entry.target) else {
            return;
        };
        let cover = cover.filter(|_| entry.sum.is_reservable);
        let amount = self.amount(launch, entry, cover, target, ledger);
        let passes = known.lesson.at_least.max(1) - 1;
        let (asked, total) = (amount.asked(), amount.total());
        // What was refused of one zone may pass in each.
        let everywhere = passes.saturating_mul(zones.try_into().unwrap_or(u64::MAX));
        let bound = behind(cover, amount.instances_in(passes, everywhere));
        judgement.bound = judgement.bound.and(bound);
        if cover.is_some() {
            judgement.behind_reserved = judgement.behind_reserved.and(bound);
        }
        let (passes, everywhere) = (u128::from(passes), u128::from(everywhere));
        if asked.at_most == 0 || total.at_most <= passes {
            return;
        }
        let is_certain = asked.at_least > 0 && total.at_least > everywhere;
        let outcome = if is_certain {
            QuotaOutcome::Blocked
        } else {
            QuotaOutcome::Unknown
        };
        let finding = NumberedFinding {
            quota: target.quota,
            owner: known.owner,
            region: here.context.region_number,
            unit: self.reader.number_of(entry.sum.unit()),
            required: Some(clamp(total.at_most)),
            ..NumberedFinding::new(Reason::FailedBefore, outcome)
        };
        let said = self.word(|| {
            let said = known.said();
            if is_certain {
                return said;
            }
            if asked.at_least > 0 && total.at_least > passes {
                return format!("{said}; instances may spread over several zones");
            }
            let own = amount.before.at_least.saturating_add(asked.at_most);
            if own > passes {
                let doubt = own_doubt(launch, entry, cover, Reason::FailedBefore);
                format!("{said}; {}", doubt.why)
            } else {
                format!("{said}; starts under way may take part of it")
            }
        });
        judgement.note(self.collecting, Noted::new(finding, bound).saying(said));
    }
}
