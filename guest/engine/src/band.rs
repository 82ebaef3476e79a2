//! Amounts of which only the ends are known.
//!
//! What the start of a stopped instance takes may be inside the usage already, and what reservations may cover may be
//! taken from the ordinary row. So much is certain, and so much is possible: only what is certain proves a shortage, and
//! only where what is possible fits does a launch fit.

/// An amount from `at_least` to `at_most`. Sums are kept in `u128` and saturate, so nothing wraps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Band {
    /// Certain.
    pub(crate) at_least: u128,
    /// Possible; never below `at_least`.
    pub(crate) at_most: u128,
}

impl Band {
    /// An amount that is known.
    pub(crate) const fn exactly(amount: u128) -> Self {
        Self {
            at_least: amount,
            at_most: amount,
        }
    }

    /// An amount that may be taken whole, in part, or not at all.
    pub(crate) const fn up_to(amount: u128) -> Self {
        Self {
            at_least: 0,
            at_most: amount,
        }
    }

    /// Both amounts together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }

    /// As many times this amount.
    pub(crate) const fn times(self, count: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_mul(count.at_least),
            at_most: self.at_most.saturating_mul(count.at_most),
        }
    }

    /// What is possible beyond what is certain.
    pub(crate) const fn doubtful(self) -> u128 {
        self.at_most.saturating_sub(self.at_least)
    }
}
