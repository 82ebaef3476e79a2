//! What a failure is said to mean. Its numbers are the cloud's, and need not agree.

use quotagate_contract::{Diagnosis, Launch};

use super::{check_sources, finding, once};
use crate::{
    bindings::{exports::quotagate::plugin::gate, quotagate::plugin::types},
    plugin::{
        CallError, Contradiction, Shown, convert::lift, instance::Unshown, names::NAMES, seen::Seen,
    },
};

/// The most findings that a diagnosis may have, and lessons: each may teach the host something.
const MOST_FINDINGS: usize = 1_000;
/// The most alternatives to one launch.
const MOST_ALTERNATIVES: usize = 10_000;

/// Checks a diagnosis; gives the rows that its findings and its lessons speak of and no list shows.
pub(in crate::plugin) fn check(
    diagnosis: &gate::Diagnosis,
    project: &str,
    shown: &dyn Shown,
    seen: &Seen,
) -> Result<[Unshown; 2], CallError> {
    if diagnosis.findings.len() > MOST_FINDINGS {
        return Err(CallError::at(MOST_FINDINGS, Contradiction::TooManyFindings));
    }
    if diagnosis.lessons.len() > MOST_FINDINGS {
        return Err(CallError::at(MOST_FINDINGS, Contradiction::TooManyLessons));
    }
    let mut spoken_of = Unshown::new(Contradiction::UnshownRow);
    for (index, told) in diagnosis.findings.iter().enumerate() {
        finding::check_outcome(&told.finding).map_err(|what| CallError::at(index, what))?;
        finding::note_row(index, &told.finding, seen, &mut spoken_of)?;
    }
    let mut taught = Unshown::new(Contradiction::UnshownLesson);
    for (index, lesson) in diagnosis.lessons.iter().enumerate() {
        for row in &lesson.rows {
            if !seen.has_row(*row) {
                taught.note(index, *row)?;
            }
        }
    }
    let keys = diagnosis.contradicts.iter().enumerate();
    check_sources(keys, &[project], shown)?;
    Ok([spoken_of, taught])
}

/// Names what a diagnosis that was checked speaks of.
pub(in crate::plugin) fn lift(diagnosis: gate::Diagnosis) -> Result<Diagnosis, CallError> {
    let known = NAMES.known();
    let findings = diagnosis.findings.into_iter().enumerate();
    let findings: Result<_, _> = findings
        .map(|(index, told)| {
            lift::told_finding(told, &known).map_err(|what| CallError::at(index, what))
        })
        .collect();
    let lessons = diagnosis.lessons.into_iter().enumerate();
    let lessons: Result<_, _> = lessons
        .map(|(index, lesson)| {
            lift::lesson(lesson, &known).map_err(|what| CallError::at(index, what))
        })
        .collect();
    Ok(Diagnosis {
        kind: diagnosis.kind.into(),
        retry: diagnosis.retry,
        findings: findings?,
        remedy: diagnosis.remedy.map(Into::into),
        lessons: lessons?,
        contradicts: once(diagnosis.contradicts),
    })
}

/// Checks and lifts alternatives to a launch.
pub(in crate::plugin) fn lift_alternatives(
    alternatives: Vec<types::Launch>,
) -> Result<Vec<Launch>, CallError> {
    if alternatives.len() > MOST_ALTERNATIVES {
        let what = Contradiction::TooManyAlternatives;
        return Err(CallError::at(MOST_ALTERNATIVES, what));
    }
    Ok(alternatives.into_iter().map(Into::into).collect())
}
