//! What an instance is shown while nobody calls it, and where it is asked what it is: nothing.

use std::sync::{Arc, LazyLock};

use quotagate_contract::{
    Capacity, Holding, InstanceType, KindOffered, Lesson, Owner, PlaceOffered, Reservation, Row,
    SourceReport, Take,
};

use super::Shown;

/// An account of which nothing is known.
struct Nothing;

/// [`Nothing`], to be shared. An instance that keeps it keeps no snapshot alive.
pub(super) fn nothing() -> Arc<dyn Shown> {
    static NOTHING: LazyLock<Arc<dyn Shown>> = LazyLock::new(|| Arc::new(Nothing));
    Arc::clone(&NOTHING)
}

impl Shown for Nothing {
    fn generation(&self, _: Option<&str>) -> u64 {
        0
    }

    fn owners(&self, _: &str) -> Vec<Owner> {
        Vec::new()
    }

    fn projects(&self) -> Vec<String> {
        Vec::new()
    }

    fn places(&self) -> Vec<PlaceOffered> {
        Vec::new()
    }

    fn rows<'a>(&'a self, _: &str, _: Option<&str>) -> Vec<&'a Row> {
        Vec::new()
    }

    fn holdings<'a>(&'a self, _: &str, _: Option<&str>) -> Vec<&'a Holding> {
        Vec::new()
    }

    fn instance_types<'a>(&'a self, _: &str, _: &str) -> Vec<&'a InstanceType> {
        Vec::new()
    }

    fn kinds<'a>(&'a self, _: &str, _: &str) -> Vec<&'a KindOffered> {
        Vec::new()
    }

    fn capacities<'a>(&'a self, _: &str) -> Vec<&'a Capacity> {
        Vec::new()
    }

    fn reservations(&self, _: &str, _: &str) -> Vec<Reservation> {
        Vec::new()
    }

    fn held(&self) -> &[Take] {
        &[]
    }

    fn lessons(&self) -> &[Lesson] {
        &[]
    }

    fn sources_counter(&self) -> u64 {
        0
    }

    fn sources(&self, _: &str) -> Vec<SourceReport> {
        Vec::new()
    }
}
