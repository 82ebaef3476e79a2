//! The emulator over real gRPC, asked by the generated clients.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod account;
mod capacity;
mod cloud;
mod faults;
mod hardware;
mod harness;
mod lag;
mod lifecycle;
mod operations;
mod paging;
#[path = "../../../it/process.rs"]
mod process;
mod refusals;
mod shares;
mod starts;
mod tenants;
mod tokens;
mod usage;
