//! What the answers of the cloud say of the usage of rows that something is held of.

use std::collections::{HashMap, HashSet};

use super::{Answer, Inventory, SourceKey, SourceKind};
use crate::{
    feedback::measured,
    holds::Row,
    types::{Allowance, SourceState},
};

/// The usage of these rows, as far as this answer of a project (or, without one, of the tenant) measures it. Rows that are
/// listed twice with different usage are not measured.
pub(super) fn usages(answer: &Answer, project: Option<&str>, rows: &[Row]) -> HashMap<Row, u64> {
    match answer {
        Answer::Allowances(owned) => {
            let wanted: HashMap<(&str, &str), &Row> = rows
                .iter()
                .filter_map(|row| match row {
                    Row::Allowance {
                        project: owner,
                        quota,
                        region,
                    } if owner.as_deref() == project => {
                        Some(((quota.as_str(), region.as_str()), row))
                    }
                    _ => None,
                })
                .collect();
            let of_owner = owned.rows.iter().filter(|row| row.owner == owned.owner);
            let found = of_owner.filter_map(|row: &Allowance| {
                let key = wanted.get(&(row.name.as_str(), row.region.as_str()))?;
                Some((
                    (*key).clone(),
                    measured(row.usage, row.usage_state, row.usage_fraction.as_deref()),
                ))
            });
            agreed(found)
        }
        Answer::Reservations(items) => {
            let wanted: HashMap<&str, &Row> = rows
                .iter()
                .filter_map(|row| match row {
                    Row::Reservation { id } => Some((id.as_str(), row)),
                    _ => None,
                })
                .collect();
            let found = items.iter().filter_map(|item| {
                let row = wanted.get(item.id.as_str())?;
                Some((
                    (*row).clone(),
                    measured(item.usage, item.usage_state, item.usage_fraction.as_deref()),
                ))
            });
            agreed(found)
        }
        Answer::Shares(items) => {
            let wanted: HashMap<&str, &Row> = rows
                .iter()
                .filter_map(|row| match row {
                    Row::Share {
                        reservation,
                        project: owner,
                    } if Some(owner.as_str()) == project => Some((reservation.as_str(), row)),
                    _ => None,
                })
                .collect();
            let found = items.iter().filter_map(|item| {
                let row = wanted.get(item.reservation.as_str())?;
                Some((
                    (*row).clone(),
                    measured(item.usage, item.usage_state, item.usage_fraction.as_deref()),
                ))
            });
            agreed(found)
        }
        Answer::Account(_) | Answer::InstanceTypes(_) | Answer::Capacities(_) => HashMap::new(),
    }
}

/// The usage of each row that is told once, or alike each time.
fn agreed(found: impl Iterator<Item = (Row, Option<u64>)>) -> HashMap<Row, u64> {
    let mut agreed: HashMap<Row, u64> = HashMap::new();
    let mut doubtful: HashSet<Row> = HashSet::new();
    for (row, usage) in found {
        match usage {
            Some(usage) if *agreed.entry(row.clone()).or_insert(usage) == usage => {}
            _ => {
                doubtful.insert(row);
            }
        }
    }
    agreed.retain(|row, _| !doubtful.contains(row));
    agreed
}

impl Inventory {
    /// The usage of these rows, where it is measured.
    pub(crate) fn usages(&self, rows: &[Row]) -> HashMap<Row, u64> {
        let mut keys: HashSet<SourceKey> = HashSet::new();
        for row in rows {
            keys.insert(match row {
                Row::Allowance { project: None, .. } => {
                    SourceKey::tenant(SourceKind::TenantAllowances)
                }
                Row::Allowance {
                    project: Some(project),
                    ..
                } => SourceKey::project(SourceKind::ProjectAllowances, project),
                Row::Reservation { .. } => SourceKey::tenant(SourceKind::Reservations),
                Row::Share { project, .. } => {
                    SourceKey::project(SourceKind::ReservationShares, project)
                }
            });
        }
        let answers = keys.iter().filter_map(|key| {
            let listed = self.lists().get(key)?;
            let is_believed = matches!(
                listed.report.state,
                SourceState::Complete | SourceState::Incomplete
            );
            let answer = listed.answer.as_deref().filter(|_| is_believed)?;
            Some((key, answer))
        });
        answers
            .flat_map(|(key, answer)| usages(answer, key.project.as_deref(), rows))
            .collect()
    }
}
