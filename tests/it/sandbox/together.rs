//! Calls at the same time: they wait for their turn, and never get each other's answers.

use std::{
    sync::{
        Barrier, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
};

use quotagate::{CallError, Clock, Limits};

use super::{ask, ask_at, assert_next_call_works, assert_right, hasty, limits, unruly};
use crate::harness::PATIENCE;

#[test]
fn parallel_calls_do_not_mix_their_answers() {
    // Fewer turns than threads, and time enough for everybody's.
    let plugin = unruly(Limits {
        concurrent_calls: 3,
        ..limits()
    });
    let deeds = ["trap", "hog", "shout", "short", "unknown-row"];
    thread::scope(|scope| {
        for caller in 0..8_u32 {
            let plugin = &plugin;
            scope.spawn(move || {
                for round in 0..20_u32 {
                    let deed = deeds[((caller + round) as usize) % deeds.len()];
                    ask(plugin, deed).unwrap_err();
                    let name = format!("caller {caller}, round {round}");
                    let count = 100 * caller + round + 1;
                    let verdicts = ask_at(&Clock::system(), plugin, &name, count).unwrap();
                    assert_right(&verdicts, &name, count);
                }
            });
        }
    });
}

/// A clock that says when it is asked, and answers when it may: it holds a call for as long as a test likes.
fn held_clock() -> (Clock, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, is_asked) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let held = Mutex::new((asked, released));
    let clock = Clock::from_fn(move || {
        let (asked, released) = &*held.lock().unwrap();
        asked.send(()).unwrap();
        released.recv_timeout(PATIENCE).unwrap();
        0
    });
    (clock, is_asked, release)
}

#[test]
fn a_call_without_a_turn_is_busy_and_the_next_one_works() {
    let plugin = unruly(Limits {
        concurrent_calls: 1,
        ..hasty()
    });
    thread::scope(|scope| {
        // On a busy machine the time of a call may be up before it can hold its turn; then another one tries.
        let (holder, release) = loop {
            let (clock, is_asked, release) = held_clock();
            let plugin = &plugin;
            let holder = scope.spawn(move || ask_at(&clock, plugin, "dawdle", 1));
            match is_asked.recv_timeout(PATIENCE) {
                Ok(()) => break (holder, release),
                Err(RecvTimeoutError::Disconnected) => {
                    let error = holder.join().unwrap().unwrap_err();
                    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
                }
                Err(RecvTimeoutError::Timeout) => panic!("it never asked for the time"),
            }
        };
        let error = ask(&plugin, "honest").unwrap_err();
        assert!(
            matches!(error, CallError::Busy { calls: 1, .. }),
            "{error:?}"
        );
        release.send(()).unwrap();
        // It was held for longer than it may take; whether that is noticed depends on what it does afterwards.
        match holder.join().unwrap() {
            Ok(verdicts) => assert_right(&verdicts, "dawdle", 1),
            Err(error) => assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}"),
        }
    });
    assert_next_call_works(&plugin);
}

#[test]
fn a_call_waits_for_its_turn_and_spinning_ones_end_in_theirs() {
    let plugin = unruly(Limits {
        concurrent_calls: 1,
        ..limits()
    });
    let (clock, is_asked, release) = held_clock();
    thread::scope(|scope| {
        let holder = scope.spawn(|| ask_at(&clock, &plugin, "dawdle", 1));
        is_asked.recv_timeout(PATIENCE).unwrap();
        let waiting = scope.spawn(|| ask(&plugin, "patient"));
        release.send(()).unwrap();
        assert_right(&holder.join().unwrap().unwrap(), "dawdle", 1);
        assert_right(&waiting.join().unwrap().unwrap(), "patient", 1);
    });

    let plugin = unruly(Limits {
        concurrent_calls: 1,
        ..hasty()
    });
    let together = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                together.wait();
                let error = ask(&plugin, "spin").unwrap_err();
                assert!(
                    matches!(error, CallError::Busy { .. } | CallError::TimedOut { .. }),
                    "{error:?}"
                );
            });
        }
    });
    assert_next_call_works(&plugin);
}
