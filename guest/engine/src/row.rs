//! One row against one amount: the heart of every verdict.
//!
//! The order of the questions: the state first, then the limit, the unit, the whole limit, the usage. Each answer that ends
//! the matter says what it proves: a shortage, or that nothing can be known. The amount, the usage and what is promised of the
//! row are bands: a shortage is proven by what is certain of all three, room by what is possible.

use quotagate_contract::{Limit, QuotaOutcome, Reason, RowState};

use crate::{
    amount::{Amount, Bound, clamp},
    band::Band,
    cloud::{LevelRules, Meaning},
    reader::Held,
};

/// What a row says in numbers, as the cloud's rules read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowNumbers {
    pub(crate) state: RowState,
    pub(crate) limit: Limit,
    /// Used for certain.
    pub(crate) used_at_least: u64,
    /// Used at most; none where nothing bounds it.
    pub(crate) used_at_most: Option<u64>,
    /// Why the usage is no measurement, where it is none.
    pub(crate) doubt: Option<Reason>,
    /// Whether the cloud's rules bound the usage from above, before what it rests on was looked at.
    pub(crate) is_bounded: bool,
}

impl RowNumbers {
    /// The same row where what its usage rests on was not read to its end: more may be used than was counted.
    pub(crate) const fn opened(self) -> Self {
        Self {
            used_at_most: None,
            doubt: Some(Reason::UsageUnmeasured),
            ..self
        }
    }
}

/// What else decides how a row is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighing {
    pub(crate) rules: LevelRules,
    pub(crate) held: Held,
    pub(crate) held_proves_shortage: bool,
    /// Whether the row counts in a unit that all demands on it expect.
    pub(crate) is_right_unit: bool,
}

/// What one row says of one amount.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowVerdict {
    pub(crate) reason: Reason,
    pub(crate) outcome: QuotaOutcome,
    pub(crate) bound: Bound,
    /// What keeps a shortage from being proven, where there would be one otherwise.
    pub(crate) doubt: Option<Doubt>,
}

/// What keeps a shortage from being proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// What the launch itself takes is only possible.
    Own,
    /// What others under way take is only possible.
    Others,
    /// The limit is the cloud's default, which the account's own may exceed.
    Default,
}

impl RowVerdict {
    pub(crate) const fn new(reason: Reason, outcome: QuotaOutcome, bound: Bound) -> Self {
        Self {
            reason,
            outcome,
            bound,
            doubt: None,
        }
    }

    pub(crate) const fn unknown(reason: Reason) -> Self {
        Self::new(reason, QuotaOutcome::Unknown, Bound::UNKNOWN)
    }

    /// A row that lets everything through.
    pub(crate) const NOT_DECISIVE: Self =
        Self::new(Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED);

    /// Something stands against the amount: it proves a shortage where the amount is certain.
    pub(crate) const fn against(reason: Reason, amount: &Amount) -> Self {
        let bound = if amount.is_possible_alone() {
            Bound::UNKNOWN
        } else {
            Bound::NOTHING
        };
        let (outcome, doubt) = if amount.asked().at_least > 0 {
            (QuotaOutcome::Blocked, None)
        } else {
            (QuotaOutcome::Unknown, Some(Doubt::Own))
        };
        Self {
            reason,
            outcome,
            bound,
            doubt,
        }
    }

    /// What something that gives no number says. None where it does not constrain.
    pub(crate) const fn meaning(meaning: Meaning, reason: Reason, amount: &Amount) -> Option<Self> {
        match meaning {
            Meaning::Unknown => Some(Self::unknown(reason)),
            Meaning::Blocks => Some(Self::against(reason, amount)),
            Meaning::Unconstrained => None,
        }
    }
}

/// Judges an amount by a row. None where the row does not constrain.
pub(crate) fn judge(row: &RowNumbers, how: &Weighing, amount: &Amount) -> Option<RowVerdict> {
    let meant = |meaning, reason| RowVerdict::meaning(meaning, reason, amount);
    match (row.state, row.limit) {
        (RowState::Suspended, _) => meant(how.rules.suspended, Reason::Frozen),
        (RowState::Gone, _) => meant(how.rules.gone, Reason::Deleted),
        (RowState::Changing, _) => meant(how.rules.changing, Reason::Provisioning),
        (RowState::Unknown, _) => Some(RowVerdict::unknown(Reason::StateUnknown)),
        (RowState::InForce, Limit::Unset) => meant(how.rules.unset, Reason::LimitUnset),
        (RowState::InForce, _) if !how.is_right_unit => {
            Some(RowVerdict::unknown(Reason::WrongUnit))
        }
        (RowState::InForce, Limit::Unlimited) => Some(RowVerdict::new(
            Reason::Fits,
            QuotaOutcome::Fits,
            Bound::UNLIMITED,
        )),
        (RowState::InForce, Limit::Amount(limit)) => Some(compare(row, limit, how, amount)),
        (RowState::InForce, Limit::ByDefault(limit)) => {
            Some(by_default(compare(row, limit, how, amount)))
        }
    }
}

/// What a default proves: that a launch fits, and nothing else. The reason and the numbers stay, since they are what a person
/// wants to know.
fn by_default(verdict: RowVerdict) -> RowVerdict {
    let bound = Bound {
        most: u64::MAX,
        ..verdict.bound
    };
    if verdict.outcome == QuotaOutcome::Blocked {
        return RowVerdict {
            outcome: QuotaOutcome::Unknown,
            bound,
            doubt: Some(Doubt::Default),
            ..verdict
        };
    }
    RowVerdict { bound, ..verdict }
}

fn compare(row: &RowNumbers, limit: u64, how: &Weighing, amount: &Amount) -> RowVerdict {
    let asked = amount.asked();
    let total = amount.before.plus(asked);
    let room = Room::of(row, limit, how.held, how.held_proves_shortage);
    let mut bound = amount.instances_in(room.least, room.most);
    if row.used_at_most.is_none() {
        bound.least = 0;
    }
    let proven = |reason| RowVerdict::new(reason, QuotaOutcome::Blocked, bound);
    let unknown = |reason, doubt| RowVerdict {
        reason,
        outcome: QuotaOutcome::Unknown,
        bound,
        doubt,
    };
    // The most that this launch takes, after what others take for certain: beyond that, its own amount alone is in doubt.
    let own = amount.before.at_least.saturating_add(asked.at_most);
    let (is_certain, limit) = (asked.at_least > 0, u128::from(limit));
    let (least, most) = (u128::from(room.least), u128::from(room.most));
    if is_certain && total.at_least > limit {
        proven(Reason::ExceedsLimit)
    } else if is_certain && total.at_least > most {
        proven(Reason::Shortage)
    } else if own > limit {
        unknown(Reason::ExceedsLimit, Some(Doubt::Own))
    } else if total.at_most <= least {
        RowVerdict::new(Reason::Fits, QuotaOutcome::Fits, bound)
    } else if let Some(reason) = row.doubt {
        unknown(reason, None)
    } else if own > most {
        unknown(Reason::Shortage, Some(Doubt::Own))
    } else {
        unknown(Reason::MayBeHeld, Some(Doubt::Others))
    }
}

/// What a limit leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Free for certain.
    pub(crate) least: u64,
    /// Free at most.
    pub(crate) most: u64,
}

impl Room {
    /// What a row leaves of `limit`. Of a usage that is no measurement only its ends are known, and what is promised may be
    /// inside it.
    pub(crate) fn of(row: &RowNumbers, limit: u64, held: Held, held_proves_shortage: bool) -> Self {
        let certain = if row.doubt.is_none() && held_proves_shortage {
            held.at_least
        } else {
            0
        };
        Self {
            least: row.used_at_most.map_or(0, |used| {
                headroom(limit, used, held.at_most.max(held.at_least))
            }),
            most: headroom(limit, row.used_at_least, certain),
        }
    }

    /// The same after launches judged before took some.
    pub(crate) fn after(self, taken: Band) -> Self {
        Self {
            least: self.least.saturating_sub(clamp(taken.at_most)),
            most: self.most.saturating_sub(clamp(taken.at_least)),
        }
    }
}

/// limit - usage - held, never below zero.
pub(crate) const fn headroom(limit: u64, usage: u64, held: u64) -> u64 {
    limit.saturating_sub(usage).saturating_sub(held)
}
