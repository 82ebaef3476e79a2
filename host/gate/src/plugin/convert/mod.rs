//! The contract's types to and from the generated ones: the one place where the two meet.
//!
//! [`lower`] what goes into a plugin · [`lift`] what comes out of one.

pub(super) mod lift;
pub(super) mod lower;

use quotagate_contract as contract;

use crate::bindings::{
    exports::quotagate::plugin::gate,
    quotagate::plugin::{inventory, types},
};

/// Cases that are called the same on both sides.
macro_rules! cases {
    ($($from:ty => $to:ty { $($case:ident),+ $(,)? })+) => {
        $(
            impl From<$from> for $to {
                fn from(case: $from) -> Self {
                    match case { $(<$from>::$case => Self::$case),+ }
                }
            }
        )+
    };
}

cases! {
    contract::RowState => types::RowState { InForce, Changing, Suspended, Gone, Unknown }
    contract::Grade => types::Grade { High, Medium, Low, None, Unknown }
    contract::Per => types::Per { Instance, Launch }
    types::Per => contract::Per { Instance, Launch }
    contract::ReservationUse => types::ReservationUse { Auto, Forbid, Strict }
    types::ReservationUse => contract::ReservationUse { Auto, Forbid, Strict }
    contract::Detail => types::Detail { None, Deciding, All }
    contract::SourceState => inventory::SourceState { Complete, Incomplete, Denied, Unavailable, Unsupported }
    contract::Feed => inventory::Feed { Account, Rows, Holdings, Types, Capacities, Reservations }
    inventory::Feed => contract::Feed { Account, Rows, Holdings, Types, Capacities, Reservations }
    contract::LessonKind => types::LessonKind { Quota, Capacity, Unclear }
    types::LessonKind => contract::LessonKind { Quota, Capacity, Unclear }
    types::QuotaOutcome => contract::QuotaOutcome { Fits, Unknown, Blocked }
    types::CapacityOutcome => contract::CapacityOutcome { Likely, Unknown, Unlikely }
    types::Reason => contract::Reason {
        Fits, Shortage, ExceedsLimit, Frozen, Deleted, Provisioning, StateUnknown, UsageUnmeasured,
        LimitUnset, RowMissing, ScopeUnreadable, Stale, Contradictory, WrongUnit,
        ReservationExhausted, NotOffered, NoCapacity, CapacityUnknown, LimitReached, NotDecisive,
        NotChecked, FailedBefore, MayBeHeld, ChangesSoon, Unsupported, Restricted,
    }
    gate::ErrorCode => contract::ErrorCode { InvalidLaunch, InvalidText, Unsupported }
    gate::FailureKind => contract::FailureKind {
        Quota, Capacity, RateLimit, Access, Invalid, Transient, Ambiguous,
    }
    gate::UnitKind => contract::UnitKind { Pieces, Bytes }
}
