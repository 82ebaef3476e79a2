//! What a failure leaves of a source: how long it is left alone, and what stands meanwhile.

use std::time::Duration;

use quotagate_contract::SourceState;

use super::account::{
    NOW, OUTER, after, after_ms, ask, land_by, list, outer, outer_rows, read, row, state,
};
use crate::{
    clock::Moment,
    inventory::State,
    options::RefreshOptions,
    source::{Answer, Read, SourceError, SourceErrorKind},
};

fn down(retry_after: Option<u64>) -> SourceError {
    SourceError {
        retry_after: retry_after.map(Duration::from_secs),
        ..SourceError::new(SourceErrorKind::Unavailable, "down".to_owned())
    }
}

fn due_in(state: &State, now: Moment) -> Duration {
    state.slots[OUTER].entry.due_in(now)
}

/// What is in force of the account's list, and the limit of its row.
fn listed(state: &mut State, now: Moment) -> (SourceState, Option<u64>) {
    let current = state.current(now);
    let report = current.source(OUTER).unwrap();
    let row = current.rows().next();
    (report.state, row.and_then(|row| row.limit.number()))
}

#[test]
fn the_wait_doubles_with_each_failure_up_to_the_interval_of_the_source() {
    let mut state = state(&[outer()]);
    let mut now = NOW;
    for seconds in [5, 10, 20, 40, 80, 120, 120, 120] {
        read(&mut state, OUTER, Err(down(None)), now);
        let wait = due_in(&state, now);
        assert_eq!(wait, Duration::from_secs(seconds));
        now = Moment {
            wall_ms: now.wall_ms + seconds * 1_000,
            steady_ms: now.steady_ms + seconds * 1_000,
        };
        assert!(state.slots[OUTER].entry.is_due(now));
    }
    // An answer makes it begin anew.
    read(&mut state, OUTER, Ok(outer_rows(1)), now);
    assert_eq!(due_in(&state, now), Duration::from_secs(120));
    read(&mut state, OUTER, Err(down(None)), now);
    assert_eq!(due_in(&state, now), Duration::from_secs(5));
}

#[test]
fn a_source_is_left_alone_for_as_long_as_the_cloud_asked() {
    let refresh = RefreshOptions::default();
    for (hint, seconds) in [(1, 5), (30, 30)] {
        let mut state = state(&[outer()]);
        read(&mut state, OUTER, Err(down(Some(hint))), NOW);
        let entry = &state.slots[OUTER].entry;
        assert_eq!(entry.due_in(NOW), Duration::from_secs(seconds));
        let before = after_ms(seconds * 1_000 - 1);
        assert!(!entry.is_due(before));
        assert!(entry.closed_by(before, &refresh).is_some());
        assert!(entry.is_due(after(seconds)));
        assert!(entry.closed_by(after(seconds), &refresh).is_none());
    }
    // Chance does not make it shorter.
    let mut state = state(&[outer()]);
    let order = ask(&mut state, OUTER);
    assert!(land_by(
        &mut state,
        (OUTER, order),
        Err(down(Some(30))),
        NOW,
        -1.0
    ));
    assert_eq!(due_in(&state, NOW), Duration::from_secs(30));
}

#[test]
fn a_list_that_broke_off_takes_the_place_of_a_whole_one_that_is_too_old_to_be_trusted() {
    let broken_off = || Read::<Answer> {
        interrupted_by: Some(down(None)),
        ..list(vec![row("outer", 32, 0)])
    };
    let mut state = state(&[outer()]);
    read(&mut state, OUTER, Ok(outer_rows(1)), NOW);
    // It is trusted for a quarter of an hour.
    let (young, old) = (after(900), after_ms(900_001));
    read(&mut state, OUTER, Ok(broken_off()), young);
    assert_eq!(listed(&mut state, young), (SourceState::Complete, Some(64)));
    assert_eq!(listed(&mut state, old), (SourceState::Unavailable, None));
    read(&mut state, OUTER, Ok(broken_off()), old);
    assert_eq!(listed(&mut state, old), (SourceState::Incomplete, Some(32)));
    // From then on, the latest part is what is known.
    let later = after(1_000);
    read(&mut state, OUTER, Ok(broken_off()), later);
    assert_eq!(
        listed(&mut state, after(1_900)),
        (SourceState::Incomplete, Some(32))
    );
}

#[test]
fn a_list_that_the_cloud_does_not_have_is_asked_for_again_when_the_account_was_read() {
    let account = crate::SourceId::of_account("account", quotagate_contract::Feed::Account);
    let refresh = RefreshOptions::default();
    let mut state = state(&[account, outer()]);
    read(
        &mut state,
        OUTER,
        Err(SourceError::unsupported("rows")),
        NOW,
    );
    let report = |state: &mut State| state.current(NOW).source(OUTER).unwrap().state;
    assert_eq!(report(&mut state), SourceState::Unsupported);
    let entry = |state: &State| state.slots[OUTER].entry.clone();
    assert!(!entry(&state).is_due(after(1_000_000)));
    assert!(entry(&state).closed_by(NOW, &refresh).is_some());
    let read_account = Read::complete(Answer::Account(crate::source::Account::default()));
    read(&mut state, "account", Ok(read_account), NOW);
    assert!(entry(&state).is_due(NOW));
    assert!(entry(&state).closed_by(NOW, &refresh).is_none());
    assert_eq!(
        report(&mut state),
        SourceState::Unsupported,
        "until it answers otherwise"
    );
    read(&mut state, OUTER, Ok(outer_rows(1)), NOW);
    assert_eq!(report(&mut state), SourceState::Complete);
}
