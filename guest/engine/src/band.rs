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
        let at_most = product(self.at_most, count.at_most);
        // Nearly every amount is known, and multiplying this wide is not cheap.
        if self.is_exact() && count.is_exact() {
            return Self::exactly(at_most);
        }
        Self {
            at_least: product(self.at_least, count.at_least),
            at_most,
        }
    }

    /// Whether the amount is known.
    pub(crate) const fn is_exact(self) -> bool {
        self.at_least == self.at_most
    }

    /// What is possible beyond what is certain.
    pub(crate) const fn doubtful(self) -> u128 {
        self.at_most.saturating_sub(self.at_least)
    }
}

/// The product of two amounts, by the short way where both are small.
const fn product(one: u128, other: u128) -> u128 {
    const SMALL: u128 = u32::MAX as u128;
    if one <= SMALL && other <= SMALL {
        (one as u64 * other as u64) as u128
    } else {
        one.saturating_mul(other)
    }
}
