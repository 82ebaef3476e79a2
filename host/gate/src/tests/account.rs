//! A state whose every answer a test makes up.

use super::life::{NOW, ask};
use crate::{
    clock::Moment,
    holds::{HeldAmount, HoldRecord, Row},
    inventory::{Answer, Promise, SourceKey, SourceKind, State},
    source::{OwnedAllowances, Read, SourceError},
    types::{Allowance, RowState, UsageState},
};

pub(super) const PROJECT: &str = "p";

pub(super) const fn of_tenant() -> SourceKey {
    SourceKey::tenant(SourceKind::TenantAllowances)
}

pub(super) fn of_project() -> SourceKey {
    SourceKey::project(SourceKind::ProjectAllowances, PROJECT)
}

/// So many milliseconds after the beginning.
pub(super) const fn after_ms(milliseconds: u64) -> Moment {
    Moment {
        wall_ms: NOW.wall_ms + milliseconds,
        steady_ms: NOW.steady_ms + milliseconds,
    }
}

pub(super) const fn after(seconds: u64) -> Moment {
    after_ms(seconds * 1_000)
}

/// A row of the quota that all of these tests are about.
pub(super) fn row(owner: &str, limit: impl Into<Option<u64>>, usage: u64) -> Allowance {
    Allowance {
        name: "gpus".to_owned(),
        owner: owner.to_owned(),
        region: "here".to_owned(),
        unit: "count".to_owned(),
        state: RowState::Active,
        limit: limit.into(),
        usage,
        usage_state: UsageState::Used,
        usage_fraction: None,
        held: 0,
        held_at_most: 0,
    }
}

pub(super) fn list(owner: &str, rows: Vec<Allowance>) -> Read<Answer> {
    Read::complete(Answer::Allowances(OwnedAllowances {
        owner: owner.to_owned(),
        rows,
    }))
}

/// The tenant's list: one row, with a limit of 64.
pub(super) fn tenant_rows(usage: u64) -> Read<Answer> {
    list("tenant", vec![row("tenant", 64, usage)])
}

/// Asks a source, and takes its answer in at once.
pub(super) fn read(
    state: &mut State,
    key: &SourceKey,
    answer: Result<Read<Answer>, SourceError>,
    now: Moment,
) {
    let order = ask(state, key);
    assert!(state.landed(key, order, answer, (now, 0.0)));
}

/// Promises eight of the tenant's row.
pub(super) fn promise(state: &mut State, id: &str) {
    let record = HoldRecord {
        id: id.to_owned(),
        amounts: vec![HeldAmount {
            row: Row::Allowance {
                project: None,
                quota: "gpus".to_owned(),
                region: "here".to_owned(),
            },
            at_least: 8,
            at_most: 8,
        }],
        made_at: NOW.wall_ms,
        ..HoldRecord::default()
    };
    let current = state.current(NOW);
    let promised = state.promise(current.generation(), record, &current, NOW);
    assert!(matches!(promised, Promise::Made(..)));
}
