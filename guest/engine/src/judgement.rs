//! Findings on their way to a verdict: the lattice, and what a policy shows of them.

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::{
    demand::Cloud,
    row::Bound,
    vocabulary::{
        Availability, CapacityOutcome, Finding, Policy, QuotaOutcome, Reason, Strictness, Verdict,
    },
};

/// What was found, before the policy decides what of it to show.
pub(crate) struct Judgement {
    pub(crate) noted: Vec<Noted>,
    /// How many instances every row together lets through.
    pub(crate) bound: Bound,
    /// How many the reservations and the GPU rows behind them let through.
    pub(crate) reservable: Bound,
    pub(crate) capacity: CapacityOutcome,
}

pub(crate) struct Noted {
    pub(crate) finding: Finding,
    /// Shown even where the policy asks for no explanation.
    pub(crate) always: bool,
    /// How many instances this row lets through; the least of them binds.
    bound: Bound,
}

impl Judgement {
    pub(crate) const fn new() -> Self {
        Self {
            noted: Vec::new(),
            bound: Bound::UNLIMITED,
            reservable: Bound::UNLIMITED,
            capacity: CapacityOutcome::Unknown,
        }
    }

    pub(crate) fn note(&mut self, finding: Finding, bound: Bound) {
        self.note_if(false, finding, bound);
    }

    /// Notes a finding that is shown without an explanation where it decides, or where it is worth `telling`.
    pub(crate) fn note_if(&mut self, telling: bool, finding: Finding, bound: Bound) {
        let orients = matches!(
            finding.reason,
            Reason::Fits | Reason::NotDecisive | Reason::CapacityUnknown | Reason::NotChecked
        );
        self.noted.push(Noted {
            finding,
            always: telling || !orients,
            bound,
        });
    }

    pub(crate) fn quota(&self) -> QuotaOutcome {
        self.noted
            .iter()
            .map(|noted| noted.finding.outcome)
            .max()
            .unwrap_or(QuotaOutcome::Fits)
    }

    /// The verdict, with what the policy shows; `fits_count` is the caller's, who knows what it counts.
    pub(crate) fn verdict(
        self,
        cloud: &impl Cloud,
        policy: &Policy,
        fits_count: Option<u32>,
    ) -> Verdict {
        let quota = self.quota();
        let availability = Availability::of(quota, self.capacity);
        let binding = self
            .noted
            .iter()
            .enumerate()
            .filter(|(_, noted)| {
                quota == QuotaOutcome::Fits && noted.finding.reason == Reason::Fits
            })
            .min_by_key(|(_, noted)| noted.bound.most)
            .map(|(index, _)| index);
        let mut findings: Vec<Finding> = self
            .noted
            .into_iter()
            .enumerate()
            .filter(|(index, noted)| policy.explain || noted.always || Some(*index) == binding)
            .map(|(_, noted)| noted.finding)
            .collect();
        // What decides comes first; among equals the cloud's own order of its quotas.
        findings.sort_by_key(|finding| Reverse(finding.outcome));
        if policy.explain {
            for finding in &mut findings {
                finding.rule = Some(cloud.rule(finding.reason).into());
            }
        }
        Verdict {
            quota,
            capacity: self.capacity,
            availability,
            fits_count,
            visible: match policy.strictness {
                Strictness::Advisory => true,
                Strictness::Balanced => availability != Availability::NoQuota,
                Strictness::Strict => availability == Availability::Available,
            },
            findings,
        }
    }
}
