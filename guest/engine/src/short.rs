//! What a launch takes of its rows in short: most rows of most launches are exact numbers with room, and need no more.

use quotagate_contract::{Detail, Limit, QuotaOutcome, ReservationUse, RowState};

use crate::{
    amount::Bound,
    cloud::{Cloud, Draws},
    compile::{Entry, Part, target_at},
    context::Found,
    here::{Call, Here},
    judge::Launching,
    judgement::Judgement,
    ledger::Ledger,
    reservation::{ReservationCover, held_of},
    row::headroom,
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

/// What is free of a row, before the launch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Free {
    /// Nobody asked yet.
    #[default]
    Unseen,
    /// So much, exactly.
    Exactly(u64),
    /// It takes more than one number to say.
    Unclear,
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

    /// How many instances what is free lets through, where it lets the launch through.
    fn most(&self, free: u64, count: u32) -> Option<u64> {
        let most = free.checked_sub(self.once)?.checked_div(self.each)?;
        (u64::from(count) <= most).then_some(most)
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
            let most = match short.kind {
                Kind::Exact if !(may_spare && short.is_reservable) => here
                    .free(self, short.target)
                    .and_then(|free| short.most(free, launch.count)),
                _ => None,
            };
            match (most, part.entries.get(index)) {
                (Some(most), _) => {
                    judgement.bound = judgement.bound.and(Bound::exactly(most));
                    if self.collecting.detail != Detail::None && judgement.binds(most) {
                        judgement.bind_later(most, index);
                    }
                }
                (None, Some(entry)) => {
                    self.entry(judgement, here, launch, entry, cover, ledger);
                }
                (None, None) => {}
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
        ledger: &Ledger,
    ) {
        let Some(index) = judgement.take_pending() else {
            return;
        };
        if judgement.quota == QuotaOutcome::Fits
            && let Some(entry) = part.entries.get(index)
            && let Some(weighed) = self.weigh(here, launch, entry, None, ledger)
        {
            judgement.fill_binding(self.noted(here, entry, &weighed, None));
        }
    }
}

impl Here {
    /// What is free of a row, where everything about it is an exact number of 64 bits: most rows.
    pub(crate) fn free<C: Cloud>(&self, call: &Call<'_, C>, target: u32) -> Option<u64> {
        let kept = self.free.get(usize::try_from(target).ok()?)?;
        match kept.get() {
            Free::Exactly(free) => Some(free),
            Free::Unclear => None,
            Free::Unseen => {
                let free = self.find_free(call, target);
                kept.set(free.map_or(Free::Unclear, Free::Exactly));
                free
            }
        }
    }

    fn find_free<C: Cloud>(&self, call: &Call<'_, C>, target: u32) -> Option<u64> {
        let target = target_at(&self.context, target)?;
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
        (!is_doubtful).then(|| headroom(limit, numbers.used_at_least, held.at_least))
    }
}
