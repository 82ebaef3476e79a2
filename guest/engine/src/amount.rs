//! What a launch takes of a row, and how many instances that lets through.

use crate::band::Band;

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
    pub(crate) const fn asked(&self) -> Band {
        self.each.times(self.count).plus(self.once)
    }

    /// Whether this launch takes nothing here, however much each of its instances would.
    pub(crate) const fn asks_nothing(&self) -> bool {
        self.once.at_most == 0 && (self.each.at_most == 0 || self.count.at_most == 0)
    }

    /// Taken by this launch and those before it.
    pub(crate) const fn total(&self) -> Band {
        self.before.plus(self.asked())
    }

    /// How many instances there is room for, where `least` is free for certain and `most` may be.
    pub(crate) fn instances_in(&self, least: u64, most: u64) -> Bound {
        let room = |free: u64, before: u128, once: u128, each: u128| {
            let rest = u128::from(free).checked_sub(before.saturating_add(once));
            rest.map_or(0, |rest| match (u64::try_from(rest), u64::try_from(each)) {
                // Dividing the wide way is not cheap.
                (Ok(rest), Ok(each)) => rest.checked_div(each).unwrap_or(u64::MAX),
                _ => rest.checked_div(each).map_or(u64::MAX, clamp),
            })
        };
        let certain = room(
            least,
            self.before.at_most,
            self.once.at_most,
            self.each.at_most,
        );
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
    pub(crate) const fn is_possible_alone(&self) -> bool {
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

    /// Where either may be so.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    /// Where all may go by either, or some by one and the rest by the other.
    pub(crate) fn spread(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.saturating_add(other.most),
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

/// The largest `u64` where the number is larger than that.
pub(crate) const fn clamp(number: u128) -> u64 {
    if number > u64::MAX as u128 {
        u64::MAX
    } else {
        number as u64
    }
}
