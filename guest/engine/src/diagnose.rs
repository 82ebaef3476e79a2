//! What a failed launch teaches: the cloud says what its error means, the engine what the launch itself took and where.

use alloc::{format, string::String, vec::Vec};

use quotagate_contract::{Diagnosis, FailureKind, Finding, Launch, Lesson, LessonKind, Place};

use crate::{
    admit::{PlanRegions, launching},
    cloud::Cloud,
    here::{Call, Here},
    judge::Launching,
    rests_on::{OwnDemand, OwnRow, RestsOn},
    store::Store,
};

/// Completes a diagnosis by the launch that failed.
pub(crate) fn complete<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    mut diagnosis: Diagnosis,
    launch: Option<&Launch>,
) -> Diagnosis {
    for finding in &mut diagnosis.findings {
        if finding.title.is_none() {
            let title = finding
                .quota
                .as_deref()
                .and_then(|quota| call.cloud.title(quota));
            finding.title = title.map(String::from);
        }
    }
    let Some(launch) = launch else {
        diagnosis.lessons.clear();
        return diagnosis;
    };
    let mut regions = PlanRegions::default();
    // A launch that makes no sense still failed where it was made.
    let one = Launch {
        count: launch.count.max(1),
        ..launch.clone()
    };
    let bare = Launch {
        profile: quotagate_contract::Profile {
            needs: Vec::new(),
            ..one.profile.clone()
        },
        ..one.clone()
    };
    let is_sound = regions.of(call, store, &one).is_ok();
    let launch = if is_sound { one } else { bare };
    if let Ok(here) = regions.of(call, store, &launch) {
        let launching = launching(call, here, &launch);
        let failed = Failed {
            call,
            here,
            launch: &launch,
            launching: &launching,
        };
        diagnosis.lessons = failed.lessons(&diagnosis);
        if diagnosis.kind == FailureKind::Quota {
            diagnosis.contradicts = failed.contradicts();
        }
    }
    regions.give_back(store);
    diagnosis
}

/// A launch that failed.
struct Failed<'a, C> {
    call: &'a Call<'a, C>,
    here: &'a Here,
    launch: &'a Launch,
    launching: &'a Launching<'a>,
}

impl<C: Cloud> Failed<'_, C> {
    /// What the failure says of launches to come.
    fn lessons(&self, diagnosis: &Diagnosis) -> Vec<Lesson> {
        let of_quotas = diagnosis.lessons.iter();
        let mut lessons: Vec<Lesson> = of_quotas
            .filter_map(|lesson| match lesson.kind {
                LessonKind::Quota => self.of_quota(lesson, diagnosis),
                LessonKind::Capacity | LessonKind::Unclear => Some(self.of_hardware(lesson)),
            })
            .collect();
        if !lessons.is_empty() {
            return lessons;
        }
        let (kind, otherwise) = match diagnosis.kind {
            // Without a quota and a number nobody knows what it speaks of.
            FailureKind::Quota => (
                LessonKind::Unclear,
                "a quota refused it, and the error does not say which, or how much",
            ),
            FailureKind::Capacity => (LessonKind::Capacity, "there was no free hardware"),
            FailureKind::Ambiguous => (
                LessonKind::Unclear,
                "the error does not say whether quota or hardware was short",
            ),
            // The next launch may fare differently, or fares alike whatever it asks for.
            FailureKind::RateLimit
            | FailureKind::Access
            | FailureKind::Invalid
            | FailureKind::Transient => return lessons,
        };
        lessons.push(Lesson {
            cause: cause(diagnosis, otherwise),
            place: Place {
                region: Some(self.launch.offer.region.clone()),
                zone: (kind == LessonKind::Capacity)
                    .then(|| self.launch.offer.zone.clone())
                    .flatten(),
            },
            instance_type: Some(self.launch.offer.instance_type.clone()),
            lifecycle: Some(self.launch.offer.lifecycle.clone()),
            ..Lesson::new(kind)
        });
        lessons
    }

    /// A lesson on hardware, with the place and the type of the launch where the cloud names none.
    fn of_hardware(&self, lesson: &Lesson) -> Lesson {
        let mut lesson = lesson.clone();
        let offer = &self.launch.offer;
        if lesson.place.region.is_none() {
            lesson.place.region = Some(offer.region.clone());
            if lesson.kind == LessonKind::Capacity {
                lesson.place.zone.clone_from(&offer.zone);
            }
        }
        if lesson.instance_type.is_none() && lesson.lifecycle.is_none() {
            lesson.instance_type = Some(offer.instance_type.clone());
            lesson.lifecycle = Some(offer.lifecycle.clone());
        }
        if lesson.cause.is_empty() {
            lesson.cause = String::from("there was no free hardware");
        }
        lesson
    }

    /// A refusal proves that at least the launch's own demand does not fit. The total that the error tells is above the limit in
    /// every refusal, so it proves nothing of the launch alone.
    fn of_quota(&self, lesson: &Lesson, diagnosis: &Diagnosis) -> Option<Lesson> {
        let quota = lesson.quota.as_deref()?;
        let number = self.call.reader.number_of(quota);
        let own = self.call.own_demand(self.here, self.launching, number);
        let told = Some(lesson.at_least).filter(|told| *told > 0);
        let required = told.or_else(|| own.as_ref().map(|own| own.at_most))?;
        let required = Some(required).filter(|required| *required > 0)?;
        let is_same = |finding: &&Finding| {
            finding.quota.as_deref() == Some(quota)
                && (lesson.owner.is_none()
                    || finding.owner.is_none()
                    || finding.owner == lesson.owner)
        };
        let limit = diagnosis
            .findings
            .iter()
            .find(is_same)
            .and_then(|finding| finding.limit);
        // More than the whole limit is too much for every size from there on; otherwise this much was.
        let beyond = limit.filter(|limit| required > *limit);
        let owner = lesson
            .owner
            .clone()
            .or_else(|| self.refusing_owner(own.as_ref()));
        let rows = own.as_ref().map_or(&[][..], |own| &own.rows);
        let limit = limit.map_or_else(String::new, |limit| format!(", under a limit of {limit}"));
        Some(Lesson {
            at_least: beyond.map_or(required, |limit| limit.saturating_add(1)),
            beyond_limit: beyond.is_some() || lesson.beyond_limit,
            place: self.place(lesson, rows),
            rows: self.concerned(owner.as_deref(), rows),
            owner,
            cause: if lesson.cause.is_empty() {
                format!("the cloud refused {required} of {quota}{limit}")
            } else {
                lesson.cause.clone()
            },
            ..lesson.clone()
        })
    }

    /// Whose row refused, where the error does not say: the innermost owner that has one with a limit, or whose list may have one;
    /// else the outermost.
    fn refusing_owner(&self, own: Option<&OwnDemand>) -> Option<String> {
        let owners = &self.here.context.owners;
        let rows = own.map_or(&[][..], |own| &own.rows);
        let mut inner = rows.iter().rev().filter(|row| row.owner > 0);
        let refusing = inner.find(|row| row.is_limited || row.may_lack);
        let owner = refusing.map_or(0, |row| row.owner);
        owners.get(owner).map(|known| known.owner.id.clone())
    }

    /// Where the lesson concerns launches: where the error says, else where the quota counts.
    fn place(&self, lesson: &Lesson, rows: &[OwnRow]) -> Place {
        if lesson.place.region.is_some() {
            return lesson.place.clone();
        }
        match rows.first() {
            Some(row) if row.is_everywhere => Place::EVERYWHERE,
            Some(row) => Place {
                region: Some(self.launch.offer.region.clone()),
                zone: row
                    .zone
                    .clone()
                    .filter(|_| self.launch.offer.zone.is_some()),
            },
            None => Place::region(self.launch.offer.region.as_str()),
        }
    }

    /// The rows whose headroom contradicts the lesson once it grows: the refusing owner's, and those above it.
    fn concerned(&self, owner: Option<&str>, rows: &[OwnRow]) -> Vec<String> {
        let owners = &self.here.context.owners;
        let last = owners
            .iter()
            .position(|known| Some(known.owner.id.as_str()) == owner)
            .unwrap_or(usize::MAX);
        let rows = rows
            .iter()
            .filter(|row| row.number != 0 && row.owner <= last);
        let mut keys: Vec<String> = Vec::new();
        for row in rows {
            let key = self.call.reader.name_of(row.number);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// The sources of the rows, which said that it would fit.
    fn contradicts(&self) -> Vec<String> {
        let sources = self.here.sources(self.call);
        let region = self.here.context.region.as_str();
        let mut keys = RestsOn::default();
        for known in &self.here.context.owners {
            let id = known.owner.id.as_str();
            keys.add(sources.of_rows(id, Some(region), self.launch.offer.zone.as_deref()));
            keys.add(sources.of_rows(id, None, None));
        }
        keys.keys()
    }
}

fn cause(diagnosis: &Diagnosis, otherwise: &str) -> String {
    let mut details = diagnosis
        .findings
        .iter()
        .filter_map(|finding| finding.detail.as_deref());
    details.next().unwrap_or(otherwise).into()
}
