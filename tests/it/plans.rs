//! Plans: launches that draw on the same quotas, judged together.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{CPU, GPU_QUOTA, H200, PROJECT, REGION, Said, TENANT, WorldBuilder, quotagate, row},
    live::{key, reservation},
};

/// Judges a plan of these launches, as JSON.
fn check(world: &TempDir, launches: &Value) -> Said {
    check_text(world, &json!({ "launches": launches }).to_string())
}

fn check_text(world: &TempDir, plan: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    fs::write(&file, plan).unwrap();
    let recorded = world.path().to_str().unwrap();
    quotagate(&[
        "check",
        "--plan",
        file.to_str().unwrap(),
        "--recorded",
        recorded,
        "--format",
        "json",
    ])
}

fn launch(instance_type: &str, count: u32) -> Value {
    json!({"instance_type": instance_type, "region": REGION, "count": count})
}

/// What a plan takes of a row for certain, and at most.
fn taken(said: &Said, row: &str) -> Option<(u64, u64)> {
    let answer = said.json();
    let takes = answer["takes"].as_array().unwrap();
    let take = takes.iter().find(|take| take["row"] == row)?;
    Some((
        take["at_least"].as_u64().unwrap(),
        take["at_most"].as_u64().unwrap(),
    ))
}

/// What a plan takes of the tenant's row of a quota, all of it for certain.
fn demand(said: &Said, quota: &str) -> Option<u64> {
    let (at_least, at_most) = taken(said, &key(TENANT, quota))?;
    assert_eq!(at_least, at_most, "{quota}");
    Some(at_most)
}

#[test]
fn a_plan_takes_what_its_launches_take_together() {
    let world = WorldBuilder::new().build();
    let mut cpu = launch(CPU, 3);
    cpu["disks"] = json!(["network-ssd:50GiB", "network-ssd-io-m3:1023GiB"]);
    cpu["filesystems"] = json!(["network-ssd:2TiB"]);
    cpu["public_ip"] = "static".into();
    let said = check(&world, &json!([launch(H200, 2), cpu]));
    assert_eq!(said.quota(), "fits");
    for (quota, amount) in [
        (GPU_QUOTA, 16),
        ("compute.instance.count", 5),
        ("compute.instance.non-gpu.vcpu", 12),
        ("compute.disk.count", 2 + 6),
        ("compute.disk.size.network-ssd", (200 + 150) << 30),
        ("compute.disk.size.network-ssd-io-m3", (3 * 1023) << 30),
        ("compute.filesystem.size.network-ssd", 2 << 40),
        ("vpc.ipv4-address.public.count", 3),
    ] {
        assert_eq!(demand(&said, quota), Some(amount), "{quota}");
    }
    assert_eq!(said.json()["fits_count"], 2);
    assert_eq!(said.json()["breaks_at"], Value::Null);
}

#[test]
fn a_plan_breaks_at_the_launch_that_finds_too_little_left() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 32, 0).build();
    let plan = json!([
        launch(H200, 2),
        launch(CPU, 1),
        launch(H200, 4),
        launch(CPU, 1)
    ]);
    let said = check(&world, &plan);
    assert_eq!(said.quota(), "blocked");
    let answer = said.json();
    assert_eq!(answer["breaks_at"], json!({"index": 2, "fits_count": 2}));
    assert_eq!(answer["fits_count"], 2);
    assert_eq!(answer["availability"], "no_quota");
    let finding = said.decisive();
    assert_eq!(finding["quota"], GPU_QUOTA);
    assert_eq!(finding["required"], 48);
    assert_eq!(finding["minimum_limit"], 48);
    // Alternatives are of one launch.
    assert_eq!(answer.get("alternatives"), None);
}

#[test]
fn launches_that_fit_alone_may_not_fit_together() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 16, 0).build();
    assert_eq!(check(&world, &json!([launch(H200, 2)])).quota(), "fits");
    let said = check(&world, &json!([launch(H200, 2), launch(H200, 1)]));
    assert_eq!(said.quota(), "blocked");
    let answer = said.json();
    assert_eq!(answer["breaks_at"], json!({"index": 1, "fits_count": 0}));
}

#[test]
fn lifecycles_draw_on_rows_of_their_own() {
    let world = WorldBuilder::new()
        .tenant(GPU_QUOTA, 8, 0)
        .tenant("compute.instance.preemptible.count", 2, 0)
        .build();
    let mut preemptible = launch(H200, 2);
    preemptible["lifecycle"] = "preemptible".into();
    let said = check(&world, &json!([launch(H200, 1), preemptible]));
    assert_eq!(said.quota(), "fits");
    assert_eq!(demand(&said, GPU_QUOTA), Some(8));
    assert_eq!(demand(&said, "compute.instance.preemptible.count"), Some(2));
    preemptible["count"] = 3.into();
    let said = check(&world, &json!([launch(H200, 1), preemptible]));
    assert_eq!(said.quota(), "blocked");
    let answer = said.json();
    assert_eq!(answer["breaks_at"], json!({"index": 1, "fits_count": 2}));
}

#[test]
fn what_is_unknown_stays_unknown_and_a_proven_break_comes_before_it() {
    let denied = WorldBuilder::new().project_denied();
    let said = check(&denied.build(), &json!([launch(H200, 1), launch(CPU, 1)]));
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.json()["breaks_at"]["index"], 0);
    assert_eq!(said.json()["fits_count"], Value::Null);
    let said = check(
        &denied.tenant(GPU_QUOTA, 0, 0).build(),
        &json!([launch(CPU, 1), launch(H200, 1)]),
    );
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.json()["breaks_at"]["index"], 1);
}

const OTHER: &str = "project-e00other";

/// A world with a second project, of the same region and with a small share of the GPUs.
fn two_projects() -> TempDir {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 32, 0).build();
    let path = world.path();
    let item = |id: &str| {
        json!({
            "metadata": {"id": id, "parent_id": TENANT, "name": id},
            "spec": {"region": REGION},
            "status": {"project_state": "ACTIVE"}
        })
    };
    let projects = json!({"items": [item(PROJECT), item(OTHER)]});
    fs::write(path.join("tenant/projects.json"), projects.to_string()).unwrap();
    let from = path.join("projects").join(PROJECT);
    let to = path.join("projects").join(OTHER);
    fs::create_dir(&to).unwrap();
    fs::copy(from.join("platforms.json"), to.join("platforms.json")).unwrap();
    let share = json!({"items": [row(OTHER, GPU_QUOTA, "count", Some(8), 0)]});
    fs::write(to.join("allowances.json"), share.to_string()).unwrap();
    world
}

#[test]
fn projects_share_the_rows_of_the_tenant_and_have_their_own() {
    let world = two_projects();
    let in_project = |project: &str, count: u32| {
        let mut launch = launch(H200, count);
        launch["project"] = project.into();
        launch
    };
    let fits = check(
        &world,
        &json!([in_project(PROJECT, 3), in_project(OTHER, 1)]),
    );
    assert_eq!(fits.quota(), "fits");
    assert_eq!(demand(&fits, GPU_QUOTA), Some(32));
    let of_project = |project: &str| taken(&fits, &key(project, GPU_QUOTA));
    assert_eq!(of_project(OTHER), Some((8, 8)));
    assert_eq!(of_project(PROJECT), None, "it has no row of its own");

    // The tenant's row is shared.
    let said = check(
        &world,
        &json!([in_project(PROJECT, 4), in_project(OTHER, 1)]),
    );
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["level"], "tenant");
    assert_eq!(
        said.json()["breaks_at"],
        json!({"index": 1, "fits_count": 0})
    );
    // The project's is not.
    let said = check(&world, &json!([in_project(OTHER, 2)]));
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["level"], "project");

    // A launch must say which it means.
    let said = check(&world, &json!([in_project(PROJECT, 1), launch(H200, 1)]));
    assert_eq!(said.code, 2);
    for word in ["launch 2", PROJECT, OTHER, "`project`"] {
        assert!(said.stderr.contains(word), "{said:?}");
    }
}

/// What the start of a stopped instance takes may be inside the usage already: it makes what follows unknown, and blocks
/// nothing.
#[test]
fn a_restart_leaves_a_later_launch_unknown() {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 16, 8).build();
    let mut restart = launch(H200, 1);
    restart["restart"] = true.into();
    let said = check(&world, &json!([restart, launch(H200, 1)]));
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "may-be-held");
    let answer = said.json();
    assert_eq!(answer["breaks_at"], json!({"index": 1, "fits_count": null}));
    let gpus = taken(&said, &key(TENANT, GPU_QUOTA));
    assert_eq!(gpus, Some((8, 16)));
    // Without it there would be too little as well.
    let said = check(&world, &json!([restart, launch(H200, 2)]));
    assert_eq!(said.quota(), "blocked");
}

/// What everybody takes of a block counts against the block, what a project takes against its share of it.
#[test]
fn projects_have_shares_of_their_own_of_a_block() {
    let world = two_projects();
    let path = world.path();
    let block = WorldBuilder::new()
        .block("block", "fabric-7", 16, 0)
        .capacity_allowance("block", 8, 0)
        .build();
    let file = "tenant/capacity-block-groups.json";
    fs::copy(block.path().join(file), path.join(file)).unwrap();
    for project in [PROJECT, OTHER] {
        let from = block
            .path()
            .join(format!("projects/{PROJECT}/capacity-allowances.json"));
        let to = path.join(format!("projects/{project}/capacity-allowances.json"));
        fs::copy(from, to).unwrap();
    }
    let strict = |project: &str| {
        let mut launch = launch(H200, 1);
        launch["project"] = project.into();
        launch["reservation"] = "strict".into();
        launch
    };
    let said = check(&world, &json!([strict(PROJECT), strict(OTHER)]));
    assert_eq!(said.quota(), "fits");
    let block = reservation("block");
    assert_eq!(taken(&said, &block), Some((16, 16)));
    for project in [PROJECT, OTHER] {
        let share = format!("{block}/{project}");
        assert_eq!(taken(&said, &share), Some((8, 8)), "{project}");
    }
    let said = check(&world, &json!([strict(PROJECT), strict(PROJECT)]));
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["reason"], "reservation-exhausted");
}

/// A plan that is refused, with what is said of it.
fn assert_refused(plan: &str, words: &[&str]) {
    let said = check_text(&WorldBuilder::new().build(), plan);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(said.stdout, "", "{said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "no {word:?} in {}", said.stderr);
    }
}

#[test]
fn a_plan_without_launches_is_refused() {
    assert_refused(r#"{"launches": []}"#, &["plan.json", "no launches"]);
    assert_refused("", &["plan.json", "line 1"]);
    assert_refused("{}", &["`launches`"]);
}

#[test]
fn a_field_that_there_is_not_is_named_with_its_line_and_the_nearest_one() {
    let plan = format!(
        "{{\"launches\": [\n  {{\"instance_type\": \"{H200}\", \"region\": \"{REGION}\"}},\n  {{\"instance_type\": \"{H200}\",\n   \"regoin\": \"{REGION}\"}}\n]}}"
    );
    assert_refused(
        &plan,
        &[
            "plan.json",
            "line 4",
            "column",
            "launch 2",
            "`regoin`",
            "did you mean `region`?",
        ],
    );
    let plan = format!(
        "{{\"launches\": [{{\"instance_type\": \"{H200}\", \"region\": \"{REGION}\",\n\"count\": \"two\"}}]}}"
    );
    assert_refused(&plan, &["line 2", "launch 1", "`count`"]);
}

#[test]
fn a_name_that_the_account_does_not_know_is_named_with_its_launch() {
    let plan = |field: &str, value: &str| {
        let mut wrong = launch(H200, 1);
        wrong[field] = value.into();
        json!({"launches": [launch(H200, 1), wrong]}).to_string()
    };
    for (field, value, near) in [
        ("instance_type", "gpu-h200-sxm/8gpu-128vcpu-1601gb", H200),
        ("region", "eu-nort1", REGION),
        ("project", "project-e00tset", PROJECT),
    ] {
        assert_refused(&plan(field, value), &["launch 2", near]);
    }
    // What the plugin refuses is told the same way.
    let mut disk = launch(H200, 1);
    disk["disks"] = json!(["floppy:1GiB"]);
    let plan = json!({"launches": [launch(H200, 1), disk]}).to_string();
    assert_refused(&plan, &["launch 2", "floppy"]);
}

#[test]
fn a_plan_goes_without_the_options_of_a_launch() {
    for option in [
        &["--region", REGION][..],
        &["--count", "2"],
        &["--restart"],
        &[H200],
    ] {
        let mut arguments = vec!["check", "--plan", "plan.json"];
        arguments.extend(option);
        let said = quotagate(&arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("cannot be used with"), "{said:?}");
    }
}
