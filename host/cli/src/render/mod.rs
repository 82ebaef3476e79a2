//! What people see: tables, verdicts in words, bars. Nothing here asks or decides anything.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod diagnosis;
pub(crate) mod offers;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod quotas;
pub(crate) mod sources;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod wrap;
