//! What a plugin is given: the inventory and the time. Anything else it asks for is refused by name.

use std::sync::Arc;

use wasmtime::{
    Engine, StoreContextMut,
    component::{Component, ComponentType, Lift, Linker, Lower},
};

use super::{CONTRACT_VERSION, Host, Limits, LoadError, meter::Meter};
use crate::{
    bindings::{Plugin, quotagate::plugin::inventory},
    clock::{Clock, Moment},
    inventory::Inventory,
};

const GATE: &str = "quotagate:plugin/gate@";
const CONTRACT: &str = "quotagate:plugin/";
const WALL_CLOCK: &str = "wasi:clocks/wall-clock@0.2.";

/// What a store holds for the time of one call.
pub(super) struct State {
    inventory: Arc<Inventory>,
    clock: Clock,
    pub(super) meter: Meter,
}

impl State {
    pub(super) fn new(inventory: Arc<Inventory>, clock: Clock, limits: &Limits) -> Self {
        Self {
            inventory,
            clock,
            meter: limits.meter(),
        }
    }

    fn now(&self) -> Option<Moment> {
        Some(self.clock.moment())
    }

    /// Turns to another call; the meter goes on counting what the instance has.
    pub(super) fn serve(&mut self, next: Self) {
        self.inventory = next.inventory;
        self.clock = next.clock;
    }
}

/// An instant of `wasi:clocks/wall-clock`.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

pub(super) fn new(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Plugin::add_to_linker::<_, Host>(&mut linker, |state| state)?;
    // The linker serves every 0.2.x of an interface from one of them.
    let mut wall_clock = linker.instance("wasi:clocks/wall-clock@0.2.0")?;
    wall_clock.func_wrap("now", |store: StoreContextMut<'_, State>, (): ()| {
        let now = store.data().clock.now_ms();
        let now = Datetime {
            seconds: now / 1000,
            nanoseconds: u32::try_from(now % 1000 * 1_000_000).unwrap_or(0),
        };
        Ok((now,))
    })?;
    wall_clock.func_wrap("resolution", |_: StoreContextMut<'_, State>, (): ()| {
        let millisecond = Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        };
        Ok((millisecond,))
    })?;
    Ok(linker)
}

/// Checks that a component is a plugin of this contract, among others perhaps, and asks for nothing else; gives its imports.
pub(super) fn check_world(
    engine: &Engine,
    component: &Component,
) -> Result<Vec<String>, LoadError> {
    let world = component.component_type();
    let spoken: Vec<&str> = world
        .exports(engine)
        .filter_map(|(name, _)| name.strip_prefix(GATE))
        .collect();
    if spoken.is_empty() {
        return Err(LoadError::OtherWorld);
    }
    if !spoken.contains(&CONTRACT_VERSION) {
        let found = spoken.join(", ");
        return Err(LoadError::OtherContract { found });
    }
    let imports: Vec<String> = world
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let foreign: Vec<String> = imports
        .iter()
        .filter(|name| !name.starts_with(CONTRACT) && !name.starts_with(WALL_CLOCK))
        .cloned()
        .collect();
    if foreign.is_empty() {
        Ok(imports)
    } else {
        Err(LoadError::ForeignImports(foreign))
    }
}

impl crate::bindings::quotagate::plugin::types::Host for State {}

impl inventory::Host for State {
    fn generation(&mut self) -> u64 {
        self.inventory.generation()
    }

    fn get_allowances(&mut self, project: String) -> inventory::Allowances {
        self.inventory.allowances(&project, self.now())
    }

    fn get_instance_types(&mut self, project: String) -> inventory::InstanceTypes {
        self.inventory.instance_types(&project, self.now())
    }

    fn get_capacities(&mut self) -> inventory::Capacities {
        self.inventory.capacities(self.now())
    }

    fn get_reservations(&mut self, project: String) -> inventory::Reservations {
        self.inventory.reservations(&project, self.now())
    }

    fn get_sources(&mut self, project: String) -> inventory::Sources {
        self.inventory.sources_shown(&project, self.now())
    }

    fn get_blocks(&mut self) -> Vec<inventory::Block> {
        self.inventory.blocks().to_vec()
    }
}
