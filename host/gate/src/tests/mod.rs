//! Tests of what cannot be seen from outside: the book of holds under every interleaving, and its laws; what ends holds and
//! blocks, and what failures leave, to the millisecond.

mod account;
mod asking;
mod blocks;
mod failures;
mod holds;
mod interleavings;
mod ledger;
mod life;
mod schedule;
