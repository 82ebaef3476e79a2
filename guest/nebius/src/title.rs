//! What people call the quotas.

/// The name for people; none for a quota that is not among those that launches draw on.
pub(crate) fn of(quota: &str) -> Option<&'static str> {
    if quota.starts_with("compute.instance.gpu.") {
        return Some("GPU quota");
    }
    Some(match quota {
        "compute.instance.count" => "instances",
        "compute.instance.preemptible.count" => "preemptibles",
        "compute.instance.non-gpu.vcpu" => "vCPUs",
        "compute.instance.non-gpu.memory" => "memory",
        "compute.disk.count" => "disks",
        "compute.disk.size.network-ssd" => "disk size network-ssd",
        "compute.disk.size.network-hdd" => "disk size network-hdd",
        "compute.disk.size.network-ssd-non-replicated" => "disk size network-ssd-non-replicated",
        "compute.disk.size.network-ssd-io-m3" => "disk size network-ssd-io-m3",
        "compute.filesystem.count" => "file systems",
        "compute.filesystem.size.network-ssd" => "file system size network-ssd",
        "compute.filesystem.size.network-hdd" => "file system size network-hdd",
        "compute.filesystem.size.weka" => "file system size weka",
        "compute.filesystem.size.vast" => "file system size vast",
        "compute.gpucluster.count" => "clusters",
        "vpc.allocation.count" => "address allocations",
        "vpc.ipv4-address.public.count" => "public addresses",
        _ => return None,
    })
}
