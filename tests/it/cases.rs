//! One row, or one kind of launch, and the verdict on it. The comment before a test cites the rule that it holds.

use crate::harness::{GPU_QUOTA, TENANT, WorldBuilder, row};

const TIB: u64 = 1 << 40;

fn world() -> WorldBuilder {
    WorldBuilder::new()
}

// nebius rule 1
#[test]
fn headroom_exactly_equal_fits() {
    let said = world()
        .tenant(GPU_QUOTA, 32, 24)
        .project(GPU_QUOTA, None, 24)
        .check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["fits_count"], 1);
    assert_eq!(said.json()["availability"], "available");
}

// nebius rule 1
#[test]
fn one_unit_short_is_blocked_and_says_so() {
    let said = world()
        .tenant(GPU_QUOTA, 32, 25)
        .project(GPU_QUOTA, None, 25)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    let finding = said.decisive();
    assert_eq!(finding["reason"], "shortage");
    assert_eq!(finding["level"], "tenant");
    assert_eq!(finding["shortfall"], 1);
    assert_eq!(finding["minimum_limit"], 33);
    assert_eq!(finding["headroom"], 7);
    assert_eq!(said.json()["availability"], "no_quota");
    assert_eq!(said.json()["fits_count"], 0);
}

// nebius rule 1
#[test]
fn a_project_limit_of_zero_blocks_though_the_tenant_has_room() {
    let said = world()
        .tenant(GPU_QUOTA, 32, 0)
        .project(GPU_QUOTA, 0, 0)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["level"], "project");
}

// nebius rule 1
#[test]
fn a_full_tenant_blocks_though_the_project_has_room() {
    let said = world()
        .tenant(GPU_QUOTA, 8, 8)
        .project(GPU_QUOTA, 8, 0)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["level"], "tenant");
}

// nebius rule 7
#[test]
fn a_tenant_row_without_a_limit_is_unknown() {
    let said = world()
        .tenant(GPU_QUOTA, None, 3)
        .project(GPU_QUOTA, None, 3)
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "limit-unset");
}

// nebius rule 2
#[test]
fn a_fitting_project_proves_nothing_when_the_tenant_is_unreadable() {
    let said = world().tenant_denied().project(GPU_QUOTA, 8, 0).check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "scope-unreadable");
    assert_eq!(
        said.json()["sources"]["tenant_allowances"]["state"],
        "denied"
    );
}

// nebius rule 2
#[test]
fn a_project_shortage_is_proven_even_when_the_tenant_is_unreadable() {
    let said = world().tenant_denied().project(GPU_QUOTA, 4, 0).check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["level"], "project");
}

// nebius rule 13
#[test]
fn a_limit_of_zero_blocks_even_without_a_usage() {
    let said = world()
        .tenant(GPU_QUOTA, 0, 0)
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"].as_object_mut().unwrap().remove("usage_state");
        })
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["reason"], "exceeds-limit");
}

// nebius rule 10
#[test]
fn an_unmeasured_usage_is_no_zero() {
    let said = world()
        .tenant(GPU_QUOTA, 16, 0)
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"]["usage_state"] = "USAGE_STATE_UNKNOWN".into()
        })
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "usage-unmeasured");
}

// nebius rule 5
#[test]
fn a_frozen_row_blocks_whatever_its_numbers() {
    let frozen = |row: &mut serde_json::Value| row["status"]["state"] = "STATE_FROZEN".into();
    let said = world()
        .tenant(GPU_QUOTA, 100, 0)
        .edit_tenant(GPU_QUOTA, frozen)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["reason"], "frozen");
}

// nebius rule 5
#[test]
fn a_row_in_provisioning_is_unknown() {
    let provisioning =
        |row: &mut serde_json::Value| row["status"]["state"] = "STATE_PROVISIONING".into();
    let said = world()
        .tenant(GPU_QUOTA, 100, 0)
        .edit_tenant(GPU_QUOTA, provisioning)
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "provisioning");
}

// nebius rule 3
#[test]
fn rows_of_another_owner_or_region_do_not_count() {
    let mut elsewhere = row(TENANT, GPU_QUOTA, "count", Some(0), 0);
    elsewhere["spec"]["region"] = "eu-north12".into();
    let foreign = row("tenant-e00other", GPU_QUOTA, "count", Some(0), 0);
    let said = world()
        .extra_tenant_row(elsewhere)
        .extra_tenant_row(foreign)
        .check(&[]);
    assert_eq!(said.quota(), "fits");
}

// nebius rule 19
#[test]
fn a_preemptible_instance_asks_neither_the_gpu_row_nor_the_instance_count() {
    let said = world()
        .tenant("compute.instance.preemptible.count", 8, 7)
        .tenant(GPU_QUOTA, 0, 0)
        .tenant("compute.instance.count", 0, 0)
        .check(&["--lifecycle", "preemptible"]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["fits_count"], 1);
}

// nebius rule 19
#[test]
fn a_full_preemptible_count_blocks_though_gpus_are_free() {
    let said = world()
        .tenant("compute.instance.preemptible.count", 8, 8)
        .check(&["--lifecycle", "preemptible"]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(
        said.decisive()["quota"],
        "compute.instance.preemptible.count"
    );
}

// nebius rule 15
#[test]
fn disks_of_one_kind_are_summed_before_they_are_compared() {
    let disks = ["--disk", "network-ssd:1TiB", "--disk", "network-ssd:3TiB"];
    let quota = "compute.disk.size.network-ssd";
    let short = world().tenant(quota, 4 * TIB, TIB / 2).check(&disks);
    assert_eq!(short.quota(), "blocked");
    assert_eq!(short.decisive()["required"], 4 * TIB);
    assert_eq!(short.decisive()["shortfall"], TIB / 2);
    assert_eq!(
        world().tenant(quota, 4 * TIB, 0).check(&disks).quota(),
        "fits"
    );
}

// nebius rule 20
#[test]
fn disks_of_two_kinds_are_two_rows_and_one_count() {
    let disks = [
        "--disk",
        "network-ssd:1TiB",
        "--disk",
        "network-ssd-io-m3:3069GiB",
    ];
    let fits = world()
        .tenant("compute.disk.size.network-ssd", TIB, 0)
        .tenant("compute.disk.size.network-ssd-io-m3", 3069 << 30, 0)
        .tenant("compute.disk.count", 2, 0);
    assert_eq!(fits.check(&disks).quota(), "fits");
    let short = fits.tenant("compute.disk.count", 1, 0).check(&disks);
    assert_eq!(short.quota(), "blocked");
    assert_eq!(short.decisive()["quota"], "compute.disk.count");
}

// nebius rule 17
#[test]
fn the_quota_of_a_suffixed_platform_is_the_models() {
    for (instance_type, quota) in [
        (
            "gpu-b200-sxm-a 8gpu-160vcpu-1792gb",
            "compute.instance.gpu.b200",
        ),
        ("gpu-l40s-d 1gpu-16vcpu-96gb", "compute.instance.gpu.l40s"),
    ] {
        let said = world().tenant(quota, 0, 0).check_type(instance_type, &[]);
        assert_eq!(said.quota(), "blocked", "{instance_type}");
        assert_eq!(said.decisive()["quota"], quota);
    }
}

// nebius rule 17
#[test]
fn gb200_is_not_b200() {
    let said = world()
        .tenant("compute.instance.gpu.b200", 0, 0)
        .check_type("gpu-gb200 4gpu-140vcpu-900gb", &[]);
    assert_eq!(said.quota(), "fits");
}

// nebius rule 28
#[test]
fn a_free_block_makes_the_gpu_row_not_binding() {
    let full = world().tenant(GPU_QUOTA, 8, 8);
    assert_eq!(full.check(&[]).quota(), "blocked");
    let said = world()
        .tenant(GPU_QUOTA, 8, 8)
        .block("b", "fabric-7", 16, 8)
        .check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["fits_count"], 1);
}

// nebius rule 28
#[test]
fn strict_use_of_reservations_has_no_fallback() {
    let strict = ["--reservation", "strict"];
    let said = world().block("b", "fabric-7", 8, 1).check(&strict);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["reason"], "reservation-exhausted");
    assert_eq!(
        world().block("b", "fabric-7", 8, 0).check(&strict).quota(),
        "fits"
    );
}

// nebius rule 33
#[test]
fn no_hardware_is_told_apart_from_no_quota() {
    let said = world().advice("on_demand", "FRESH", 0, "LOW").check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unlikely");
    assert_eq!(said.json()["availability"], "no_capacity");
}

// nebius rule 33
#[test]
fn stale_advice_says_nothing() {
    let said = world().advice("on_demand", "STALE", 0, "LOW").check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unknown");
    assert_eq!(said.json()["availability"], "available");
}

// nebius rule 33
#[test]
fn advice_counts_instances_not_gpus() {
    let said = world().advice("on_demand", "FRESH", 1, "MEDIUM").check(&[]);
    assert_eq!(said.json()["capacity"], "likely");
    let two = world()
        .advice("on_demand", "FRESH", 1, "MEDIUM")
        .check(&["--count", "2"]);
    assert_eq!(two.json()["capacity"], "unlikely");
}
