//! One row against one amount: the heart of every verdict.
//!
//! The order of the questions is design.md's: the state first, then the limit, the unit, the whole limit, the usage. Each
//! answer that ends the matter says what it proves: a shortage, or that nothing can be known.

use alloc::string::String;

use crate::vocabulary::{
    Allowance, Finding, Launch, QuotaOutcome, Reason, RowState, Scope, UsageState,
};

/// What is taken from a row, in its unit. Sums are kept in `u128`, so that a million instances of the largest disk
/// cannot wrap.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    /// Taken by launches judged before this one, on the same row.
    pub(crate) before: u128,
    /// Taken by this launch besides its instances.
    pub(crate) once: u128,
    /// Taken by each instance.
    pub(crate) each: u128,
    /// Instances that draw on the row.
    pub(crate) count: u128,
}

impl Amount {
    /// Taken by this launch.
    pub(crate) const fn asked(self) -> u128 {
        self.each
            .saturating_mul(self.count)
            .saturating_add(self.once)
    }

    /// Taken by this launch and those before it.
    pub(crate) const fn total(self) -> u128 {
        self.before.saturating_add(self.asked())
    }

    /// How many instances `free` has room for.
    pub(crate) fn instances_in(self, free: u128) -> u64 {
        let fixed = self.before.saturating_add(self.once);
        free.checked_sub(fixed).map_or(0, |rest| {
            rest.checked_div(self.each).map_or(u64::MAX, clamp)
        })
    }
}

/// How many instances something lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// No more than this.
    pub(crate) most: u64,
    /// Whether exactly `most`; otherwise fewer may be let through.
    pub(crate) exact: bool,
}

impl Bound {
    pub(crate) const UNLIMITED: Self = Self {
        most: u64::MAX,
        exact: true,
    };
    pub(crate) const UNKNOWN: Self = Self {
        most: u64::MAX,
        exact: false,
    };
    pub(crate) const NOTHING: Self = Self {
        most: 0,
        exact: true,
    };

    /// Both at once. A proven zero is exact whatever else is unknown.
    pub(crate) fn and(self, other: Self) -> Self {
        let most = self.most.min(other.most);
        Self {
            most,
            exact: (self.exact && other.exact) || most == 0,
        }
    }

    /// The same with `more` instances that do not draw on it.
    pub(crate) const fn plus(self, more: u64) -> Self {
        Self {
            most: self.most.saturating_add(more),
            exact: self.exact,
        }
    }

    /// For the verdict: none where it is not known or nothing bounds it.
    pub(crate) fn fits_count(self) -> Option<u32> {
        (self.exact && self.most != u64::MAX).then(|| u32::try_from(self.most).unwrap_or(u32::MAX))
    }
}

/// What one row says of one amount.
pub(crate) type Judged = (Reason, QuotaOutcome, Bound);

/// Judges an amount by a row. None where the row does not constrain.
pub(crate) fn judge(
    row: &Allowance,
    scope: Scope,
    units: &[&str],
    amount: Amount,
) -> Option<Judged> {
    let unknown = |reason| Some((reason, QuotaOutcome::Unknown, Bound::UNKNOWN));
    let blocked = |reason| Some((reason, QuotaOutcome::Blocked, Bound::NOTHING));
    match row.state {
        RowState::Frozen => blocked(Reason::Frozen),
        RowState::Deleted if scope == Scope::Tenant => blocked(Reason::Deleted),
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
    let total = amount.total();
    if !units.contains(&row.unit.as_str()) {
        return (Reason::WrongUnit, QuotaOutcome::Unknown, Bound::UNKNOWN);
    }
    let usage = measured_usage(row.usage, row.usage_state);
    let bound = match usage {
        Ok(usage) => Bound {
            most: amount.instances_in(headroom(limit, usage, row.held).into()),
            exact: true,
        },
        // Without a measured usage the whole limit is the most that can be free.
        Err(_) => Bound {
            most: amount.instances_in(limit.into()),
            exact: false,
        }
        .and(Bound::UNKNOWN),
    };
    if total > u128::from(limit) {
        return (Reason::ExceedsLimit, QuotaOutcome::Blocked, bound);
    }
    match usage {
        Err(reason) => (reason, QuotaOutcome::Unknown, bound),
        Ok(usage) if total > u128::from(headroom(limit, usage, row.held)) => {
            (Reason::Shortage, QuotaOutcome::Blocked, bound)
        }
        Ok(_) => (Reason::Fits, QuotaOutcome::Fits, bound),
    }
}

/// The usage where it is a measurement, or why it is none (nebius.md 4.4; design.md, "`usage_state` unspecified").
pub(crate) const fn measured_usage(usage: u64, state: UsageState) -> Result<u64, Reason> {
    match state {
        UsageState::Used => Ok(usage),
        UsageState::NotUsed if usage == 0 => Ok(0),
        UsageState::NotUsed => Err(Reason::Contradictory),
        UsageState::Unspecified if usage > 0 => Ok(usage),
        UsageState::Unspecified | UsageState::Unknown | UsageState::NotApplicable => {
            Err(Reason::UsageUnmeasured)
        }
    }
}

/// limit - usage - held, never below zero (nebius.md 4.5).
pub(crate) const fn headroom(limit: u64, usage: u64, held: u64) -> u64 {
    limit.saturating_sub(usage).saturating_sub(held)
}

/// The largest `u64` where the number is larger than that.
pub(crate) const fn clamp(number: u128) -> u64 {
    if number > u64::MAX as u128 {
        u64::MAX
    } else {
        number as u64
    }
}

pub(crate) fn finding(
    row: &Allowance,
    scope: Scope,
    amount: Amount,
    reason: Reason,
    outcome: QuotaOutcome,
) -> Finding {
    let total = amount.total();
    let usage = measured_usage(row.usage, row.usage_state).ok();
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
        Reason::Fits | Reason::Shortage | Reason::ExceedsLimit | Reason::LimitUnset
    );
    let minimum_limit = usage.filter(|_| limit_decides).and_then(|usage| {
        u64::try_from(
            total
                .saturating_add(usage.into())
                .saturating_add(row.held.into()),
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
        required: clamp(total),
        limit: row.limit,
        usage,
        held: row.held,
        headroom,
        shortfall,
        minimum_limit,
        detail: None,
        remedy: None,
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
        required,
        limit: None,
        usage: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
        detail: None,
        remedy: None,
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
