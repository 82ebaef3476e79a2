//! What `quotagate watch` is made of: the account at one time, what changed between two, and the metrics of both.

mod changes;
mod exporter;
mod lines;

pub(crate) use self::{
    changes::{Change, RowKey, Seen, View},
    exporter::Exporter,
    lines::Lines,
};
