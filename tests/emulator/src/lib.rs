//! An emulator of the Nebius API for tests and demonstrations: it serves accounts, each held as a world directory, over
//! the cloud's own gRPC services, all on one port, and counts what is created in them.
//!
//! - [`Emulator::builder`] sets one up from a world, [`Builder::spawn`] starts it on a free port, [`Control`] steers it
//!   and tells the truth about usage.
//! - [`faults`] describes what can go wrong on demand, and the file that says so.
//! - [`settings`] holds the choices that the cloud leaves, and the hardware that can run out.
//! - [`worlds`] holds accounts that come with it.
//!
//! Served, read-only, are tenants and projects (iam v2, and v1 for older clients), the exchange of a service account's
//! signed assertion for an access token, platforms, quota allowances, capacity advice, capacity block groups and capacity
//! allowances. Instances, disks, GPU clusters, file systems and address allocations can be created and deleted, and
//! instances started and stopped; every project has one subnet. How that counts:
//!
//! - The usage of a row is what the world recorded, as taken by resources that were there before, and the sum over the
//!   resources that exist because a client created them. Both scopes move, and both are enforced.
//! - A launch is checked against every row at once and takes all or nothing. Over quota, it fails with
//!   RESOURCE_EXHAUSTED and a `QuotaFailure` that lists each quota once, with the limit of its tightest row.
//! - Without hardware the operation fails with `NotEnoughResources`; the instance stays, stopped, and holds its quota.
//! - Under the policy STRICT, a launch without a block that has room fails as the call or the operation over quota does,
//!   but with `NotEnoughResources`, since no larger quota would help.
//!
//! Unmodified official clients are the judge of how it answers:
//!
//! - Every answer carries `x-request-id` and `x-trace-id` in its initial metadata, errors too.
//! - Every call but the exchange needs a bearer token. Errors explain themselves with a `ServiceError` in the details.
//! - A tenant or project that the world does not hold answers PERMISSION_DENIED, as a cloud that keeps strangers' ids to
//!   itself; any other unknown id or name answers NOT_FOUND.
//! - A token opens one tenant's account: a named one its tenant's, any other the first's.
//! - A change that repeats the `x-idempotency-key` of an accepted one answers with the same operation.
//! - A source that the world records as an error answers so, and one that the world lacks answers UNAVAILABLE. Where a
//!   recorded list has pages missing, the page after the last row answers UNAVAILABLE.

mod access;
mod account;
mod asked;
mod calls;
mod clock;
mod control;
mod emulator;
pub mod faults;
mod front;
mod inventory;
mod line;
mod names;
mod paging;
mod refusal;
mod services;
pub mod settings;
pub mod worlds;

pub use access::{KeyError, ServiceAccountKey};
pub use calls::Call;
pub use clock::Clock;
pub use control::Control;
pub use emulator::{Builder, Emulator, EmulatorError, Running};
pub use faults::{Faults, FaultsError};
pub use settings::{Settings, SettingsError};
