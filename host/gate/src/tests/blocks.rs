//! Blocks: whose they are, how much they are about, and what ends them.

use super::{
    account::{
        PROJECT, after, after_ms, list, of_project, of_tenant, promise, read, row, tenant_rows,
    },
    life::{NOW, launch, refused, state},
};
use crate::{
    clock::Moment,
    inventory::{Answer, SourceKey, SourceKind, State},
    source::Read,
    types::{Block, Capacity, CapacityLevel, Diagnosis, FailureKind, Freshness, Lane, Launch},
};

/// A state that has read as much usage of the tenant's row, and of a row of the project with this limit, if any.
fn account(usage: u64, project_limit: Option<u64>) -> State {
    let mut state = state(&[of_tenant(), of_project()]);
    read(&mut state, &of_tenant(), Ok(tenant_rows(usage)), NOW);
    read(
        &mut state,
        &of_project(),
        Ok(project_rows(project_limit)),
        NOW,
    );
    state
}

fn project_rows(limit: Option<u64>) -> Read<Answer> {
    list(PROJECT, vec![row(PROJECT, limit, 0)])
}

fn launch_in_project() -> Launch {
    let mut launch = launch();
    launch.profile.project = PROJECT.to_owned();
    launch
}

fn learn(state: &mut State, diagnosis: &Diagnosis, now: Moment) -> Block {
    let blocks = state.learn(&launch_in_project(), diagnosis, now);
    assert_eq!(blocks.len(), 1);
    blocks.into_iter().next().unwrap()
}

fn refused_amount(amount: u64) -> Diagnosis {
    let mut diagnosis = refused();
    diagnosis.findings[0].required = amount;
    diagnosis
}

fn no_hardware() -> Diagnosis {
    Diagnosis {
        kind: FailureKind::Capacity,
        findings: Vec::new(),
        ..refused()
    }
}

fn standing(state: &mut State, now: Moment) -> usize {
    state.current(now).blocks().len()
}

#[test]
fn a_refusal_is_the_projects_where_a_row_of_its_own_limits_it_and_the_tenants_otherwise() {
    let mut limited = account(40, Some(16));
    let block = learn(&mut limited, &refused(), NOW);
    assert_eq!(block.project.as_deref(), Some(PROJECT));
    assert_eq!(limited.current(NOW).blocks(), [block]);
    let mut unlimited = account(40, None);
    let block = learn(&mut unlimited, &refused(), NOW);
    assert_eq!(block.project, None);
    assert_eq!(unlimited.current(NOW).blocks(), [block]);
}

#[test]
fn a_projects_block_ends_when_both_lists_were_read_since_and_say_more() {
    let orders = [
        [of_tenant(), of_project()],
        // The row with the least room is the tenant's: only its list can say more.
        [of_project(), of_tenant()],
    ];
    for [first, last] in orders {
        let mut state = account(56, Some(32));
        learn(&mut state, &refused(), NOW);
        for (key, left) in [(first, 1), (last, 0)] {
            let answer = if key.project.is_none() {
                tenant_rows(40)
            } else {
                project_rows(Some(32))
            };
            read(&mut state, &key, Ok(answer), NOW);
            assert_eq!(standing(&mut state, NOW), left, "after {key}");
        }
    }
}

#[test]
fn a_block_ends_by_more_than_the_least_that_was_read_since_the_failure() {
    let mut state = account(40, None);
    learn(&mut state, &refused(), NOW);
    // There were 24 left when the launch failed. What is read first is what the cloud knew already.
    for (usage, left) in [(56, 1), (56, 1), (58, 1), (54, 0)] {
        read(&mut state, &of_tenant(), Ok(tenant_rows(usage)), NOW);
        assert_eq!(standing(&mut state, NOW), left, "at {usage}");
    }
}

#[test]
fn a_larger_refusal_does_not_make_a_smaller_one_forgotten_while_it_stands() {
    let mut state = account(40, None);
    assert_eq!(learn(&mut state, &refused_amount(8), NOW).at_least, 8);
    assert_eq!(learn(&mut state, &refused_amount(16), NOW).at_least, 8);
    assert_eq!(state.current(NOW).blocks()[0].at_least, 8);
    assert_eq!(learn(&mut state, &refused_amount(4), NOW).at_least, 4);
    // Once its time is up, it says nothing more of smaller launches.
    let later = after(3_600);
    assert_eq!(standing(&mut state, later), 0);
    assert_eq!(learn(&mut state, &refused_amount(16), later).at_least, 16);
}

/// Advice on the type that the launch asked for.
fn advice(observed_at: u64) -> Read<Answer> {
    Read::complete(Answer::Capacities(vec![Capacity {
        instance_type: launch().offer.instance_type,
        region: launch().offer.region,
        fabric: None,
        lane: Lane::OnDemand,
        available: 4,
        level: CapacityLevel::High,
        freshness: Freshness::Fresh,
        observed_at: Some(observed_at),
    }]))
}

#[test]
fn hardware_is_believed_in_again_by_advice_that_was_measured_after_the_failure() {
    let key = SourceKey::tenant(SourceKind::Capacities);
    let mut state = state(std::slice::from_ref(&key));
    let failed_at = after(60);
    learn(&mut state, &no_hardware(), failed_at);
    // Asked for afterwards, and measured before.
    for (observed_at, left) in [
        (NOW.wall_ms, 1),
        (failed_at.wall_ms, 1),
        (failed_at.wall_ms + 1, 0),
    ] {
        read(&mut state, &key, Ok(advice(observed_at)), after(70));
        assert_eq!(standing(&mut state, after(70)), left, "at {observed_at}");
    }
}

#[test]
fn a_block_is_over_in_time_whether_something_is_held_or_not() {
    for is_held in [false, true] {
        let mut state = account(40, None);
        if is_held {
            promise(&mut state, "one");
        }
        let block = learn(&mut state, &no_hardware(), NOW);
        let lasts = block.until - NOW.wall_ms;
        for (passed, left) in [(lasts - 1, 1), (lasts, 0)] {
            let now = after_ms(passed);
            assert_eq!(standing(&mut state, now), left, "after {passed} ms");
            assert_eq!(state.holds(now).len(), usize::from(is_held));
        }
    }
}
