//! Findings on their way to a verdict: the lattice, and what a policy shows of them.

use alloc::{string::String, vec::Vec};
use core::cmp::Reverse;

use quotagate_contract::{CapacityOutcome, Detail, QuotaOutcome, Reason, SourceState};

use crate::{amount::Bound, answer::NumberedFinding};

/// What is collected of a judgement: most rows of most launches have room, and nobody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Collecting {
    pub(crate) detail: Detail,
    /// Whether words are made besides numbers.
    pub(crate) words: bool,
}

/// What was found, before the policy decides what of it to show.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) quota: QuotaOutcome,
    /// How many instances everything together lets through.
    pub(crate) bound: Bound,
    /// How many the rows behind reserved capacity let through, with it.
    pub(crate) behind_reserved: Bound,
    pub(crate) capacity: CapacityOutcome,
    pub(crate) noted: Vec<Noted>,
    /// The row with the least room of those that have room.
    binding: Option<Binding>,
    /// Its place among the launch's own entries, where its finding is yet to be made.
    pending: Option<usize>,
}

/// One finding, and what decides whether it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) finding: NumberedFinding,
    /// What was found, in words, where somebody asks for them.
    pub(crate) detail: Option<String>,
    /// Whether it is shown even where the policy asks for no explanation.
    pub(crate) always: bool,
    /// How many instances this lets through; the least of all binds.
    pub(crate) most: u64,
    /// How far the list was read that this rests on, where that is what was found.
    pub(crate) list: Option<SourceState>,
}

#[derive(Clone, Debug)]
struct Binding {
    most: u64,
    /// None where it is among what is shown anyway.
    noted: Option<Noted>,
    /// Its place among what was noted.
    at: usize,
}

impl Noted {
    pub(crate) fn new(finding: NumberedFinding, bound: Bound) -> Self {
        Self {
            finding,
            detail: None,
            always: !orients(finding.reason),
            most: bound.most,
            list: None,
        }
    }

    /// With words.
    pub(crate) fn saying(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }

    /// Resting on how far a list was read.
    pub(crate) fn resting_on(mut self, list: Option<SourceState>) -> Self {
        self.list = list;
        self
    }
}

impl Judgement {
    pub(crate) const fn new() -> Self {
        Self {
            quota: QuotaOutcome::Fits,
            bound: Bound::UNLIMITED,
            behind_reserved: Bound::UNLIMITED,
            capacity: CapacityOutcome::Unknown,
            noted: Vec::new(),
            binding: None,
            pending: None,
        }
    }

    /// The same as a new one.
    pub(crate) fn clear(&mut self) {
        let mut noted = core::mem::take(&mut self.noted);
        noted.clear();
        *self = Self {
            noted,
            ..Self::new()
        };
    }

    /// Notes a finding.
    pub(crate) fn note(&mut self, collecting: Collecting, noted: Noted) {
        self.quota = self.quota.max(noted.finding.outcome);
        let binds = noted.finding.reason == Reason::Fits && self.binds(noted.most);
        match collecting.detail {
            Detail::None => {}
            Detail::All => self.noted.push(noted),
            Detail::Deciding => {
                let (most, at) = (noted.most, self.noted.len());
                let hidden = if noted.always {
                    self.noted.push(noted);
                    None
                } else {
                    Some(noted).filter(|_| binds)
                };
                if binds {
                    let noted = hidden;
                    self.binding = Some(Binding { most, noted, at });
                    self.pending = None;
                }
            }
        }
    }

    /// Whether a row that lets so many through has the least room so far; a finding of it would be shown if all else fits.
    pub(crate) fn binds(&self, most: u64) -> bool {
        self.binding.as_ref().is_none_or(|known| most < known.most)
    }

    /// Takes in what was found of a part of the launch.
    pub(crate) fn add(&mut self, part: &Self) {
        let before = self.noted.len();
        self.quota = self.quota.max(part.quota);
        self.bound = self.bound.and(part.bound);
        self.noted.extend(part.noted.iter().cloned());
        if let Some(binding) = &part.binding
            && self.binds(binding.most)
        {
            self.binding = Some(Binding {
                at: before + binding.at,
                ..binding.clone()
            });
            self.pending = None;
        }
    }

    /// Takes the launch's own entry at a place as the row with the least room; its finding is made when all else is judged.
    pub(crate) fn bind_later(&mut self, most: u64, entry: usize) {
        self.binding = Some(Binding {
            most,
            noted: None,
            at: self.noted.len(),
        });
        self.pending = Some(entry);
    }

    /// The entry whose finding is yet to be made.
    pub(crate) const fn take_pending(&mut self) -> Option<usize> {
        self.pending.take()
    }

    /// The finding of the row with the least room.
    pub(crate) fn fill_binding(&mut self, noted: Noted) {
        if let Some(binding) = &mut self.binding {
            binding.noted = Some(noted);
        }
    }

    /// What the policy shows, what decides first; among equals the cloud's own order of its quotas.
    pub(crate) fn shown(&mut self, detail: Detail) -> &mut Vec<Noted> {
        let noted = &mut self.noted;
        match detail {
            Detail::None => noted.clear(),
            Detail::All => {}
            Detail::Deciding => {
                let fits = self.quota == QuotaOutcome::Fits;
                if let Some(Binding {
                    noted: Some(one),
                    at,
                    ..
                }) = self.binding.take().filter(|_| fits)
                {
                    noted.insert(at.min(noted.len()), one);
                }
            }
        }
        if noted.len() > 1 {
            noted.sort_by_key(|noted| Reverse(noted.finding.outcome));
        }
        noted
    }

    /// The same where everything was collected, and little is shown.
    pub(crate) fn abridged(mut self, detail: Detail) -> Vec<Noted> {
        if detail == Detail::Deciding {
            let fits = self.quota == QuotaOutcome::Fits;
            let first = self.noted.iter().enumerate();
            let binding = first
                .filter(|(_, noted)| fits && noted.finding.reason == Reason::Fits)
                .min_by_key(|(_, noted)| noted.most)
                .map(|(index, _)| index);
            let mut index = 0;
            self.noted.retain(|noted| {
                index += 1;
                noted.always || Some(index - 1) == binding
            });
            self.shown(Detail::All);
        } else {
            self.shown(detail);
        }
        self.noted
    }
}

/// Whether a finding of this reason only orients: it is shown where an explanation is asked for.
pub(crate) const fn orients(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Fits | Reason::NotDecisive | Reason::CapacityUnknown | Reason::NotChecked
    )
}
