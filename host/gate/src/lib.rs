//! Which of these offers can this cloud account really launch now, and if not, what exactly stands in the way?
//!
//! A [`Gate`] puts two things together: a [`Plugin`], the WebAssembly component that knows how one cloud's quotas behave,
//! and a [`Source`], which reads that cloud's account. The gate reads, the plugin judges; quota and physical capacity are
//! told apart in every answer, and what could not be read is `unknown`, never "no quota" and never "fits".
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use quotagate::{ContractInventory, Gate, Owner, Plugin, Question, StaticSource, Strictness};
//!
//! // The component of a cloud, and a source of its account: here one that is data.
//! let plugin = Plugin::load(quotagate_plugins::ALL[0].bytes)?;
//! let account = ContractInventory {
//!     owners: vec![vec![Owner { id: "mine".into(), level: "project".into(), ..Owner::default() }]],
//!     ..ContractInventory::default()
//! };
//! let source = StaticSource::new(&plugin.descriptor().cloud, account);
//! let gate = Gate::new(plugin, Arc::new(source))?;
//!
//! // What can be launched now?
//! let offers = gate.offers().await;
//! let listing = gate.filter(&Question::new(&offers).strictness(Strictness::Strict)).await?;
//! for item in listing.items.iter().filter(|item| item.visible) {
//!     println!("{} in {}", offers[item.index].instance_type, offers[item.index].region);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Modules, in reading order
//! `quotagate-contract` the words of the contract, all of them here too · [`source`] what a cloud must answer ·
//! [`inventory`] what was read, in the background · [`plugin`] the sandbox · [`gate`] the facade · [`question`] what is asked ·
//! [`verify`] the final check · [`holds`] what is promised · [`feedback`] what failed launches teach · [`options`] how a gate
//! behaves · [`standings`] rows as the plugin reads them · [`alternatives`] what else would do · [`telemetry`] what can be
//! watched · [`json`] verdicts as JSON · [`on_inventory`] judgement
//! without a gate · [`text`] text from outside, fit to be shown · [`clock`].

pub mod alternatives;
mod bindings;
mod builder;
pub mod clock;
pub mod feedback;
pub mod gate;
pub mod holds;
pub mod inventory;
pub mod json;
mod judge;
pub mod names;
pub mod on_inventory;
pub mod options;
mod places;
pub mod plugin;
pub mod question;
mod refresher;
mod rests_on;
pub mod source;
pub mod standings;
mod static_source;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verify;

pub use quotagate_contract::*;

pub use alternatives::Alternative;
pub use builder::GateBuilder;
pub use clock::Clock;
pub use feedback::Report;
pub use gate::{Check, Gate, GateError, JudgedOffer, Listing, PlanCheck, UnknownProject};
pub use holds::{HeldAmount, Hold, HoldFileError, HoldRecord};
pub use inventory::{Inventory, WarmUpError};
pub use on_inventory::OnInventory;
pub use options::{
    Action, FeedbackOptions, GateOptions, HoldOptions, ListOptions, PhaseOptions, RefreshOptions,
    Strictness,
};
pub use plugin::{
    CallError, CompileCache, Contradiction, Limits, LoadError, Plugin, PluginEngine, PluginOptions,
    unknown_verdicts,
};
pub use question::Question;
pub use quotagate_contract::Inventory as ContractInventory;
pub use refresher::Refresher;
pub use source::{Source, SourceError, SourceId};
pub use standings::HeldStanding;
pub use static_source::StaticSource;
pub use verify::{PlanVerification, Verification};
