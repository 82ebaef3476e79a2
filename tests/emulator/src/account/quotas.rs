//! What quotas allow: the rows that a demand must fit, at both scopes, by the true usage.

use std::collections::BTreeMap;

use nebius_api::{
    nebius::{
        common::v1::quota_failure::Violation,
        quotas::v1::{QuotaAllowance, quota_allowance_status::State},
    },
    world::Recorded,
};

use super::Account;
use crate::inventory::{Charges, Place, RowKey, Scope, Tally};

/// What resources that the emulator did not create really take, where that is not what the world recorded.
#[derive(Default)]
pub(crate) struct Truths {
    pub(crate) rows: BTreeMap<RowKey, u64>,
    /// GPUs by capacity block group.
    pub(crate) blocks: BTreeMap<String, u64>,
}

/// What one row leaves.
struct Room {
    /// Whose row it is, by id; none where the world does not say.
    container: Option<String>,
    limit: u64,
    usage: u64,
    /// Set where the row's state alone forbids any use.
    unusable: Option<&'static str>,
}

impl Room {
    const fn headroom(&self) -> u64 {
        // Usage above the limit is allowed (nebius rule 12).
        self.limit.saturating_sub(self.usage)
    }
}

impl Account {
    /// The quotas that a demand exceeds, each with the row that leaves the least (nebius rule 1).
    pub(super) fn violations(&self, place: &Place, demand: &Charges) -> Vec<Violation> {
        let tally = self.inventory.tally();
        let mut violations = Vec::new();
        for (quota, taken) in demand.iter() {
            let rooms = self.rooms(place, quota, &tally).into_iter();
            // The first of equals, which is the tenant's.
            let tightest = rooms.min_by_key(Room::headroom);
            if let Some(room) = tightest.filter(|room| room.headroom() < taken) {
                violations.push(self.violation(&room, quota, taken));
            }
        }
        violations
    }

    /// What the cloud says of a row that refuses: the total that it would have reached, and whose row it is.
    fn violation(&self, room: &Room, quota: &str, taken: u64) -> Violation {
        let container = room
            .container
            .as_ref()
            .filter(|_| self.settings.violations_name_containers);
        let mut message = container.map_or_else(
            || String::from("Quota limit exceeded"),
            |container| format!("Exceeded limit for container {container}"),
        );
        if let Some(state) = room.unusable {
            message = format!("{message}: the allowance is {state}");
        }
        Violation {
            quota: quota.to_owned(),
            message,
            limit: room.limit.to_string(),
            requested: room.usage.saturating_add(taken).to_string(),
        }
    }

    /// The rows that constrain a quota in a project, the tenant's first.
    fn rooms(&self, place: &Place, quota: &str, tally: &Tally) -> Vec<Room> {
        let mut rooms = Vec::new();
        let tenant = || self.tenant_id().map(str::to_owned);
        let project = || Some(place.project_id.clone());
        let key = RowKey::new(&Scope::Tenant, quota, &place.region);
        let created = tally.row(&key);
        let default_limit = self.settings.default_limit(quota);
        let enforced = self.settings.enforced_limits.get(quota).copied();
        let mut rows = self.rows(&key).peekable();
        if let (None, Some(limit)) = (rows.peek(), default_limit) {
            let base = self.truths.rows.get(&key).copied().unwrap_or_default();
            rooms.push(room(tenant(), limit, base.saturating_add(created)));
        }
        for row in rows {
            let usage = self.base(&key, row).saturating_add(created);
            rooms.extend(match state(row) {
                State::Frozen => Some(unusable(tenant(), usage, "frozen")),
                State::Deleted => Some(unusable(tenant(), usage, "deleted")),
                State::Unspecified | State::Provisioning | State::Active => enforced
                    .or_else(|| limit(row))
                    .or(default_limit)
                    .map(|limit| room(tenant(), limit, usage)),
            });
        }

        let key = RowKey {
            scope: Scope::Project(place.project_id.clone()),
            ..key
        };
        let created = tally.row(&key);
        for row in self.rows(&key) {
            let usage = self.base(&key, row).saturating_add(created);
            rooms.extend(match state(row) {
                State::Frozen => Some(unusable(project(), usage, "frozen")),
                State::Deleted => self
                    .settings
                    .deleted_project_rows_refuse
                    .then(|| unusable(project(), usage, "deleted")),
                // Without a limit it does not constrain (nebius rule 6).
                State::Unspecified | State::Provisioning | State::Active => {
                    limit(row).map(|limit| room(project(), limit, usage))
                }
            });
        }
        rooms
    }

    /// The rows of a name, which are several only where the world is at odds with itself.
    pub(super) fn rows(&self, key: &RowKey) -> impl Iterator<Item = &QuotaAllowance> {
        let recorded = match &key.scope {
            Scope::Tenant => Some(&self.world.allowances),
            Scope::Project(id) => {
                let files = self.world.by_project.get(id);
                files.map(|files| &files.allowances)
            }
        };
        let list = recorded.and_then(Recorded::answer);
        let rows = list.map_or(&[][..], |list| &list.items).iter();
        rows.filter(move |row| self.owns(key, row))
    }

    /// Whether a row in the list of this owner is the owner's own and has this name.
    pub(super) fn owns(&self, key: &RowKey, row: &QuotaAllowance) -> bool {
        match &key.scope {
            Scope::Tenant => is_row(row, key, self.tenant_id()),
            Scope::Project(id) => is_row(row, key, Some(id)),
        }
    }

    /// What resources take of a row that the emulator did not create.
    pub(super) fn base(&self, key: &RowKey, row: &QuotaAllowance) -> u64 {
        let recorded = || row.status.as_ref().map_or(0, |status| status.usage);
        let set = self.truths.rows.get(key).copied();
        set.unwrap_or_else(recorded)
    }

    /// What all resources really take of a row now.
    pub(crate) fn true_usage(&self, key: &RowKey) -> u64 {
        let set = self.truths.rows.get(key).copied();
        let base = set.or_else(|| self.rows(key).next().map(|row| self.base(key, row)));
        let created = self.inventory.tally().row(key);
        base.unwrap_or_default().saturating_add(created)
    }

    pub(crate) const fn truths_mut(&mut self) -> &mut Truths {
        &mut self.truths
    }

    /// Sets the limit of every row of a name, and says whether there is one.
    pub(crate) fn set_limit(&mut self, key: &RowKey, limit: Option<u64>) -> bool {
        let tenant_id = self.tenant_id().map(str::to_owned);
        let (recorded, parent_id) = match &key.scope {
            Scope::Tenant => (Some(&mut self.world.allowances), tenant_id.as_deref()),
            Scope::Project(id) => {
                let files = self.world.by_project.get_mut(id);
                (files.map(|files| &mut files.allowances), Some(id.as_str()))
            }
        };
        let Some(Recorded::Answer(list)) = recorded else {
            return false;
        };
        let mut any = false;
        for row in &mut list.items {
            if is_row(row, key, parent_id) {
                row.spec.get_or_insert_default().limit = limit;
                any = true;
            }
        }
        any
    }
}

/// Rows of another owner are none of this one's.
fn is_row(row: &QuotaAllowance, key: &RowKey, parent_id: Option<&str>) -> bool {
    let metadata = row.metadata.as_ref();
    let region = row.spec.as_ref().map(|spec| spec.region.as_str());
    let named = metadata.is_some_and(|metadata| {
        let owner = metadata.parent_id.as_str();
        let own = owner.is_empty() || parent_id.is_none_or(|parent_id| parent_id == owner);
        own && metadata.name == key.quota
    });
    named && region == Some(key.region.as_str())
}

fn state(row: &QuotaAllowance) -> State {
    let status = row.status.as_ref();
    status.map_or(State::Unspecified, |status| status.state())
}

fn limit(row: &QuotaAllowance) -> Option<u64> {
    row.spec.as_ref().and_then(|spec| spec.limit)
}

const fn room(container: Option<String>, limit: u64, usage: u64) -> Room {
    Room {
        container,
        limit,
        usage,
        unusable: None,
    }
}

const fn unusable(container: Option<String>, usage: u64, state: &'static str) -> Room {
    Room {
        container,
        limit: 0,
        usage,
        unusable: Some(state),
    }
}
