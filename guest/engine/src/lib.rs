//! The engine: judges launches against quota rows, for any cloud.
//!
//! It is a pure function. It takes what was read of an account ([`Account`]), what is asked ([`Offer`]s, a [`Profile`], a
//! [`Policy`]) and the time, and gives [`Verdict`]s. What a launch of a given cloud draws on, and where its limits can be
//! raised, comes from that cloud's [`Cloud`] implementation; everything else is the same everywhere.
//!
//! # The rules
//! - Outcomes form a lattice: a proven shortage beats unknown, unknown beats fits ([`QuotaOutcome`]'s order).
//! - Every row that a launch draws on must have room, at both scopes. A project row without a limit does not constrain;
//!   a tenant row without one is unknown.
//! - Demands on one quota are summed before they are compared, whichever of a cloud's rules name it.
//! - What is only possible (what a start of a stopped instance takes, what a host may have promised) proves no shortage, and
//!   lets nothing through that does not fit beside it.
//! - Amounts are `u64` as the cloud has them and are summed as `u128`: nothing wraps, usage above the limit is a
//!   headroom of zero.
//! - What could not be read is unknown: never "no quota", never "fits".
//!
//! # Modules, in reading order
//! [`vocabulary`] the data · [`account`] rows, indexed · [`demand`] what a launch takes · `band` amounts of which only the
//! ends are known · `row` one row against one amount · `reservation` reserved capacity · `capacity` advice on hardware ·
//! `block` what failed launches taught · `ledger` what a plan took so far · `judge` one launch · `judgement` findings become
//! a verdict · [`assess()`] offers, each alone · [`admit()`] a plan, together.

#![no_std]

extern crate alloc;

pub mod account;
mod admit;
mod assess;
mod band;
mod block;
mod capacity;
pub mod demand;
mod judge;
mod judgement;
mod ledger;
mod reservation;
mod row;
mod usage;
pub mod vocabulary;

#[cfg(test)]
mod tests;

pub use account::{Account, Tenant};
pub use admit::admit;
pub use assess::assess;
pub use demand::{Bearing, Cloud, Demand, InvalidLaunch, ProjectState};
pub use vocabulary::*;
