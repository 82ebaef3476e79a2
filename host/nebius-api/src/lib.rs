//! The wire: the messages and services of the Nebius API that quota questions need, and the JSON that the official
//! `nebius` CLI prints for them.
//!
//! - [`nebius`] and [`google`]: code generated from `proto/`, our own minimal definitions (their field numbers
//!   are held against the official SDK's descriptors by `tests/clients/python`).
//! - [`json`]: messages as that JSON.
//! - [`world`]: a directory that holds one account, as files of that JSON.
//!
//! This crate knows neither the host nor the emulator: both stand on it, so that a world means the same to both.

mod batch;
pub mod json;
mod plan;
mod reader;
pub mod text;
pub mod world;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::use_self,
    reason = "generated code"
)]
mod protos {
    include!(concat!(env!("OUT_DIR"), "/protos.rs"));
}

pub use protos::{google, nebius};

/// Everything a fetch of quota questions asks for, by its short name.
pub mod prelude {
    pub use crate::nebius::{
        capacity::v1::{CapacityAllowance, CapacityBlockGroup, ResourceAdvice},
        common::v1::ResourceMetadata,
        compute::v1::Platform,
        iam::v2::{Project, Tenant},
        quotas::v1::QuotaAllowance,
    };
}
