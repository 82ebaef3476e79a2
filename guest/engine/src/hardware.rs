//! Whether hardware is likely to be free for a launch: the cloud's advice, and what failed launches taught.

use alloc::format;

use quotagate_contract::{
    CapacityOutcome, Detail, LessonKind, QuotaOutcome, Reason, ReservationUse,
};

use crate::{
    amount::Bound,
    capacity::{AdviceQuestion, Advised, worse},
    cloud::Cloud,
    here::{Call, Here},
    judge::Launching,
    judgement::{Judgement, Noted},
    ledger::{Ledger, Placement},
    offered::zone_word,
};

impl<C: Cloud> Call<'_, C> {
    /// Adds the cloud's advice on hardware, which never touches the quota outcome.
    pub(crate) fn capacity(
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
                advised: if lifecycle == launch.lifecycle {
                    launch.compiled.advised
                } else {
                    let of_type = launch.instance_type;
                    Advised::of(&here.context, of_type, lifecycle, launch.zone)
                },
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
        if here.lessons.is_empty() {
            return;
        }
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
}
