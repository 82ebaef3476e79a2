//! Findings on their way to a verdict: the lattice, and what a policy shows of them.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};
use core::cmp::Reverse;

use crate::{
    demand::Cloud,
    row::{Amount, Bound, Judged, finding},
    vocabulary::{
        Allowance, Availability, CapacityOutcome, Finding, Policy, QuotaOutcome, Reason, Scope,
        SourceState, Strictness, Verdict,
    },
};

/// What was found, before the policy decides what of it to show. A finding is made only of what is shown: most rows of
/// most launches have room, and nobody asks.
pub(crate) struct Judgement<'a> {
    pub(crate) noted: Vec<Noted<'a>>,
    /// How many instances every row together lets through.
    pub(crate) bound: Bound,
    /// How many the reservations and the GPU rows behind them let through.
    pub(crate) reservable: Bound,
    pub(crate) capacity: CapacityOutcome,
}

#[derive(Clone)]
pub(crate) struct Noted<'a> {
    pub(crate) what: What<'a>,
    pub(crate) reason: Reason,
    pub(crate) outcome: QuotaOutcome,
    /// Shown even where the policy asks for no explanation.
    pub(crate) always: bool,
    /// How many instances this lets through; the least of all binds.
    bound: Bound,
    /// How far the list was read that this rests on, where that is what was found.
    pub(crate) list: Option<SourceState>,
}

/// What a finding is made of.
#[derive(Clone)]
pub(crate) enum What<'a> {
    /// A row against an amount.
    Row {
        row: &'a Allowance,
        scope: Scope,
        amount: Amount,
        detail: Option<Cow<'static, str>>,
    },
    /// The finding itself; boxed, since it is rare and large.
    Said(Box<Finding>),
}

impl<'a> Judgement<'a> {
    pub(crate) const fn new() -> Self {
        Self {
            noted: Vec::new(),
            bound: Bound::UNLIMITED,
            reservable: Bound::UNLIMITED,
            capacity: CapacityOutcome::Unknown,
        }
    }

    /// Notes what a row says, or that a list does not have it.
    pub(crate) fn note_row(&mut self, what: What<'a>, judged: &Judged, list: Option<SourceState>) {
        let Judged {
            reason,
            outcome,
            bound,
            ..
        } = *judged;
        self.noted.push(Noted {
            what,
            reason,
            outcome,
            always: !orients(reason),
            bound,
            list,
        });
    }

    /// Notes that a list could not be read, whose state is given.
    pub(crate) fn note_unread(&mut self, finding: Finding, list: SourceState) {
        self.note(finding, Bound::UNKNOWN);
        if let Some(noted) = self.noted.last_mut() {
            noted.list = Some(list);
        }
    }

    /// Notes a finding on the offer itself.
    pub(crate) fn note(&mut self, finding: Finding, bound: Bound) {
        self.note_if(false, finding, bound);
    }

    /// Notes a finding that is shown without an explanation where it decides, or where it is worth `telling`.
    pub(crate) fn note_if(&mut self, telling: bool, finding: Finding, bound: Bound) {
        let (reason, outcome) = (finding.reason, finding.outcome);
        self.noted.push(Noted {
            what: What::Said(Box::new(finding)),
            reason,
            outcome,
            always: telling || !orients(reason),
            bound,
            list: None,
        });
    }

    /// Takes in what was found of a part of the launch.
    pub(crate) fn add(&mut self, part: &Self) {
        self.noted.extend(part.noted.iter().cloned());
        self.bound = self.bound.and(part.bound);
    }

    pub(crate) fn quota(&self) -> QuotaOutcome {
        self.noted
            .iter()
            .map(|noted| noted.outcome)
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
            .filter(|(_, noted)| quota == QuotaOutcome::Fits && noted.reason == Reason::Fits)
            .min_by_key(|(_, noted)| noted.bound.most)
            .map(|(index, _)| index);
        let mut findings: Vec<Finding> = self
            .noted
            .into_iter()
            .enumerate()
            .filter(|(index, noted)| policy.explain || noted.always || Some(*index) == binding)
            .map(|(_, noted)| noted.finding(cloud))
            .collect();
        // What decides comes first; among equals the cloud's own order of its quotas.
        findings.sort_by_key(|finding| Reverse(finding.outcome));
        for finding in &mut findings {
            // One remedy at a time: where a quota blocks, the launch never gets to ask for hardware.
            if quota == QuotaOutcome::Blocked && finding.outcome == QuotaOutcome::Fits {
                finding.remedy = None;
                finding.command.clear();
            }
            if policy.explain {
                finding.rule = Some(cloud.rule(finding).into());
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

impl Noted<'_> {
    /// Makes the finding.
    pub(crate) fn finding(self, cloud: &impl Cloud) -> Finding {
        let mut finding = match self.what {
            What::Said(mut finding) => {
                // Where a row does not decide, a finding made before that was known says otherwise.
                (finding.reason, finding.outcome) = (self.reason, self.outcome);
                *finding
            }
            What::Row {
                row,
                scope,
                amount,
                detail,
            } => {
                let mut finding = finding(row, scope, amount, self.reason, self.outcome);
                finding.detail = detail.map(Cow::into_owned);
                finding
            }
        };
        if finding.remedy.is_none()
            && !matches!(self.reason, Reason::Fits | Reason::NotDecisive)
            && let Some(remedy) = cloud.remedy(&finding, self.list)
        {
            (finding.remedy, finding.command) = (Some(remedy.text), remedy.command);
        }
        finding
    }
}

/// Whether a finding of this reason only orients: it is shown where an explanation is asked for.
const fn orients(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Fits | Reason::NotDecisive | Reason::CapacityUnknown | Reason::NotChecked
    )
}
