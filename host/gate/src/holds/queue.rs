//! When usage shows what is held of one row.
//!
//! A queue keeps `others`, the usage that is none of the amounts which stand in it, and the amounts in the order in which
//! they were promised. What a reading shows beyond `others` is ours: it is taken off the amounts from the
//! front, also in part, and belongs to `others` from then on.
//!
//! - Only a committed hold is taken off, and only by usage that was asked for after the commit.
//! - The amount of a launch under way keeps its place: what may be its own is noted as `visible` and ends nothing behind it.
//! - What may be inside the usage already (a start of stopped instances) is taken off last, so it never keeps back an
//!   amount that is certain.
//! - A rise by more than all amounts is somebody else's. A smaller one counts for the earliest amount, since nothing tells
//!   the two apart.
//! - A fall is somebody else's. Where a launch under way was visible, the fall may have been its end: `fallen` remembers
//!   that, and where the launch is given up, `others` did not fall after all.
//! - What was visible of a launch that was given up is the first to fall. Until then it may also be what the next amount
//!   showed, so it makes that amount a doubt and does not take it off.

use std::collections::BTreeMap;

use super::Band;

/// The amounts of one row, in the order in which they were promised.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// What the latest reading said; none until one measures the row.
    reading: Option<Reading>,
    amounts: BTreeMap<u64, Amount>,
}

/// A measured row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) usage: u64,
    /// The part of it that is none of the amounts.
    pub(super) others: u64,
    /// By how much it fell while launches under way were visible: they may be what fell.
    pub(super) fallen: u64,
}

/// What is left of one hold's amount of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) band: Band,
    /// What the latest reading may show of it, although it does not end it.
    pub(super) visible: u64,
}

/// How far a hold's launch has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Launch {
    /// Nobody said yet what came of it.
    UnderWay,
    /// It was committed, after the reading was asked for.
    Made,
    /// It was committed, and the reading was asked for afterwards.
    Shows,
}

impl Reading {
    /// Nothing says how much of a first measurement is ours: all of it may be somebody else's.
    pub(super) const fn first(usage: u64) -> Self {
        Self {
            usage,
            others: usage,
            fallen: 0,
        }
    }
}

impl Queue {
    /// Appends what a hold takes of the row.
    pub(super) fn push(&mut self, place: u64, band: Band) {
        let sum = self.amounts.entry(place).or_default();
        sum.band = sum.band.plus(band);
    }

    /// Takes a hold's amount out: its launch was given up, or it was shown.
    pub(super) fn remove(&mut self, place: u64) {
        let gone = self.amounts.remove(&place).unwrap_or_default();
        if let Some(reading) = &mut self.reading {
            // What fell while it was visible was its own end.
            let back = reading.fallen.min(gone.visible);
            reading.fallen -= back;
            reading.others = reading.others.saturating_add(back).min(reading.usage);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.amounts.is_empty()
    }

    pub(super) const fn reading(&self) -> Option<Reading> {
        self.reading
    }

    pub(super) const fn set_reading(&mut self, reading: Reading) {
        self.reading = Some(reading);
    }

    /// Sets what is left of a hold's amount, where it has one.
    pub(super) fn set(&mut self, place: u64, amount: Amount) {
        if let Some(known) = self.amounts.get_mut(&place) {
            *known = amount;
        }
    }

    /// What is left of a hold's amount.
    pub(super) fn of(&self, place: u64) -> Option<Band> {
        self.amounts.get(&place).map(|amount| amount.band)
    }

    /// What is held, all amounts together.
    pub(super) fn held(&self) -> Band {
        let bands = self.amounts.values().map(|amount| amount.band);
        bands.fold(Band::ZERO, Band::plus)
    }

    /// The amounts of which the latest reading may show something.
    pub(super) fn visible(&self) -> impl Iterator<Item = (u64, Amount)> + '_ {
        let visible = self.amounts.iter().filter(|(_, amount)| amount.visible > 0);
        visible.map(|(place, amount)| (*place, *amount))
    }

    /// What fell is no more than what is visible of launches under way.
    pub(super) fn settle_fallen(&mut self, is_under_way: impl Fn(u64) -> bool) {
        let most = self
            .visible()
            .filter(|(place, _)| is_under_way(*place))
            .fold(0, |sum: u64, (_, amount)| {
                sum.saturating_add(amount.visible)
            });
        if let Some(reading) = &mut self.reading {
            reading.fallen = reading.fallen.min(most);
        }
    }

    /// What a reading of this usage makes of the row, and the amounts that it changes.
    pub(super) fn observe(
        &self,
        usage: u64,
        launch: impl Fn(u64) -> Launch,
    ) -> (Reading, Vec<(u64, Amount)>) {
        let before = self.reading.unwrap_or(Reading::first(usage));
        let visible = self.visible().fold(0, |sum: u64, (_, amount)| {
            sum.saturating_add(amount.visible)
        });
        // Of a launch that was given up while it was visible: the first to fall.
        let leaving = before
            .usage
            .saturating_sub(before.others)
            .saturating_sub(visible);
        let fall = before.usage.saturating_sub(usage);
        let fell = fall.saturating_sub(leaving);
        let leaving = leaving.saturating_sub(fall);
        let mut others = before.others.saturating_sub(fell).min(usage);
        let mut ours = usage - others;
        let mut sure = ours.saturating_sub(leaving);
        let mut amounts = self.amounts.clone();
        let mut under_way = 0_u64;
        for amount in amounts.values_mut() {
            amount.visible = 0;
        }
        for is_certain in [true, false] {
            for (place, amount) in &mut amounts {
                let Band { at_least, at_most } = amount.band;
                let most = if is_certain {
                    at_least
                } else {
                    at_most - at_least
                };
                let may_show = ours.min(most);
                ours -= may_show;
                let shown = may_show.min(sure);
                sure -= shown;
                match launch(*place) {
                    Launch::Shows => {
                        others = others.saturating_add(shown);
                        amount.band.at_most -= shown;
                        if is_certain {
                            amount.band.at_least -= may_show;
                        }
                    }
                    Launch::Made => amount.visible += shown,
                    Launch::UnderWay => {
                        amount.visible += shown;
                        under_way = under_way.saturating_add(shown);
                    }
                }
            }
        }
        let reading = Reading {
            usage,
            // More than everything that was promised is somebody else's.
            others: others.saturating_add(ours),
            fallen: before.fallen.saturating_add(fell).min(under_way),
        };
        amounts.retain(|place, amount| self.amounts.get(place) != Some(amount));
        (reading, amounts.into_iter().collect())
    }
}
