//! Plugins that break every rule there is. One crate, of which a feature makes one component; natively it is empty.

#![cfg_attr(target_family = "wasm", no_std)]
#![cfg_attr(
    target_family = "wasm",
    allow(
        missing_docs,
        unsafe_code,
        clippy::all,
        clippy::use_self,
        reason = "generated code, and code that is bad on purpose"
    )
)]

#[cfg(target_family = "wasm")]
extern crate alloc;

#[cfg(all(target_family = "wasm", feature = "plugin"))]
mod plugin;

#[cfg(all(target_family = "wasm", feature = "plugin"))]
mod misbehave;

#[cfg(all(target_family = "wasm", feature = "plugin"))]
mod proper;

#[cfg(all(target_family = "wasm", feature = "plugin"))]
mod contradict;

#[cfg(all(target_family = "wasm", feature = "other-world"))]
mod other_world;

#[cfg(all(
    target_family = "wasm",
    any(feature = "older-contract", feature = "newer-contract")
))]
mod other_contract;

// An allocator and a panic handler are the same for every plugin without `std`.
#[cfg(target_family = "wasm")]
#[path = "../../../../guest/sdk/src/component/runtime.rs"]
mod runtime;
