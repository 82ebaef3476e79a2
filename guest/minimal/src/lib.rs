//! The smallest plugin that judges something: the example of `wit/README.md`. Natively it is empty.

#![cfg_attr(target_family = "wasm", no_std)]
#![cfg_attr(
    target_family = "wasm",
    allow(missing_docs, unsafe_code, clippy::all, reason = "generated code")
)]

#[cfg(target_family = "wasm")]
extern crate alloc;

// Kept as short as wit/README.md shows it.
#[cfg(target_family = "wasm")]
#[rustfmt::skip]
mod plugin;

// An allocator and a panic handler are the same for every plugin without `std`.
#[cfg(target_family = "wasm")]
#[path = "../../nebius/src/component/runtime.rs"]
mod runtime;
