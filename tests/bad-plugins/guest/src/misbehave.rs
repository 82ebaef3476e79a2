//! Deeds that end a call, each by the name under which a launch asks for it.

use alloc::{format, string::String, vec, vec::Vec};
use core::{hint::black_box, mem};

use crate::plugin::{
    Kept,
    bindings::{exports::quotagate::bad::keeper::Thing, quotagate::plugin::inventory},
};

const MEGABYTE: usize = 1 << 20;

/// Where the account has advice on hardware.
const REGION: &str = "eu-north1";

/// More names than a call can need.
const NAMES: u32 = 200_000;

/// Does what `deed` says; nothing where it says nothing of this kind.
pub(crate) fn misbehave(deed: &str) {
    match deed {
        // A bug.
        "trap" => core::arch::wasm32::unreachable(),
        // An endless loop.
        "spin" => loop {
            black_box(deed);
        },
        // Endless recursion.
        "deep" => {
            black_box(deep(0));
        }
        // Memory without end.
        "hog" => loop {
            mem::forget(black_box(vec![1_u8; MEGABYTE]));
        },
        // Keeps three megabytes of each call, and answers.
        "keep" => mem::forget(black_box(vec![1_u8; 3 * MEGABYTE])),
        // Asks for everything, again and again.
        "chatter" => loop {
            black_box(inventory::get_owners(deed));
            black_box(inventory::get_capacities(REGION));
        },
        // The same, and keeps what it is given.
        "collect" => loop {
            mem::forget(black_box(inventory::get_capacities(REGION)));
        },
        // Asks for the time, which lasts as long as the host's clock takes. No misdeed, but one can hold a call with it.
        "dawdle" => {
            black_box(wasi::clocks::wall_clock::now());
        }
        // A question of two megabytes.
        "shout" => {
            black_box(inventory::get_owners(&"a".repeat(2 * MEGABYTE)));
        }
        // A question that is no text.
        "mumble" => {
            // SAFETY: none; that is the point. Nothing here looks into the string.
            let text = unsafe { String::from_utf8_unchecked(vec![0xff; 16]) };
            black_box(inventory::get_owners(&text));
        }
        // Names without end, the same ones each time.
        "mint" => {
            for index in 0..NAMES {
                black_box(inventory::number_of(&format!("mint-{index}")));
            }
        }
        // The name of a number that was never given out.
        "guess" => {
            black_box(inventory::name_of(u32::MAX));
        }
        // A hundred handles at once.
        "hoard" => {
            let things: Vec<Thing> = (0..100).map(|_| Thing::new(Kept)).collect();
            black_box(things.len());
        }
        _ => {}
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "on purpose")]
fn deep(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    deep(depth + 1) + frame[3]
}
