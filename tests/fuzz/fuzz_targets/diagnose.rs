//! Whatever bytes or text come as a launch error: no panic, no deep recursion, and an answer in proportion to them.
#![no_main]

#[path = "../checks/diagnose.rs"]
mod diagnose;

libfuzzer_sys::fuzz_target!(|input: &[u8]| diagnose::check(input));
