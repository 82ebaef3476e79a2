//! The account as the imports show it.

use alloc::{string::String, vec::Vec};

use quotagate_contract::{Capacity, Holding, KindOffered, Owner, PlaceOffered};
use quotagate_engine::{Moment, Number, NumberedReservation, NumberedRow, NumberedType, Reader};
use wasi::clocks::wall_clock;

use super::{bindings::quotagate::plugin::inventory, convert};

/// The imports of this component instance.
pub(super) struct Imports;

impl Reader for Imports {
    fn name_of(&self, number: Number) -> String {
        inventory::name_of(number)
    }

    fn number_of(&self, name: &str) -> Number {
        inventory::number_of(name)
    }

    fn generation(&self, region: Option<&str>) -> u64 {
        inventory::generation(region)
    }

    fn owners(&self, project: &str) -> Vec<Owner> {
        convert::owners(inventory::get_owners(project))
    }

    fn projects(&self) -> Vec<String> {
        inventory::get_projects()
    }

    fn places(&self) -> Vec<PlaceOffered> {
        convert::places(inventory::get_places())
    }

    fn rows(&self, owner: &str, region: Option<&str>) -> Vec<NumberedRow> {
        convert::rows(inventory::get_rows(owner, region))
    }

    fn holdings(&self, owner: &str, region: Option<&str>) -> Vec<Holding> {
        convert::holdings(inventory::get_holdings(owner, region))
    }

    fn instance_types(&self, project: &str, region: &str) -> Vec<NumberedType> {
        convert::instance_types(inventory::get_instance_types(project, region))
    }

    fn kinds(&self, project: &str, region: &str) -> Vec<KindOffered> {
        convert::kinds(inventory::get_kinds(project, region))
    }

    fn capacities(&self, region: &str) -> Vec<Capacity> {
        convert::capacities(inventory::get_capacities(region))
    }

    fn reservations(&self, project: &str, region: &str) -> Vec<NumberedReservation> {
        convert::reservations(inventory::get_reservations(project, region))
    }

    fn moment(&self, project: &str, seen: u64) -> Moment {
        convert::moment(inventory::get_moment(project, seen))
    }

    fn now_ms(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds
            .saturating_mul(1000)
            .saturating_add(u64::from(now.nanoseconds) / 1_000_000)
    }
}
