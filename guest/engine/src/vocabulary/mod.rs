//! The words of the contract as plain data: what the account has, what is asked, what is answered.
//!
//! These are the records of `wit/types.wit`, whose comments define them; here they carry no binding to any runtime, and
//! their serde form is the JSON of the contract (snake_case fields, kebab-case cases).

mod account;
mod launch;
mod verdict;

pub use account::{
    Allowance, AllowanceList, Allowances, Block, BlockKind, Capacities, Capacity, CapacityLevel,
    Freshness, InstanceType, InstanceTypes, Lane, Reservation, ReservationChange, Reservations,
    RowState, Scope, Source, SourceState, Sources, UsageState,
};
pub use launch::{Disk, Launch, Lifecycle, Offer, Policy, Profile, ReservationUse, Strictness};
pub use verdict::{
    Admission, Availability, BreakingLaunch, CapacityOutcome, Diagnosis, FailureKind, Finding,
    HeldDemand, QuotaOutcome, Reason, Remedy, ReservedDemand, Verdict,
};
