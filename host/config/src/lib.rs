//! The configuration of quotagate: one file, `quotagate.toml`, and the environment over it; every value in force knows
//! where it came from.
//!
//! ```
//! use quotagate_config::{Config, Lookup};
//!
//! /// The options of a gate, as this machine is configured.
//! fn options() -> Result<quotagate::GateOptions, quotagate_config::ConfigError> {
//!     Ok(Config::load(&Lookup::from_process(None))?.settings().gate.clone())
//! }
//! ```
//!
//! # Modules, in reading order
//! [`keys`] the table of every key, its meaning and its unit: nothing else knows which keys there are · `value` from text
//! to values and back · `lookup` which file, which variables · `file` the keys of a file with their lines · `config` all
//! of it put together · `template` a file with every default · `nearest` mistyped keys ·
//! `note` what was passed over · `error`.

mod config;
mod error;
mod file;
pub mod keys;
mod lookup;
mod nearest;
mod note;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use config::{Config, Origin, Setting};
pub use error::{ConfigError, ValueError};
pub use keys::Key;
pub use lookup::Lookup;
pub use note::Note;
pub use settings::{PluginSettings, Settings};
pub use template::default_file;
pub use value::{Value, duration};
