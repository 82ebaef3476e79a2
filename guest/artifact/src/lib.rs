//! The plugins of this workspace, built on the way: bytes and digest, nothing else.

/// A plugin as a host loads it.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// The cloud it judges.
    pub name: &'static str,
    /// The WebAssembly component.
    pub bytes: &'static [u8],
    /// SHA-256 of the bytes, in lower-case hexadecimal digits.
    pub sha256: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/plugins.rs"));
