//! What counts of an answer, by when it was asked for: of a project that was forgotten and came back, after a failed launch,
//! while a fetch was under way.

use quotagate_contract::{Capacity, Feed};

use super::account::{
    INNER, NOW, OUTER, ask, inner, land, learn, outer, outer_rows, refused, state,
};
use crate::{
    clock::Moment,
    inventory::{Answered, Followed, Readings, State},
    source::{Account, Answer, Read, SourceError, SourceErrorKind, SourceId},
};

/// The account is read, and these are the sources that there are.
fn follow(state: &mut State, sources: Vec<SourceId>) {
    let order = ask(state, "account");
    let before = state.before_landing("account", order).unwrap();
    let read = Read::complete(Answered::new(Answer::Account(Account::default())));
    let landed = before.answered(Ok(read), NOW, 0.0);
    let followed = Followed {
        sources,
        is_whole: true,
    };
    assert!(state.land(landed, Readings::new(), Some(followed), NOW));
}

#[test]
fn the_fetch_of_a_project_that_was_forgotten_is_not_that_of_the_one_that_came_back() {
    let account = SourceId::of_account("account", Feed::Account);
    let mut state = state(&[account.clone(), inner()]);
    let old = ask(&mut state, INNER);
    follow(&mut state, vec![account.clone()]);
    assert!(state.current(NOW).source(INNER).is_none());
    follow(&mut state, vec![account, inner()]);
    let new = ask(&mut state, INNER);
    assert!(!land(&mut state, INNER, old, Ok(outer_rows(1)), NOW));
    let flight = state.slots[INNER].flight.map(|flight| flight.order);
    assert_eq!(flight, Some(new), "the new fetch is still under way");
    assert!(land(&mut state, INNER, new, Ok(outer_rows(2)), NOW));
    assert_eq!(state.slots[INNER].flight, None);
}

#[test]
fn a_lesson_is_ended_by_what_was_asked_for_after_the_failure_alone() {
    let mut state = state(&[
        outer(),
        SourceId::of_account("capacities", Feed::Capacities),
    ]);
    let first = ask(&mut state, OUTER);
    land(&mut state, OUTER, first, Ok(outer_rows(40)), NOW);
    // Read again while the launch fails: what comes back was asked for before.
    let old = ask(&mut state, OUTER);
    learn(&mut state, refused(&["outer"]), NOW);
    land(&mut state, OUTER, old, Ok(outer_rows(30)), NOW);
    // Another source lands, asked for afterwards; the rows in force are still old.
    let later = ask(&mut state, "capacities");
    let advice = Read::complete(Answer::Capacities(vec![Capacity::default()]));
    land(&mut state, "capacities", later, Ok(advice), NOW);
    assert_eq!(state.current(NOW).lessons().len(), 1);
    // Asked for afterwards: as much as was known when the launch failed proves nothing, more ends the lesson.
    for (usage, lessons) in [(40, 1), (30, 0)] {
        let order = ask(&mut state, OUTER);
        land(&mut state, OUTER, order, Ok(outer_rows(usage)), NOW);
        assert_eq!(state.current(NOW).lessons().len(), lessons, "at {usage}");
    }
}

#[test]
fn a_fetch_that_is_cut_off_leaves_the_source_as_it_was() {
    let mut state = state(&[outer()]);
    assert!(!state.is_known());
    let order = ask(&mut state, OUTER);
    state.cut_off(OUTER, order, NOW);
    assert!(!state.is_known(), "whoever asks first waits again");
    assert!(state.slots[OUTER].entry.is_due(NOW));
    let order = ask(&mut state, OUTER);
    land(&mut state, OUTER, order, Ok(outer_rows(1)), NOW);
    assert!(state.is_known());
    let order = ask(&mut state, OUTER);
    state.cut_off(OUTER, order, NOW);
    assert!(!state.is_known());
    let current = state.current(NOW);
    assert_eq!(current.rows().count(), 1, "what was read is still in force");
    // A failure is an answer too.
    let order = ask(&mut state, OUTER);
    let error = SourceError::new(SourceErrorKind::Unavailable, "down".to_owned());
    land(&mut state, OUTER, order, Err(error), NOW);
    assert!(state.is_known());
}

#[test]
fn a_cloud_that_asks_to_be_left_alone_for_ever_is_asked_again_after_an_hour() {
    let mut state = state(&[outer()]);
    let order = ask(&mut state, OUTER);
    let mut error = SourceError::new(SourceErrorKind::RateLimited, "slower".to_owned());
    error.retry_after = Some(std::time::Duration::MAX);
    assert!(land(&mut state, OUTER, order, Err(error), NOW));
    let later = |seconds: u64| Moment {
        wall_ms: NOW.wall_ms + seconds * 1000,
        steady_ms: NOW.steady_ms + seconds * 1000,
    };
    let entry = &state.slots[OUTER].entry;
    assert!(!entry.is_due(later(3599)));
    assert!(entry.is_due(later(3600)));
}

#[test]
fn a_region_that_nobody_asked_about_is_not_read_and_not_waited_for() {
    let mut there = SourceId::of_account("rows.there", Feed::Rows);
    there.place = quotagate_contract::Place::region("there");
    let mut state = state(&[outer(), there]);
    let order = ask(&mut state, OUTER);
    land(&mut state, OUTER, order, Ok(outer_rows(1)), NOW);
    let is_read = |state: &State| state.is_asked_about(&state.slots["rows.there"]);
    assert!(!is_read(&state));
    assert!(state.is_known());
    state.ask_about(["there"]);
    assert!(is_read(&state));
    assert!(!state.is_known(), "whoever asks about it waits for it");
}
