//! Tests of what cannot be seen from outside: the book of holds under every interleaving, and its laws; what ends holds and
//! lessons, and what failures leave, to the millisecond.

mod account;
mod asking;
mod failures;
mod holds;
mod interleavings;
mod ledger;
mod lessons;
mod life;
mod schedule;
