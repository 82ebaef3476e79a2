//! A state whose every answer a test makes up, and a plugin that reads rows as they are.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use quotagate_contract::{
    Feed, Launch, Lesson, LessonKind, Limit, Offer, Place, Row, Standing, Usage,
};

use crate::{
    clock::Moment,
    holds::{HeldAmount, HoldRecord},
    inventory::{Answered, AskStandings, Inventory, Promise, Reading, Readings, State},
    options::GateOptions,
    source::{Answer, Read, SourceError, SourceId},
};

pub(super) const NOW: Moment = Moment {
    wall_ms: 1_000_000,
    steady_ms: 1_000,
};
pub(super) const PROJECT: &str = "p";
/// The keys of the two lists of rows.
pub(super) const OUTER: &str = "rows";
pub(super) const INNER: &str = "rows.p";

pub(super) fn outer() -> SourceId {
    SourceId::of_account("rows", Feed::Rows)
}

pub(super) fn inner() -> SourceId {
    SourceId::of_project("rows", Feed::Rows, PROJECT)
}

/// The key of the row of the quota that all of these tests are about.
pub(super) fn key_of(owner: &str) -> String {
    format!("{owner}/gpus/here")
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

pub(super) fn state(ids: &[SourceId]) -> State {
    state_with(GateOptions::default(), ids)
}

pub(super) fn state_with(options: GateOptions, ids: &[SourceId]) -> State {
    let mut state = State::new(Arc::new(options), None);
    ids.iter().for_each(|id| state.want(id.clone(), NOW));
    state
}

pub(super) fn row(owner: &str, limit: impl Into<Option<u64>>, usage: u64) -> Row {
    Row {
        key: key_of(owner),
        quota: "gpus".to_owned(),
        owner: owner.to_owned(),
        place: Place::region("here"),
        unit: "count".to_owned(),
        limit: limit.into().map_or(Limit::Unset, Limit::Amount),
        usage: Usage::exactly(usage),
        ..Row::default()
    }
}

pub(super) fn list(rows: Vec<Row>) -> Read<Answer> {
    Read::complete(Answer::Rows(rows))
}

/// The list of the account: one row, with a limit of 64.
pub(super) fn outer_rows(usage: u64) -> Read<Answer> {
    list(vec![row("outer", 64, usage)])
}

/// Begins a fetch.
pub(super) fn ask(state: &mut State, key: &str) -> u64 {
    state.start(key, NOW).expect("it is being asked").order
}

/// Takes the answer to a fetch in, with what the plugin reads of it; says whether it was waited for.
pub(super) fn land(
    state: &mut State,
    key: &str,
    order: u64,
    answer: Result<Read<Answer>, SourceError>,
    now: Moment,
) -> bool {
    land_by(state, (key, order), answer, now, 0.0)
}

pub(super) fn land_by(
    state: &mut State,
    (key, order): (&str, u64),
    answer: Result<Read<Answer>, SourceError>,
    now: Moment,
    jitter: f64,
) -> bool {
    let Some(before) = state.before_landing(key, order) else {
        return false;
    };
    let landed = before.answered(answer.map(|read| read.map(Answered::new)), now, jitter);
    let candidate = state.candidate(&landed, now);
    let wanted = candidate.wanted.values().flatten();
    let readings = readings(&candidate.inventory, wanted);
    assert!(state.is_enough(&landed, &candidate, now));
    state.land(landed, readings, None, now)
}

/// Asks a source, and takes its answer in at once.
pub(super) fn read(
    state: &mut State,
    key: &str,
    answer: Result<Read<Answer>, SourceError>,
    now: Moment,
) {
    let order = ask(state, key);
    assert!(land(state, key, order, answer, now));
}

/// Rows as a plugin would read them that believes what stands there. One that is listed twice with different numbers has no
/// measured usage.
pub(super) fn standings(inventory: &Inventory, keys: &[String]) -> Vec<Standing> {
    let mut found: BTreeMap<String, Standing> = BTreeMap::new();
    for listed in inventory.sources() {
        for row in inventory.rows_of(&listed.key) {
            if !keys.contains(&row.key) {
                continue;
            }
            let headroom = row.limit.number().zip(row.usage.at_most);
            let standing = Standing {
                key: row.key.clone(),
                limit: row.limit,
                usage: row.usage,
                measured: row.usage.at_most == Some(row.usage.at_least),
                headroom: headroom.map(|(limit, usage)| limit.saturating_sub(usage)),
                rests_on: vec![listed.key.clone()],
                ..Standing::default()
            };
            let known = found
                .entry(row.key.clone())
                .or_insert_with(|| standing.clone());
            known.measured &= known.usage == standing.usage;
            if !known.rests_on.contains(&listed.key) {
                known.rests_on.push(listed.key.clone());
            }
        }
    }
    found.into_values().collect()
}

pub(super) fn readings<'a>(
    inventory: &Inventory,
    keys: impl IntoIterator<Item = &'a String>,
) -> Readings {
    let keys: Vec<String> = keys.into_iter().cloned().collect();
    let standings = standings(inventory, &keys).into_iter();
    standings
        .map(|standing| (standing.key.clone(), Reading::from(standing)))
        .collect()
}

/// Asks nobody else.
pub(super) struct AsTheyAre;

#[async_trait]
impl AskStandings for AsTheyAre {
    async fn standings(
        &self,
        inventory: &Arc<Inventory>,
        _project: &str,
        rows: &[String],
    ) -> Option<Vec<Standing>> {
        Some(standings(inventory, rows))
    }
}

/// A hold of eight of the account's row.
pub(super) fn eight(id: &str) -> HoldRecord {
    HoldRecord {
        id: id.to_owned(),
        amounts: vec![HeldAmount {
            row: key_of("outer"),
            at_least: 8,
            at_most: 8,
        }],
        projects: vec![PROJECT.to_owned()],
        made_at: NOW.wall_ms,
        ..HoldRecord::default()
    }
}

/// Promises eight of the account's row.
pub(super) fn promise(state: &mut State, id: &str) {
    let current = state.current(NOW);
    let readings = readings(&current, &[key_of("outer")]);
    let promised = state.promise(current.generation(), eight(id), &readings, NOW);
    assert!(matches!(promised, Promise::Made(..)));
}

/// How much of the account's row is held, from both sides.
pub(super) fn held(inventory: &Inventory) -> (u64, u64) {
    let held = inventory.held_of(&key_of("outer"));
    held.map_or((0, 0), |held| (held.at_least, held.at_most))
}

pub(super) fn launch() -> Launch {
    Launch {
        offer: Offer {
            instance_type: "big".to_owned(),
            region: "here".to_owned(),
            lifecycle: "on-demand".to_owned(),
            ..Offer::default()
        },
        count: 1,
        ..Launch::default()
    }
}

/// What a plugin makes of a refusal: eight of what these owners' rows have.
pub(super) fn refused(owners: &[&str]) -> Vec<Lesson> {
    vec![Lesson {
        quota: Some("gpus".to_owned()),
        at_least: 8,
        rows: owners.iter().map(|owner| key_of(owner)).collect(),
        cause: "the cloud refused 8 of gpus".to_owned(),
        ..lesson(LessonKind::Quota)
    }]
}

/// What a plugin makes of hardware that was not free.
pub(super) fn no_hardware() -> Vec<Lesson> {
    vec![Lesson {
        instance_type: Some(launch().offer.instance_type),
        ..lesson(LessonKind::Capacity)
    }]
}

pub(super) fn lesson(kind: LessonKind) -> Lesson {
    Lesson {
        place: Place::region("here"),
        ..Lesson::new(kind)
    }
}

/// Learns what a plugin teaches.
pub(super) fn learn(state: &mut State, lessons: Vec<Lesson>, now: Moment) -> Lesson {
    let current = state.current(now);
    let rows: Vec<String> = lessons
        .iter()
        .flat_map(|lesson| lesson.rows.clone())
        .collect();
    let readings = readings(&current, &rows);
    let learned = state.learn(lessons, PROJECT, &readings, now);
    assert_eq!(learned.len(), 1);
    learned.into_iter().next().unwrap()
}
