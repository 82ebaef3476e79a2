//! What a launch on Nebius takes, quota by quota (nebius rule 15 and those that follow it).

use alloc::{borrow::Cow, format, vec, vec::Vec};

use quotagate_guest::{Asked, Demand, Draws, InstanceType, InvalidLaunch, Need, Per};

use crate::{
    describe::{PREEMPTIBLE, known_kinds},
    storage::{DISKS, FILESYSTEMS},
};

const INSTANCES: &str = "compute.instance.count";
const PREEMPTIBLE_INSTANCES: &str = "compute.instance.preemptible.count";
const VCPUS: &str = "compute.instance.non-gpu.vcpu";
const MEMORY: &str = "compute.instance.non-gpu.memory";
const CLUSTERS: &str = "compute.gpucluster.count";
const ALLOCATIONS: &str = "vpc.allocation.count";
const PUBLIC_ADDRESSES: &str = "vpc.ipv4-address.public.count";

// Labels that rows were seen with; a row with any other is not compared (nebius rule 9).
pub(crate) const COUNT: &[&str] = &["count"];
pub(crate) const BYTES: &[&str] = &["byte"];
const GPU_UNITS: &[&str] = &["count", "gpu"];
const VCPU_UNITS: &[&str] = &["count", "vcpu"];

// Kinds of needs without a size.
pub(crate) const PRIVATE: &str = "address.private";
pub(crate) const PUBLIC_DYNAMIC: &str = "address.public.dynamic";
pub(crate) const PUBLIC_STATIC: &str = "address.public.static";
pub(crate) const CLUSTER: &str = "cluster";
pub(crate) const NODE_GROUP: &str = "node-group";

/// The quotas that each piece of a kind takes one of (nebius rules 23 to 25).
const PIECES: &[(&str, &[&str])] = &[
    (PRIVATE, &[ALLOCATIONS]),
    (PUBLIC_DYNAMIC, &[ALLOCATIONS, PUBLIC_ADDRESSES]),
    (PUBLIC_STATIC, &[ALLOCATIONS, PUBLIC_ADDRESSES]),
    (CLUSTER, &[CLUSTERS]),
];

/// What a launch takes of quotas by its needs.
pub(crate) struct Sums(Vec<Demand<'static>>);

impl Sums {
    /// Nothing of every quota that needs may draw on, in the order in which findings tell of them.
    fn new() -> Self {
        let pieces = |quota: &&'static str| (*quota, COUNT);
        let quotas = DISKS
            .quotas()
            .chain([ALLOCATIONS, PUBLIC_ADDRESSES].iter().map(pieces));
        let quotas = quotas
            .chain(FILESYSTEMS.quotas())
            .chain([(CLUSTERS, COUNT)]);
        Self(
            quotas
                .map(|(quota, units)| Demand::each(quota, units, 0))
                .collect(),
        )
    }

    /// Adds what a need takes.
    pub(crate) fn add(&mut self, quota: &str, per: Per, amount: u128) {
        let is_on = |demand: &&mut Demand<'_>| {
            demand
                .any_of
                .first()
                .is_some_and(|claim| claim.quota == quota)
        };
        if let Some(demand) = self.0.iter_mut().find(is_on) {
            let sum = match per {
                Per::Instance => &mut demand.each,
                Per::Launch => &mut demand.once,
            };
            *sum = sum.saturating_add(amount);
        }
    }

    /// What is not taken is not asked (nebius rule 16).
    fn taken(mut self) -> Vec<Demand<'static>> {
        self.0.retain(|demand| demand.each > 0 || demand.once > 0);
        self.0
    }
}

/// What a launch takes by what its instances bring with them.
pub(crate) fn of_needs(
    needs: &[Need],
    restart: bool,
) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
    let mut sums = Sums::new();
    for need in needs {
        // A stopped instance keeps all but its dynamic public addresses (nebius rule 26).
        if !restart || need.kind == PUBLIC_DYNAMIC {
            of_need(need, &mut sums)?;
        }
    }
    Ok(sums.taken())
}

fn of_need(need: &Need, sums: &mut Sums) -> Result<(), InvalidLaunch> {
    for storage in [&DISKS, &FILESYSTEMS] {
        let rest = need.kind.strip_prefix(storage.noun);
        if let Some(name) = rest.and_then(|rest| rest.strip_prefix('.')) {
            return storage.count(name, need, sums);
        }
    }
    let pieces = u128::from(need.pieces);
    if need.kind == NODE_GROUP {
        // A node of managed Kubernetes has a range of addresses for its pods besides its own (nebius rule 24).
        sums.add(ALLOCATIONS, Per::Instance, pieces.min(1));
        return Ok(());
    }
    let Some((_, quotas)) = PIECES.iter().find(|(kind, _)| *kind == need.kind) else {
        return Err(InvalidLaunch(format!(
            "unknown kind of need `{}`: Nebius has {}",
            need.kind,
            known_kinds()
        )));
    };
    for quota in *quotas {
        sums.add(quota, need.per, pieces);
    }
    Ok(())
}

/// What the instances of a launch take by themselves, what is scarcest first.
pub(crate) fn of_instances<'a>(asked: &Asked<'a>) -> Vec<Demand<'a>> {
    let instance_type = asked.instance_type;
    let gpus = u128::from(instance_type.gpus);
    let is_preemptible = asked.lifecycle == PREEMPTIBLE;
    let first = if gpus > 0 {
        let demand = Demand::each(gpu_quota(instance_type), GPU_UNITS, gpus);
        if is_preemptible {
            demand.drawn(Draws::Never)
        } else {
            demand.reservable()
        }
    } else {
        Demand::each(VCPUS, VCPU_UNITS, instance_type.vcpus.into())
    };
    let mut demands = if asked.restart && first.draws != Draws::Never {
        vec![first.uncertain()]
    } else {
        vec![first]
    };
    if !asked.restart {
        if gpus == 0 {
            let memory = Demand::each(MEMORY, BYTES, instance_type.memory_bytes.into());
            demands.push(memory.drawn(Draws::WhereListed));
        }
        if is_preemptible {
            // Preemptible instances are counted by a row of their own (nebius rule 19).
            demands.push(Demand::each(PREEMPTIBLE_INSTANCES, COUNT, 1));
            demands.push(Demand::each(INSTANCES, COUNT, 1).drawn(Draws::Never));
        } else {
            demands.push(Demand::each(INSTANCES, COUNT, 1));
        }
    }
    of_offer(asked, &mut demands);
    demands
}

/// What belongs to the offer itself. A need that makes no sense is a row that no list has, so that the launch does not fit.
fn of_offer<'a>(asked: &Asked<'a>, demands: &mut Vec<Demand<'a>>) {
    for need in asked.needs {
        match of_needs(core::slice::from_ref(need), asked.restart) {
            Ok(taken) => demands.extend(taken),
            Err(_) => demands.push(Demand::each(
                need.kind.as_str(),
                &[],
                need.pieces.max(1).into(),
            )),
        }
    }
}

/// The row that counts a type's GPUs: the platform's own word, else the second part of its name, whole, since `b200` is
/// part of `gb200` (nebius rule 17). A platform may name a row which launches draw on anyway; then the engine adds up.
fn gpu_quota(instance_type: &InstanceType) -> Cow<'_, str> {
    if let Some(quota) = named_quota(instance_type) {
        return Cow::Borrowed(quota);
    }
    let family = instance_type.family.as_str();
    let model = family
        .strip_prefix("gpu-")
        .and_then(|rest| rest.split('-').next())
        .filter(|model| !model.is_empty())
        .unwrap_or(family);
    Cow::Owned(format!("compute.instance.gpu.{model}"))
}

/// The quota that the platform names.
fn named_quota(instance_type: &InstanceType) -> Option<&str> {
    instance_type.draws.first().map(|draw| draw.quota.as_str())
}

/// Whether one type can stand in for another: the same GPU, or as many vCPUs without one.
pub(crate) fn is_alike(one: &InstanceType, other: &InstanceType) -> bool {
    if one.gpus == 0 || other.gpus == 0 {
        return one.gpus == other.gpus && one.vcpus == other.vcpus;
    }
    match (named_quota(one), named_quota(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.family == other.family,
    }
}
