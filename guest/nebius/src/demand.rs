//! What a launch on Nebius takes, quota by quota (nebius rule 15 and those that follow it).

use alloc::{borrow::Cow, format, vec::Vec};

use quotagate_engine::{Bearing, Demand, InstanceType, InvalidLaunch, Launch, Lifecycle, Profile};

use crate::storage;

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

/// What a launch takes by what its instances bring with them.
pub(crate) fn of_profile(profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
    let mut demands = Vec::new();
    let dynamic = u128::from(profile.dynamic_public_addresses);
    if profile.restart {
        // A stopped instance keeps all but its dynamic public addresses (nebius rule 26).
        demands.push(each(ALLOCATIONS, COUNT, dynamic));
        demands.push(each(PUBLIC_ADDRESSES, COUNT, dynamic));
        return Ok(demands);
    }
    storage::disks(&profile.disks, &mut demands)?;
    let public = dynamic + u128::from(profile.static_public_addresses);
    // A node of managed Kubernetes has a range of addresses for its pods besides its own (nebius rule 24).
    let private = u128::from(profile.private_addresses) + u128::from(profile.node_group);
    demands.push(each(ALLOCATIONS, COUNT, public + private));
    demands.push(each(PUBLIC_ADDRESSES, COUNT, public));
    storage::filesystems(&profile.filesystems, &mut demands)?;
    demands.push(once(CLUSTERS, COUNT, profile.new_cluster.into()));
    Ok(demands)
}

/// What the instances of a launch take by themselves, what is scarcest first.
pub(crate) fn of_instances<'a>(
    launch: &Launch,
    instance_type: &'a InstanceType,
) -> Vec<Demand<'a>> {
    let mut demands = Vec::new();
    let restart = launch.profile.restart;
    let gpus = u128::from(instance_type.gpus);
    let preemptible = launch.offer.lifecycle == Lifecycle::Preemptible;
    if gpus > 0 {
        demands.push(Demand {
            bearing: match (preemptible, restart) {
                (true, _) => Bearing::NotDecisive,
                (false, true) => Bearing::PerhapsHeldReservable,
                (false, false) => Bearing::Reservable,
            },
            ..each(gpu_quota(instance_type), GPU_UNITS, gpus)
        });
    } else {
        demands.push(Demand {
            bearing: if restart {
                Bearing::PerhapsHeld
            } else {
                Bearing::Decisive
            },
            ..each(VCPUS, VCPU_UNITS, instance_type.vcpus.into())
        });
    }
    if restart {
        return demands;
    }
    if gpus == 0 {
        demands.push(Demand {
            bearing: Bearing::WhereListed,
            ..each(MEMORY, BYTES, instance_type.memory_bytes.into())
        });
    }
    if preemptible {
        // Preemptible instances are counted by a row of their own (nebius rule 19).
        demands.push(each(PREEMPTIBLE_INSTANCES, COUNT, 1));
        demands.push(Demand {
            bearing: Bearing::NotDecisive,
            ..each(INSTANCES, COUNT, 1)
        });
    } else {
        demands.push(each(INSTANCES, COUNT, 1));
    }
    demands
}

/// The row that counts a type's GPUs: the platform's own word, else the second part of its name, whole, since `b200` is
/// part of `gb200` (nebius rule 17). A platform may name a row which launches draw on anyway; then the engine adds up.
fn gpu_quota(instance_type: &InstanceType) -> Cow<'_, str> {
    if let Some(quota) = instance_type.gpu_quota.as_deref() {
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

pub(crate) fn each<'a>(
    quota: impl Into<Cow<'a, str>>,
    units: &'static [&'static str],
    amount: u128,
) -> Demand<'a> {
    Demand {
        quota: quota.into(),
        units,
        each: amount,
        once: 0,
        bearing: Bearing::Decisive,
    }
}

pub(crate) fn once(
    quota: &'static str,
    units: &'static [&'static str],
    amount: u128,
) -> Demand<'static> {
    Demand {
        once: amount,
        ..each(quota, units, 0)
    }
}
