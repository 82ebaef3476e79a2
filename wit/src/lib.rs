//! The contract's records as Rust types, shared by hosts and plugins.
//!
//! Each item means what the WIT file beside this crate says of the item of the same name; here they get JSON forms (fields in
//! snake_case, cases as the contract spells them) and defaults. In these types names are text. How names cross as numbers is
//! the business of the two edges: `guest/sdk` and the host's plugin runtime.
//!
//! [`account`] what the cloud lists · [`inventory`] how far it was read, what is promised · [`launch`] what is asked ·
//! [`verdict`] what is answered · [`gate`] what a plugin is, admissions and diagnoses.

#![no_std]

extern crate alloc;

/// Gives each case of an enum the name that the contract spells it with.
macro_rules! cases {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $case:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $case),+
        }

        impl $name {
            /// Every case, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The name under which JSON, the command line and logs show it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text),+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

pub mod account;
pub mod gate;
pub mod inventory;
pub mod launch;
pub mod verdict;

pub use account::*;
pub use gate::*;
pub use inventory::*;
pub use launch::*;
pub use verdict::*;

/// The version of the contract, as packages spell it.
pub const VERSION: &str = "0.2.0";
