//! Demands on one row, summed.

use crate::{
    band::Band,
    cloud::{Demand, Draws},
};

/// What a launch takes of one row: the sum of its demands on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sum {
    /// Taken by each instance.
    pub(crate) each: Band,
    /// Taken by the launch as a whole, besides its instances.
    pub(crate) once: Band,
    pub(crate) draws: Draws,
    /// Whether reserved capacity may cover it.
    pub(crate) is_reservable: bool,
    /// The units in which a row may count; the first is the usual one. Empty: any.
    pub(crate) units: &'static [&'static str],
    /// Whether the row counts in a unit that each demand expects.
    pub(crate) is_right_unit: bool,
}

impl Sum {
    /// One demand, on a row that counts in `unit`, or on none.
    pub(crate) fn of(demand: &Demand<'_>, unit: Option<&str>) -> Self {
        let band = if demand.is_uncertain {
            Band::up_to
        } else {
            Band::exactly
        };
        Self {
            each: band(demand.each),
            once: band(demand.once),
            draws: demand.draws,
            is_reservable: demand.is_reservable,
            units: demand.units,
            is_right_unit: demand.units.is_empty()
                || unit.is_none_or(|unit| demand.units.contains(&unit)),
        }
    }

    /// Adds another sum on the same row. The stricter reading counts: the row must be listed where one of them says so, reserved
    /// capacity covers the sum only where it may cover each, and the unit must be right for each. What is not drawn on adds
    /// nothing to what is.
    pub(crate) fn add(&mut self, other: &Self) {
        match (self.draws, other.draws) {
            (Draws::WhereListed | Draws::Always, Draws::Never) => {}
            (Draws::Never, Draws::WhereListed | Draws::Always) => *self = *other,
            _ => {
                self.each = self.each.plus(other.each);
                self.once = self.once.plus(other.once);
                self.draws = self.draws.max(other.draws);
                self.is_reservable &= other.is_reservable;
                self.is_right_unit &= other.is_right_unit;
                if self.units.is_empty() {
                    self.units = other.units;
                }
            }
        }
    }

    /// The same where it may be taken of another row instead.
    pub(crate) const fn perhaps(self) -> Self {
        Self {
            each: Band::up_to(self.each.at_most),
            once: Band::up_to(self.once.at_most),
            ..self
        }
    }

    /// Adds what may be taken of the same row.
    pub(crate) const fn beside(self, other: &Self) -> Self {
        Self {
            each: self.each.plus(Band::up_to(other.each.at_most)),
            once: self.once.plus(Band::up_to(other.once.at_most)),
            ..self
        }
    }

    /// Whether part of it is only possible.
    pub(crate) const fn is_uncertain(&self) -> bool {
        self.each.doubtful() > 0 || self.once.doubtful() > 0
    }

    /// The usual unit.
    pub(crate) fn unit(&self) -> &'static str {
        self.units.first().copied().unwrap_or_default()
    }
}
