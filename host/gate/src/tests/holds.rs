//! When a hold is over: by its time, and by what usage shows.

use std::time::Duration;

use quotagate_contract::Usage;

use super::account::{
    self, NOW, OUTER, after, list, outer, outer_rows, promise, read, row, state_with,
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
    let holds = HoldOptions::default()
        .time_to_live(Duration::from_secs(LIFE))
        .settle(Duration::from_secs(SETTLE));
    let mut state = state_with(GateOptions::default().holds(holds), &[outer()]);
    use_is(&mut state, usage);
    state
}

/// Reads the usage again.
fn use_is(state: &mut State, usage: u64) {
    read(state, OUTER, Ok(outer_rows(usage)), NOW);
}

fn held_at(state: &mut State, now: Moment) -> u64 {
    account::held(&state.current(now)).1
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
    assert_eq!(account::held(&state.current(NOW)), (0, 8));
}

#[test]
fn a_row_that_is_listed_twice_with_different_usage_shows_nothing() {
    for usages in [[18, 10], [10, 18], [18, 26]] {
        let mut state = state(10);
        promise(&mut state, "one");
        assert!(state.commit("one", &[], NOW));
        let rows = usages.map(|usage| row("outer", 64, usage));
        let twice = list(rows.to_vec());
        read(&mut state, OUTER, Ok(twice), NOW);
        assert_eq!(held(&mut state), 8, "at {usages:?}");
        // Listed twice alike, it is measured.
        let rows = [18, 18].map(|usage| row("outer", 64, usage));
        let alike = list(rows.to_vec());
        read(&mut state, OUTER, Ok(alike), NOW);
        assert_eq!(held(&mut state), 0, "after {usages:?}");
    }
}

#[test]
fn usage_without_an_upper_end_ends_no_hold_before_its_time() {
    let mut state = state(10);
    promise(&mut state, "one");
    assert!(state.commit("one", &[], NOW));
    let mut open = row("outer", 64, 18);
    open.usage = Usage {
        at_most: None,
        ..open.usage
    };
    read(&mut state, OUTER, Ok(list(vec![open])), NOW);
    assert_eq!(held(&mut state), 8);
    use_is(&mut state, 18);
    assert_eq!(held(&mut state), 0);
}

#[test]
fn what_was_asked_for_before_the_commit_ends_no_hold() {
    let mut state = state(10);
    promise(&mut state, "one");
    let old = account::ask(&mut state, OUTER);
    assert!(state.commit("one", &[], NOW));
    assert!(account::land(
        &mut state,
        OUTER,
        old,
        Ok(outer_rows(18)),
        NOW
    ));
    assert_eq!(held(&mut state), 8);
    use_is(&mut state, 18);
    assert_eq!(held(&mut state), 0);
}

#[test]
fn a_reading_counts_only_when_every_source_that_it_rests_on_was_asked_for_since() {
    let mut state = state_with(GateOptions::default(), &[outer(), account::inner()]);
    use_is(&mut state, 10);
    // The row stands in both lists, so its usage rests on both.
    let both = |usage| list(vec![row("outer", 64, usage)]);
    read(&mut state, account::INNER, Ok(both(10)), NOW);
    promise(&mut state, "one");
    assert!(state.commit("one", &[], NOW));
    use_is(&mut state, 18);
    assert_eq!(held(&mut state), 8);
    read(&mut state, account::INNER, Ok(both(18)), NOW);
    assert_eq!(held(&mut state), 0);
}

#[test]
fn holds_and_ages_raise_no_generation_of_answers() {
    use crate::plugin::Shown as _;
    let mut state = state(10);
    let before = state.current(NOW);
    let generations = |inventory: &crate::Inventory| {
        let of = |region| crate::plugin::Shown::generation(inventory, region);
        (of(None), of(Some("here")), of(Some("there")))
    };
    promise(&mut state, "one");
    read(&mut state, OUTER, Ok(outer_rows(10)), account::after(60));
    let after = state.current(account::after(60));
    assert_eq!(generations(&before), generations(&after));
    assert!(
        after.generation() > before.generation(),
        "what is held is another judgement"
    );
    assert!(after.sources_counter() > before.sources_counter());
    use_is(&mut state, 11);
    let (none, here, there) = generations(&state.current(NOW));
    let (none_before, here_before, there_before) = generations(&after);
    assert!(here > here_before);
    assert_eq!((none, there), (none_before, there_before));
}
