//! Judgements in numbers, as they cross to the host.

use alloc::vec::Vec;

use quotagate_contract::{CapacityOutcome, QuotaOutcome, Reason};

use crate::reader::Number;

/// An offer by numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberedOffer {
    /// The type's name.
    pub instance_type: Number,
    /// The region.
    pub region: Number,
    /// The zone; zero where the offer names none.
    pub zone: Number,
    /// The lifecycle.
    pub lifecycle: Number,
}

/// Judgements of offers. Distinct findings stand once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// One an offer, in their order.
    pub heads: Vec<Head>,
    /// What was found.
    pub findings: Vec<NumberedFinding>,
    /// Places in `findings`; heads point into it.
    pub references: Vec<u32>,
}

/// The judgement of one offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whether the quotas let it through.
    pub quota: QuotaOutcome,
    /// Whether hardware is likely to be free.
    pub capacity: CapacityOutcome,
    /// How many fit.
    pub fits_count: Option<u32>,
    /// Where its findings begin in [`Answer::references`].
    pub first: u32,
    /// How many they are.
    pub findings: u32,
}

/// One row's part in a judgement. Names are numbers, zero for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "each is defined in wit/types.wit, under the same name"
)]
pub struct NumberedFinding {
    pub reason: Reason,
    pub outcome: QuotaOutcome,
    pub row: Number,
    pub quota: Number,
    pub owner: Number,
    pub level: Number,
    pub region: Number,
    pub zone: Number,
    pub unit: Number,
    pub required: Option<u64>,
    pub limit: Option<u64>,
    pub usage: Option<u64>,
    pub usage_at_most: Option<u64>,
    pub held: u64,
    pub headroom: Option<u64>,
    pub shortfall: Option<u64>,
    pub minimum_limit: Option<u64>,
}

impl NumberedFinding {
    /// A finding that says nothing but why.
    pub const fn new(reason: Reason, outcome: QuotaOutcome) -> Self {
        Self {
            reason,
            outcome,
            row: 0,
            quota: 0,
            owner: 0,
            level: 0,
            region: 0,
            zone: 0,
            unit: 0,
            required: None,
            limit: None,
            usage: None,
            usage_at_most: None,
            held: 0,
            headroom: None,
            shortfall: None,
            minimum_limit: None,
        }
    }
}
