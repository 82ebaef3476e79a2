//! One row against one amount: the heart of every verdict.
//!
//! The order of the questions: the state first, then the limit, the unit, the whole limit, the usage. Each answer that ends
//! the matter says what it proves: a shortage, or that nothing can be known. Both the amount and what is promised of the row
//! are bands: a shortage is proven by what is certain of both, room by what is possible.

use alloc::{format, string::String, vec::Vec};

use crate::{
    band::Band,
    usage::Usage,
    vocabulary::{Allowance, Finding, Launch, QuotaOutcome, Reason, RowState, Scope},
};

/// What is taken from a row, in its unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    /// Taken by launches judged before this one, on the same row.
    pub(crate) before: Band,
    /// Taken by this launch besides its instances.
    pub(crate) once: Band,
    /// Taken by each instance.
    pub(crate) each: Band,
    /// Instances that draw on the row: a band where reserved capacity may take some.
    pub(crate) count: Band,
}

impl Amount {
    /// Taken by this launch.
    pub(crate) const fn asked(self) -> Band {
        self.each.times(self.count).plus(self.once)
    }

    /// Whether this launch takes nothing here, however much each of its instances would.
    pub(crate) const fn asks_nothing(self) -> bool {
        self.once.at_most == 0 && (self.each.at_most == 0 || self.count.at_most == 0)
    }

    /// Taken by this launch and those before it.
    pub(crate) const fn total(self) -> Band {
        self.before.plus(self.asked())
    }

    /// How many instances there is room for, where `least` is free for certain and `most` may be.
    pub(crate) fn instances_in(self, least: u64, most: u64) -> Bound {
        let room = |free: u64, before: u128, once: u128, each: u128| {
            let rest = u128::from(free).checked_sub(before.saturating_add(once));
            rest.map_or(0, |rest| rest.checked_div(each).map_or(u64::MAX, clamp))
        };
        let certain = room(
            least,
            self.before.at_most,
            self.once.at_most,
            self.each.at_most,
        );
        // Nearly always both ends are the same, and dividing this wide is not cheap.
        let is_exact = self.before.is_exact() && self.once.is_exact() && self.each.is_exact();
        Bound {
            least: certain,
            most: if least == most && is_exact && self.each.at_most > 0 {
                certain
            } else if self.is_possible_alone() {
                u64::MAX
            } else {
                room(
                    most,
                    self.before.at_least,
                    self.once.at_least,
                    self.each.at_least,
                )
            },
        }
    }

    /// Whether nothing of what a launch takes here is certain, however many instances it has.
    const fn is_possible_alone(self) -> bool {
        self.each.at_least == 0 && self.once.at_least == 0
    }
}

/// How many instances something lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// As many for certain.
    pub(crate) least: u64,
    /// No more than this.
    pub(crate) most: u64,
}

impl Bound {
    pub(crate) const UNLIMITED: Self = Self::exactly(u64::MAX);
    pub(crate) const UNKNOWN: Self = Self {
        least: 0,
        most: u64::MAX,
    };
    pub(crate) const NOTHING: Self = Self::exactly(0);

    pub(crate) const fn exactly(instances: u64) -> Self {
        Self {
            least: instances,
            most: instances,
        }
    }

    /// Both at once.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.min(other.most),
        }
    }

    /// The same with instances that do not draw on it.
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            least: self.least.saturating_add(more.least),
            most: self.most.saturating_add(more.most),
        }
    }

    /// For the verdict: none where it is not known or nothing bounds it.
    pub(crate) fn fits_count(self) -> Option<u32> {
        let counted = |instances| u32::try_from(instances).unwrap_or(u32::MAX);
        (self.least != u64::MAX && counted(self.least) == counted(self.most))
            .then(|| counted(self.most))
    }
}

/// What one row says of one amount.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
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
}

impl Judged {
    pub(crate) const fn new(reason: Reason, outcome: QuotaOutcome, bound: Bound) -> Self {
        Self {
            reason,
            outcome,
            bound,
            doubt: None,
        }
    }

    pub(crate) const fn unknown(reason: Reason, bound: Bound) -> Self {
        Self::new(reason, QuotaOutcome::Unknown, bound)
    }

    /// Something stands against the amount, of which `asked` is taken: it proves a shortage where that is certain.
    const fn against(reason: Reason, asked: Band, bound: Bound) -> Self {
        let (outcome, doubt) = if asked.at_least > 0 {
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
}

/// Judges an amount by a row. None where the row does not constrain.
pub(crate) fn judge(
    row: &Allowance,
    scope: Scope,
    units: &[&str],
    amount: Amount,
) -> Option<Judged> {
    let unknown = |reason| Some(Judged::unknown(reason, Bound::UNKNOWN));
    let against = |reason| {
        let bound = if amount.is_possible_alone() {
            Bound::UNKNOWN
        } else {
            Bound::NOTHING
        };
        Some(Judged::against(reason, amount.asked(), bound))
    };
    match row.state {
        RowState::Frozen => against(Reason::Frozen),
        RowState::Deleted if scope == Scope::Tenant => against(Reason::Deleted),
        RowState::Deleted => unknown(Reason::Deleted),
        RowState::Provisioning => unknown(Reason::Provisioning),
        RowState::Unknown => unknown(Reason::StateUnknown),
        RowState::Active => match (row.limit, scope) {
            (Some(limit), _) => Some(compare(row, limit, units, amount)),
            (None, Scope::Project) => None,
            (None, Scope::Tenant) => unknown(Reason::LimitUnset),
        },
    }
}

fn compare(row: &Allowance, limit: u64, units: &[&str], amount: Amount) -> Judged {
    if !units.contains(&row.unit.as_str()) {
        return Judged::unknown(Reason::WrongUnit, Bound::UNKNOWN);
    }
    let asked = amount.asked();
    let total = amount.before.plus(asked);
    let told = Usage::of_row(row);
    let usage = told.measured();
    let (least, most) = match usage {
        Ok(usage) => (
            headroom(limit, usage, held_at_most(row)),
            headroom(limit, usage, row.held),
        ),
        // Without a measured usage no more can be free than the least usage leaves of the limit.
        Err(_) => (0, limit.saturating_sub(told.at_least(limit))),
    };
    let mut bound = amount.instances_in(least, most);
    if usage.is_err() {
        bound.least = 0;
    }
    let proven = |reason| Judged::new(reason, QuotaOutcome::Blocked, bound);
    let doubtful = |reason, doubt| Judged {
        doubt: Some(doubt),
        ..Judged::unknown(reason, bound)
    };
    // The most that this launch takes, after what others take for certain: beyond that, its own amount alone is in doubt.
    let own = amount.before.at_least.saturating_add(asked.at_most);
    let (is_certain, limit) = (asked.at_least > 0, u128::from(limit));
    match usage {
        _ if is_certain && total.at_least > limit => proven(Reason::ExceedsLimit),
        _ if is_certain && total.at_least > most.into() => proven(Reason::Shortage),
        _ if own > limit => doubtful(Reason::ExceedsLimit, Doubt::Own),
        Err(reason) => Judged::unknown(reason, bound),
        Ok(_) if total.at_most <= least.into() => {
            Judged::new(Reason::Fits, QuotaOutcome::Fits, bound)
        }
        Ok(_) if own > most.into() => doubtful(Reason::Shortage, Doubt::Own),
        Ok(_) => doubtful(Reason::MayBeHeld, Doubt::Others),
    }
}

/// limit - usage - held, never below zero.
pub(crate) const fn headroom(limit: u64, usage: u64, held: u64) -> u64 {
    limit.saturating_sub(usage).saturating_sub(held)
}

/// The most that may be promised of a row, also where a host leaves it out.
fn held_at_most(row: &Allowance) -> u64 {
    row.held_at_most.max(row.held)
}

/// The largest `u64` where the number is larger than that.
pub(crate) const fn clamp(number: u128) -> u64 {
    if number > u64::MAX as u128 {
        u64::MAX
    } else {
        number as u64
    }
}

/// What starts under way may take of a row, in words.
pub(crate) fn may_be_held(row: &Allowance, amount: Amount) -> String {
    let held = u128::from(held_at_most(row).saturating_sub(row.held));
    let doubtful = held.saturating_add(amount.before.doubtful());
    format!(
        "starts under way may take {doubtful} of what is free, or have it inside the usage already"
    )
}

pub(crate) fn finding(
    row: &Allowance,
    scope: Scope,
    amount: Amount,
    reason: Reason,
    outcome: QuotaOutcome,
) -> Finding {
    let total = amount.total().at_most;
    let usage = Usage::of_row(row).measured().ok();
    let headroom = match (row.limit, usage) {
        (Some(limit), Some(usage)) => Some(headroom(limit, usage, row.held)),
        _ => None,
    };
    let shortfall = headroom
        .map(|headroom| clamp(total.saturating_sub(headroom.into())))
        .filter(|shortfall| *shortfall > 0);
    // No limit helps where the state forbids or the numbers cannot be trusted.
    let limit_decides = matches!(
        reason,
        Reason::Fits
            | Reason::Shortage
            | Reason::ExceedsLimit
            | Reason::LimitUnset
            | Reason::MayBeHeld
    );
    let minimum_limit = usage.filter(|_| limit_decides).and_then(|usage| {
        u64::try_from(
            total
                .saturating_add(usage.into())
                .saturating_add(held_at_most(row).into()),
        )
        .ok()
    });
    Finding {
        reason,
        outcome,
        quota: Some(row.name.clone()),
        scope: Some(scope),
        owner: Some(row.owner.clone()),
        region: row.region.clone(),
        unit: row.unit.clone(),
        required: Some(clamp(total)),
        limit: row.limit,
        usage,
        held: row.held,
        headroom,
        shortfall,
        minimum_limit,
        detail: None,
        remedy: None,
        command: Vec::new(),
        rule: None,
    }
}

/// A finding where there is no row to take numbers from.
pub(crate) fn rowless_finding(
    quota: Option<&str>,
    scope: Option<Scope>,
    region: &str,
    unit: &str,
    required: u64,
    (reason, outcome): (Reason, QuotaOutcome),
) -> Finding {
    Finding {
        reason,
        outcome,
        quota: quota.map(String::from),
        scope,
        owner: None,
        region: region.into(),
        unit: unit.into(),
        required: Some(required),
        limit: None,
        usage: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
        detail: None,
        remedy: None,
        command: Vec::new(),
        rule: None,
    }
}

/// A finding on the offer itself rather than on a row.
pub(crate) fn about_offer(
    launch: &Launch,
    reason: Reason,
    outcome: QuotaOutcome,
    detail: String,
) -> Finding {
    let mut finding = rowless_finding(
        None,
        None,
        &launch.offer.region,
        "instance",
        launch.count.into(),
        (reason, outcome),
    );
    finding.detail = Some(detail);
    finding
}
