//! What every plugin shares: a cloud's rules in, a component out.
//!
//! A plugin is a type without state that implements [`Cloud`], and one line:
//!
//! ```ignore
//! #![cfg_attr(target_family = "wasm", no_std)]
//!
//! use quotagate_guest::Cloud;
//!
//! struct Mine;
//!
//! impl Cloud for Mine { /* what a launch draws on */ }
//!
//! quotagate_guest::export!(Mine);
//! ```
//!
//! Compiled to WebAssembly the line makes the crate a component: the exports of the contract, the imports as the engine reads
//! them, one engine for the component's life, an allocator and a panic handler. Compiled natively it makes nothing, and the
//! crate is the same rules as a library, for tests.
//!
//! [`json`] speaks the JSON twins; it is generic over where the account is read from, so that it runs natively too.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod json;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;

pub use quotagate_contract as contract;
pub use quotagate_engine as engine;

pub use quotagate_contract::*;
pub use quotagate_engine::{
    Asked, At, Claim, Cloud, Demand, Draws, Engine, InvalidLaunch, LevelRules, Meaning,
    NativeReader, OwnerState, Owners, Reading, Serves, UsageDoubt,
};

/// Makes the crate the plugin of a cloud: of a type that implements [`Cloud`] and has no fields.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export {
    ($cloud:ident) => {
        #[allow(unsafe_code, reason = "the exports of a component")]
        const _: () = {
            static INSTANCE: $crate::component::Instance<$cloud> =
                $crate::component::Instance::new($cloud);

            struct Exported;

            impl $crate::component::Plugin for Exported {
                type Cloud = $cloud;

                fn instance() -> &'static $crate::component::Instance<$cloud> {
                    &INSTANCE
                }
            }

            $crate::component::bindings::export!(Exported with_types_in $crate::component::bindings);
        };
    };
}

/// Makes the crate the plugin of a cloud: of a type that implements [`Cloud`] and has no fields. Natively it makes nothing.
#[cfg(not(target_family = "wasm"))]
#[macro_export]
macro_rules! export {
    ($cloud:ident) => {
        const _: () = {
            const fn is_a_cloud<C: $crate::Cloud>(_: &C) {}
            is_a_cloud(&$cloud);
        };
    };
}
