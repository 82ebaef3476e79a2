//! The rows that claims resolve to, each once a region.

use alloc::{rc::Rc, vec::Vec};

use crate::{cloud::At, context::ReadRow, reader::Number};

/// The row that a claim resolves to at one owner, or where it would be.
pub(crate) struct Target {
    /// The owner, by its place in the chain.
    pub(crate) owner: usize,
    pub(crate) quota: Number,
    pub(crate) region: Number,
    pub(crate) zone: Number,
    pub(crate) zone_name: Option<Rc<str>>,
    pub(crate) at: At,
    pub(crate) found: Found,
    /// Names what is taken of it in a plan.
    pub(crate) ledger_key: LedgerKey,
}

/// What an owner's list says of a position.
pub(crate) enum Found {
    /// One row.
    Row(TargetRow),
    /// Rows that contradict each other; the number of the first.
    Twins(Number),
    /// No row.
    Absent,
}

/// A row by number.
pub(crate) struct TargetRow {
    pub(crate) number: Number,
    pub(crate) unit: Number,
    pub(crate) unit_name: Rc<str>,
    pub(crate) read: ReadRow,
    /// What its usage rests on, by place in [`crate::context::RegionContext::foundations`]; none where that is the row alone.
    pub(crate) foundation: Option<usize>,
}

/// Lists that usages rest on.
pub(crate) struct Foundation {
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) owner: usize,
    pub(crate) is_everywhere: bool,
}

/// Names what a plan takes of: a row by number, and what is not listed by its position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LedgerKey {
    Row(Number),
    Position(Rc<str>),
}

/// Names a target among those of its region.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TargetKey {
    Row { owner: usize, number: Number },
    Position { owner: usize, text: Rc<str> },
}

impl Target {
    /// The row's number; zero where there is none.
    pub(crate) const fn number(&self) -> Number {
        match &self.found {
            Found::Row(row) => row.number,
            Found::Twins(number) => *number,
            Found::Absent => 0,
        }
    }

    pub(crate) fn unit_name(&self) -> Option<&str> {
        match &self.found {
            Found::Row(row) => Some(&row.unit_name),
            Found::Twins(_) | Found::Absent => None,
        }
    }

    pub(crate) const fn is_listed(&self) -> bool {
        !matches!(self.found, Found::Absent)
    }
}
