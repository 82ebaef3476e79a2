//! What failed launches teach: lessons of launches like them, whose scope is the plugin's. Here they get their ends: they grow
//! with each repetition, and end early where fresh data contradicts them. No clock: time is an argument.

use std::{collections::BTreeMap, time::Duration};

use quotagate_contract::{Diagnosis, Lesson, LessonKind};

use crate::{
    clock::{Moment, milliseconds},
    holds::At,
    inventory::Readings,
    options::FeedbackOptions,
};

/// What came of reporting a failed launch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What the error means.
    pub diagnosis: Diagnosis,
    /// What it taught, with the ends that the gate gave it; empty where the error says nothing of the next launch.
    pub lessons: Vec<Lesson>,
}

/// Every lesson that stands, and those that ended not long ago, whose repetition counts.
#[derive(Debug, Default)]
pub(crate) struct Lessons(Vec<Standing>);

#[derive(Debug)]
struct Standing {
    lesson: Lesson,
    /// Where the launch failed.
    project: String,
    /// How often it happened.
    times: u32,
    ends_at_steady_ms: u64,
    /// When it is forgotten that it happened.
    forgotten_at_steady_ms: u64,
    /// The place of its making in the order of reports and fetches.
    order: u64,
    /// Of quotas: what was read last of the rows that contradict it.
    rows: BTreeMap<String, Seen>,
    /// The least headroom of these rows that was read since.
    least: Option<u64>,
}

/// What was read of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    headroom: Option<u64>,
    /// The place of the earliest fetch that it rests on, in the order of reports and fetches.
    asked: u64,
}

impl Lessons {
    /// Learns from a failed launch; `readings` are of the lessons' rows.
    pub(crate) fn learn(
        &mut self,
        lessons: Vec<Lesson>,
        project: &str,
        readings: &Readings,
        at: At,
        options: &FeedbackOptions,
    ) -> Vec<Lesson> {
        let now = at.now.steady_ms;
        self.0
            .retain(|standing| standing.forgotten_at_steady_ms > now);
        let mut learned = Vec::with_capacity(lessons.len());
        for lesson in lessons {
            learned.push(self.stand(lesson, project, readings, at, options));
        }
        learned
    }

    fn stand(
        &mut self,
        mut lesson: Lesson,
        project: &str,
        readings: &Readings,
        at: At,
        options: &FeedbackOptions,
    ) -> Lesson {
        let At { order, now } = at;
        let before = self
            .0
            .iter()
            .position(|standing| standing.is_about(&lesson));
        let before = before.map(|place| self.0.swap_remove(place));
        let times = before
            .as_ref()
            .map_or(1, |standing| standing.times.saturating_add(1));
        let doublings = (times - 1).min(16);
        let lasts = lasts(&lesson, options)
            .saturating_mul(1 << doublings)
            .min(options.longest);
        if let Some(before) = before.filter(|before| before.stands(now)) {
            lesson.at_least = lesson.at_least.min(before.lesson.at_least);
        }
        lesson.learned_at = now.wall_ms;
        lesson.until = now.wall_ms.saturating_add(milliseconds(lasts));
        let ends_at_steady_ms = now.steady_ms.saturating_add(milliseconds(lasts));
        let seen = |row: &String| {
            let headroom = readings.get(row).and_then(|reading| reading.headroom);
            (row.clone(), Seen { headroom, asked: 0 })
        };
        let rows: BTreeMap<String, Seen> = lesson.rows.iter().map(seen).collect();
        self.0.push(Standing {
            project: project.to_owned(),
            times,
            ends_at_steady_ms,
            forgotten_at_steady_ms: ends_at_steady_ms.saturating_add(milliseconds(options.longest)),
            order,
            least: least(&rows),
            rows,
            lesson: lesson.clone(),
        });
        lesson
    }

    /// Notes what was read of a row. `asked` is the place of the earliest fetch that it rests on.
    pub(crate) fn observe(&mut self, row: &str, headroom: Option<u64>, asked: u64) {
        for standing in &mut self.0 {
            if let Some(seen) = standing.rows.get_mut(row) {
                *seen = Seen { headroom, asked };
            }
        }
    }

    /// Ends what was contradicted. What was asked for before the launch failed contradicts nothing.
    pub(crate) fn end_contradicted(&mut self) {
        self.0.retain_mut(|standing| {
            let order = standing.order;
            if !standing.rows.values().all(|seen| seen.asked > order) {
                return true;
            }
            let (then, now) = (standing.least, least(&standing.rows));
            standing.least = match (then, now) {
                (Some(then), Some(now)) => Some(then.min(now)),
                (then, now) => then.or(now),
            };
            // Enough by itself proves nothing, since it was read as enough before the launch failed; more does.
            !now.is_some_and(|now| {
                now >= standing.lesson.at_least && then.is_some_and(|then| now > then)
            })
        });
    }

    /// The lessons that stand.
    pub(crate) fn standing(&self, now: Moment) -> Vec<Lesson> {
        let standing = self.0.iter().filter(|standing| standing.stands(now));
        standing.map(|standing| standing.lesson.clone()).collect()
    }

    /// The rows that would contradict what stands, each with the project that sees it.
    pub(crate) fn rows(&self, now: Moment) -> impl Iterator<Item = (&str, &str)> {
        let standing = self.0.iter().filter(move |standing| standing.stands(now));
        standing.flat_map(|standing| {
            let rows = standing.rows.keys();
            rows.map(|row| (row.as_str(), standing.project.as_str()))
        })
    }

    /// Whether any of them speaks of a row.
    pub(crate) fn speak_of(&self, row: &str) -> bool {
        self.0
            .iter()
            .any(|standing| standing.rows.contains_key(row))
    }

    /// When the next lesson ends, on the monotonic clock.
    pub(crate) fn next_end(&self, now: Moment) -> Option<u64> {
        let standing = self.0.iter().filter(|standing| standing.stands(now));
        standing.map(|standing| standing.ends_at_steady_ms).min()
    }
}

impl Standing {
    const fn stands(&self, now: Moment) -> bool {
        self.ends_at_steady_ms > now.steady_ms
    }

    /// Whether it is the same lesson, learned another time.
    fn is_about(&self, other: &Lesson) -> bool {
        let about = |lesson: &Lesson| Lesson {
            at_least: 0,
            beyond_limit: false,
            rows: Vec::new(),
            cause: String::new(),
            learned_at: 0,
            until: 0,
            ..lesson.clone()
        };
        about(&self.lesson) == about(other)
    }
}

/// The least that the rows have left, by what was read; none where no row says so.
fn least(rows: &BTreeMap<String, Seen>) -> Option<u64> {
    rows.values().filter_map(|seen| seen.headroom).min()
}

/// For how long at first.
const fn lasts(lesson: &Lesson, options: &FeedbackOptions) -> Duration {
    match lesson.kind {
        LessonKind::Quota if lesson.beyond_limit => options.limit,
        LessonKind::Quota => options.quota,
        LessonKind::Capacity => options.capacity,
        LessonKind::Unclear => options.unclear,
    }
}
