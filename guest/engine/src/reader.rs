//! What the engine reads an account through: the imports in a component, an [`crate::NativeReader`] over plain data elsewhere.

use alloc::{string::String, vec::Vec};

use quotagate_contract::{
    Capacity, Holding, InstanceType, KindOffered, Lesson, Owner, PlaceOffered, Reservation, Row,
    SourceReport,
};

/// A name by its number; zero is no name.
pub type Number = u32;

/// A row with the number of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedRow {
    /// The number of the row's key.
    pub number: Number,
    /// The row.
    pub row: Row,
}

/// An instance type with the number of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedType {
    /// The number of the type's name.
    pub number: Number,
    /// The type.
    pub instance_type: InstanceType,
}

/// A reservation with the numbers of its row's key and its share's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedReservation {
    /// The number of the key of the reservation's row.
    pub number: Number,
    /// The number of the key of the project's share; zero where there is none.
    pub share: Number,
    /// The reservation.
    pub reservation: Reservation,
}

/// What is held of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The row.
    pub row: Number,
    /// For certain.
    pub at_least: u64,
    /// At most.
    pub at_most: u64,
}

/// A lesson with the rows that contradict it by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedLesson {
    /// The lesson; its `rows` are left empty.
    pub lesson: Lesson,
    /// Its rows.
    pub rows: Vec<Number>,
}

/// What may differ between two calls of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The counter to give next time.
    pub counter: u64,
    /// The sources, where they changed.
    pub sources: Option<Vec<SourceReport>>,
    /// What is promised.
    pub held: Vec<Held>,
    /// What failed launches taught.
    pub lessons: Vec<NumberedLesson>,
}

/// An account as it is shown; `wit/inventory.wit` says what each function answers and how long it holds.
#[allow(
    missing_docs,
    reason = "each is defined in wit/inventory.wit, under the same name"
)]
pub trait Reader {
    fn name_of(&self, number: Number) -> String;
    fn number_of(&self, name: &str) -> Number;
    fn generation(&self, region: Option<&str>) -> u64;
    fn owners(&self, project: &str) -> Vec<Owner>;
    fn projects(&self) -> Vec<String>;
    fn places(&self) -> Vec<PlaceOffered>;
    fn rows(&self, owner: &str, region: Option<&str>) -> Vec<NumberedRow>;
    fn holdings(&self, owner: &str, region: Option<&str>) -> Vec<Holding>;
    fn instance_types(&self, project: &str, region: &str) -> Vec<NumberedType>;
    fn kinds(&self, project: &str, region: &str) -> Vec<KindOffered>;
    fn capacities(&self, region: &str) -> Vec<Capacity>;
    fn reservations(&self, project: &str, region: &str) -> Vec<NumberedReservation>;
    fn moment(&self, project: &str, seen: u64) -> Moment;
    /// The time, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}
