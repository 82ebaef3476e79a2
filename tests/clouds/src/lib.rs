//! The plugins of five imaginary clouds, built on the way: bytes, nothing else. `guest/` says what each cloud is like.

/// The plugin of altus.
pub const ALTUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/altus.wasm"));

/// The plugin of cirrus.
pub const CIRRUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cirrus.wasm"));

/// The plugin of cumulus.
pub const CUMULUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cumulus.wasm"));

/// The plugin of stratus.
pub const STRATUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stratus.wasm"));

/// The plugin of virga.
pub const VIRGA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/virga.wasm"));
