//! The resources that were created here, each with what it takes: the one source that usage is summed from.

mod charges;
mod history;

use std::collections::BTreeMap;

use nebius_api::nebius::{
    common::v1::ResourceMetadata,
    compute::v1::{
        Disk, Filesystem, GpuCluster, Instance, InstanceStatus, instance_status::InstanceState,
        reservation_policy::Policy,
    },
    vpc::v1::Allocation,
};

pub(crate) use charges::{Charges, RowKey, Scope, Tally};
pub(crate) use history::History;

use crate::{refusal::Refusal, settings::Hardware};

/// Everything that exists because a client asked for it.
#[derive(Default)]
pub(crate) struct Inventory {
    pub(crate) instances: Store<Instance, Machine>,
    pub(crate) disks: Store<Disk>,
    pub(crate) gpu_clusters: Store<GpuCluster>,
    pub(crate) filesystems: Store<Filesystem>,
    pub(crate) allocations: Store<Allocation, Lease>,
}

/// A message that stands for a resource.
pub(crate) trait Resource: Clone {
    fn metadata(&self) -> Option<&ResourceMetadata>;
}

macro_rules! resources {
    ($($message:ty),+) => {
        $(impl Resource for $message {
            fn metadata(&self) -> Option<&ResourceMetadata> {
                self.metadata.as_ref()
            }
        })+
    };
}
resources!(Instance, Disk, GpuCluster, Filesystem, Allocation);

/// A project with its region.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) project_id: String,
    pub(crate) region: String,
}

/// A resource as clients see it, where it is, and what it takes as long as it exists.
pub(crate) struct Held<T, M = ()> {
    pub(crate) place: Place,
    pub(crate) charges: Charges,
    pub(crate) shown: T,
    pub(crate) more: M,
}

/// What is known of an instance beyond its message.
pub(crate) struct Machine {
    pub(crate) launch: Launch,
    /// Where its GPUs, or its vCPUs and memory, are counted; absent while it holds none.
    pub(crate) source: Option<Source>,
    /// The hardware that it runs on, where that can run out.
    pub(crate) hardware: Option<Hardware>,
}

/// What an instance wants to run, the same at each start.
pub(crate) struct Launch {
    pub(crate) instance_type: InstanceType,
    pub(crate) preemptible: bool,
    pub(crate) policy: Policy,
    pub(crate) reservation_ids: Vec<String>,
    /// The fabric of its GPU cluster.
    pub(crate) fabric: Option<String>,
}

/// A preset of a platform.
#[derive(Clone)]
pub(crate) struct InstanceType {
    pub(crate) platform: String,
    pub(crate) preset: String,
    pub(crate) gpus: u64,
    /// What regular instances take of the rows of GPUs, or of vCPUs and memory.
    pub(crate) compute: Charges,
    pub(crate) allowed_for_preemptibles: bool,
    pub(crate) allow_gpu_clustering: bool,
}

/// Where GPUs are counted, or vCPUs and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Against the quota rows.
    Rows,
    /// Against a capacity block group with this id, and no GPU row (nebius rule 28).
    Block(String),
}

/// Whom an address was made for.
#[derive(Default)]
pub(crate) struct Lease {
    /// The instance that it came with, and goes with.
    pub(crate) instance_id: Option<String>,
    /// Whether it goes already when the instance stops.
    pub(crate) dynamic: bool,
}

impl Launch {
    /// What it takes of the rows while it holds its GPUs, or its vCPUs and memory. The rows of GPUs are about regular
    /// instances (nebius rule 19).
    pub(crate) fn compute(&self, source: &Source) -> Charges {
        match source {
            Source::Rows if !self.preemptible => self.instance_type.compute.clone(),
            Source::Rows | Source::Block(_) => Charges::default(),
        }
    }
}

impl Held<Instance, Machine> {
    pub(crate) fn status(&mut self) -> &mut InstanceStatus {
        self.shown.status.get_or_insert_default()
    }

    pub(crate) fn state(&self) -> InstanceState {
        let status = self.shown.status.as_ref();
        status.map_or(InstanceState::Unspecified, InstanceStatus::state)
    }
}

/// Resources of one kind by their ids, which sort by age.
pub(crate) struct Store<T, M = ()>(BTreeMap<String, Held<T, M>>);

impl<T, M> Default for Store<T, M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Resource, M> Store<T, M> {
    pub(crate) fn get(&self, id: &str) -> Result<&Held<T, M>, Refusal> {
        self.0
            .get(id)
            .ok_or_else(|| Refusal::NotFound(id.to_owned()))
    }

    /// As [`Store::get`], where only resources of one project will do.
    pub(crate) fn get_in(&self, project_id: &str, id: &str) -> Result<&Held<T, M>, Refusal> {
        let held = self.get(id)?;
        if held.place.project_id == project_id {
            Ok(held)
        } else {
            Err(Refusal::NotFound(id.to_owned()))
        }
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Held<T, M>> {
        self.0.get_mut(id)
    }

    pub(crate) fn named(&self, project_id: &str, name: &str) -> Option<&T> {
        let mut shown = self.0.values().map(|held| &held.shown);
        shown.find(|shown| {
            shown
                .metadata()
                .is_some_and(|metadata| metadata.parent_id == project_id && metadata.name == name)
        })
    }

    pub(crate) fn of_project(&self, project_id: &str) -> Vec<T> {
        let held = self.0.values();
        held.filter(|held| held.place.project_id == project_id)
            .map(|held| held.shown.clone())
            .collect()
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.values().map(|held| held.shown.clone()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Held<T, M>)> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held<T, M>> {
        self.0.values_mut()
    }

    pub(crate) fn insert(&mut self, id: String, held: Held<T, M>) {
        self.0.insert(id, held);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Held<T, M>> {
        self.0.remove(id)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Held<T, M>) -> bool) {
        self.0.retain(|_, held| keep(held));
    }

    fn count(&self, tally: &mut Tally) {
        for held in self.0.values() {
            tally.count(&held.place.project_id, &held.place.region, &held.charges);
        }
    }
}

impl Inventory {
    /// What all resources take together.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.instances.count(&mut tally);
        self.disks.count(&mut tally);
        self.gpu_clusters.count(&mut tally);
        self.filesystems.count(&mut tally);
        self.allocations.count(&mut tally);
        for (_, held) in self.instances.iter() {
            let place = &held.place;
            let machine = &held.more;
            let Some(source) = &machine.source else {
                continue;
            };
            let compute = machine.launch.compute(source);
            tally.count(&place.project_id, &place.region, &compute);
            if let Source::Block(id) = source {
                let gpus = machine.launch.instance_type.gpus;
                tally.count_block(&place.project_id, id, gpus);
            }
        }
        tally
    }
}
