//! One instance of a component in a store of its own, its bounds, and what it is asked.

use wasmtime::Store;

use super::{
    CallError, Contradiction, Limits,
    engine::ticks,
    linker::State,
    names::{NAMES, Number},
};
use crate::bindings::{
    Plugin, PluginPre,
    exports::quotagate::plugin::gate::{Guest, Standing},
};

/// A component instance with the store that it lives in.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    plugin: Plugin,
}

impl Instance {
    pub(super) fn new(
        pre: &PluginPre<State>,
        state: State,
        limits: &Limits,
    ) -> wasmtime::Result<Self> {
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.host_call_bytes);
        store.set_max_component_handles(limits.handles);
        store.epoch_deadline_trap();
        // Instantiation runs code too.
        start(&mut store, limits)?;
        let plugin = pre.instantiate(&mut store)?;
        Ok(Self { store, plugin })
    }

    /// A call's time and steps count from here.
    pub(super) fn start_call(&mut self, limits: &Limits) -> wasmtime::Result<()> {
        start(&mut self.store, limits)
    }

    /// The exports, and the store that they are called with.
    pub(super) fn gate(&mut self) -> (&Guest, &mut Store<State>) {
        (self.plugin.quotagate_plugin_gate(), &mut self.store)
    }

    /// Whether an answer may speak of a row.
    pub(super) fn has_row(&self, row: Number) -> bool {
        self.store.data().seen.has_row(row)
    }

    /// Asks about rows that an answer speaks of and no list that was shown has: plugins may make rows of their own, and tell of
    /// them in `standings`. It is part of the call, with what is left of its time.
    pub(super) fn ask_about(
        &mut self,
        projects: &[&str],
        unshown: &Unshown,
        limits: &Limits,
    ) -> Result<(), CallError> {
        for project in projects {
            let asked: Vec<Number> = unshown
                .rows
                .iter()
                .map(|(_, row)| *row)
                .filter(|row| !self.has_row(*row))
                .collect();
            if asked.is_empty() {
                return Ok(());
            }
            let (gate, store) = self.gate();
            let told = gate
                .call_standings(store, project, Some(&asked))
                .map_err(|error| CallError::classify(error, limits))?;
            self.keep_told(&told, &asked);
        }
        let missing = unshown.rows.iter().find(|(_, row)| !self.has_row(*row));
        match missing {
            Some((index, _)) => Err(CallError::at(*index, unshown.what)),
            None => Ok(()),
        }
    }

    fn keep_told(&mut self, told: &[Standing], asked: &[Number]) {
        let known = NAMES.known();
        for standing in told {
            let key = known.name_of(standing.row);
            if asked.contains(&standing.row) && key.is_some_and(|key| key.as_ref() == standing.key)
            {
                self.store.data_mut().seen.tell(standing.row);
            }
        }
    }
}

/// Rows that an answer speaks of and that no list has.
pub(super) struct Unshown {
    /// The index of a part of the answer, and the row that it speaks of; no row twice.
    rows: Vec<(usize, Number)>,
    /// What it is if nothing tells of them.
    what: Contradiction,
}

/// The most rows of its own that a plugin may speak of in one answer.
const MOST_UNSHOWN: usize = 1_000;

impl Unshown {
    pub(super) const fn new(what: Contradiction) -> Self {
        Self {
            rows: Vec::new(),
            what,
        }
    }

    /// Part `index` of the answer speaks of a row.
    pub(super) fn note(&mut self, index: usize, row: Number) -> Result<(), CallError> {
        if self.rows.iter().any(|(_, noted)| *noted == row) {
            return Ok(());
        }
        if self.rows.len() == MOST_UNSHOWN {
            return Err(CallError::at(index, self.what));
        }
        self.rows.push((index, row));
        Ok(())
    }
}

/// An engine that counts steps begins with none, so a call without a bound is given all there are.
fn start(store: &mut Store<State>, limits: &Limits) -> wasmtime::Result<()> {
    store.set_epoch_deadline(ticks(limits.time));
    match limits.fuel {
        Some(fuel) => store.set_fuel(fuel),
        None if store.get_fuel().is_ok() => store.set_fuel(u64::MAX),
        None => Ok(()),
    }
}
