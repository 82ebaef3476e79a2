//! What a person reads: each answer as it looks on a screen of 100 columns. A change of words shows here first.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::harness::{CPU, GPU_QUOTA, H200, REGION, WorldBuilder, acme, quotagate, quotagate_with};

/// The whole of what a command says, with its exit code, on a screen of 100 columns.
fn screen(arguments: &[&str]) -> String {
    let mut all = arguments.to_vec();
    all.extend(["--format", "table"]);
    let said = quotagate_with(&all, &[("COLUMNS", "100")]);
    for line in said
        .stdout
        .lines()
        .filter(|line| !line.contains(" nebius "))
    {
        assert!(line.chars().count() <= 100, "{line:?} is too wide");
    }
    let stderr = match said.stderr.as_str() {
        "" => String::new(),
        text => format!("--- stderr ---\n{text}"),
    };
    format!("{}{stderr}--- exit code {} ---", said.stdout, said.code)
}

fn in_acme(arguments: &[&str]) -> String {
    let world = acme();
    let mut all = arguments.to_vec();
    all.extend(["--recorded", world.to_str().unwrap()]);
    screen(&all)
}

fn check(world: &WorldBuilder, options: &[&str]) -> String {
    let world = world.build();
    let mut all = vec!["check", H200, "--region", REGION];
    all.extend(["--recorded", world.path().to_str().unwrap()]);
    all.extend(options);
    let text = screen(&all);
    without(&text, world.path())
}

/// A text without the place of a folder that is there for one test.
fn without(text: &str, folder: &Path) -> String {
    text.replace(folder.to_str().unwrap(), "FOLDER")
}

fn diagnose(error: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("error.json");
    fs::write(&file, error.to_string()).unwrap();
    screen(&["diagnose", file.to_str().unwrap()])
}

fn operation(details: Value) -> Value {
    json!({
        "id": "computeoperation-e00",
        "status": {"code": "RESOURCE_EXHAUSTED", "message": "Quota limit exceeded", "details": details}
    })
}

const SERVICE_ERROR: &str = "type.googleapis.com/nebius.common.v1.ServiceError";

#[test]
fn a_launch_that_is_blocked() {
    insta::assert_snapshot!(in_acme(&["check", H200, "--region", REGION]));
}

#[test]
fn what_would_do_instead_is_told_to_programs_in_full() {
    let world = acme();
    let check = |region: &str| {
        let arguments = ["check", H200, "--region", region, "--format", "json"];
        let recorded = ["--recorded", world.to_str().unwrap()];
        quotagate(&[&arguments[..], &recorded[..]].concat()).json()
    };
    let blocked = check(REGION);
    let instead = blocked["alternatives"].as_array().unwrap();
    assert_eq!(
        instead[0],
        json!({
            "instance_type": H200,
            "region": "eu-west1",
            "zone": null,
            "lifecycle": "on-demand",
            "project": "project-e00euwest1",
            "count": 1,
            "fits_count": 1
        })
    );
    let fits = check("eu-west1");
    assert_eq!(fits["availability"], "available");
    assert_eq!(fits["alternatives"], json!([]));
}

#[test]
fn a_launch_whose_disk_is_blocked_by_the_project() {
    let world =
        WorldBuilder::new().project("compute.disk.size.network-ssd", 1 << 40, (1 << 40) - 1);
    insta::assert_snapshot!(check(&world, &[]));
}

#[test]
fn a_launch_that_fits() {
    let world = WorldBuilder::new().advice("on_demand", "FRESH", 3, "HIGH");
    insta::assert_snapshot!(check(&world, &["--count", "3"]));
}

#[test]
fn a_launch_of_which_nothing_can_be_told() {
    insta::assert_snapshot!(check(&WorldBuilder::new().tenant_denied(), &[]));
}

#[test]
fn a_launch_explained() {
    let world =
        WorldBuilder::new()
            .project(GPU_QUOTA, 16, 8)
            .advice("on_demand", "FRESH", 3, "HIGH");
    insta::assert_snapshot!(check(&world, &["--explain", "--public-ip", "dynamic"]));
}

#[test]
fn a_plan_that_is_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let plan = json!({"launches": [
        {"instance_type": CPU, "region": REGION},
        {"instance_type": H200, "region": "eu-west1", "count": 4, "new_cluster": true},
        {"instance_type": CPU, "region": REGION, "count": 2, "public_ip": "dynamic"}
    ]});
    fs::write(&file, plan.to_string()).unwrap();
    insta::assert_snapshot!(in_acme(&["check", "--plan", file.to_str().unwrap()]));
}

#[test]
fn a_plan_that_fits() {
    let world = WorldBuilder::new().build();
    let file = world.path().join("plan.json");
    let plan = json!({"launches": [
        {"instance_type": H200, "region": REGION, "count": 2},
        {"instance_type": CPU, "region": REGION, "count": 5}
    ]});
    fs::write(&file, plan.to_string()).unwrap();
    let recorded = world.path().to_str().unwrap();
    let arguments = [
        "check",
        "--plan",
        file.to_str().unwrap(),
        "--recorded",
        recorded,
    ];
    insta::assert_snapshot!(screen(&arguments));
}

#[test]
fn a_plan_with_a_launch_that_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let plan = json!({"launches": [
        {"instance_type": CPU, "region": REGION},
        {"instance_type": "gpu-b300-sxm/8gpu-192vcpu-2768gb", "region": REGION}
    ]});
    fs::write(&file, plan.to_string()).unwrap();
    insta::assert_snapshot!(in_acme(&["check", "--plan", file.to_str().unwrap()]));
}

#[test]
fn a_plan_with_a_field_that_there_is_not() {
    let world = WorldBuilder::new().build();
    let file = world.path().join("plan.json");
    let plan = "{\"launches\": [\n  {\"instance_type\": \"cpu-d3 4vcpu-16gb\",\n   \"regions\": [\"eu-north1\"]}\n]}";
    fs::write(&file, plan).unwrap();
    let recorded = world.path().to_str().unwrap();
    let arguments = [
        "check",
        "--plan",
        file.to_str().unwrap(),
        "--recorded",
        recorded,
    ];
    insta::assert_snapshot!(without(&screen(&arguments), world.path()));
}

#[test]
fn a_failure_of_a_quota() {
    insta::assert_snapshot!(diagnose(&operation(json!([{
        "@type": SERVICE_ERROR,
        "service": "vpc",
        "code": "QuotaFailure",
        "quota_failure": {"violations": [{
            "quota": "vpc.ipv4-address.public.count",
            "message": "Quota limit exceeded",
            "limit": "3",
            "requested": "4"
        }]}
    }]))));
}

#[test]
fn a_failure_of_several_quotas() {
    insta::assert_snapshot!(diagnose(&operation(json!([{
        "@type": SERVICE_ERROR,
        "service": "compute",
        "code": "QuotaFailure",
        "quota_failure": {"violations": [
            {"quota": GPU_QUOTA, "message": "Quota limit exceeded", "limit": "8", "requested": "16"},
            {"quota": "compute.instance.count", "message": "Quota limit exceeded", "limit": "12", "requested": "13"}
        ]}
    }]))));
}

#[test]
fn a_failure_of_capacity() {
    insta::assert_snapshot!(diagnose(&operation(json!([{
        "@type": SERVICE_ERROR,
        "service": "compute",
        "code": "NotEnoughResources",
        "not_enough_resources": {"violations": [{
            "resource_type": "virtualMachine",
            "message": "VM schedule timeout",
            "requested": "8gpu-128vcpu-1600gb"
        }]}
    }]))));
}

#[test]
fn a_failure_that_does_not_say_what_it_was() {
    insta::assert_snapshot!(diagnose(&operation(json!([]))));
}

#[test]
fn what_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stderr.txt");
    fs::write(
        &file,
        "ERROR: rpc error: code = ResourceExhausted desc = Quota limit exceeded\n",
    )
    .unwrap();
    let text = screen(&["diagnose", file.to_str().unwrap()]);
    insta::assert_snapshot!(without(&text, folder.path()));
}

#[test]
fn offers_of_eight_gpus() {
    insta::assert_snapshot!(in_acme(&["offers", "--gpu", "8"]));
}

#[test]
fn quotas_of_a_region() {
    insta::assert_snapshot!(in_acme(&["quotas", "--region", REGION]));
}

#[test]
fn a_region_that_there_is_not() {
    insta::assert_snapshot!(in_acme(&["check", H200, "--region", "eu-nort1"]));
}
