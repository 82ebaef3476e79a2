//! When a hold is over: by its time, and by what usage shows.

use std::{sync::Arc, time::Duration};

use super::{
    account::{after, list, of_tenant, promise, read, row, tenant_rows},
    life::NOW,
};
use crate::{
    clock::Moment,
    inventory::State,
    options::{GateOptions, HoldOptions},
};

const LIFE: u64 = 900;
const SETTLE: u64 = 60;

/// A state that has read this usage.
fn state(usage: u64) -> State {
    let mut state = State::new(Arc::new(GateOptions {
        holds: HoldOptions {
            time_to_live: Duration::from_secs(LIFE),
            settle: Duration::from_secs(SETTLE),
            file: None,
        },
        ..GateOptions::default()
    }));
    state.want(of_tenant());
    use_is(&mut state, usage);
    state
}

/// Reads the usage again.
fn use_is(state: &mut State, usage: u64) {
    read(state, &of_tenant(), Ok(tenant_rows(usage)), NOW);
}

fn held_at(state: &mut State, now: Moment) -> u64 {
    let current = state.current(now);
    current.held().of_allowance(None, "gpus", "here").at_most
}

fn held(state: &mut State) -> u64 {
    held_at(state, NOW)
}

#[test]
fn a_committed_hold_that_usage_never_shows_stands_for_its_time_from_the_commit_on() {
    for committed_at in [100, LIFE - 10] {
        let mut state = state(10);
        promise(&mut state, "one");
        assert!(state.commit("one", &[], after(committed_at)));
        let end = committed_at + SETTLE;
        for (seconds, left) in [(end - 1, 8), (end, 0)] {
            let now = after(seconds);
            assert_eq!(held_at(&mut state, now), left, "after {seconds} s");
            assert_eq!(state.holds(now).len() as u64 * 8, left);
        }
    }
}

#[test]
fn what_fell_before_a_launch_was_said_to_be_made_was_not_its_end_and_no_later_launchs_either() {
    let mut state = state(10);
    promise(&mut state, "made");
    // It is visible, and then as much is gone: somebody else's, as the commit says.
    use_is(&mut state, 18);
    use_is(&mut state, 10);
    assert!(state.commit("made", &[], NOW));
    promise(&mut state, "failing");
    use_is(&mut state, 18);
    assert_eq!(held(&mut state), 8, "the first one is shown");
    promise(&mut state, "last");
    assert!(state.commit("last", &[], NOW));
    // One is given up, and goes while the other one comes or stays while it does not: nobody knows.
    assert!(state.release("failing", NOW));
    use_is(&mut state, 18);
    let current = state.current(NOW);
    let band = current.held().of_allowance(None, "gpus", "here");
    assert_eq!((band.at_least, band.at_most), (0, 8));
}

#[test]
fn a_row_that_is_listed_twice_with_different_usage_shows_nothing() {
    for usages in [[18, 10], [10, 18], [18, 26]] {
        let mut state = state(10);
        promise(&mut state, "one");
        assert!(state.commit("one", &[], NOW));
        let rows = usages.map(|usage| row("tenant", 64, usage));
        let twice = list("tenant", rows.to_vec());
        read(&mut state, &of_tenant(), Ok(twice), NOW);
        assert_eq!(held(&mut state), 8, "at {usages:?}");
        // Listed twice alike, it is measured.
        let rows = [18, 18].map(|usage| row("tenant", 64, usage));
        let alike = list("tenant", rows.to_vec());
        read(&mut state, &of_tenant(), Ok(alike), NOW);
        assert_eq!(held(&mut state), 0, "after {usages:?}");
    }
}
