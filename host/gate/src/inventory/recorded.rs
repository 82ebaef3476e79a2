//! An inventory as JSON: what plugins are shown of each project, in the format that hosts of other languages read and
//! write (`tests/conformance/README.md`).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Answer, Inventory, Listed, ShownInventory, SourceKey, SourceKind};
use crate::{
    from_json::{Fields, FromJson, FromJsonError, wrong},
    holds::Held,
    source::{Account, OwnedAllowances, Project, ReservationShare},
    types::{SourceReport, SourceState},
};

impl Inventory {
    /// Reads an inventory that [`Inventory::to_json`], or a host of another language, wrote. Plugins are shown of each project
    /// what is written of it; the account's own lists are taken from the first project.
    ///
    /// # Errors
    /// When the text is no JSON, or a record lacks a field or holds something of another kind; says where.
    pub fn from_json(text: &str) -> Result<Self, FromJsonError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| wrong("", &format!("is no JSON: {error}")))?;
        let projects = value.get("projects").and_then(Value::as_object);
        let projects = projects.ok_or_else(|| wrong("projects", "must be an object"))?;
        let mut lists = BTreeMap::new();
        let mut account = Account::default();
        let mut blocks = Vec::new();
        let mut as_written = BTreeMap::new();
        for (id, shown) in projects {
            let shown = ShownInventory::from_json(shown, &format!("projects.{id}"))?;
            account.projects.push(Project {
                id: id.clone(),
                name: String::new(),
                region: shown.instance_types.region.clone().unwrap_or_default(),
                state: shown.instance_types.project_state.clone(),
            });
            as_written.insert(id.clone(), shown.clone());
            if account.tenant.is_empty() {
                account.tenant.clone_from(&shown.allowances.tenant.owner);
                blocks.clone_from(&shown.blocks);
            }
            list_all(&mut lists, id, shown);
        }
        let not_asked = Listed::unread("it was not asked for").report;
        let account = listed(Answer::Account(account), not_asked);
        lists.insert(SourceKey::tenant(SourceKind::Account), account);
        let held = Arc::new(Held::default());
        Ok(Self {
            shown: Arc::new(as_written),
            ..Self::changed(lists, held, Arc::new(blocks))
        })
    }

    /// What plugins are shown, by project.
    pub fn to_json(&self) -> Value {
        let projects: BTreeMap<_, _> = self
            .projects()
            .map(|project| (project, json!(self.shown_for(project))))
            .collect();
        json!({ "projects": projects })
    }
}

impl FromJson for ShownInventory {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        let mut fields = Fields::of(value, path)?;
        let shown = Self {
            allowances: fields.take("allowances")?,
            instance_types: fields.take("instance_types")?,
            capacities: fields.take("capacities")?,
            reservations: fields.take("reservations")?,
            blocks: fields.take("blocks")?,
        };
        fields.end()?;
        Ok(shown)
    }
}

/// Puts what one project is shown back into the sources that it came from. The tenant's are kept where they are there.
fn list_all(lists: &mut BTreeMap<SourceKey, Listed>, project: &str, shown: ShownInventory) {
    let shares = shown
        .reservations
        .items
        .iter()
        .map(|item| ReservationShare {
            reservation: item.id.clone(),
            limit: item.project_limit,
            usage: item.project_usage,
            usage_state: item.project_usage_state,
            usage_fraction: item.project_usage_fraction.clone(),
        });
    let read = SourceReport {
        state: SourceState::Complete,
        ..shown.reservations.source.clone()
    };
    let owned = |owner, rows| Answer::Allowances(OwnedAllowances { owner, rows });
    let of_project = [
        (
            SourceKind::ReservationShares,
            listed(Answer::Shares(shares.collect()), read),
        ),
        (
            SourceKind::ProjectAllowances,
            listed(
                owned(
                    shown.allowances.project.owner,
                    shown.allowances.project.rows,
                ),
                shown.allowances.project.source,
            ),
        ),
        (
            SourceKind::InstanceTypes,
            listed(
                Answer::InstanceTypes(shown.instance_types.items),
                shown.instance_types.source,
            ),
        ),
    ];
    for (kind, list) in of_project {
        lists.insert(SourceKey::project(kind, project), list);
    }
    let of_tenant = [
        (
            SourceKind::TenantAllowances,
            listed(
                owned(shown.allowances.tenant.owner, shown.allowances.tenant.rows),
                shown.allowances.tenant.source,
            ),
        ),
        (
            SourceKind::Capacities,
            listed(
                Answer::Capacities(shown.capacities.items),
                shown.capacities.source,
            ),
        ),
        (
            SourceKind::Reservations,
            listed(
                Answer::Reservations(shown.reservations.items),
                shown.reservations.source,
            ),
        ),
    ];
    for (kind, list) in of_tenant {
        lists.entry(SourceKey::tenant(kind)).or_insert(list);
    }
}

fn listed(answer: Answer, report: SourceReport) -> Listed {
    Listed {
        answer: Some(Arc::new(answer)),
        read: None,
        report,
    }
}
