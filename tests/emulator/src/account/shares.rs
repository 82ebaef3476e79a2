//! Shares of projects that are set: a quota allowance is created or changed.

use nebius_api::{
    nebius::{
        common::v1::{Operation, ResourceMetadata},
        quotas::v1::{
            QuotaAllowance, QuotaAllowanceSpec, QuotaAllowanceStatus,
            quota_allowance_status::{State, UsageState},
        },
    },
    world::Recorded,
};

use super::{
    Account, id_of,
    operations::{Change, End, Kind},
};
use crate::{
    inventory::{RowKey, Scope},
    refusal::Refusal,
};

impl Account {
    /// Sets the share of a project: of one that has the row the limit is changed. The tenant's rows are not its own to set.
    pub(crate) fn create_allowance(
        &mut self,
        metadata: &ResourceMetadata,
        spec: Option<&QuotaAllowanceSpec>,
    ) -> Result<Operation, Refusal> {
        let spec = spec.ok_or_else(|| Refusal::invalid("spec", "is required"))?;
        if metadata.name.is_empty() || spec.region.is_empty() {
            let message = "a quota allowance is told by its name and region";
            return Err(Refusal::invalid("metadata.name", message));
        }
        if self.tenant_id() == Some(metadata.parent_id.as_str()) {
            return Err(Refusal::Container(metadata.parent_id.clone()));
        }
        let place = self.place(&metadata.parent_id)?;
        let scope = Scope::Project(place.project_id.clone());
        let key = RowKey::new(&scope, &metadata.name, &spec.region);
        let known = self
            .rows(&key)
            .next()
            .map(|row| id_of(row.metadata.as_ref()).to_owned());
        let id = match known {
            Some(id) => {
                self.set_limit(&key, spec.limit);
                id
            }
            None => self.add_share(&place.project_id, metadata, spec)?,
        };
        Ok(self.set(id, "Create quota allowance"))
    }

    /// Changes the limit of a project's row.
    pub(crate) fn update_allowance(
        &mut self,
        id: &str,
        spec: Option<&QuotaAllowanceSpec>,
    ) -> Result<Operation, Refusal> {
        let spec = spec.ok_or_else(|| Refusal::invalid("spec", "is required"))?;
        let row = self.allowance(id)?;
        let metadata = row.metadata.unwrap_or_default();
        if self.tenant_id() == Some(metadata.parent_id.as_str()) {
            return Err(Refusal::Container(id.to_owned()));
        }
        let region = row.spec.unwrap_or_default().region;
        if !spec.region.is_empty() && spec.region != region {
            return Err(Refusal::invalid("spec.region", "cannot be changed"));
        }
        let key = RowKey::new(&Scope::Project(metadata.parent_id), &metadata.name, &region);
        self.set_limit(&key, spec.limit);
        Ok(self.set(id.to_owned(), "Update quota allowance"))
    }

    fn set(&mut self, id: String, description: &'static str) -> Operation {
        self.begin(Change {
            kind: Kind::Allowance,
            resource_id: id,
            description,
            failure: None,
            end: End::Unchanged,
        })
    }

    /// Adds a row to a project's list. It counts as the tenant's row of the same name does.
    fn add_share(
        &mut self,
        project_id: &str,
        metadata: &ResourceMetadata,
        spec: &QuotaAllowanceSpec,
    ) -> Result<String, Refusal> {
        let tenants = RowKey::new(&Scope::Tenant, &metadata.name, &spec.region);
        let like = self.rows(&tenants).next().cloned();
        let like = like.ok_or_else(|| Refusal::NotFound(metadata.name.clone()))?;
        let id = self.mint(Kind::Allowance.id_type());
        let files = self.world.by_project.get_mut(project_id);
        let list = match files.map(|files| &mut files.allowances) {
            Some(Recorded::Answer(list)) => list,
            _ => return Err(Refusal::NotFound(project_id.to_owned())),
        };
        list.items.push(QuotaAllowance {
            metadata: Some(ResourceMetadata {
                id: id.clone(),
                ..metadata.clone()
            }),
            spec: Some(spec.clone()),
            status: Some(QuotaAllowanceStatus {
                state: State::Active.into(),
                usage: 0,
                usage_state: UsageState::NotUsed.into(),
                usage_percentage: String::new(),
                ..like.status.unwrap_or_default()
            }),
        });
        Ok(id)
    }
}
