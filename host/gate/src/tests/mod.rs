//! Tests of what cannot be seen from outside: the book of holds under every interleaving, and its laws.

mod interleavings;
mod ledger;
mod life;
mod schedule;
