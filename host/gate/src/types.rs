//! The words of the contract as Rust types: generated from `wit/types.wit`, whose comments document them.

pub use crate::bindings::exports::quotagate::plugin::gate::{
    Descriptor, ErrorCode, GateError, Needs,
};
pub use crate::bindings::quotagate::plugin::inventory::{Source as SourceReport, SourceState};
pub use crate::bindings::quotagate::plugin::types::{
    Allowance, Availability, Capacity, CapacityLevel, CapacityOutcome, Disk, Finding, Freshness,
    InstanceType, Lane, Launch, Lifecycle, Offer, Policy, Profile, QuotaOutcome, Reason,
    Reservation, ReservationChange, ReservationUse, RowState, Scope, Strictness, UsageState,
    Verdict,
};
