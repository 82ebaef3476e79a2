//! The engine: judges launches against quota rows, for any cloud.
//!
//! It is a pure function. It takes what was read of an account (through a [`Reader`]), what is asked (offers by number, a profile, a
//! policy), and gives judgements. What a launch of a given cloud draws on, what its rows mean and where its limits can be raised
//! comes from that cloud's [`Cloud`] implementation; everything else is the same everywhere.
//!
//! # The rules
//! - Outcomes form a lattice: a proven shortage beats unknown, unknown beats fits.
//! - Every row that a launch draws on must have room, of every owner of the project's chain.
//! - Demands on one row are summed before they are compared, whichever of a cloud's rules name it.
//! - Amounts of which only the ends are known are bands: what is only possible proves no shortage, and lets nothing through that
//!   does not fit beside it. A default limit proves room alone.
//! - Where it is open which of several rows governs, a launch fits if each lets it through, and is blocked if none does.
//! - Amounts are `u64` as the cloud has them and are summed as `u128`: nothing wraps, usage above the limit is a headroom of zero.
//! - What could not be read is unknown: never "no quota", never "fits".
//!
//! # Modules, in reading order
//! [`cloud`] what a cloud says · [`reader`] what was read · `store` what is kept of it · `rows` one owner's rows · `sources` how far
//! lists were read · `context`, `target` a region and its rows by number · `sum`, `compile`, `profile` demands resolved to rows · `band`, `amount`, `row` one row
//! against one amount · `reservation`, `reservation_words`, `reserving` reserved capacity · `capacity` advice on hardware · `lesson` what failed launches
//! taught · `ledger` what a plan took so far · `here`, `judge`, `judge_row`, `short`, `refused_before`, `hardware`, `enter` one launch · `judgement`, `tell` findings become a verdict ·
//! `assess` offers, each alone · `admit`, `rests_on` a plan, together · `standing`, `diagnose`, `alternatives`.

#![no_std]

extern crate alloc;

mod admit;
mod alternatives;
mod amount;
pub mod answer;
mod assess;
mod band;
mod capacity;
pub mod cloud;
mod compile;
mod context;
mod diagnose;
mod engine;
mod enter;
mod hardware;
mod here;
mod judge;
mod judge_row;
mod judgement;
mod ledger;
mod lesson;
mod native;
mod offered;
mod profile;
pub mod reader;
mod refused_before;
mod reservation;
mod reservation_words;
mod reserving;
mod rests_on;
mod row;
mod rows;
mod short;
mod sources;
mod standing;
mod store;
mod sum;
mod target;
mod tell;

pub use answer::*;
pub use cloud::*;
pub use engine::Engine;
pub use native::NativeReader;
pub use reader::*;

#[cfg(test)]
mod tests;
