//! Plugins that break every rule there is, built on the way: bytes, nothing else. What each does is said in `guest/`.

/// Misbehaves in the way that the launch names, and answers everybody else properly.
pub const UNRULY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unruly.wasm"));

/// Traps where it is asked what it is.
pub const SPEECHLESS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/speechless.wasm"));

/// Imports an interface, with a resource, that a plugin is not given.
pub const SPY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/spy.wasm"));

/// Speaks version 0.9.0 of the contract, and after that this one: no rule is against it.
pub const TWO_CONTRACTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/two-contracts.wasm"));

/// A component of another world.
pub const OTHER_WORLD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/other-world.wasm"));

/// Speaks version 0.1.0 of the contract, which is over.
pub const OLDER_CONTRACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/older-contract.wasm"));

/// Speaks version 0.3.0 of the contract, which is yet to come.
pub const NEWER_CONTRACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/newer-contract.wasm"));

/// Breaks no rule: the example of `wit/README.md`, to compare the others with.
pub const MINIMAL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/minimal.wasm"));
