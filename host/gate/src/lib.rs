//! quotagate
pub mod bindings;
pub mod source;
pub mod types;
