//! Everything that is proven through the front door: the command line and the library, against recorded worlds and
//! against the emulator over real gRPC. One binary, so that wasmtime links once.

/// Bad input: each kind gets a clear error or an `unknown` that says why, and never a verdict that is wrong.
mod bad_input;
/// The case table of nebius.md section 9, row by row, each named by what it shows.
mod cases;
/// The contract: what the component imports, and the text of the contract itself.
mod contract;
/// What a launch error means: by its detail, in every form in which it comes.
mod diagnose;
/// Worlds, the command line and the emulator, ready to be used.
mod harness;
/// The same offers from a recorded world and from the emulator that serves it.
mod offers;
/// The same answers natively and through the component.
mod parity;
