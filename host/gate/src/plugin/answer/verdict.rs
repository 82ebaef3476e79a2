//! Verdicts: in numbers, as lists of offers are answered, and in words.

use std::{collections::HashMap, sync::Arc};

use quotagate_contract::{CapacityOutcome, Detail, Finding, QuotaOutcome, Verdict};

use super::finding;
use crate::{
    bindings::{
        exports::quotagate::plugin::gate::Answer,
        quotagate::plugin::types::{self, Head},
    },
    plugin::{
        CallError, Contradiction, convert::lift, instance::Unshown, names::NAMES, seen::Seen,
    },
};

/// The most findings that all verdicts of an answer may have together, each counted as often as it is pointed at.
const MOST_REFERENCES: usize = 2_000_000;

/// What was asked of each offer.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin) struct Asked {
    /// How many offers there were.
    pub(in crate::plugin) offers: usize,
    /// How many instances of each.
    pub(in crate::plugin) count: u32,
    /// Which findings were wanted.
    pub(in crate::plugin) detail: Detail,
}

impl Asked {
    const fn check_length(self, answered: usize) -> Result<(), CallError> {
        if answered == self.offers {
            Ok(())
        } else {
            Err(CallError::WrongLength {
                asked: self.offers,
                answered,
            })
        }
    }

    /// Checks a verdict's outcome against its worst finding and against how many fit.
    pub(super) fn check_outcome(
        self,
        quota: QuotaOutcome,
        fits_count: Option<u32>,
        worst: QuotaOutcome,
        has_findings: bool,
    ) -> Result<(), Contradiction> {
        if quota != worst && (has_findings || self.detail != Detail::None) {
            return Err(Contradiction::NotTheWorstFinding);
        }
        match (quota, fits_count) {
            (QuotaOutcome::Fits, Some(fits)) if fits < self.count => Err(Contradiction::FewerFit),
            (QuotaOutcome::Blocked, Some(fits)) if fits >= self.count => {
                Err(Contradiction::AsManyFit)
            }
            _ => Ok(()),
        }
    }
}

/// Checks an answer in numbers; gives the rows that it speaks of and no list shows.
pub(in crate::plugin) fn check_answer(
    answer: &Answer,
    asked: Asked,
    seen: &Seen,
) -> Result<Unshown, CallError> {
    asked.check_length(answer.heads.len())?;
    let mut unshown = Unshown::new(Contradiction::UnshownRow);
    finding::check_all(&answer.findings, seen, &mut unshown)?;
    let mut references = answer.references.iter();
    let outside = |place: &u32| outcome_at(answer, *place).is_none();
    if let Some(index) = references.position(outside) {
        return Err(CallError::at(index, Contradiction::BeyondTheFindings));
    }
    let mut pointed_at = 0_usize;
    for (index, head) in answer.heads.iter().enumerate() {
        let own = references_of(answer, head)
            .ok_or(CallError::at(index, Contradiction::BeyondTheReferences))?;
        pointed_at = pointed_at.saturating_add(own.len());
        if pointed_at > MOST_REFERENCES {
            return Err(CallError::at(index, Contradiction::TooManyFindings));
        }
        let outcomes = own.iter().filter_map(|place| outcome_at(answer, *place));
        let worst = outcomes.max().unwrap_or(QuotaOutcome::Fits);
        asked
            .check_outcome(head.quota.into(), head.fits_count, worst, !own.is_empty())
            .map_err(|what| CallError::at(index, what))?;
    }
    Ok(unshown)
}

fn outcome_at(answer: &Answer, place: u32) -> Option<QuotaOutcome> {
    let finding = answer.findings.get(usize::try_from(place).ok()?)?;
    Some(finding.outcome.into())
}

fn references_of<'a>(answer: &'a Answer, head: &Head) -> Option<&'a [u32]> {
    let first = usize::try_from(head.first).ok()?;
    let length = usize::try_from(head.findings).ok()?;
    answer.references.get(first..first.checked_add(length)?)
}

/// All that tells verdicts apart.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    quota: QuotaOutcome,
    capacity: CapacityOutcome,
    fits_count: Option<u32>,
    references: &'a [u32],
}

/// Makes verdicts of an answer that was checked: equal ones are one, and so are equal findings.
pub(in crate::plugin) fn lift_answer(answer: &Answer) -> Result<Vec<Arc<Verdict>>, CallError> {
    let known = NAMES.known();
    let findings: Vec<Arc<Finding>> = answer
        .findings
        .iter()
        .enumerate()
        .map(|(index, finding)| {
            let lifted = lift::finding(finding, &known);
            lifted
                .map(Arc::new)
                .map_err(|what| CallError::at(index, what))
        })
        .collect::<Result<_, _>>()?;
    drop(known);
    let mut made: HashMap<Key<'_>, Arc<Verdict>> = HashMap::new();
    let verdicts = answer.heads.iter().map(|head| {
        let references = references_of(answer, head).unwrap_or_default();
        let key = Key {
            quota: head.quota.into(),
            capacity: head.capacity.into(),
            fits_count: head.fits_count,
            references,
        };
        let verdict = made.entry(key).or_insert_with_key(|key| {
            let findings = references.iter().filter_map(|place| {
                let place = usize::try_from(*place).ok()?;
                findings.get(place).map(Arc::clone)
            });
            Arc::new(Verdict {
                quota: key.quota,
                capacity: key.capacity,
                fits_count: key.fits_count,
                findings: findings.collect(),
            })
        });
        Arc::clone(verdict)
    });
    Ok(verdicts.collect())
}

/// Checks verdicts in words; gives the rows that they speak of and no list shows.
pub(in crate::plugin) fn check_told(
    verdicts: &[types::Verdict],
    asked: Asked,
    seen: &Seen,
) -> Result<Unshown, CallError> {
    asked.check_length(verdicts.len())?;
    let mut unshown = Unshown::new(Contradiction::UnshownRow);
    let all: usize = verdicts.iter().map(|verdict| verdict.findings.len()).sum();
    if all > finding::MOST_FINDINGS {
        let what = Contradiction::TooManyFindings;
        return Err(CallError::at(finding::MOST_FINDINGS, what));
    }
    for (index, verdict) in verdicts.iter().enumerate() {
        check_one(index, verdict, asked, seen, &mut unshown)?;
    }
    Ok(unshown)
}

/// Checks one verdict in words.
pub(super) fn check_one(
    index: usize,
    verdict: &types::Verdict,
    asked: Asked,
    seen: &Seen,
    unshown: &mut Unshown,
) -> Result<(), CallError> {
    let findings = verdict.findings.iter().map(|told| &told.finding);
    let worst = finding::check_all(findings, seen, unshown)?;
    asked
        .check_outcome(
            verdict.quota.into(),
            verdict.fits_count,
            worst,
            !verdict.findings.is_empty(),
        )
        .map_err(|what| CallError::at(index, what))
}

/// Makes verdicts of verdicts in words that were checked.
pub(in crate::plugin) fn lift_told(
    verdicts: Vec<types::Verdict>,
) -> Result<Vec<Verdict>, CallError> {
    let known = NAMES.known();
    let verdicts = verdicts.into_iter().enumerate();
    verdicts
        .map(|(index, verdict)| {
            lift::verdict(verdict, &known).map_err(|what| CallError::at(index, what))
        })
        .collect()
}
