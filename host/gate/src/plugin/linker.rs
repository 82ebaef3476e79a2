//! What a plugin is given: the inventory and the time. Anything else it asks for is refused by name.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use quotagate_contract::Owner;
use wasmtime::{
    StoreContextMut,
    component::{ComponentType, HasSelf, Lift, Linker, Lower},
};

use super::{
    Limits, Shown,
    convert::lower,
    meter::Meter,
    names::{NAMES, NamesFull, Number},
    seen::{List, Seen},
};
use crate::{
    bindings::{
        Plugin,
        quotagate::plugin::{inventory, types},
    },
    clock::Clock,
};

/// What a store holds: for one call what it is shown, and for good what the instance was shown and uses up.
pub(super) struct State {
    shown: Arc<dyn Shown>,
    clock: Clock,
    new_names: Arc<NewNames>,
    pub(super) seen: Seen,
    pub(super) meter: Meter,
}

/// How many names a plugin may still bring that nobody had before: the table of names is everybody's.
pub(super) struct NewNames(AtomicUsize);

/// The most names that one plugin may bring.
const MOST_NEW_NAMES: usize = 100_000;

/// An owner stands in a chain of owners twice.
#[derive(Debug, thiserror::Error)]
#[error("the owners of project {project} make no chain: {owner} is among them twice")]
pub(super) struct OwnersLoop {
    pub(super) project: String,
    pub(super) owner: String,
}

/// A plugin asked for the name of a number that no name has.
#[derive(Debug, thiserror::Error)]
#[error("the host gave out no number {0}")]
struct NoSuchName(Number);

impl NewNames {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(MOST_NEW_NAMES)))
    }

    fn take_one(&self) -> Result<(), NamesFull> {
        let less = |left: usize| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map(|_| ()).map_err(|_| NamesFull)
    }
}

impl State {
    pub(super) fn new(
        shown: Arc<dyn Shown>,
        clock: Clock,
        new_names: Arc<NewNames>,
        limits: &Limits,
    ) -> Self {
        Self {
            shown,
            clock,
            new_names,
            seen: Seen::default(),
            meter: Meter::new(limits.memory, limits.table_elements),
        }
    }

    /// Turns to another call; the meter goes on counting what the instance has.
    pub(super) fn serve(&mut self, shown: Arc<dyn Shown>, clock: Clock) {
        self.shown = shown;
        self.clock = clock;
    }
}

/// An instant of `wasi:clocks/wall-clock`.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// The host's side of the contract.
pub(super) fn new(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Plugin::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
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

/// Checks that no owner stands in a chain twice.
fn check_chain(project: &str, owners: &[Owner]) -> Result<(), OwnersLoop> {
    let mut above = HashSet::with_capacity(owners.len());
    match owners.iter().find(|owner| !above.insert(&owner.id)) {
        Some(owner) => Err(OwnersLoop {
            project: project.to_owned(),
            owner: owner.id.clone(),
        }),
        None => Ok(()),
    }
}

impl types::Host for State {}

impl inventory::Host for State {
    fn name_of(&mut self, number: Number) -> wasmtime::Result<String> {
        let known = NAMES.known();
        let name = known.name_of(number).ok_or(NoSuchName(number))?;
        Ok(String::from(name.as_ref()))
    }

    fn number_of(&mut self, name: String) -> wasmtime::Result<Number> {
        let known = NAMES.known().number_of(&name);
        if let Some(number) = known {
            return Ok(number);
        }
        self.new_names.take_one()?;
        Ok(NAMES.number_of(&name)?)
    }

    fn generation(&mut self, region: Option<String>) -> wasmtime::Result<u64> {
        Ok(self.shown.generation(region.as_deref()))
    }

    fn get_owners(&mut self, project: String) -> wasmtime::Result<Vec<inventory::Owner>> {
        let owners = self.shown.owners(&project);
        check_chain(&project, &owners)?;
        Ok(owners.into_iter().map(Into::into).collect())
    }

    fn get_projects(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.shown.projects())
    }

    fn get_places(&mut self) -> wasmtime::Result<Vec<inventory::PlaceOffered>> {
        Ok(self.shown.places().into_iter().map(Into::into).collect())
    }

    fn get_rows(
        &mut self,
        owner: String,
        region: Option<String>,
    ) -> wasmtime::Result<Vec<types::Row>> {
        let rows = self.shown.rows(&owner, region.as_deref());
        let rows: Vec<types::Row> = rows.into_iter().map(lower::row).collect::<Result<_, _>>()?;
        let numbers = rows.iter().map(|row| row.number).collect();
        self.seen.give(List::Rows { owner, region }, numbers);
        Ok(rows)
    }

    fn get_holdings(
        &mut self,
        owner: String,
        region: Option<String>,
    ) -> wasmtime::Result<Vec<types::Holding>> {
        let holdings = self.shown.holdings(&owner, region.as_deref());
        Ok(holdings.into_iter().map(Into::into).collect())
    }

    fn get_instance_types(
        &mut self,
        project: String,
        region: String,
    ) -> wasmtime::Result<Vec<types::InstanceType>> {
        let offered = self.shown.instance_types(&project, &region);
        let lowered: Result<_, NamesFull> = offered.into_iter().map(lower::instance_type).collect();
        Ok(lowered?)
    }

    fn get_kinds(
        &mut self,
        project: String,
        region: String,
    ) -> wasmtime::Result<Vec<types::KindOffered>> {
        let kinds = self.shown.kinds(&project, &region);
        Ok(kinds.into_iter().map(Into::into).collect())
    }

    fn get_capacities(&mut self, region: String) -> wasmtime::Result<Vec<types::Capacity>> {
        let capacities = self.shown.capacities(&region);
        Ok(capacities.into_iter().map(Into::into).collect())
    }

    fn get_reservations(
        &mut self,
        project: String,
        region: String,
    ) -> wasmtime::Result<Vec<types::Reservation>> {
        let reservations = self.shown.reservations(&project, &region);
        let reservations: Vec<types::Reservation> = reservations
            .iter()
            .map(lower::reservation)
            .collect::<Result<_, _>>()?;
        let rows = reservations.iter().flat_map(|reservation| {
            let share = reservation.share.iter();
            std::iter::once(&reservation.row).chain(share)
        });
        let numbers = rows.map(|row| row.number).collect();
        let list = List::Reservations { project, region };
        self.seen.give(list, numbers);
        Ok(reservations)
    }

    fn get_moment(&mut self, project: String, seen: u64) -> wasmtime::Result<inventory::Moment> {
        let counter = self.shown.sources_counter();
        let is_news = seen == 0 || seen != counter;
        let sources = is_news.then(|| self.shown.sources(&project));
        let held: Result<_, NamesFull> = self.shown.held().iter().map(lower::take).collect();
        let lessons: Result<_, NamesFull> =
            self.shown.lessons().iter().map(lower::lesson).collect();
        Ok(inventory::Moment {
            counter,
            sources: sources.map(|sources| sources.into_iter().map(Into::into).collect()),
            held: held?,
            lessons: lessons?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: &str) -> Owner {
        Owner {
            id: id.to_owned(),
            ..Owner::default()
        }
    }

    #[test]
    fn a_chain_has_no_owner_twice() {
        let chain = ["account", "folder", "project"].map(owner);
        assert!(check_chain("project", &chain).is_ok());
        assert!(check_chain("project", &[]).is_ok());
        let looped = ["account", "folder", "account", "project"].map(owner);
        let error = check_chain("project", &looped).unwrap_err();
        assert_eq!(
            (error.project.as_str(), error.owner.as_str()),
            ("project", "account")
        );
    }

    #[test]
    fn a_plugin_brings_only_so_many_names() {
        let names = NewNames(AtomicUsize::new(1));
        assert_eq!(names.take_one(), Ok(()));
        assert_eq!(names.take_one(), Err(NamesFull));
    }
}
