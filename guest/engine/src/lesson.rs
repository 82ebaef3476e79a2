//! What failed launches taught: launches like them are judged by it until it ends.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use quotagate_contract::{Descriptor, Grade, Lesson, LessonKind};

use crate::{
    context::RegionContext,
    reader::{Number, NumberedLesson, Reader},
};

/// A lesson that stands in a region, with its names by number; zero for none.
#[derive(Clone, Debug)]
pub(crate) struct StandingLesson {
    pub(crate) lesson: Lesson,
    pub(crate) quota: Number,
    pub(crate) owner: Number,
    pub(crate) zone: Number,
    pub(crate) instance_type: Number,
    pub(crate) lifecycle: Number,
}

/// The lessons that have not ended and concern launches in this region; without those of hardware that advice contradicts.
pub(crate) fn standing(
    reader: &dyn Reader,
    descriptor: &Descriptor,
    context: &RegionContext,
    lessons: &[NumberedLesson],
    now: u64,
) -> Vec<StandingLesson> {
    let number = |name: &Option<String>| reader.number_of(name.as_deref().unwrap_or_default());
    let lessons = lessons.iter().map(|known| &known.lesson);
    lessons
        .filter(|lesson| {
            lesson.until > now
                && lesson
                    .place
                    .region
                    .as_deref()
                    .is_none_or(|own| own == context.region)
        })
        .map(|lesson| StandingLesson {
            quota: number(&lesson.quota),
            owner: number(&lesson.owner),
            zone: number(&lesson.place.zone),
            instance_type: number(&lesson.instance_type),
            lifecycle: number(&lesson.lifecycle),
            lesson: lesson.clone(),
        })
        .filter(|known| {
            known.lesson.kind != LessonKind::Capacity
                || !is_contradicted(reader, descriptor, context, known)
        })
        .collect()
}

/// Whether the cloud has measured free hardware since: advice is minutes old, so what it said before does not count.
fn is_contradicted(
    reader: &dyn Reader,
    descriptor: &Descriptor,
    context: &RegionContext,
    known: &StandingLesson,
) -> bool {
    let lifecycle = if known.lifecycle == 0 {
        let usual = descriptor.lifecycles.first();
        reader.number_of(usual.map_or("", |usual| usual.name.as_str()))
    } else {
        known.lifecycle
    };
    let advice = if known.instance_type == 0 {
        context.all_capacities()
    } else {
        context.capacities(known.instance_type)
    };
    advice.iter().any(|advice| {
        let capacity = &advice.capacity;
        advice.lifecycle == lifecycle
            && (known.zone == 0 || known.zone == advice.zone)
            && capacity.fresh
            && capacity.available != Some(0)
            && matches!(capacity.grade, Grade::High | Grade::Medium)
            && capacity
                .measured_at
                .is_some_and(|at| at > known.lesson.learned_at)
    })
}

impl StandingLesson {
    /// Whether a lesson that is not of a quota concerns a launch.
    pub(crate) const fn concerns(
        &self,
        instance_type: Number,
        lifecycle: Number,
        zone: Number,
    ) -> bool {
        (self.instance_type == 0 || self.instance_type == instance_type)
            && (self.lifecycle == 0 || self.lifecycle == lifecycle)
            && (self.zone == 0 || self.zone == zone)
    }

    /// The lesson in words.
    pub(crate) fn said(&self) -> String {
        format!(
            "a launch like it failed: {}; believed until {}",
            self.lesson.cause,
            Utc(self.lesson.until)
        )
    }
}

/// An instant as people read it, in UTC to the second.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Years of 365.2425 days that begin in March, so that the leap day is the last, counted in eras of 400 (days from
        // the civil calendar, Hinnant).
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, later) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        write!(
            formatter,
            "{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            era * 400 + year + later,
            rest / 3_600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn instants_are_written_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc(seconds * 1_000 + 999).to_string(), text);
        }
        // No instant of the contract is too late to be written.
        assert!(!Utc(u64::MAX).to_string().is_empty());
    }
}
