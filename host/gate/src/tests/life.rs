//! What counts of an answer, by when it was asked for: of a project that was forgotten and came back, after a failed launch,
//! while a fetch was under way.

use std::sync::Arc;

use crate::{
    clock::Moment,
    inventory::{Answer, SourceKey, SourceKind, State},
    options::GateOptions,
    source::{OwnedAllowances, Read, SourceError, SourceErrorKind},
    types::{
        Allowance, Diagnosis, FailureKind, Finding, Launch, Lifecycle, Offer, Profile,
        QuotaOutcome, Reason, RowState, UsageState,
    },
};

pub(super) const NOW: Moment = Moment {
    wall_ms: 1_000_000,
    steady_ms: 1_000,
};

fn rows(usage: u64) -> Read<Answer> {
    Read::complete(Answer::Allowances(OwnedAllowances {
        owner: "tenant".to_owned(),
        rows: vec![Allowance {
            name: "gpus".to_owned(),
            owner: "tenant".to_owned(),
            region: "here".to_owned(),
            unit: "count".to_owned(),
            state: RowState::Active,
            limit: Some(64),
            usage,
            usage_state: UsageState::Used,
            usage_fraction: None,
            held: 0,
            held_at_most: 0,
        }],
    }))
}

pub(super) fn state(keys: &[SourceKey]) -> State {
    let mut state = State::new(Arc::new(GateOptions::default()));
    keys.iter().for_each(|key| state.want(key.clone()));
    state
}

/// Begins a fetch.
pub(super) fn ask(state: &mut State, key: &SourceKey) -> u64 {
    let order = state.next_order();
    state.slots.get_mut(key).unwrap().flight = Some(order);
    order
}

fn land(state: &mut State, key: &SourceKey, order: u64, answer: Read<Answer>) -> bool {
    state.landed(key, order, Ok(answer), (NOW, 0.0))
}

/// The cloud refused eight of what a row has.
pub(super) fn refused() -> Diagnosis {
    Diagnosis {
        kind: FailureKind::Quota,
        findings: vec![Finding {
            reason: Reason::Shortage,
            outcome: QuotaOutcome::Blocked,
            quota: Some("gpus".to_owned()),
            scope: None,
            owner: None,
            region: "here".to_owned(),
            unit: "count".to_owned(),
            required: Some(8),
            limit: Some(64),
            usage: None,
            held: 0,
            headroom: None,
            shortfall: None,
            minimum_limit: None,
            detail: None,
            remedy: None,
            command: Vec::new(),
            rule: None,
        }],
        retry: false,
        remedy: None,
    }
}

pub(super) fn launch() -> Launch {
    Launch {
        offer: Offer {
            instance_type: "big".to_owned(),
            region: "here".to_owned(),
            lifecycle: Lifecycle::OnDemand,
        },
        count: 1,
        profile: Profile::default(),
    }
}

#[test]
fn the_fetch_of_a_project_that_was_forgotten_is_not_that_of_the_one_that_came_back() {
    let key = SourceKey::project(SourceKind::ProjectAllowances, "p");
    let types = SourceKey::project(SourceKind::InstanceTypes, "p");
    let mut state = state(&[key.clone(), types]);
    let old = ask(&mut state, &key);
    state.forget_projects(&["p".to_owned()], NOW);
    state.want(key.clone());
    let new = ask(&mut state, &key);
    assert!(!land(&mut state, &key, old, rows(1)));
    assert_eq!(
        state.slots[&key].flight,
        Some(new),
        "the new fetch is still under way"
    );
    assert!(land(&mut state, &key, new, rows(2)));
    assert_eq!(state.slots[&key].flight, None);
}

#[test]
fn a_block_is_lifted_by_what_was_asked_for_after_the_failure_alone() {
    let tenant = SourceKey::tenant(SourceKind::TenantAllowances);
    let advice = SourceKey::tenant(SourceKind::Capacities);
    let own = SourceKey::project(SourceKind::ProjectAllowances, "");
    let mut state = state(&[tenant.clone(), advice.clone(), own.clone()]);
    // The project has no row of its own, so the refusal was the tenant's.
    let none = OwnedAllowances {
        owner: String::new(),
        rows: Vec::new(),
    };
    let order = ask(&mut state, &own);
    land(
        &mut state,
        &own,
        order,
        Read::complete(Answer::Allowances(none)),
    );
    let first = ask(&mut state, &tenant);
    land(&mut state, &tenant, first, rows(40));
    // Read again while the launch fails: what comes back was asked for before.
    let old = ask(&mut state, &tenant);
    let blocks = state.learn(&launch(), &[], &refused(), NOW);
    assert_eq!(blocks.len(), 1);
    land(&mut state, &tenant, old, rows(30));
    // Another source lands, asked for afterwards; the rows in force are still old.
    let later = ask(&mut state, &advice);
    land(
        &mut state,
        &advice,
        later,
        Read::complete(Answer::Capacities(Vec::new())),
    );
    assert_eq!(state.current(NOW).blocks().len(), 1);
    // Asked for afterwards: as much as was known when the launch failed proves nothing, more lifts the block.
    for (usage, blocks) in [(40, 1), (30, 0)] {
        let order = ask(&mut state, &tenant);
        land(&mut state, &tenant, order, rows(usage));
        assert_eq!(state.current(NOW).blocks().len(), blocks, "at {usage}");
    }
}

#[test]
fn a_fetch_that_is_cut_off_leaves_the_source_as_it_was() {
    let tenant = SourceKey::tenant(SourceKind::TenantAllowances);
    let mut state = state(std::slice::from_ref(&tenant));
    assert!(!state.is_known());
    let order = ask(&mut state, &tenant);
    state.cut_off(&tenant, order, NOW);
    assert!(!state.is_known(), "whoever asks first waits again");
    assert!(state.slots[&tenant].entry.is_due(NOW));
    let order = ask(&mut state, &tenant);
    land(&mut state, &tenant, order, rows(1));
    assert!(state.is_known());
    let order = ask(&mut state, &tenant);
    state.cut_off(&tenant, order, NOW);
    assert!(!state.is_known());
    let current = state.current(NOW);
    assert_eq!(
        current.tenant_allowances().rows.len(),
        1,
        "what was read is still in force"
    );
    // A failure is an answer too.
    let order = ask(&mut state, &tenant);
    let error = SourceError::new(SourceErrorKind::Unavailable, "down".to_owned());
    state.landed(&tenant, order, Err(error), (NOW, 0.0));
    assert!(state.is_known());
}

#[test]
fn a_cloud_that_asks_to_be_left_alone_for_ever_is_asked_again_after_an_hour() {
    let key = SourceKey::tenant(SourceKind::TenantAllowances);
    let mut state = state(std::slice::from_ref(&key));
    let order = ask(&mut state, &key);
    let mut error = SourceError::new(SourceErrorKind::RateLimited, "slower".to_owned());
    error.retry_after = Some(std::time::Duration::MAX);
    assert!(state.landed(&key, order, Err(error), (NOW, 0.0)));
    let later = |seconds: u64| Moment {
        wall_ms: NOW.wall_ms + seconds * 1000,
        steady_ms: NOW.steady_ms + seconds * 1000,
    };
    let entry = &state.slots[&key].entry;
    assert!(!entry.is_due(later(3599)));
    assert!(entry.is_due(later(3600)));
}
