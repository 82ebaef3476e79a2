//! When a source is asked, and which sources there are, as failures have it.

use std::sync::atomic::Ordering;

use super::{
    account::OUTER,
    schedule::{Answered, OF_PROJECT, Step, World},
};

/// Answers a question that waits.
fn answer(world: &mut World, key: &str, how: Answered) {
    let waiting = world.cloud.waiting();
    let which = waiting.iter().position(|other| other == key);
    let which = which.expect("it was not asked");
    world.take(match how {
        Answered::Well => Step::Answer(which),
        Answered::Badly => Step::Fail(which),
        Answered::Panicking => Step::Panic(which),
    });
}

/// Answers every question well, also those that come of it.
fn answer_all(world: &mut World) {
    while !world.cloud.waiting().is_empty() {
        world.take(Step::Answer(0));
    }
}

fn is_asked(world: &World) -> bool {
    world.cloud.waiting().iter().any(|key| key == OUTER)
}

/// Reads everything; then the tenant's rows fail so often in a row.
fn failed(times: usize) -> World {
    let mut world = World::new();
    world.take(Step::List);
    answer_all(&mut world);
    for _ in 0..times {
        world.take(Step::ReadAgain);
        answer(&mut world, OUTER, Answered::Badly);
    }
    assert!(!is_asked(&world));
    world
}

#[test]
fn what_is_wanted_soon_is_not_asked_of_a_source_that_goes_on_failing() {
    let mut world = failed(4);
    world.take(Step::Soon);
    assert!(is_asked(&world));
    answer(&mut world, OUTER, Answered::Badly);
    world.take(Step::Soon);
    assert!(!is_asked(&world), "after five failures it is left alone");
    // For 80 s, give or take a tenth.
    world.take(Step::Pass(71));
    world.take(Step::Soon);
    assert!(!is_asked(&world));
    world.take(Step::Pass(18));
    world.take(Step::Soon);
    assert!(is_asked(&world));
}

#[test]
fn what_is_wanted_again_is_not_asked_once_more_of_a_source_that_is_to_be_left_alone() {
    let mut world = failed(4);
    world.take(Step::ReadAgain);
    world.take(Step::Soon);
    answer(&mut world, OUTER, Answered::Badly);
    assert!(!is_asked(&world), "after five failures it is left alone");
    // Nor is it asked twice when its time comes.
    world.take(Step::Pass(89));
    world.take(Step::List);
    answer(&mut world, OUTER, Answered::Well);
    assert!(!is_asked(&world));
}

#[test]
fn a_project_is_read_until_a_whole_list_of_projects_lacks_it() {
    let of_project = |world: &World| {
        let current = world.cache.with(|state, now| state.current(now));
        let sources = current.sources().into_iter();
        sources.filter(|source| source.owner.is_some()).count()
    };
    let mut world = World::new();
    world.take(Step::List);
    answer_all(&mut world);
    assert_eq!(of_project(&world), OF_PROJECT);
    // A day later what was read of the account is trusted no more, and it cannot be read again, or only its beginning.
    world.take(Step::Pass(86_401));
    world.take(Step::List);
    answer(&mut world, "account", Answered::Badly);
    assert_eq!(of_project(&world), OF_PROJECT);
    world.take(Step::Project);
    for (breaks_off, sources) in [(true, OF_PROJECT), (false, 0)] {
        world.cloud.breaks_off.store(breaks_off, Ordering::SeqCst);
        world.take(Step::Pass(600));
        world.take(Step::List);
        answer(&mut world, "account", Answered::Well);
        assert_eq!(of_project(&world), sources, "breaks off: {breaks_off}");
        answer_all(&mut world);
    }
}
