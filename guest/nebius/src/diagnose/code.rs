//! gRPC status codes, by number and in the spellings of several tools.

use alloc::string::String;

pub(super) const CANCELLED: i32 = 1;
pub(super) const UNKNOWN: i32 = 2;
pub(super) const INVALID_ARGUMENT: i32 = 3;
pub(super) const DEADLINE_EXCEEDED: i32 = 4;
pub(super) const NOT_FOUND: i32 = 5;
pub(super) const ALREADY_EXISTS: i32 = 6;
pub(super) const PERMISSION_DENIED: i32 = 7;
pub(super) const FAILED_PRECONDITION: i32 = 9;
pub(super) const ABORTED: i32 = 10;
pub(super) const OUT_OF_RANGE: i32 = 11;
pub(super) const UNIMPLEMENTED: i32 = 12;
pub(super) const INTERNAL: i32 = 13;
pub(super) const UNAVAILABLE: i32 = 14;
pub(super) const UNAUTHENTICATED: i32 = 16;

/// The names of the codes, in the order of their numbers, from 0.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Reads a code by its number or its name: `8`, `RESOURCE_EXHAUSTED` as the CLI prints it, `ResourceExhausted` as Go does.
pub(super) fn named(text: &str) -> Option<i32> {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|letter| *letter != '_');
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let name = plain(text.trim());
    if name == "canceled" {
        return Some(CANCELLED);
    }
    (0..)
        .zip(NAMES)
        .find(|(_, known)| plain(known) == name)
        .map(|(code, _)| code)
        .or_else(|| name.parse().ok())
}
