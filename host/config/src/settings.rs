//! What can be configured, as the library takes it.

use std::path::PathBuf;

use quotagate::{GateOptions, Limits};

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How a gate behaves.
    pub gate: GateOptions,
    /// Which plugin judges, and what it may use up.
    pub plugin: PluginSettings,
}

/// Which plugin judges, and what it may use up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginSettings {
    /// Its file; none for the built-in one.
    pub path: Option<PathBuf>,
    /// The SHA-256 that it must have, in lower-case hexadecimal digits; none accepts any.
    pub sha256: Option<String>,
    /// What one call of it may use up.
    pub limits: Limits,
}
