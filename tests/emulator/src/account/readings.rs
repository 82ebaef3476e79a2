//! What readers see of usage: the world's rows with what was created on top, as long ago as usage lags.

use std::borrow::Cow;

use nebius_api::{
    nebius::{
        capacity::v1::{
            CapacityAllowance, CapacityBlockGroup, capacity_allowance_status,
            capacity_block_group_status,
        },
        quotas::v1::{QuotaAllowance, quota_allowance_status::UsageState},
    },
    world::Recorded,
};

use super::{Account, Owner, Rows, answer, id_of, name_of};
use crate::{
    inventory::{RowKey, Scope, Tally},
    refusal::Refusal,
};

impl Account {
    pub(crate) fn allowances(&self, parent_id: &str) -> Result<Rows<'_, QuotaAllowance>, Refusal> {
        let (recorded, what) = match self.owner(parent_id)? {
            Owner::Tenant => (Some(&self.world.allowances), "the tenant's allowances"),
            Owner::Project(files) => (
                files.map(|files| &files.allowances),
                "the project's allowances",
            ),
        };
        let list = answer(recorded.unwrap_or(&Recorded::Missing), parent_id, what)?;
        let scope = self.scope(parent_id)?;
        let tally = self.seen();
        let rows = list.items.iter();
        Ok(Rows {
            items: Cow::Owned(rows.map(|row| self.shown(&scope, row, &tally)).collect()),
            complete: list.next_page_token.is_empty(),
        })
    }

    pub(crate) fn allowance(&self, id: &str) -> Result<QuotaAllowance, Refusal> {
        let projects = self.world.by_project.iter();
        let of_projects =
            projects.map(|(id, files)| (Scope::Project(id.clone()), &files.allowances));
        std::iter::once((Scope::Tenant, &self.world.allowances))
            .chain(of_projects)
            .find_map(|(scope, recorded)| {
                let mut rows = recorded.answer()?.items.iter();
                let row = rows.find(|row| id_of(row.metadata.as_ref()) == id)?;
                Some(self.shown(&scope, row, &self.seen()))
            })
            .ok_or_else(|| Refusal::NotFound(id.to_owned()))
    }

    pub(crate) fn allowance_named(
        &self,
        parent_id: &str,
        name: &str,
        region: &str,
    ) -> Result<QuotaAllowance, Refusal> {
        let rows = self.allowances(parent_id)?;
        let mut rows = rows.items.iter();
        rows.find(|row| {
            let in_region = row.spec.as_ref().is_some_and(|spec| spec.region == region);
            in_region && name_of(row.metadata.as_ref()) == name
        })
        .cloned()
        .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    pub(crate) fn capacity_block_groups(
        &self,
        parent_id: &str,
    ) -> Result<Rows<'_, CapacityBlockGroup>, Refusal> {
        self.must_be_the_tenant(parent_id)?;
        let recorded = &self.world.capacity_block_groups;
        let list = answer(recorded, parent_id, "the tenant's capacity block groups")?;
        let tally = self.seen();
        let groups = list.items.iter();
        Ok(Rows {
            items: Cow::Owned(
                groups
                    .map(|group| self.shown_block(group, &tally))
                    .collect(),
            ),
            complete: list.next_page_token.is_empty(),
        })
    }

    pub(crate) fn capacity_block_group(&self, id: &str) -> Result<CapacityBlockGroup, Refusal> {
        let recorded = &self.world.capacity_block_groups;
        answer(recorded, id, "the tenant's capacity block groups")?;
        let group = self.block_group(id);
        let group = group.ok_or_else(|| Refusal::NotFound(id.to_owned()))?;
        Ok(self.shown_block(group, &self.seen()))
    }

    pub(crate) fn capacity_allowances(
        &self,
        parent_id: &str,
    ) -> Result<Rows<'_, CapacityAllowance>, Refusal> {
        // The list is optional in a world, so a project without files has none.
        let Some(files) = self.project_files(parent_id)? else {
            return Ok(super::rows(&[], ""));
        };
        let recorded = &files.capacity_allowances;
        let list = answer(recorded, parent_id, "the project's capacity allowances")?;
        let tally = self.seen();
        let rows = list.items.iter();
        Ok(Rows {
            items: Cow::Owned(
                rows.map(|row| shown_slice(parent_id, row, &tally))
                    .collect(),
            ),
            complete: list.next_page_token.is_empty(),
        })
    }

    /// What was created, as readers see it now.
    pub(super) fn seen(&self) -> std::sync::Arc<Tally> {
        let lag = self.settings.usage_lag();
        self.history.seen(self.clock.now(), lag)
    }

    /// A row as readers see it. Where nobody measures the usage, the row hides it.
    fn shown(&self, scope: &Scope, row: &QuotaAllowance, tally: &Tally) -> QuotaAllowance {
        let mut row = row.clone();
        let region = row.spec.as_ref().map_or("", |spec| &spec.region);
        let key = RowKey::new(scope, name_of(row.metadata.as_ref()), region);
        let own = self.owns(&key, &row);
        let created = tally.row(&key);
        let set = self.truths.rows.contains_key(&key);
        if !own || (created == 0 && !set) {
            return row;
        }
        let usage = self.base(&key, &row).saturating_add(created);
        let limit = row.spec.as_ref().and_then(|spec| spec.limit);
        let status = row.status.get_or_insert_default();
        match status.usage_state() {
            UsageState::Unknown | UsageState::NotApplicable => return row,
            UsageState::Used | UsageState::NotUsed if usage == 0 => {
                status.set_usage_state(UsageState::NotUsed);
            }
            UsageState::Used | UsageState::NotUsed => status.set_usage_state(UsageState::Used),
            UsageState::Unspecified => {}
        }
        status.usage = usage;
        status.usage_percentage = percentage(usage, limit);
        row
    }

    fn shown_block(&self, group: &CapacityBlockGroup, tally: &Tally) -> CapacityBlockGroup {
        use capacity_block_group_status::UsageState;
        let mut group = group.clone();
        let id = id_of(group.metadata.as_ref());
        let created = tally.block(id);
        let set = self.truths.blocks.get(id).copied();
        if created == 0 && set.is_none() {
            return group;
        }
        let status = group.status.get_or_insert_default();
        let usage = set.unwrap_or(status.usage).saturating_add(created);
        match status.usage_state() {
            UsageState::Unknown => return group,
            UsageState::Used | UsageState::NotUsed if usage == 0 => {
                status.set_usage_state(UsageState::NotUsed);
            }
            UsageState::Used | UsageState::NotUsed => status.set_usage_state(UsageState::Used),
            UsageState::Unspecified => {}
        }
        status.usage = usage;
        status.usage_percentage = percentage(usage, Some(status.current_limit));
        group
    }
}

fn shown_slice(project_id: &str, row: &CapacityAllowance, tally: &Tally) -> CapacityAllowance {
    use capacity_allowance_status::UsageState;
    let mut row = row.clone();
    let spec = row.spec.clone().unwrap_or_default();
    let created = tally.slice(project_id, &spec.capacity_block_group_id);
    let status = row.status.get_or_insert_default();
    let usage = status.usage.saturating_add(created);
    if created == 0 || status.usage_state() == UsageState::Unknown {
        return row;
    }
    if status.usage_state() == UsageState::NotUsed {
        status.set_usage_state(UsageState::Used);
    }
    status.usage = usage;
    status.usage_percentage = percentage(usage, spec.limit);
    row
}

/// A fraction with two digits; empty where it makes no sense.
fn percentage(usage: u64, limit: Option<u64>) -> String {
    match limit {
        Some(limit) if limit > 0 && usage > 0 => format!("{:.2}", usage as f64 / limit as f64),
        _ => String::new(),
    }
}
