//! Which of these offers can this cloud account really launch now, and if not, what exactly stands in the way?
//!
//! A [`Gate`] puts two things together: a [`Plugin`], the WebAssembly component that knows how one cloud's quotas behave,
//! and a [`Source`], which reads that cloud's account. The gate reads, the plugin judges; quota and physical capacity are
//! told apart in every answer, and what could not be read is `unknown`, never "no quota" and never "fits".
//!
//! ```
//! use std::sync::Arc;
//! use quotagate::{Gate, Plugin, Policy, Profile, Source, Strictness};
//!
//! /// Names what can be launched now.
//! async fn launchable(component: &[u8], source: Arc<dyn Source>) -> Result<Vec<String>, Box<dyn std::error::Error>> {
//!     let gate = Gate::new(Plugin::load(component)?, source)?;
//!     let offers = gate.offers().await;
//!     let policy = Policy { strictness: Strictness::Strict, ..Policy::default() };
//!     let listing = gate.filter(&offers, 1, &Profile::default(), &policy).await?;
//!     Ok(listing
//!         .items
//!         .into_iter()
//!         .filter(|item| item.verdict.visible)
//!         .map(|item| format!("{} in {}", item.offer.instance_type, item.offer.region))
//!         .collect())
//! }
//! ```
//!
//! # Modules, in reading order
//! [`types`] the words of the contract · [`source`] what a cloud must answer · [`inventory`] what was read, in the
//! background · [`plugin`] the sandbox · [`gate`] the facade · [`verify`] the final check · [`holds`] what is promised ·
//! [`feedback`] what failed launches teach · [`options`] how a gate behaves · [`alternatives`] what else would do ·
//! [`telemetry`] what can be watched · [`json`] verdicts as JSON · [`text`] text from outside, fit to be shown · [`clock`].

pub mod alternatives;
mod bindings;
mod builder;
pub mod clock;
pub mod feedback;
mod from_json;
pub mod gate;
pub mod holds;
pub mod inventory;
pub mod json;
pub mod names;
pub mod options;
mod places;
pub mod plugin;
mod refresher;
pub mod source;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod text;
pub mod types;
pub mod verify;

pub use alternatives::Alternative;
pub use builder::GateBuilder;
pub use clock::Clock;
pub use feedback::Report;
pub use from_json::FromJsonError;
pub use gate::{Check, Gate, GateError, JudgedOffer, Listing, PlanCheck, UnknownProject};
pub use holds::{HeldAmount, Hold, HoldFileError, HoldRecord, Row};
pub use inventory::{Inventory, NamedSource, SourceKind, WarmUpError};
pub use options::{
    Action, FeedbackOptions, GateOptions, HoldOptions, ListOptions, PhaseOptions, RefreshOptions,
};
pub use plugin::{
    CallError, CompileCache, Contradiction, Limits, LoadError, Plugin, PluginOptions,
};
pub use refresher::Refresher;
pub use source::Source;
pub use types::*;
pub use verify::{PlanVerification, Verification};
