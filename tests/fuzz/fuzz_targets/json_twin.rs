//! Whatever account and request: no panic, and every answer is JSON whose quota outcome is the worst of its findings.
#![no_main]

#[path = "../checks/account.rs"]
mod account;
#[path = "../checks/json_twin.rs"]
mod json_twin;

libfuzzer_sys::fuzz_target!(|input: &[u8]| json_twin::check(input));
