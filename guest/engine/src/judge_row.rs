//! Rows of one launch, one by one and where one of several governs; and what was refused of their quotas before.

use alloc::{format, string::String, vec::Vec};

use quotagate_contract::{Detail, Limit, QuotaOutcome, Reason, ReservationUse};

use crate::{
    amount::{Amount, Bound, clamp},
    answer::NumberedFinding,
    cloud::{Cloud, Draws},
    compile::{Alternatives, Entry, target_at},
    here::{Call, Here},
    judge::{Launching, OwnDoubt, behind, drawing_count, own_doubt},
    judgement::{Judgement, Noted},
    ledger::Ledger,
    refused_before::Options,
    reservation::{ReservationCover, held_of},
    row::{Doubt, RowNumbers, RowVerdict, Weighing, headroom, judge},
    sources::{ListReading, Readability},
    target::{Found, Target, TargetRow},
};

/// A row against an amount, judged.
pub(crate) struct Weighed<'h> {
    target: &'h Target,
    amount: Amount,
    verdict: RowVerdict,
    readability: Readability,
    /// The row, where it is one and its list can be relied on.
    row: Option<WeighedRow<'h>>,
}

#[derive(Clone, Copy)]
struct WeighedRow<'h> {
    row: &'h TargetRow,
    /// As it counts in this call.
    numbers: RowNumbers,
    /// Whether it sets no limit, so that others govern.
    is_unset: bool,
}

impl<C: Cloud> Call<'_, C> {
    /// Judges what a launch takes, row by row.
    pub(crate) fn entries(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        entries: &[Entry],
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        let has_lessons = here.has_quota_lessons();
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let length = rest
                .iter()
                .take_while(|entry| entry.group == first.group)
                .count();
            let (group, others) = rest.split_at(length.max(1));
            for entry in group {
                self.entry(judgement, here, launch, entry, cover, ledger);
            }
            if has_lessons {
                let options = Options {
                    groups: &[group],
                    may_spread: false,
                };
                self.failed_before(judgement, here, launch, &options, cover, ledger);
            }
            rest = others;
        }
    }

    /// Judges what a launch takes of one of several rows, of which it is not known which governs: it fits where it fits by each, and
    /// is blocked where each blocks it. Where its instances may spread over the rows of several zones, it is blocked where all of
    /// them together let fewer through.
    pub(crate) fn alternatives(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        alternatives: &Alternatives,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        let options = &alternatives.options;
        let judged = options.iter().map(|option| {
            let mut judged = Judgement::new();
            for entry in option {
                self.entry(&mut judged, here, launch, entry, cover, ledger);
            }
            judged
        });
        let judged: Vec<Judgement> = judged.collect();
        let blocked = judged
            .iter()
            .filter(|one| one.quota == QuotaOutcome::Blocked)
            .count();
        let may_spread = alternatives.is_by_zone && !launch.profile.together;
        let either = |one: Bound, other: Bound| {
            if may_spread {
                one.spread(other)
            } else {
                one.or(other)
            }
        };
        let bounds = judged.iter().map(|one| (one.bound, one.behind_reserved));
        let bounds = bounds.reduce(|(one, behind), (other, other_behind)| {
            (either(one, other), either(behind, other_behind))
        });
        let has_room_in_sum = may_spread
            && launch.count > 1
            && bounds.is_some_and(|(bound, _)| bound.most >= launch.count.into());
        let is_open = blocked > 0 && (blocked < judged.len() || has_room_in_sum);
        let why_open = if blocked < judged.len() {
            "another row may govern instead"
        } else {
            "instances may spread over several zones"
        };
        for mut one in judged {
            one.bound = Bound::UNLIMITED;
            if is_open && one.quota == QuotaOutcome::Blocked {
                one.quota = QuotaOutcome::Unknown;
                for noted in &mut one.noted {
                    if noted.finding.outcome == QuotaOutcome::Blocked {
                        noted.finding.outcome = QuotaOutcome::Unknown;
                        noted.detail = self.word(|| String::from(why_open));
                    }
                }
            }
            judgement.add(&one);
        }
        if let Some((bound, behind_reserved)) = bounds {
            judgement.bound = judgement.bound.and(bound);
            judgement.behind_reserved = judgement.behind_reserved.and(behind_reserved);
        }
        let groups: Vec<&[Entry]> = options.iter().map(Vec::as_slice).collect();
        let options = Options {
            groups: &groups,
            may_spread,
        };
        self.failed_before(judgement, here, launch, &options, cover, ledger);
    }

    /// Judges what a launch takes of one row.
    pub(crate) fn entry(
        &self,
        judgement: &mut Judgement,
        here: &Here,
        launch: &Launching<'_>,
        entry: &Entry,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) {
        if is_spared(launch, entry) {
            return;
        }
        let is_explained = self.policy.detail == Detail::All;
        if !is_explained && entry.sum.draws == Draws::Never {
            return;
        }
        let cover = cover.filter(|_| entry.sum.is_reservable);
        let Some(mut weighed) = self.weigh(here, launch, entry, cover, ledger) else {
            return;
        };
        let mut own = None;
        if entry.sum.draws == Draws::Never {
            weighed.verdict = RowVerdict::NOT_DECISIVE;
        } else {
            weighed.verdict.bound = behind(cover, weighed.verdict.bound);
            if weighed.verdict.doubt == Some(Doubt::Own) {
                let doubt = own_doubt(launch, entry, cover, weighed.verdict.reason);
                weighed.verdict.reason = doubt.reason;
                own = Some(doubt);
            }
        }
        let verdict = weighed.verdict;
        let bound = verdict.proven_bound();
        judgement.bound = judgement.bound.and(bound);
        if cover.is_some() {
            judgement.behind_reserved = judgement.behind_reserved.and(bound);
        }
        // Where reservations take every instance the row is not asked; its room still says how many more would fit.
        if weighed.amount.asks_nothing() {
            return;
        }
        let is_shown = match self.collecting.detail {
            Detail::None => false,
            Detail::All => true,
            Detail::Deciding => match verdict.reason {
                Reason::Fits => judgement.binds(verdict.bound.most),
                reason => !crate::judgement::orients(reason),
            },
        };
        judgement.quota = judgement.quota.max(verdict.outcome);
        if is_shown {
            let noted = self.noted(here, entry, &weighed, own);
            judgement.note(self.collecting, noted);
        }
    }

    /// What is noted of one row.
    pub(crate) fn noted(
        &self,
        here: &Here,
        entry: &Entry,
        weighed: &Weighed<'_>,
        own: Option<OwnDoubt>,
    ) -> Noted {
        let verdict = weighed.verdict;
        let is_of_list = matches!(
            verdict.reason,
            Reason::ScopeUnreadable | Reason::RowMissing | Reason::Stale | Reason::Unsupported
        );
        let finding = self.finding(here, entry, weighed);
        Noted::new(finding, verdict.bound)
            .saying(self.said(here, weighed, own))
            .resting_on(is_of_list.then_some(weighed.readability.state))
    }

    /// What one row says of one amount; none where it does not constrain and nobody asks for an explanation.
    pub(crate) fn weigh<'h>(
        &self,
        here: &'h Here,
        launch: &Launching<'_>,
        entry: &Entry,
        cover: Option<&ReservationCover>,
        ledger: &Ledger,
    ) -> Option<Weighed<'h>> {
        let target = target_at(&here.context, entry.target)?;
        let owner = here.context.owners.get(target.owner)?;
        if here.limits_nothing(self, target) {
            return None;
        }
        let amount = self.amount(launch, entry, cover, target, ledger);
        let readability = here.readability(self, target);
        let is_optional = entry.sum.draws != Draws::Always;
        let bare = |verdict| Weighed {
            target,
            amount,
            verdict,
            readability,
            row: None,
        };
        if let Some(reason) = readability.reading.unreadable() {
            // A row that counts where it is listed counts by a list that cannot be relied on too.
            let may_count = match entry.sum.draws {
                Draws::Never => false,
                Draws::WhereListed => target.is_listed(),
                Draws::Always => true,
            };
            return may_count.then(|| bare(RowVerdict::unknown(reason)));
        }
        match &target.found {
            Found::Absent if is_optional => None,
            Found::Absent if readability.reading == ListReading::InPart => {
                Some(bare(RowVerdict::unknown(Reason::ScopeUnreadable)))
            }
            Found::Absent => {
                RowVerdict::meaning(owner.rules.absent, Reason::RowMissing, &amount).map(bare)
            }
            Found::Twins(_) => Some(bare(RowVerdict::unknown(Reason::Contradictory))),
            Found::Row(row) => {
                let numbers = if here.is_open(row.foundation) {
                    row.read.numbers.opened()
                } else {
                    row.read.numbers
                };
                let how = Weighing {
                    rules: owner.rules,
                    held: held_of(&here.moment.held, row.number),
                    held_proves_shortage: self.cloud.held_proves_shortage(),
                    is_right_unit: entry.sum.is_right_unit,
                };
                let verdict = judge(&numbers, &how, &amount);
                if verdict.is_none() && self.policy.detail != Detail::All {
                    return None;
                }
                Some(Weighed {
                    row: Some(WeighedRow {
                        row,
                        numbers,
                        is_unset: verdict.is_none(),
                    }),
                    ..bare(verdict.unwrap_or(RowVerdict::NOT_DECISIVE))
                })
            }
        }
    }

    /// What a launch takes of a row, after those before it.
    pub(crate) fn amount(
        &self,
        launch: &Launching<'_>,
        entry: &Entry,
        cover: Option<&ReservationCover>,
        target: &Target,
        ledger: &Ledger,
    ) -> Amount {
        Amount {
            before: ledger.taken(&target.ledger_key),
            once: entry.sum.once,
            each: entry.sum.each,
            count: drawing_count(launch, entry, cover),
        }
    }

    fn finding(&self, here: &Here, entry: &Entry, weighed: &Weighed<'_>) -> NumberedFinding {
        let target = weighed.target;
        let owner = here.context.owners.get(target.owner);
        let verdict = weighed.verdict;
        let total = weighed.amount.total().at_most;
        let mut finding = NumberedFinding {
            row: target.number(),
            quota: target.quota,
            owner: owner.map_or(0, |owner| owner.number),
            level: owner.map_or(0, |owner| owner.level),
            region: target.region,
            zone: target.zone,
            required: Some(clamp(total)),
            ..NumberedFinding::new(verdict.reason, verdict.outcome)
        };
        let Some(WeighedRow { row, numbers, .. }) = weighed.row else {
            finding.unit = self.reader.number_of(entry.sum.unit());
            return finding;
        };
        let held = held_of(&here.moment.held, row.number);
        finding.unit = row.unit;
        finding.limit = numbers.limit.number();
        finding.held = held.at_least;
        // Of a usage that nothing bounds, and that was not counted, nothing is told in numbers.
        if numbers.is_bounded {
            finding.usage = Some(numbers.used_at_least);
            finding.usage_at_most = numbers.used_at_most;
            finding.headroom = finding
                .limit
                .map(|limit| headroom(limit, numbers.used_at_least, held.at_least));
        }
        finding.shortfall = finding
            .headroom
            .map(|headroom| clamp(total.saturating_sub(headroom.into())))
            .filter(|shortfall| *shortfall > 0);
        // No limit helps where the state forbids or the numbers cannot be trusted.
        let limit_decides = matches!(
            verdict.reason,
            Reason::Fits
                | Reason::Shortage
                | Reason::ExceedsLimit
                | Reason::LimitUnset
                | Reason::MayBeHeld
        );
        finding.minimum_limit = numbers
            .used_at_most
            .filter(|_| limit_decides && numbers.limit != Limit::Unlimited)
            .and_then(|usage| {
                let others =
                    u128::from(usage).saturating_add(held.at_most.max(held.at_least).into());
                u64::try_from(total.saturating_add(others)).ok()
            });
        finding
    }

    /// What was found of a row, where the numbers do not say it.
    fn said(&self, here: &Here, weighed: &Weighed<'_>, own: Option<OwnDoubt>) -> Option<String> {
        self.word(String::new)?;
        let target = weighed.target;
        let level = |owner: usize| {
            let known = here.context.owners.get(owner);
            known.map_or("", |known| known.owner.level.as_str())
        };
        let list = || self.cloud.list_name(level(target.owner));
        let Some(WeighedRow { row, is_unset, .. }) = weighed.row else {
            return Some(match weighed.readability.reading {
                _ if matches!(target.found, Found::Twins(_))
                    && weighed.readability.reading.unreadable().is_none() =>
                {
                    format!(
                        "{} has the row more than once, with different numbers",
                        list()
                    )
                }
                ListReading::Whole => format!("{} has no such row", list()),
                ListReading::Unsupported => String::from("the cloud has no such list"),
                _ => {
                    let why = here.sources(self).why(weighed.readability);
                    format!("{} could not be relied on: {why}", list())
                }
            });
        };
        if is_unset {
            let is_without_limit = row.read.numbers.limit == Limit::Unset;
            return Some(match target.owner.checked_sub(1) {
                Some(outer) if is_without_limit => {
                    format!("the row sets no limit, so the {}'s governs", level(outer))
                }
                _ => String::from("the row does not constrain"),
            });
        }
        if let Some(own) = own {
            return Some(own.why.into_owned());
        }
        match weighed.verdict.doubt {
            Some(Doubt::Others) => Some(self.may_be_held(here, row, weighed.amount)),
            Some(Doubt::Default) => Some(String::from(
                "the limit is the cloud's default, and the account's own may be higher",
            )),
            Some(Doubt::Own) => None,
            None if weighed.verdict.outcome == QuotaOutcome::Fits => None,
            None if here.is_open(row.foundation) => Some(String::from(
                "what is used was counted from lists that could not be read to their end",
            )),
            None => row.read.doubt.as_deref().map(String::from),
        }
    }

    /// What starts under way may take of a row, in words.
    fn may_be_held(&self, here: &Here, row: &TargetRow, amount: Amount) -> String {
        let held = held_of(&here.moment.held, row.number);
        let certain = if self.cloud.held_proves_shortage() {
            held.at_least
        } else {
            0
        };
        let most = held.at_most.max(held.at_least);
        let doubtful =
            u128::from(most.saturating_sub(certain)).saturating_add(amount.before.doubtful());
        format!(
            "starts under way may take {doubtful} of what is free, or have it inside the usage already"
        )
    }
}

/// Whether a launch that insists on reserved capacity leaves a row alone.
pub(crate) fn is_spared(launch: &Launching<'_>, entry: &Entry) -> bool {
    entry.sum.is_reservable
        && launch.compiled.may_be_reserved
        && launch.profile.reservation == ReservationUse::Strict
}
