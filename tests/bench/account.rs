//! Accounts of any size, as worlds: each type of its own size, half of the launches with too little quota.

use std::{fs, path::Path};

use serde_json::{Value, json};

/// The one region.
pub(crate) const REGION: &str = "eu-north1";
/// The one project.
pub(crate) const PROJECT: &str = "project-e00bench";
const TENANT: &str = "tenant-e00bench";

/// How large an account is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Instance types; each is offered under two lifecycles.
    pub(crate) types: usize,
    /// Quota rows of the tenant.
    pub(crate) rows: usize,
}

/// Writes an account. Of ten types six have GPUs, each with a quota of its own; every other of those is too small.
pub(crate) fn write(folder: &Path, size: Size) {
    let project = folder.join("projects").join(PROJECT);
    fs::create_dir_all(folder.join("tenant")).unwrap();
    fs::create_dir_all(&project).unwrap();
    let mut rows = vec![
        row("compute.instance.count", "count", 1_000, 10),
        row("compute.instance.preemptible.count", "count", 1_000, 4),
        row("compute.instance.non-gpu.vcpu", "count", 400, 100),
        row("compute.disk.count", "count", 10_000, 20),
        row("compute.disk.size.network-ssd", "byte", 1 << 50, 1 << 40),
        row("vpc.allocation.count", "count", 10_000, 22),
    ];
    let mut platforms = Vec::new();
    for number in 0..size.types {
        if number % 10 < 6 {
            let quota = format!("compute.instance.gpu.m{number}");
            rows.push(row(
                &quota,
                "count",
                64,
                if number % 2 == 0 { 8 } else { 60 },
            ));
            platforms.push(platform(number, Some(&quota)));
        } else {
            platforms.push(platform(number, None));
        }
    }
    for number in rows.len()..size.rows {
        rows.push(row(&format!("other.thing-{number}.count"), "count", 100, 3));
    }
    write_json(
        &folder.join("tenant/tenant.json"),
        &json!({"metadata": {"id": TENANT, "name": "bench"}}),
    );
    let listed = json!({"items": [{
        "metadata": {"id": PROJECT, "parent_id": TENANT, "name": "bench"},
        "spec": {"region": REGION},
        "status": {"project_state": "ACTIVE"},
    }]});
    write_json(&folder.join("tenant/projects.json"), &listed);
    write_json(
        &folder.join("tenant/allowances.json"),
        &json!({"items": rows}),
    );
    write_json(&project.join("allowances.json"), &json!({"items": []}));
    write_json(
        &project.join("platforms.json"),
        &json!({"items": platforms}),
    );
}

fn write_json(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).unwrap();
}

fn row(name: &str, unit: &str, limit: u64, usage: u64) -> Value {
    json!({
        "metadata": {"id": format!("quotaallowance-{name}"), "parent_id": TENANT, "name": name},
        "spec": {"region": REGION, "limit": limit.to_string()},
        "status": {
            "state": "STATE_ACTIVE", "unit": unit, "usage_state": "USAGE_STATE_USED", "usage": usage.to_string(),
        },
    })
}

fn platform(number: usize, gpu_quota: Option<&str>) -> Value {
    let vcpus = 4 + number % 400;
    let memory = 4 * vcpus;
    let (family, preset, gpus) = match gpu_quota {
        Some(_) => (
            format!("gpu-m{number}-sxm"),
            format!("8gpu-{vcpus}vcpu-{memory}gb"),
            8,
        ),
        None => (
            format!("cpu-d{number}"),
            format!("{vcpus}vcpu-{memory}gb"),
            0,
        ),
    };
    json!({
        "metadata": {"id": format!("computeplatform-{number}"), "name": family},
        "spec": {
            "presets": [{
                "name": preset,
                "resources": {"vcpu_count": vcpus, "memory_gibibytes": memory, "gpu_count": gpus},
            }],
            "gpu_count_quota_type": gpu_quota.unwrap_or_default(),
        },
        "status": {"allowed_for_preemptibles": true},
    })
}
