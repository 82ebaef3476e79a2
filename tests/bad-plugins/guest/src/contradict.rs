//! Answers that cannot be true, each by the name under which a launch, a failure or a project asks for it.

use alloc::{string::String, vec, vec::Vec};
use core::iter;

use crate::{
    plugin::bindings::{
        exports::quotagate::plugin::gate::{Admission, Answer, Breaking, Diagnosis, Standing},
        quotagate::plugin::{
            inventory,
            types::{
                Finding, Launch, Lesson, Limit, NumberedOffer, QuotaOutcome, Reason, Take, Usage,
                Verdict,
            },
        },
    },
    proper,
};

const MANY: usize = 100_000;

/// The number of a row that nobody was shown.
fn nobodys() -> u32 {
    inventory::number_of("nobody's row")
}

/// What a verdict says of all its findings, in numbers and in words.
struct Outcome<'a> {
    quota: &'a mut QuotaOutcome,
    fits_count: &'a mut Option<u32>,
}

/// Spoils a proper judgement.
fn in_judgement(deed: &str, judged: &mut Outcome<'_>, finding: &mut Finding) {
    let blocked = |judged: &mut Outcome<'_>| {
        *judged.quota = QuotaOutcome::Blocked;
        *judged.fits_count = Some(0);
    };
    match deed {
        "fits-over-blocked" => {
            (finding.reason, finding.outcome) = (Reason::Shortage, QuotaOutcome::Blocked);
        }
        "blocked-without-proof" => blocked(judged),
        "room-while-blocked" => {
            (finding.reason, finding.outcome) = (Reason::Shortage, QuotaOutcome::Blocked);
            blocked(judged);
            *judged.fits_count = Some(u32::MAX);
        }
        "no-room-while-fits" => *judged.fits_count = Some(0),
        "reason-against-outcome" => {
            finding.outcome = QuotaOutcome::Unknown;
            *judged.quota = QuotaOutcome::Unknown;
            *judged.fits_count = None;
        }
        "headroom-above-limit" => (finding.limit, finding.headroom) = (Some(8), Some(u64::MAX)),
        "headroom-unlike-usage" => {
            (finding.limit, finding.usage, finding.headroom) = (Some(8), Some(8), Some(8));
        }
        "usage-upside-down" => (finding.usage, finding.usage_at_most) = (Some(8), Some(1)),
        "short-of-nothing" => finding.shortfall = Some(0),
        "short-of-more-than-all" => finding.shortfall = Some(u64::MAX),
        "room-that-falls-short" => finding.shortfall = Some(1),
        "minimum-below-required" => finding.minimum_limit = Some(0),
        "unknown-row" => finding.row = nobodys(),
        "unknown-name" => finding.quota = u32::MAX,
        _ => {}
    }
}

/// Spoils a proper answer: the judgement of the offer at this place.
pub(crate) fn in_answer(deed: &str, answer: &mut Answer, place: usize) {
    let (Some(head), Some(finding)) = (answer.heads.get_mut(place), answer.findings.get_mut(place))
    else {
        return;
    };
    let mut judged = Outcome {
        quota: &mut head.quota,
        fits_count: &mut head.fits_count,
    };
    in_judgement(deed, &mut judged, finding);
    match deed {
        "beyond-the-references" => head.first = u32::MAX,
        "more-than-the-references" => head.findings = u32::MAX,
        "beyond-the-findings" => answer.references[place] = u32::MAX,
        "two-million-references" => {
            (head.first, head.findings) = (0, 2_000_001);
            answer.references = vec![place as u32; 2_000_001];
        }
        "a-hundred-thousand-findings" => {
            let finding = *finding;
            answer.findings.extend(iter::repeat_n(finding, MANY));
        }
        "short" => {
            answer.heads.pop();
        }
        "long" => answer.heads.extend_from_within(..),
        _ => {}
    }
}

/// A judgement in words, spoiled where the type says so.
pub(crate) fn explained(offer: NumberedOffer, count: u32) -> Vec<Verdict> {
    let deed = inventory::name_of(offer.instance_type);
    let mut verdict = proper::verdict(offer, count);
    let mut judged = Outcome {
        quota: &mut verdict.quota,
        fits_count: &mut verdict.fits_count,
    };
    let Some(told) = verdict.findings.first_mut() else {
        return Vec::new();
    };
    in_judgement(&deed, &mut judged, &mut told.finding);
    match deed.as_str() {
        // Two megabytes of words.
        "verbose" => told.detail = Some("a".repeat(2 << 20)),
        "a-hundred-thousand-findings" => {
            let one = told.clone();
            verdict.findings.extend(iter::repeat_n(one, MANY));
        }
        "short" => return Vec::new(),
        "long" => return vec![verdict.clone(), verdict],
        _ => {}
    }
    vec![verdict]
}

/// Spoils what a proper admission says of the plan.
pub(crate) fn in_admission(deed: &str, admission: &mut Admission, first: &Launch, launches: u32) {
    let verdict = &mut admission.verdict;
    let mut judged = Outcome {
        quota: &mut verdict.quota,
        fits_count: &mut verdict.fits_count,
    };
    let Some(told) = verdict.findings.first_mut() else {
        return;
    };
    in_judgement(deed, &mut judged, &mut told.finding);
    let at = |index| {
        Some(Breaking {
            index,
            fits_count: Some(0),
        })
    };
    match deed {
        "breaks-while-fits" => admission.breaks_at = at(0),
        "breaks-beyond-the-plan" | "breaks-nowhere" => {
            in_judgement("room-while-blocked", &mut judged, &mut told.finding);
            verdict.fits_count = Some(0);
            if deed == "breaks-beyond-the-plan" {
                admission.breaks_at = at(launches);
            }
        }
        "verbose" => told.detail = Some("a".repeat(2 << 20)),
        _ => {}
    }
    in_takes(deed, admission, first);
}

/// Takes something of rows and reservations, properly or not.
fn in_takes(deed: &str, admission: &mut Admission, first: &Launch) {
    let (project, region) = (&first.profile.project, &first.offer.region);
    let row = || {
        let rows = proper::rows(project, region);
        proper::take(rows.first().map_or(0, |row| row.number))
    };
    let reserved = || {
        let rows = proper::reserved_anywhere(project);
        proper::take(rows.first().map_or(0, |row| row.number))
    };
    let upside_down = |take: Take| Take { at_most: 0, ..take };
    match deed {
        "take" => {
            admission.takes = vec![row(), reserved()];
            let rows = proper::reserved_anywhere(project).into_iter();
            admission.reservations = rows.take(1).map(|row| row.key).collect();
        }
        "take-unshown" => admission.takes = vec![proper::take(nobodys())],
        "take-of-nothing" => admission.takes = vec![proper::take(0)],
        "take-unknown-name" => admission.takes = vec![proper::take(u32::MAX)],
        "upside-down" => admission.takes = vec![upside_down(row())],
        "twice" => admission.takes = vec![row(), row()],
        "a-hundred-thousand" => admission.takes = vec![row(); MANY],
        "reserved-upside-down" => admission.takes = vec![upside_down(reserved())],
        "reserved-twice" => admission.takes = vec![reserved(), reserved()],
        "reservation-unshown" => admission.reservations = vec!["nobody's".into()],
        "source-unshown" => admission.rests_on = vec!["nobody's".into()],
        _ => {}
    }
}

/// Spoils the standings of a project that asks for it by its name.
pub(crate) fn in_standings(deed: &str, standings: &mut Vec<Standing>) {
    let one = || proper::invented("row/1");
    match deed {
        "stands-twice" => standings.extend([one(), one()]),
        "stands-upside-down" => standings.push(Standing {
            usage: Usage {
                at_least: 2,
                at_most: Some(1),
                measured_at: None,
            },
            ..one()
        }),
        "stands-too-tall" => standings.push(Standing {
            limit: Limit::Amount(8),
            usage: Usage {
                at_least: 8,
                at_most: Some(8),
                measured_at: None,
            },
            headroom: Some(8),
            ..one()
        }),
        "stands-under-another-key" => standings.push(Standing {
            key: "row/2".into(),
            ..one()
        }),
        "stands-unasked" => standings.push(one()),
        "a-hundred-thousand-standings" => {
            standings.extend(iter::repeat_n(one(), MANY + 1));
        }
        _ => {}
    }
}

/// Spoils what a failure is said to mean.
pub(crate) fn in_diagnosis(deed: &str, diagnosis: &mut Diagnosis) {
    let finding = || {
        let offer = NumberedOffer {
            instance_type: inventory::number_of(deed),
            region: 0,
            zone: 0,
            lifecycle: 0,
        };
        proper::told(proper::finding(offer, 1))
    };
    match deed {
        "room-that-blocks" => {
            let mut told = finding();
            told.finding.outcome = QuotaOutcome::Blocked;
            diagnosis.findings = vec![told];
        }
        "two-thousand-findings" => diagnosis.findings = vec![finding(); 2_000],
        "lesson-of-an-unknown-row" => {
            diagnosis.lessons = vec![Lesson {
                rows: vec![nobodys()],
                ..proper::lesson()
            }];
        }
        "a-hundred-thousand-lessons" => diagnosis.lessons = vec![proper::lesson(); MANY],
        "source-unshown" => diagnosis.contradicts = vec!["nobody's".into()],
        _ => {}
    }
}

/// Launches in place of another, more than anybody looks at where it says so.
pub(crate) fn alternatives(launch: Launch) -> Vec<Launch> {
    let deed: String = launch.offer.instance_type.clone();
    match deed.as_str() {
        "a-hundred-thousand-alternatives" => vec![launch; MANY],
        _ => vec![launch],
    }
}
