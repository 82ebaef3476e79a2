//! Lessons: how long they last, and what ends them before.

use std::time::Duration;

use quotagate_contract::{Lesson, LessonKind};

use super::account::{
    INNER, NOW, OUTER, after, after_ms, held, inner, learn, lesson, list, no_hardware, outer,
    outer_rows, promise, read, refused, row, state,
};
use crate::{
    clock::Moment,
    inventory::State,
    source::{Answer, Read},
};

/// A state that has read as much usage of the account's row, and of a row of the project with this limit.
fn account(usage: u64, project_limit: Option<u64>) -> State {
    let mut state = state(&[outer(), inner()]);
    read(&mut state, OUTER, Ok(outer_rows(usage)), NOW);
    read(&mut state, INNER, Ok(inner_rows(project_limit)), NOW);
    state
}

fn inner_rows(limit: Option<u64>) -> Read<Answer> {
    list(vec![row("p", limit, 0)])
}

fn refused_amount(amount: u64) -> Vec<Lesson> {
    let mut lessons = refused(&["outer"]);
    lessons[0].at_least = amount;
    lessons
}

fn standing(state: &mut State, now: Moment) -> usize {
    state.current(now).lessons().len()
}

#[test]
fn a_lesson_is_shown_as_the_plugin_teaches_it_with_its_time() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes).as_millis() as u64;
    let beyond = Lesson {
        beyond_limit: true,
        ..refused(&["outer"]).remove(0)
    };
    for (taught, lasts) in [
        (refused(&["outer"]).remove(0), minutes(10)),
        (beyond, minutes(60)),
        (no_hardware().remove(0), minutes(3)),
        (lesson(LessonKind::Unclear), minutes(1)),
    ] {
        let mut state = account(40, None);
        let learned = learn(&mut state, vec![taught.clone()], NOW);
        let expected = Lesson {
            learned_at: NOW.wall_ms,
            until: NOW.wall_ms + lasts,
            ..taught
        };
        assert_eq!(learned, expected);
        assert_eq!(state.current(NOW).lessons(), [expected]);
    }
}

#[test]
fn each_repetition_doubles_the_time_up_to_the_longest() {
    let mut state = account(40, None);
    let mut now = NOW;
    for minutes in [3, 6, 12, 24, 48, 96, 192, 360, 360] {
        let learned = learn(&mut state, no_hardware(), now);
        let lasts = learned.until - now.wall_ms;
        assert_eq!(lasts, minutes * 60_000);
        now = Moment {
            wall_ms: now.wall_ms + lasts,
            steady_ms: now.steady_ms + lasts,
        };
        assert_eq!(standing(&mut state, now), 0);
    }
}

#[test]
fn a_lesson_of_two_rows_ends_when_both_lists_were_read_since_and_say_more() {
    // The row with the least room is the account's: only its list can say more.
    for [first, last] in [[OUTER, INNER], [INNER, OUTER]] {
        let mut state = account(56, Some(32));
        learn(&mut state, refused(&["outer", "p"]), NOW);
        for (key, left) in [(first, 1), (last, 0)] {
            let answer = if key == OUTER {
                outer_rows(40)
            } else {
                inner_rows(Some(32))
            };
            read(&mut state, key, Ok(answer), NOW);
            assert_eq!(standing(&mut state, NOW), left, "after {key}");
        }
    }
}

#[test]
fn a_lesson_ends_by_more_than_the_least_that_was_read_since_the_failure() {
    let mut state = account(40, None);
    learn(&mut state, refused(&["outer"]), NOW);
    // There were 24 left when the launch failed. What is read first is what the cloud knew already.
    for (usage, left) in [(56, 1), (56, 1), (58, 1), (54, 0)] {
        read(&mut state, OUTER, Ok(outer_rows(usage)), NOW);
        assert_eq!(standing(&mut state, NOW), left, "at {usage}");
    }
}

#[test]
fn a_larger_refusal_does_not_make_a_smaller_one_forgotten_while_it_stands() {
    let mut state = account(40, None);
    assert_eq!(learn(&mut state, refused_amount(8), NOW).at_least, 8);
    assert_eq!(learn(&mut state, refused_amount(16), NOW).at_least, 8);
    assert_eq!(state.current(NOW).lessons()[0].at_least, 8);
    assert_eq!(learn(&mut state, refused_amount(4), NOW).at_least, 4);
    // Once its time is up, it says nothing more of smaller launches.
    let later = after(4_000);
    assert_eq!(standing(&mut state, later), 0);
    assert_eq!(learn(&mut state, refused_amount(16), later).at_least, 16);
}

#[test]
fn a_lesson_is_over_in_time_whether_something_is_held_or_not() {
    for is_held in [false, true] {
        let mut state = account(40, None);
        if is_held {
            promise(&mut state, "one");
        }
        let learned = learn(&mut state, no_hardware(), NOW);
        let lasts = learned.until - NOW.wall_ms;
        for (passed, left) in [(lasts - 1, 1), (lasts, 0)] {
            let now = after_ms(passed);
            assert_eq!(standing(&mut state, now), left, "after {passed} ms");
            assert_eq!(state.holds(now).len(), usize::from(is_held));
        }
        assert_eq!(
            held(&state.current(NOW)),
            if is_held { (8, 8) } else { (0, 0) }
        );
    }
}
