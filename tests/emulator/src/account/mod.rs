//! The state that the services show: one account, questioned in the terms of the API.

mod advice;
mod allocations;
mod blocks;
mod disks;
mod hardware;
mod instances;
mod interfaces;
mod launch;
mod operations;
mod quotas;
mod readings;
mod shared;
mod shares;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, RwLock},
};

use nebius_api::{
    nebius::{
        common::v1::ResourceMetadata,
        compute::v1::Platform,
        iam::v2::{Project, ProjectStatus, Tenant, project_status::ProjectState},
    },
    world::{ProjectFiles, Recorded, World},
};
use prost_types::Timestamp;
use uuid::Uuid;

use self::{operations::Operations, quotas::Truths};
use crate::{
    clock::Clock,
    inventory::{History, Inventory, Place, Resource, Scope, Store},
    refusal::Refusal,
    settings::Settings,
};

/// One tenant with everything that is its own: what the world recorded, and what was created since.
pub(crate) struct Account {
    world: World,
    clock: Clock,
    settings: Settings,
    inventory: Inventory,
    operations: Operations,
    history: History,
    truths: Truths,
    /// The ids given out so far.
    minted: u32,
}

/// An account as the calls share it.
pub(crate) type SharedAccount = Arc<RwLock<Account>>;

/// A list as the world holds it.
pub(crate) struct Rows<'a, T: Clone> {
    pub(crate) items: Cow<'a, [T]>,
    /// False where the world was recorded with pages missing at the end.
    pub(crate) complete: bool,
}

/// The container that an id names.
enum Owner<'a> {
    Tenant,
    /// The project's files are absent when the world only lists the project.
    Project(Option<&'a ProjectFiles>),
}

const PARENT: &str = "parent_id";

impl Account {
    pub(crate) fn new(world: World, settings: Settings, clock: Clock) -> Self {
        Self {
            world,
            clock,
            settings,
            inventory: Inventory::default(),
            operations: Operations::default(),
            history: History::default(),
            truths: Truths::default(),
            minted: 0,
        }
    }

    /// Puts another world in the place of the one there was; what was created in that is gone.
    pub(crate) fn set_world(&mut self, world: World) {
        *self = Self::new(world, self.settings.clone(), self.clock.clone());
    }

    pub(crate) const fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    pub(crate) const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The resources of a kind in a project.
    pub(crate) fn created<T: Resource, M>(
        &self,
        parent_id: &str,
        kind: impl FnOnce(&Inventory) -> &Store<T, M>,
    ) -> Result<Rows<'static, T>, Refusal> {
        self.project_files(parent_id)?;
        Ok(Rows {
            items: Cow::Owned(kind(&self.inventory).of_project(parent_id)),
            complete: true,
        })
    }

    /// Remembers what resources take from now on, for readers that trail. Every change ends with this.
    pub(crate) fn remember(&mut self) {
        let tally = self.inventory.tally();
        let lag = self.settings.usage_lag();
        self.history.record(self.clock.now(), tally, lag);
    }

    /// An id that sorts behind the ones before it.
    fn mint(&mut self, kind: &str) -> String {
        self.minted = self.minted.wrapping_add(1);
        let random = Uuid::new_v4().simple().to_string();
        let random = random.get(..8).unwrap_or_default();
        format!("{kind}-e00{:08x}{random}", self.minted)
    }

    /// The tenants that the caller sees: the one there is.
    pub(crate) fn tenants(&self) -> Result<Rows<'_, Tenant>, Refusal> {
        let tenant = answer(&self.world.tenant, "", "the tenant")?;
        Ok(Rows {
            items: Cow::Borrowed(std::slice::from_ref(tenant)),
            complete: true,
        })
    }

    pub(crate) fn tenant(&self, id: &str) -> Result<&Tenant, Refusal> {
        let tenant = answer(&self.world.tenant, id, "the tenant")?;
        if id_of(tenant.metadata.as_ref()) == id {
            Ok(tenant)
        } else {
            Err(Refusal::Container(id.to_owned()))
        }
    }

    pub(crate) fn projects(&self, parent_id: &str) -> Result<Rows<'_, Project>, Refusal> {
        self.must_be_the_tenant(parent_id)?;
        let list = answer(&self.world.projects, parent_id, "the tenant's projects")?;
        Ok(rows(&list.items, &list.next_page_token))
    }

    pub(crate) fn project(&self, id: &str) -> Result<&Project, Refusal> {
        let list = answer(&self.world.projects, id, "the tenant's projects")?;
        let mut projects = list.items.iter();
        projects
            .find(|project| id_of(project.metadata.as_ref()) == id)
            .ok_or_else(|| Refusal::Container(id.to_owned()))
    }

    pub(crate) fn project_named(&self, parent_id: &str, name: &str) -> Result<Project, Refusal> {
        named(&self.projects(parent_id)?, name, |project| {
            project.metadata.as_ref()
        })
    }

    pub(crate) fn platforms(&self, parent_id: &str) -> Result<Rows<'_, Platform>, Refusal> {
        let recorded = self.project_files(parent_id)?.map(|files| &files.platforms);
        let list = answer(
            recorded.unwrap_or(&Recorded::Missing),
            parent_id,
            "the project's platforms",
        )?;
        Ok(rows(&list.items, &list.next_page_token))
    }

    pub(crate) fn platform_named(&self, parent_id: &str, name: &str) -> Result<Platform, Refusal> {
        named(&self.platforms(parent_id)?, name, |platform| {
            platform.metadata.as_ref()
        })
    }

    /// What a new resource carries about itself; one without a name is called by its id.
    fn metadata(
        &self,
        id: &str,
        place: &Place,
        name: &str,
        labels: HashMap<String, String>,
    ) -> ResourceMetadata {
        let now = Timestamp::from(self.clock.now());
        ResourceMetadata {
            id: id.to_owned(),
            parent_id: place.project_id.clone(),
            name: if name.is_empty() { id } else { name }.to_owned(),
            resource_version: 1,
            created_at: Some(now),
            updated_at: Some(now),
            labels,
        }
    }

    fn must_be_the_tenant(&self, parent_id: &str) -> Result<(), Refusal> {
        match self.owner(parent_id) {
            Ok(Owner::Tenant) => Ok(()),
            Err(refusal) if !parent_id.starts_with("project-") => Err(refusal),
            Ok(Owner::Project(_)) | Err(_) => Err(invalid_parent("must be the id of a tenant")),
        }
    }

    fn project_files(&self, parent_id: &str) -> Result<Option<&ProjectFiles>, Refusal> {
        match self.owner(parent_id)? {
            Owner::Project(files) => Ok(files),
            Owner::Tenant => Err(invalid_parent("must be the id of a project")),
        }
    }

    /// The project that a resource is to be created in, which must be active.
    fn new_place(&self, parent_id: &str) -> Result<Place, Refusal> {
        let place = self.place(parent_id)?;
        self.must_be_active(parent_id)?;
        Ok(place)
    }

    /// Only an active project takes anything. A world that does not say in which state it is means an active one.
    fn must_be_active(&self, project_id: &str) -> Result<(), Refusal> {
        let listed = self.project(project_id).ok();
        let status = listed.and_then(|project| project.status.as_ref());
        match status.map(ProjectStatus::project_state) {
            None | Some(ProjectState::StateUnspecified | ProjectState::Active) => Ok(()),
            Some(_) => Err(Refusal::State {
                resource_id: project_id.to_owned(),
                message: "the project is not active",
            }),
        }
    }

    /// The project that a resource is in, and its region.
    fn place(&self, parent_id: &str) -> Result<Place, Refusal> {
        let files = self.project_files(parent_id)?;
        let listed = self.project(parent_id).ok();
        let listed = listed.and_then(|project| project.spec.as_ref().map(|spec| &spec.region));
        // A world without the list of projects still has the rows of this one, which are of its region.
        let of_rows = || {
            let rows = files?.allowances.answer()?;
            let row = rows.items.first()?;
            row.spec.as_ref().map(|spec| &spec.region)
        };
        let region = listed.or_else(of_rows);
        let region = region.ok_or(Refusal::NotRecorded("the project's region"))?;
        Ok(Place {
            project_id: parent_id.to_owned(),
            region: region.clone(),
        })
    }

    /// Whose rows the id of a container stands for.
    pub(crate) fn scope(&self, parent_id: &str) -> Result<Scope, Refusal> {
        Ok(match self.owner(parent_id)? {
            Owner::Tenant => Scope::Tenant,
            Owner::Project(_) => Scope::Project(parent_id.to_owned()),
        })
    }

    /// The tenant's own id, where the world knows it.
    pub(crate) fn tenant_id(&self) -> Option<&str> {
        let tenant = self.world.tenant.answer()?;
        Some(id_of(tenant.metadata.as_ref()))
    }

    fn owner(&self, id: &str) -> Result<Owner<'_>, Refusal> {
        if id.is_empty() {
            return Err(invalid_parent("is required"));
        }
        let is_tenant = match &self.world.tenant {
            Recorded::Answer(tenant) => id_of(tenant.metadata.as_ref()) == id,
            // Nobody knows the tenant's own id, so any id of the kind will do.
            Recorded::Error(_) | Recorded::Missing => id.starts_with("tenant-"),
        };
        if is_tenant {
            return Ok(Owner::Tenant);
        }
        let files = self.world.by_project.get(id);
        if files.is_some() || self.project(id).is_ok() {
            Ok(Owner::Project(files))
        } else {
            Err(Refusal::Container(id.to_owned()))
        }
    }
}

fn answer<'a, T>(
    recorded: &'a Recorded<T>,
    resource_id: &str,
    what: &'static str,
) -> Result<&'a T, Refusal> {
    match recorded {
        Recorded::Answer(answer) => Ok(answer),
        Recorded::Error(error) => Err(Refusal::Recorded {
            error: error.clone(),
            resource_id: resource_id.to_owned(),
        }),
        Recorded::Missing => Err(Refusal::NotRecorded(what)),
    }
}

const fn rows<'a, T: Clone>(items: &'a [T], next_page_token: &str) -> Rows<'a, T> {
    Rows {
        items: Cow::Borrowed(items),
        complete: next_page_token.is_empty(),
    }
}

fn named<T: Clone>(
    rows: &Rows<'_, T>,
    name: &str,
    metadata: impl Fn(&T) -> Option<&ResourceMetadata>,
) -> Result<T, Refusal> {
    let mut items = rows.items.iter();
    items
        .find(|item| name_of(metadata(item)) == name)
        .cloned()
        .ok_or_else(|| Refusal::NotFound(name.to_owned()))
}

/// Names are unique among the resources of a kind in a project.
fn must_be_new<T: Resource>(name: &str, same_name: Option<&T>) -> Result<(), Refusal> {
    match same_name {
        Some(there) if !name.is_empty() => Err(Refusal::Exists(id_of(there.metadata()).to_owned())),
        _ => Ok(()),
    }
}

fn invalid_parent(message: &str) -> Refusal {
    Refusal::invalid(PARENT, message)
}

fn id_of(metadata: Option<&ResourceMetadata>) -> &str {
    metadata.map_or("", |metadata| &metadata.id)
}

fn name_of(metadata: Option<&ResourceMetadata>) -> &str {
    metadata.map_or("", |metadata| &metadata.name)
}
