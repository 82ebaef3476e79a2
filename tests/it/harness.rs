//! Worlds, the command line and the emulator, ready to be used.

use std::{
    fs,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use crate::process::PATIENCE;
use crate::process::{Ended, run};

/// Does something that ends by itself unless it is broken, and fails where it does not end.
pub(crate) fn must_end<T: Send + 'static>(
    what: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || done.send(run()));
    match is_done.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what} does not end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => resume_unwind(thread.join().unwrap_err()),
    }
}

pub(crate) const TENANT: &str = "tenant-e00test";
pub(crate) const PROJECT: &str = "project-e00test";
/// A project beside that one, in worlds that have two.
pub(crate) const SECOND: &str = "project-e00second";
pub(crate) const REGION: &str = "eu-north1";
pub(crate) const H200: &str = "gpu-h200-sxm 8gpu-128vcpu-1600gb";
pub(crate) const CPU: &str = "cpu-d3 4vcpu-16gb";
pub(crate) const GPU_QUOTA: &str = "compute.instance.gpu.h200";

/// What the command line said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in {:?}\nstderr: {}", self.stdout, self.stderr))
    }

    /// The exit code and the outcome of the quotas, which must agree.
    pub(crate) fn quota(&self) -> String {
        let answer = self.json();
        let quota = answer["quota"].as_str().unwrap_or_default().to_owned();
        let expected = match quota.as_str() {
            "fits" => 0,
            "blocked" => 3,
            _ => 4,
        };
        assert_eq!(self.code, expected, "{self:?}");
        quota
    }

    /// The first finding, which decides.
    pub(crate) fn decisive(&self) -> Value {
        self.json()["findings"][0].clone()
    }
}

/// Runs the command line in an environment that holds nothing of the machine's own: no credentials, no configuration.
pub(crate) fn quotagate(arguments: &[&str]) -> Said {
    quotagate_with(arguments, &[])
}

pub(crate) fn quotagate_with(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        // One cache of compiled code for all tests: what is compiled once is loaded by the others.
        .env("XDG_CACHE_HOME", cache());
    if arguments.first() != Some(&"config") {
        // A judgement has all the time that it takes. What is configured is shown as it is.
        command.env("QUOTAGATE_PLUGIN__TIME", "10min");
    }
    command.envs(variables.iter().copied());
    run(&mut command).into()
}

impl From<Ended> for Said {
    fn from(ended: Ended) -> Self {
        Self {
            code: ended.status.code().unwrap_or(-1),
            stdout: ended.stdout,
            stderr: ended.stderr,
        }
    }
}

pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// The world that the repository ships.
pub(crate) fn acme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/emulator/worlds/acme")
}

/// A small account that is open to change: one project, two platforms, every row that a launch draws on with ample room,
/// no project rows. Tests take away what they are about.
pub(crate) struct WorldBuilder {
    tenant_rows: Value,
    project_rows: Value,
    platforms: Value,
    advice: Value,
    blocks: Value,
    capacity_allowances: Value,
    project_status: Value,
    has_second: bool,
}

/// The tenant's rows of an account with ample room.
const ROOMY: &[(&str, u64, &str)] = &[
    (GPU_QUOTA, 64, "count"),
    ("compute.instance.gpu.b200", 64, "count"),
    ("compute.instance.gpu.l40s", 64, "count"),
    ("compute.instance.gpu.gb200", 64, "count"),
    ("compute.instance.count", 64, "count"),
    ("compute.instance.preemptible.count", 64, "count"),
    ("compute.instance.non-gpu.vcpu", 200, "count"),
    ("compute.disk.count", 100, "count"),
    ("compute.disk.size.network-ssd", 100 << 40, "byte"),
    ("compute.disk.size.network-ssd-io-m3", 100 << 40, "byte"),
    ("compute.filesystem.count", 10, "count"),
    ("compute.filesystem.size.network-ssd", 100 << 40, "byte"),
    ("compute.gpucluster.count", 8, "count"),
    ("vpc.allocation.count", 100, "count"),
    ("vpc.ipv4-address.public.count", 10, "count"),
];

impl WorldBuilder {
    pub(crate) fn new() -> Self {
        let rows: Vec<Value> = ROOMY
            .iter()
            .map(|(name, limit, unit)| row(TENANT, name, unit, Some(*limit), 0))
            .collect();
        let gpu = |name: &str, presets: Value, quota: Option<&str>| {
            let mut platform = json!({
                "metadata": {"name": name},
                "spec": {"presets": presets, "human_readable_name": name},
                "status": {"allowed_for_preemptibles": true}
            });
            if let Some(quota) = quota {
                platform["spec"]["gpu_count_quota_type"] = quota.into();
            }
            platform
        };
        let preset = |name: &str, vcpus: u32, memory: u32, gpus: u32| {
            json!({
                "name": name,
                "resources": {"vcpu_count": vcpus, "memory_gibibytes": memory, "gpu_count": gpus},
                "allow_gpu_clustering": gpus == 8
            })
        };
        Self {
            tenant_rows: json!({ "items": rows }),
            project_rows: json!({}),
            platforms: json!({"items": [
                gpu("gpu-h200-sxm", json!([
                    preset("1gpu-16vcpu-200gb", 16, 200, 1), preset("8gpu-128vcpu-1600gb", 128, 1600, 8)
                ]), Some(GPU_QUOTA)),
                gpu("gpu-b200-sxm-a", json!([preset("8gpu-160vcpu-1792gb", 160, 1792, 8)]), None),
                gpu("gpu-l40s-d", json!([preset("1gpu-16vcpu-96gb", 16, 96, 1)]), None),
                gpu("gpu-gb200", json!([preset("4gpu-140vcpu-900gb", 140, 900, 4)]), None),
                {
                    "metadata": {"name": "cpu-d3"},
                    "spec": {"presets": [
                        {"name": "4vcpu-16gb", "resources": {"vcpu_count": 4, "memory_gibibytes": 16}}
                    ]},
                    "status": {}
                }
            ]}),
            advice: json!({}),
            blocks: json!({}),
            capacity_allowances: json!({}),
            project_status: json!({"project_state": "ACTIVE"}),
            has_second: false,
        }
    }

    /// Sets the tenant's row of a quota: limit and usage.
    pub(crate) fn tenant(self, name: &str, limit: impl Into<Option<u64>>, usage: u64) -> Self {
        let unit = unit(name);
        self.tenant_row(row(TENANT, name, unit, limit.into(), usage))
    }

    /// Sets the project's row of a quota: limit and usage.
    pub(crate) fn project(mut self, name: &str, limit: impl Into<Option<u64>>, usage: u64) -> Self {
        let row = row(PROJECT, name, unit(name), limit.into(), usage);
        push(&mut self.project_rows, row);
        self
    }

    /// Puts a row in the place of the tenant's rows of its name.
    pub(crate) fn tenant_row(mut self, row: Value) -> Self {
        self = self.without_tenant_row(row["metadata"]["name"].as_str().unwrap());
        push(&mut self.tenant_rows, row);
        self
    }

    /// Adds a row to the tenant's list, whatever is there.
    pub(crate) fn extra_tenant_row(mut self, row: Value) -> Self {
        push(&mut self.tenant_rows, row);
        self
    }

    /// Changes the tenant's row of a quota.
    pub(crate) fn edit_tenant(mut self, name: &str, edit: impl Fn(&mut Value)) -> Self {
        for row in self.tenant_rows["items"].as_array_mut().unwrap() {
            if row["metadata"]["name"] == name {
                edit(row);
            }
        }
        self
    }

    /// Changes the project's row of a quota.
    pub(crate) fn edit_project(mut self, name: &str, edit: impl Fn(&mut Value)) -> Self {
        for row in self.project_rows["items"].as_array_mut().unwrap() {
            if row["metadata"]["name"] == name {
                edit(row);
            }
        }
        self
    }

    pub(crate) fn without_tenant_row(mut self, name: &str) -> Self {
        let rows = self.tenant_rows["items"].as_array_mut().unwrap();
        rows.retain(|row| row["metadata"]["name"] != name);
        self
    }

    /// What the cloud says of the project's state.
    pub(crate) fn project_status(mut self, status: Value) -> Self {
        self.project_status = status;
        self
    }

    /// Changes every platform.
    pub(crate) fn edit_platforms(mut self, edit: impl Fn(&mut Value)) -> Self {
        self.platforms["items"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(edit);
        self
    }

    /// The tenant's quota list answers with an error of this code.
    pub(crate) fn tenant_fails(mut self, code: &str) -> Self {
        self.tenant_rows = json!({"error": {"code": code, "message": "no answer"}});
        self
    }

    /// The tenant's quota list answers with an error.
    pub(crate) fn tenant_denied(mut self) -> Self {
        self.tenant_rows = denied();
        self
    }

    /// The project's quota list answers with an error.
    pub(crate) fn project_denied(mut self) -> Self {
        self.project_rows = denied();
        self
    }

    /// Advice on the H200 type: lane, state of the data, instances available, level.
    pub(crate) fn advice(mut self, lane: &str, state: &str, available: u32, level: &str) -> Self {
        let row = json!({
            "metadata": {"parent_id": TENANT},
            "spec": {
                "region": REGION,
                "fabric": "fabric-7",
                "compute_instance": {"platform": "gpu-h200-sxm", "preset": {"name": "8gpu-128vcpu-1600gb"}}
            },
            "status": {lane: {
                "data_state": format!("DATA_STATE_{state}"),
                "available": available,
                "availability_level": format!("AVAILABILITY_LEVEL_{level}")
            }}
        });
        push(&mut self.advice, row);
        self
    }

    /// An active block of H200 on one fabric: GPUs and how many are used.
    pub(crate) fn block(mut self, id: &str, fabric: &str, limit: u64, usage: u64) -> Self {
        let row = json!({
            "metadata": {"id": id, "parent_id": TENANT},
            "spec": {},
            "status": {
                "region": REGION,
                "resource_affinity": {"compute_v1": {"fabric": fabric, "platform": "gpu-h200-sxm"}},
                "service": "compute",
                "state": "STATE_ACTIVE",
                "current_limit": limit.to_string(),
                "usage": usage.to_string(),
                "usage_state": "USAGE_STATE_USED"
            }
        });
        push(&mut self.blocks, row);
        self
    }

    /// Changes every block.
    pub(crate) fn edit_blocks(mut self, edit: impl Fn(&mut Value)) -> Self {
        self.blocks["items"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(edit);
        self
    }

    /// What the project may take of a block.
    pub(crate) fn capacity_allowance(mut self, block: &str, limit: u64, usage: u64) -> Self {
        let row = json!({
            "metadata": {"parent_id": PROJECT},
            "spec": {"capacity_block_group_id": block, "limit": limit.to_string()},
            "status": {"state": "STATE_ACTIVE", "usage": usage.to_string(), "usage_state": "USAGE_STATE_USED"}
        });
        push(&mut self.capacity_allowances, row);
        self
    }

    /// Changes what is recorded of the project's shares of blocks.
    pub(crate) fn edit_capacity_allowances(mut self, edit: impl Fn(&mut Value)) -> Self {
        for row in self.capacity_allowances["items"].as_array_mut().unwrap() {
            edit(row);
        }
        self
    }

    /// Has a second project in the same region, with the same platforms, and rows and shares like the first one's.
    pub(crate) fn second_project(mut self) -> Self {
        self.has_second = true;
        self
    }

    /// Writes the world.
    pub(crate) fn build(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &Value| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{value:#}")).unwrap();
        };
        write(
            "tenant/tenant.json",
            &json!({"metadata": {"id": TENANT, "name": "test"}}),
        );
        let ids = [PROJECT, SECOND];
        let ids = &ids[..1 + usize::from(self.has_second)];
        let projects = ids.iter().map(|id| {
            json!({
                "metadata": {"id": id, "parent_id": TENANT, "name": if *id == PROJECT { "default" } else { "second" }},
                "spec": {"region": REGION},
                "status": self.project_status
            })
        });
        let projects: Vec<Value> = projects.collect();
        write("tenant/projects.json", &json!({ "items": projects }));
        write("tenant/allowances.json", &self.tenant_rows);
        write("tenant/resource-advice.json", &self.advice);
        write("tenant/capacity-block-groups.json", &self.blocks);
        for id in ids {
            let project = format!("projects/{id}");
            let own = |rows: &Value| {
                let text = rows.to_string().replace(PROJECT, id);
                serde_json::from_str::<Value>(&text).unwrap()
            };
            write(
                &format!("{project}/allowances.json"),
                &own(&self.project_rows),
            );
            write(&format!("{project}/platforms.json"), &self.platforms);
            let shares = format!("{project}/capacity-allowances.json");
            write(&shares, &own(&self.capacity_allowances));
        }
        folder
    }

    /// `quotagate check TYPE` with the H200 type in the project's region, as JSON.
    pub(crate) fn check(&self, options: &[&str]) -> Said {
        self.check_type(H200, options)
    }

    pub(crate) fn check_type(&self, instance_type: &str, options: &[&str]) -> Said {
        let world = self.build();
        let path = world.path().to_str().unwrap();
        let mut arguments = vec!["check", instance_type, "--region", REGION];
        arguments.extend(["--recorded", path, "--format", "json"]);
        arguments.extend(options);
        quotagate(&arguments)
    }
}

/// A quota row as the official CLI prints it.
pub(crate) fn row(owner: &str, name: &str, unit: &str, limit: Option<u64>, usage: u64) -> Value {
    let mut row = json!({
        "metadata": {"id": "quotaallowance-e00", "parent_id": owner, "name": name},
        "spec": {"region": REGION},
        "status": {"state": "STATE_ACTIVE", "unit": unit, "usage_state": "USAGE_STATE_USED"}
    });
    if let Some(limit) = limit {
        row["spec"]["limit"] = limit.to_string().into();
    }
    if usage > 0 {
        row["status"]["usage"] = usage.to_string().into();
    }
    row
}

fn unit(name: &str) -> &'static str {
    if name.contains(".size.") || name.ends_with(".memory") {
        "byte"
    } else {
        "count"
    }
}

fn push(list: &mut Value, row: Value) {
    match list.get_mut("items").and_then(Value::as_array_mut) {
        Some(items) => items.push(row),
        None => *list = json!({ "items": [row] }),
    }
}

fn denied() -> Value {
    json!({"error": {"code": "PERMISSION_DENIED", "message": "no viewer role"}})
}
