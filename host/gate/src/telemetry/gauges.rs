//! Gauges: rows, sources, holds and lessons as they stand.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use metrics::{Key, Label, gauge};
use quotagate_contract::{LessonKind, SourceState, Standing};

use crate::{gate::Gate, holds::HoldRecord, inventory::Inventory, text};

/// The gauges that were shown last, so that those of rows, projects and sources that are gone do not stay at their last
/// value for ever.
#[derive(Debug, Default)]
pub(crate) struct Gauges(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    shown: HashSet<Key>,
    /// How rows stood by the answers of this generation: they are asked for again when an answer changed.
    standings: Option<(u64, Vec<Standing>)>,
}

/// The gauges of one showing.
#[derive(Default)]
struct Showing(HashSet<Key>);

impl Showing {
    fn set(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let labels: Vec<Label> = labels
            .iter()
            .map(|(label, value)| Label::new(*label, text::line(value).into_owned()))
            .collect();
        gauge!(name, labels.clone()).set(value);
        self.0.insert(Key::from_parts(name, labels));
    }
}

/// Shows the account as it stands: rows, sources, holds, lessons. What was shown before and is gone has no value.
pub(crate) async fn show(gate: &Gate) {
    let (inventory, holds, now) = gate
        .cache()
        .with(|state, now| (state.current(now), state.holds(now), now));
    let last = |run: &mut dyn FnMut(&mut Last)| {
        run(&mut gate
            .gauges()
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner));
    };
    let generation = inventory.answers_generation();
    let mut known = None;
    last(&mut |last| {
        let standings = last.standings.as_ref();
        known = standings
            .filter(|(of, _)| *of == generation)
            .map(|(_, standings)| standings.clone());
    });
    let standings = match known {
        Some(known) => known,
        None => {
            let asked = rows(gate, &inventory).await;
            last(&mut |last| last.standings = Some((generation, asked.clone())));
            asked
        }
    };
    let mut showing = Showing::default();
    show_sources(&mut showing, &inventory, now.wall_ms);
    show_rows(&mut showing, &inventory, &standings);
    show_promises(&mut showing, &inventory, &holds);
    last(&mut |last| {
        for gone in last.shown.difference(&showing.0) {
            let labels: Vec<Label> = gone.labels().cloned().collect();
            gauge!(gone.name().to_owned(), labels).set(f64::NAN);
        }
        last.shown = std::mem::take(&mut showing.0);
    });
}

/// The rows of every project, each once.
async fn rows(gate: &Gate, inventory: &std::sync::Arc<Inventory>) -> Vec<Standing> {
    let mut known = HashSet::new();
    let mut rows = Vec::new();
    for project in inventory.projects() {
        let asked = project.to_owned();
        let standings = gate
            .judge()
            .call("standings", inventory, move |plugin, shown, clock| {
                plugin.standings(shown, clock, &asked, None)
            })
            .await;
        // A failure is in the log.
        for standing in standings.unwrap_or_default() {
            if known.insert(standing.key.clone()) {
                rows.push(standing);
            }
        }
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
const fn float(number: u64) -> f64 {
    number as f64
}

fn show_sources(showing: &mut Showing, inventory: &Inventory, now_ms: u64) {
    let generation = float(inventory.generation());
    showing.set("quotagate_inventory_generation", &[], generation);
    for source in inventory.sources() {
        let owner = source.owner.as_deref().unwrap_or_default();
        let region = source.place.region.as_deref().unwrap_or_default();
        let labels = [
            ("source", source.kind.as_str()),
            ("owner", owner),
            ("region", region),
        ];
        let is_up = matches!(
            source.state,
            SourceState::Complete | SourceState::Incomplete | SourceState::Unsupported
        );
        let age = now_ms.saturating_sub(source.fetched_at);
        showing.set("quotagate_source_up", &labels, f64::from(u8::from(is_up)));
        showing.set(
            "quotagate_source_fetched_timestamp_seconds",
            &labels,
            float(source.fetched_at) / 1_000.0,
        );
        showing.set(
            "quotagate_source_age_seconds",
            &labels,
            float(age) / 1_000.0,
        );
    }
}

fn show_rows(showing: &mut Showing, inventory: &Inventory, standings: &[Standing]) {
    for row in standings {
        let held = inventory.held_of(&row.key).map_or(0, |held| held.at_most);
        let labels = [
            ("quota", row.quota.as_str()),
            ("level", row.level.as_str()),
            ("owner", row.owner.as_str()),
            ("region", row.place.region.as_deref().unwrap_or_default()),
            ("zone", row.place.zone.as_deref().unwrap_or_default()),
            ("unit", row.unit.as_str()),
        ];
        let usage = row.usage.at_most.filter(|_| row.measured);
        let headroom = row.headroom.map(|headroom| headroom.saturating_sub(held));
        // What is not known is no number: scrapers read that as an absent value.
        let known = |number: Option<u64>| number.map_or(f64::NAN, float);
        showing.set("quotagate_quota_held", &labels, float(held));
        showing.set("quotagate_quota_limit", &labels, known(row.limit.number()));
        showing.set("quotagate_quota_usage", &labels, known(usage));
        showing.set("quotagate_quota_headroom", &labels, known(headroom));
    }
}

fn show_promises(showing: &mut Showing, inventory: &Inventory, holds: &[HoldRecord]) {
    let is_committed = |hold: &&HoldRecord| hold.committed_at.is_some();
    let committed = holds.iter().filter(is_committed).count() as u64;
    for (state, count) in [
        ("committed", committed),
        ("under_way", holds.len() as u64 - committed),
    ] {
        showing.set("quotagate_holds", &[("state", state)], float(count));
    }
    for kind in LessonKind::ALL {
        let lessons = inventory.lessons().iter();
        let count = lessons.filter(|lesson| lesson.kind == *kind).count() as u64;
        showing.set(
            "quotagate_lessons",
            &[("kind", kind.as_str())],
            float(count),
        );
    }
}
