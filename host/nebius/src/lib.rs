//! What a Nebius account allows, as a source of quotagate: asked live over gRPC, or read from a recorded world.
//!
//! - [`NebiusClient`] asks the cloud; [`ConnectOptions`] says how to reach it and as whom. Credentials are found as the
//!   official tools find them.
//! - [`RecordedWorld`] answers from a world directory, which [`NebiusClient::record`] fills.
//!
//! Both answer the same for the same account: they share every conversion. Neither caches or judges; the client
//! asks again where that may help, within its deadlines.

mod address;
mod attempts;
mod call;
mod channels;
mod client;
mod clock;
mod convert;
mod credentials;
mod details;
mod error;
mod fetch;
mod options;
mod pages;
mod proxy;
mod question;
mod record;
mod recorded;
mod retry;
mod sources;
mod status;
mod tenant;
mod tls;

#[cfg(test)]
mod tests;

pub use address::AddressError;
pub use client::{CLOUD, ConnectError, Connection, NebiusClient};
pub use clock::Clock;
pub use credentials::{CredentialsError, CredentialsOrigin, Environment};
pub use error::CloudRefusal;
pub use options::{ConnectOptions, CredentialsChoice, Deadlines, Retries};
pub use recorded::{RecordedWorld, RecordedWorldError};
