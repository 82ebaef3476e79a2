//! Advice on free hardware, read with care: it speaks of one moment, reserves nothing, and never changes the quota outcome.

use alloc::{format, string::String};
use core::fmt;

use quotagate_contract::{CapacityOutcome, Grade, QuotaOutcome, Reason};

use crate::{
    context::{KnownCapacity, RegionContext},
    reader::Number,
    sources::{Readability, Sources},
};

/// What advice is asked about.
pub(crate) struct AdviceQuestion<'a> {
    pub(crate) context: &'a RegionContext,
    pub(crate) sources: Sources<'a>,
    /// How far the list was read.
    pub(crate) list: Readability,
    /// The zone that the launch names; zero for none.
    pub(crate) zone: Number,
    pub(crate) together: bool,
    /// The instances of the type, with those that a plan placed before.
    pub(crate) wanted: u64,
    /// What the advice says in numbers.
    pub(crate) advised: Advised,
    /// What the quotas say.
    pub(crate) quota: QuotaOutcome,
    pub(crate) zone_word: &'a str,
    /// Whether somebody asks for an explanation.
    pub(crate) explain: bool,
    /// Whether words are made.
    pub(crate) words: bool,
}

/// What the cloud's advice on one type says in numbers, whatever is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Advised {
    /// Nothing.
    #[default]
    Nothing,
    /// Nothing that the cloud vouches for now.
    NothingFresh,
    Fresh(FreshAdvice),
}

/// The best of a type's advice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreshAdvice {
    /// Its place among all advice of the region.
    at: usize,
    available: Option<u32>,
    for_count: Option<u32>,
    grade: Grade,
    clipped: bool,
    /// What is available in all zones together.
    total: u64,
}

impl Advised {
    /// Reads the advice on a type under a lifecycle, or that of launches on reserved capacity; in one zone, or in all.
    pub(crate) fn of(
        context: &RegionContext,
        instance_type: Number,
        lifecycle: Number,
        zone: Number,
    ) -> Self {
        let of_type = context.capacities_of(instance_type);
        let rows = of_type
            .filter(|(_, row)| row.lifecycle == lifecycle && (zone == 0 || row.zone == zone));
        let mut advised = Self::Nothing;
        let mut best: Option<&KnownCapacity> = None;
        let mut total: u64 = 0;
        for (at, row) in rows {
            let capacity = &row.capacity;
            if !capacity.fresh {
                if best.is_none() {
                    advised = Self::NothingFresh;
                }
                continue;
            }
            total = total.saturating_add(capacity.available.unwrap_or(0).into());
            if best.is_none_or(|best| worth(row) > worth(best)) {
                best = Some(row);
                advised = Self::Fresh(FreshAdvice {
                    at,
                    available: capacity.available,
                    for_count: capacity.for_count,
                    grade: capacity.grade,
                    clipped: capacity.clipped,
                    total: 0,
                });
            }
        }
        if let Self::Fresh(best) = &mut advised {
            best.total = total;
        }
        advised
    }
}

/// What the advice comes to for one launch.
pub(crate) struct Advice {
    pub(crate) outcome: CapacityOutcome,
    /// Why, where there is something to say.
    pub(crate) said: Option<Said>,
}

/// Why advice comes to what it does.
pub(crate) struct Said {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl AdviceQuestion<'_> {
    /// Asks the advice.
    pub(crate) fn answer(&self) -> Advice {
        if self.list.reading.unreadable().is_some() {
            return self.nothing(|| {
                let why = self.sources.why(self.list);
                format!("the advice on capacity could not be read: {why}")
            });
        }
        let best = match self.advised {
            Advised::Nothing => {
                return self
                    .nothing(|| String::from("the cloud gives no advice on this type here"));
            }
            Advised::NothingFresh => {
                return self
                    .nothing(|| String::from("the cloud's advice on this type is not fresh"));
            }
            Advised::Fresh(best) => best,
        };
        match best.available {
            Some(available) => self.by_number(best, available.into()),
            None => self.by_grade(best),
        }
    }

    fn by_number(&self, best: FreshAdvice, available: u64) -> Advice {
        let (place, total) = (self.place(best), best.total);
        let wanted = self.wanted;
        if available < wanted && best.clipped {
            return self.saying(CapacityOutcome::Unknown, Reason::LimitReached, || {
                let word = match self.quota {
                    QuotaOutcome::Fits => "although the rows have room",
                    QuotaOutcome::Blocked | QuotaOutcome::Unknown => {
                        "which says nothing of hardware"
                    }
                };
                format!(
                    "the cloud's advice says that the account's own limit is reached{place}, {word}"
                )
            });
        }
        if available >= wanted {
            return self.likely(|| {
                let risk = match best.grade {
                    Grade::Low => ", with a high risk of finding none",
                    _ => "",
                };
                format!("the cloud sees room for {available} now{place}{risk}")
            });
        }
        // Several zones may serve instances that need not share one, but their numbers share one clip, so a sum that reaches
        // proves nothing, while a sum that does not reach is enough to doubt.
        let is_one_zone = self.together || self.zone != 0;
        if !is_one_zone && total >= wanted {
            return self.nothing(|| {
                let word = self.zone_word;
                format!(
                    "the cloud sees room for {available} now{place}, and for {total} over all {word}s"
                )
            });
        }
        self.saying(CapacityOutcome::Unlikely, Reason::NoCapacity, || {
            if available == 0 {
                format!("the cloud sees no free hardware{place} now")
            } else {
                format!("the cloud sees room for {available} of {wanted}{place} now")
            }
        })
    }

    /// Advice without a number: a grade, of as many instances as it says, or of any.
    fn by_grade(&self, best: FreshAdvice) -> Advice {
        let place = self.place(best);
        let spoken_of = best.for_count.map(u64::from);
        let of = |count: Option<u64>| {
            count.map_or_else(String::new, |count| format!(" for {count} instances"))
        };
        match best.grade {
            Grade::High | Grade::Medium if spoken_of.is_none_or(|count| self.wanted <= count) => {
                self.likely(|| format!("the cloud sees room{}{place} now", of(spoken_of)))
            }
            Grade::None if best.clipped => {
                self.saying(CapacityOutcome::Unknown, Reason::LimitReached, || {
                    format!("the cloud's advice says that the account's own limit is reached{place}, which says nothing of hardware")
                })
            }
            Grade::None if spoken_of.is_none_or(|count| self.wanted >= count) => {
                self.saying(CapacityOutcome::Unlikely, Reason::NoCapacity, || {
                    format!("the cloud sees no free hardware{place} now")
                })
            }
            Grade::Low => self.nothing(|| {
                format!("the cloud sees a high risk of finding no hardware{place} now")
            }),
            Grade::High | Grade::Medium | Grade::None => self.nothing(|| {
                format!("the cloud's advice speaks of other numbers{place}: {}", of(spoken_of))
            }),
            Grade::Unknown => self.nothing(|| {
                String::from("the cloud's advice on this type does not say whether there is any")
            }),
        }
    }

    fn likely(&self, detail: impl FnOnce() -> String) -> Advice {
        Advice {
            outcome: CapacityOutcome::Likely,
            said: self.explain.then(|| Said {
                reason: Reason::NotDecisive,
                detail: self.word(detail),
            }),
        }
    }

    /// Nothing usable, and why, where somebody asks.
    fn nothing(&self, why: impl FnOnce() -> String) -> Advice {
        Advice {
            outcome: CapacityOutcome::Unknown,
            said: self.explain.then(|| Said {
                reason: Reason::CapacityUnknown,
                detail: self.word(why),
            }),
        }
    }

    fn saying(
        &self,
        outcome: CapacityOutcome,
        reason: Reason,
        detail: impl FnOnce() -> String,
    ) -> Advice {
        Advice {
            outcome,
            said: Some(Said {
                reason,
                detail: self.word(detail),
            }),
        }
    }

    fn word(&self, detail: impl FnOnce() -> String) -> String {
        if self.words { detail() } else { String::new() }
    }

    /// The place that advice speaks of, where it names one.
    fn place(&self, advice: FreshAdvice) -> OnZone<'_> {
        OnZone {
            word: self.zone_word,
            context: self.context,
            at: advice.at,
        }
    }
}

/// The outcome of two kinds of launch together: either without hardware is enough to miss it.
pub(crate) const fn worse(one: CapacityOutcome, other: CapacityOutcome) -> CapacityOutcome {
    match (one, other) {
        (CapacityOutcome::Unlikely, _) | (_, CapacityOutcome::Unlikely) => {
            CapacityOutcome::Unlikely
        }
        (CapacityOutcome::Unknown, _) | (_, CapacityOutcome::Unknown) => CapacityOutcome::Unknown,
        (CapacityOutcome::Likely, CapacityOutcome::Likely) => CapacityOutcome::Likely,
    }
}

/// Of several zones the one with the most room; among those with as much, the one that the cloud grades best. A zone without
/// hardware says more than one whose number the account's own limit cut.
fn worth(row: &KnownCapacity) -> (u32, u8) {
    let capacity = &row.capacity;
    let grade = match capacity.grade {
        _ if capacity.clipped => 0,
        Grade::High => 5,
        Grade::Medium => 4,
        Grade::Low => 3,
        Grade::None => 2,
        Grade::Unknown => 1,
    };
    // A grade without a number may stand for any.
    let available = capacity.available.unwrap_or(match capacity.grade {
        Grade::High | Grade::Medium | Grade::Low => u32::MAX,
        Grade::None | Grade::Unknown => 0,
    });
    (available, grade)
}

/// The zone that advice speaks of, where it names one.
struct OnZone<'a> {
    word: &'a str,
    context: &'a RegionContext,
    at: usize,
}

impl fmt::Display for OnZone<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = self.context.all_capacities().get(self.at);
        match advice.and_then(|known| known.capacity.place.zone.as_deref()) {
            Some(zone) => write!(formatter, " on {} {zone}", self.word),
            None => Ok(()),
        }
    }
}
