//! The account as it is watched, and what changed between two looks at it.

use std::collections::BTreeMap;

use quotagate::{
    Availability, Descriptor, HeldStanding, JudgedOffer, Lesson, Offer, SourceReport, SourceState,
};
use serde::Serialize;

use crate::{
    reason,
    render::{quotas, sources},
};

/// One look at an account.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    rows: BTreeMap<RowKey, Row>,
    sources: BTreeMap<String, Source>,
    offers: BTreeMap<OfferKey, Judged>,
    lessons: BTreeMap<LessonKey, u64>,
}

/// What is looked at.
pub(crate) struct Seen<'a> {
    /// The rows of every project.
    pub(crate) standings: &'a [HeldStanding],
    /// Every source.
    pub(crate) sources: &'a [SourceReport],
    /// What failed launches taught.
    pub(crate) lessons: &'a [Lesson],
    /// The offers that were judged.
    pub(crate) offers: &'a [Offer],
    /// Their judgements.
    pub(crate) judged: &'a [JudgedOffer],
    /// The regions that are watched; all, where none is named.
    pub(crate) regions: &'a [String],
}

/// Which lesson: one cause may teach of several things.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct LessonKey {
    pub(crate) cause: String,
    pub(crate) region: Option<String>,
    pub(crate) zone: Option<String>,
    /// The quota, or the instance type.
    pub(crate) what: String,
    /// The owner or the lifecycle, as far as it is of one.
    #[serde(skip)]
    pub(crate) of: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct RowKey {
    pub(crate) quota: String,
    pub(crate) region: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) owner: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    level: String,
    unit: String,
    limit: Option<u64>,
    /// None where it was not measured.
    usage: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Source {
    state: SourceState,
    detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct OfferKey {
    pub(crate) instance_type: String,
    pub(crate) region: String,
    pub(crate) zone: Option<String>,
    pub(crate) lifecycle: String,
    pub(crate) project: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Judged {
    availability: Availability,
    reason: String,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// A quota's limit; none where the row sets none.
    Limit {
        #[serde(flatten)]
        row: RowKey,
        level: String,
        unit: String,
        from: Option<u64>,
        to: Option<u64>,
    },
    /// What is used of a quota; none where it was not measured.
    Usage {
        #[serde(flatten)]
        row: RowKey,
        level: String,
        unit: String,
        from: Option<u64>,
        to: Option<u64>,
        limit: Option<u64>,
    },
    /// A source that can be read again, or no longer.
    Source {
        source: String,
        from: SourceState,
        to: SourceState,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// An offer's availability; from none where it is new, to none where it is gone.
    Offer {
        #[serde(flatten)]
        offer: OfferKey,
        from: Option<Availability>,
        to: Option<Availability>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// What a failed launch taught, or that it is no longer believed.
    Lesson {
        #[serde(flatten)]
        lesson: LessonKey,
        /// In milliseconds since the Unix epoch; none where it is over.
        until: Option<u64>,
    },
}

impl View {
    /// Looks at what was read and judged, as far as it is of the regions that are watched. What counts everywhere is of each.
    pub(crate) fn new(seen: &Seen<'_>, cloud: &Descriptor) -> Self {
        let is_shown = |region: &Option<String>| match region {
            Some(region) => seen.regions.is_empty() || seen.regions.contains(region),
            None => true,
        };
        let mut view = Self::default();
        let standings = seen.standings.iter().map(|held| &held.standing);
        for standing in standings.filter(|row| is_shown(&row.place.region)) {
            let key = RowKey {
                quota: standing.quota.clone(),
                region: standing.place.region.clone(),
                zone: standing.place.zone.clone(),
                owner: standing.owner.clone(),
            };
            let row = Row {
                level: standing.level.clone(),
                unit: standing.unit.clone(),
                limit: standing.limit.number(),
                usage: quotas::used(standing),
            };
            view.rows.insert(key, row);
        }
        let of = |source: &SourceReport| {
            let read = Source {
                state: source.state,
                detail: source.detail.clone(),
            };
            (sources::name(source, cloud), read)
        };
        view.sources = seen.sources.iter().map(of).collect();
        for item in seen.judged {
            let Some(offer) = seen.offers.get(item.index) else {
                continue;
            };
            let key = OfferKey {
                instance_type: offer.instance_type.clone(),
                region: offer.region.clone(),
                zone: offer.zone.clone(),
                lifecycle: offer.lifecycle.clone(),
                project: item.project.to_string(),
            };
            let judged = Judged {
                availability: item.verdict.availability(),
                reason: reason::text(&item.verdict, cloud),
            };
            view.offers.insert(key, judged);
        }
        let lessons = seen.lessons.iter();
        for lesson in lessons.filter(|lesson| is_shown(&lesson.place.region)) {
            let what = lesson.quota.as_ref().or(lesson.instance_type.as_ref());
            let of =
                [&lesson.owner, &lesson.lifecycle].map(|name| name.clone().unwrap_or_default());
            let key = LessonKey {
                cause: lesson.cause.clone(),
                region: lesson.place.region.clone(),
                zone: lesson.place.zone.clone(),
                what: what.cloned().unwrap_or_default(),
                of: of.join(" "),
            };
            view.lessons.insert(key, lesson.until);
        }
        view
    }

    /// How many offers are of each availability.
    pub(crate) fn counts(&self) -> Vec<(Availability, usize)> {
        let count = |wanted: &Availability| {
            let offers = self.offers.values();
            offers.filter(|offer| offer.availability == *wanted).count()
        };
        Availability::ALL
            .iter()
            .map(|wanted| (*wanted, count(wanted)))
            .collect()
    }

    /// What is different now. A source that could not be read takes its rows along without their being gone.
    pub(crate) fn changes_to(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, source) in &now.sources {
            let Some(before) = self
                .sources
                .get(name)
                .filter(|before| before.state != source.state)
            else {
                continue;
            };
            changes.push(Change::Source {
                source: name.clone(),
                from: before.state,
                to: source.state,
                detail: source.detail.clone(),
            });
        }
        for (key, row) in &now.rows {
            let Some(before) = self.rows.get(key) else {
                continue;
            };
            if before.limit != row.limit {
                changes.push(Change::Limit {
                    row: key.clone(),
                    level: row.level.clone(),
                    unit: row.unit.clone(),
                    from: before.limit,
                    to: row.limit,
                });
            }
            if before.usage != row.usage {
                changes.push(Change::Usage {
                    row: key.clone(),
                    level: row.level.clone(),
                    unit: row.unit.clone(),
                    from: before.usage,
                    to: row.usage,
                    limit: row.limit,
                });
            }
        }
        changes.extend(self.lessons_to(now));
        changes.extend(self.offers_to(now));
        changes
    }

    fn lessons_to(&self, now: &Self) -> Vec<Change> {
        let begun = now
            .lessons
            .iter()
            .filter(|(lesson, until)| self.lessons.get(*lesson) != Some(*until));
        let over = self
            .lessons
            .keys()
            .filter(|lesson| !now.lessons.contains_key(*lesson));
        begun
            .map(|(lesson, until)| (lesson, Some(*until)))
            .chain(over.map(|lesson| (lesson, None)))
            .map(|(lesson, until)| Change::Lesson {
                lesson: lesson.clone(),
                until,
            })
            .collect()
    }

    fn offers_to(&self, now: &Self) -> Vec<Change> {
        let changed = now.offers.iter().filter_map(|(key, offer)| {
            let before = self.offers.get(key).map(|before| before.availability);
            (before != Some(offer.availability)).then(|| Change::Offer {
                offer: key.clone(),
                from: before,
                to: Some(offer.availability),
                reason: offer.reason.clone(),
            })
        });
        let gone = self
            .offers
            .iter()
            .filter(|(key, _)| !now.offers.contains_key(*key));
        let gone = gone.map(|(key, before)| Change::Offer {
            offer: key.clone(),
            from: Some(before.availability),
            to: None,
            reason: String::new(),
        });
        changed.chain(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RowKey {
        RowKey {
            quota: "gpus".to_owned(),
            region: Some("here".to_owned()),
            zone: None,
            owner: "tenant".to_owned(),
        }
    }

    fn view(limit: u64, usage: u64, availability: Availability, state: SourceState) -> View {
        let row = Row {
            level: "tenant".to_owned(),
            unit: "count".to_owned(),
            limit: Some(limit),
            usage: Some(usage),
        };
        let offer = OfferKey {
            instance_type: "big".to_owned(),
            region: "here".to_owned(),
            zone: None,
            lifecycle: "on-demand".to_owned(),
            project: "p".to_owned(),
        };
        let judged = Judged {
            availability,
            reason: String::new(),
        };
        let source = Source {
            state,
            detail: None,
        };
        View {
            rows: [(key(), row)].into(),
            sources: [("quotas".to_owned(), source)].into(),
            offers: [(offer, judged)].into(),
            lessons: BTreeMap::new(),
        }
    }

    #[test]
    fn what_stays_the_same_is_no_change() {
        let one = || view(8, 4, Availability::Available, SourceState::Complete);
        assert_eq!(one().changes_to(&one()), []);
    }

    #[test]
    fn every_change_is_told_once() {
        let before = view(8, 4, Availability::Available, SourceState::Complete);
        let mut after = view(16, 12, Availability::NoQuota, SourceState::Denied);
        let taught = |what: &str| LessonKey {
            cause: "it failed".to_owned(),
            what: what.to_owned(),
            ..LessonKey::default()
        };
        after.lessons.insert(taught("gpus"), 7);
        // The same cause, of another thing.
        after.lessons.insert(taught("disks"), 9);
        let changes = before.changes_to(&after);
        assert_eq!(changes.len(), 6, "{changes:#?}");
        let back = after.changes_to(&before);
        assert_eq!(back.len(), 6, "{back:#?}");
        let over = Change::Lesson {
            lesson: taught("gpus"),
            until: None,
        };
        assert!(back.contains(&over));
    }

    #[test]
    fn rows_that_cannot_be_read_for_a_while_are_not_gone() {
        let before = view(8, 4, Availability::Available, SourceState::Complete);
        let mut unread = view(8, 4, Availability::Unknown, SourceState::Unavailable);
        unread.rows.clear();
        let changes = before.changes_to(&unread);
        assert!(
            changes
                .iter()
                .all(|change| matches!(change, Change::Source { .. } | Change::Offer { .. }))
        );
    }
}
