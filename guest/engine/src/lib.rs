//! The engine: judges launches against quota rows, for any cloud.

#![no_std]

extern crate alloc;

pub mod answer;
mod band;
pub mod cloud;
mod engine;
mod native;
pub mod reader;

pub use answer::*;
pub use cloud::*;
pub use engine::Engine;
pub use native::NativeReader;
pub use reader::*;
