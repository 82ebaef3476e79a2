//! Everything that is proven through the front door: the command line and the library, against recorded worlds and
//! against the emulator over real gRPC. One binary, so that wasmtime links once.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::field_reassign_with_default,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests take what they know to be there, and fail loudly where it is not"
)]

/// Bad input: each kind gets a clear error or an `unknown` that says why, and never a verdict that is wrong.
mod bad_input;
/// One row, or one kind of launch, and the verdict on it.
mod cases;
/// Rules of Nebius that need more than one row to show, and what the project chose where no document decides.
mod choices;
/// Five imaginary clouds through one contract.
mod clouds;
/// The configuration: where it is read from, what it refuses, and what it changes.
mod config;
/// The cases that every host of a plugin must answer alike.
mod conformance;
/// The contract: what the component imports, and the text of the contract itself.
mod contract;
/// What a judgement may cost, in steps of the machine.
mod cost;
/// Who asks, as the command line tells it.
mod credentials;
/// An account with very many projects: only so many of its lists are read at a time.
mod crowd;
/// What a launch error means: by its detail, in every form in which it comes.
mod diagnose;
/// Random accounts and launches, judged and then really launched: verdicts that the cloud contradicts.
mod differential;
/// What is held of a launch that was let through on a doubt.
mod doubts;
/// Faults on purpose, and a storm of them.
mod faults;
/// What failed launches teach, and when it is forgotten.
mod feedback;
/// What is known of an account, and how old it may be.
mod fresh;
/// Worlds, the command line and the emulator, ready to be used.
mod harness;
/// The file that keeps holds between processes.
mod hold_file;
/// The proof for holds: random orchestrators, checked against what the cloud really charges.
mod hold_proof;
/// Final checks and holds: two launches never spend the same unit.
mod holds;
/// Names that would command a terminal, hide, or run: nothing of them gets through.
mod hostile;
/// Every service is asked under the name of its own host.
mod hosts;
/// Accounts of many rows and many projects.
mod large;
/// Creates, starts, stops and deletes over gRPC, as an orchestrator does.
mod launcher;
/// What is missing from an account, or wrong in it, never makes a blocked launch fit.
mod left_out;
/// A gate on an emulator: an account that changes, and a clock that a test turns.
mod live;
/// The manners of the command line: options, colours, pipes, terminals, signals and exit codes.
mod manners;
/// The same offers from a recorded world and from the emulator that serves it.
mod offers;
/// The same answers natively and through the component.
mod parity;
/// Plans: launches that draw on the same quotas, judged together.
mod plans;
/// Processes that end with their tests.
mod process;
/// What a person reads: each answer as it looks on a screen of 100 columns.
mod reading;
/// The rules of Nebius as a page: what cites them, and the tests that hold them.
mod rules;
/// The sandbox: each limit is broken by a component made for it, and the next call is right.
mod sandbox;
/// The smallest plugin, for a cloud that there is not.
mod smallest;
/// The life of a source: whatever ends a fetch, the source is read again.
mod source_life;
/// Answers that a test holds back, and lets go.
mod steered;
/// A real terminal of any width.
mod terminal;
/// Who waits for what is not known, and how long.
mod waiting;
/// Following an account: a line a change, and metrics.
mod watch;
