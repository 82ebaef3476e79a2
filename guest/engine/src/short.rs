//! What a launch takes of its rows in short: most rows of most launches are exact numbers with room, and need no more.

use quotagate_contract::{Detail, Limit, QuotaOutcome, Reason, ReservationUse, RowState};

use crate::{
    amount::Bound,
    answer::NumberedFinding,
    cloud::{Cloud, Draws, Meaning},
    compile::{Entry, Part, target_at},
    here::{Call, Here},
    judge::Launching,
    judgement::{Judgement, Noted},
    ledger::Ledger,
    reader::Number,
    reservation::{ReservationCover, held_of},
    row::headroom,
    target::{Found, Target},
};

/// An entry in short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortEntry {
    pub(crate) target: u32,
    kind: Kind,
    is_reservable: bool,
    each: u64,
    once: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is told for orientation alone.
    Orients,
    /// Its amounts are exact numbers of 64 bits, and each instance takes some.
    Exact,
    /// Anything else.
    Other,
}

/// What a target is in a call, whatever is taken of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TargetInShort {
    /// A row of exact numbers.
    Plain(PlainRow),
    /// No row, where that limits nothing.
    Free,
    /// Anything else.
    Other,
}

/// A row of which everything is an exact number of 64 bits: most rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainRow {
    limit: u64,
    used: u64,
    held: u64,
    /// What these leave of the limit.
    free: u64,
    row: Number,
    quota: Number,
    owner: Number,
    level: Number,
    region: Number,
    zone: Number,
    unit: Number,
}

impl ShortEntry {
    pub(crate) fn of(entry: &Entry) -> Self {
        let sum = &entry.sum;
        let each = u64::try_from(sum.each.at_most).unwrap_or(0);
        let once = u64::try_from(sum.once.at_most).ok();
        let is_exact = each > 0
            && once.is_some()
            && sum.is_right_unit
            && sum.each.is_exact()
            && sum.once.is_exact();
        let kind = match sum.draws {
            Draws::Never => Kind::Orients,
            _ if is_exact => Kind::Exact,
            _ => Kind::Other,
        };
        Self {
            target: entry.target,
            kind,
            is_reservable: sum.is_reservable,
            each,
            once: once.unwrap_or(0),
        }
    }

    /// What a launch takes, where that is a number of 64 bits.
    fn required(&self, count: u32) -> Option<u64> {
        let of_instances = self.each.checked_mul(count.into())?;
        of_instances.checked_add(self.once)
    }

    /// How many instances what is free lets through.
    fn most(&self, free: u64) -> u64 {
        let rest = free.checked_sub(self.once);
        rest.and_then(|rest| rest.checked_div(self.each))
            .unwrap_or(0)
    }
}

impl PlainRow {
    /// Whether the row lets an amount through, and why not.
    const fn reason(&self, required: u64) -> Reason {
        if required > self.limit {
            Reason::ExceedsLimit
        } else if required > self.free {
            Reason::Shortage
        } else {
            Reason::Fits
        }
    }

    /// The finding of an amount.
    fn noted(&self, reason: Reason, required: u64, most: u64) -> Noted {
        let outcome = match reason {
            Reason::Fits => QuotaOutcome::Fits,
            _ => QuotaOutcome::Blocked,
        };
        let finding = NumberedFinding {
            reason,
            outcome,
            row: self.row,
            quota: self.quota,
            owner: self.owner,
            level: self.level,
            region: self.region,
            zone: self.zone,
            unit: self.unit,
            required: Some(required),
            limit: Some(self.limit),
            usage: Some(self.used),
            usage_at_most: Some(self.used),
            held: self.held,
            headroom: Some(self.free),
            shortfall: required.checked_sub(self.free).filter(|lack| *lack > 0),
            minimum_limit: required
                .checked_add(self.used)
                .and_then(|sum| sum.checked_add(self.held)),
        };
        Noted::new(finding, Bound::exactly(most))
    }
}

impl<C: Cloud> Call<'_, C> {
    /// Judges the launch's own rows, each in short where that is enough. Only where nobody asks for an explanation, nothing was
    /// taken before and no failed launch taught anything of rows.
    pub(crate) fn short_entries(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        part: &Part,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        let may_spare = cover.is_some() || launch.profile.reservation == ReservationUse::Strict;
        for (index, short) in part.short.iter().enumerate() {
            if short.kind == Kind::Orients {
                continue;
            }
            let row = match here.in_short(self, short.target) {
                TargetInShort::Free => continue,
                TargetInShort::Plain(row) => Some(row),
                TargetInShort::Other => None,
            };
            let is_exact = short.kind == Kind::Exact && !(may_spare && short.is_reservable);
            let row = row.filter(|_| is_exact);
            let required = short.required(launch.count);
            let (Some(row), Some(required)) = (row, required) else {
                if let Some(entry) = part.entries.get(index) {
                    self.entry(judgement, here, launch, entry, cover, ledger);
                }
                continue;
            };
            let most = short.most(row.free);
            judgement.bound = judgement.bound.and(Bound::exactly(most));
            let is_noted = self.collecting.detail != Detail::None;
            match row.reason(required) {
                Reason::Fits => {
                    if is_noted && judgement.binds(most) {
                        judgement.bind_later(most, index);
                    }
                }
                reason if is_noted => {
                    judgement.note(self.collecting, row.noted(reason, required, most));
                }
                _ => judgement.quota = QuotaOutcome::Blocked,
            }
        }
    }

    /// Makes the finding of the row that binds, where it is shown.
    pub(crate) fn settle(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        part: &Part,
    ) {
        let Some(index) = judgement.take_pending() else {
            return;
        };
        if judgement.quota == QuotaOutcome::Fits
            && let Some(short) = part.short.get(index)
            && let TargetInShort::Plain(row) = here.in_short(self, short.target)
            && let Some(required) = short.required(launch.count)
        {
            let most = short.most(row.free);
            judgement.fill_binding(row.noted(Reason::Fits, required, most));
        }
    }
}

impl Here {
    /// What a target is in this call; looked at once.
    fn in_short<C: Cloud>(&self, call: &Call<'_, C>, target: u32) -> &TargetInShort {
        let at = usize::try_from(target).unwrap_or(usize::MAX);
        let Some(kept) = self.context.in_short.get(at) else {
            return &TargetInShort::Other;
        };
        kept.get_or_init(|| {
            let Some(target) = target_at(&self.context, target) else {
                return TargetInShort::Other;
            };
            if self.limits_nothing(call, target) {
                return TargetInShort::Free;
            }
            let plain = self.plain_row(call, target);
            plain.map_or(TargetInShort::Other, TargetInShort::Plain)
        })
    }

    /// Whether a target is no row of its owner, where that limits nothing.
    pub(crate) fn limits_nothing<C: Cloud>(&self, call: &Call<'_, C>, target: &Target) -> bool {
        let owner = self.context.owners.get(target.owner);
        !target.is_listed()
            && owner.is_some_and(|owner| owner.rules.absent == Meaning::Unconstrained)
            && self.readability(call, target).is_whole()
    }

    fn plain_row<C: Cloud>(&self, call: &Call<'_, C>, target: &Target) -> Option<PlainRow> {
        let Found::Row(row) = &target.found else {
            return None;
        };
        let numbers = &row.read.numbers;
        let Limit::Amount(limit) = numbers.limit else {
            return None;
        };
        let is_plain = numbers.state == RowState::InForce
            && numbers.doubt.is_none()
            && numbers.used_at_most == Some(numbers.used_at_least)
            && !self.is_open(row.foundation)
            && self
                .readability(call, target)
                .reading
                .unreadable()
                .is_none();
        if !is_plain {
            return None;
        }
        let held = held_of(&self.moment.held, row.number);
        let is_doubtful = held.at_most > held.at_least
            || (held.at_least > 0 && !call.cloud.held_proves_shortage());
        if is_doubtful {
            return None;
        }
        let owner = self.context.owners.get(target.owner)?;
        Some(PlainRow {
            limit,
            used: numbers.used_at_least,
            held: held.at_least,
            free: headroom(limit, numbers.used_at_least, held.at_least),
            row: row.number,
            quota: target.quota,
            owner: owner.number,
            level: owner.level,
            region: target.region,
            zone: target.zone,
            unit: row.unit,
        })
    }
}
