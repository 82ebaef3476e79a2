//! Whatever the files of a world hold: reading never panics, and what reads is written and reads back equal.
#![no_main]

#[path = "../checks/world_reader.rs"]
mod world_reader;

libfuzzer_sys::fuzz_target!(|input: &[u8]| world_reader::check(input));
