//! The case table of nebius.md section 9, row by row, each named by what it shows. The comment before a test gives the
//! row's number; together with the rows on the choices of design.md.

use serde_json::json;

use crate::harness::{CPU, GPU_QUOTA, H200, PROJECT, REGION, TENANT, WorldBuilder, row};

const TIB: u64 = 1 << 40;

fn world() -> WorldBuilder {
    WorldBuilder::new()
}

// 1
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

// 2
#[test]
fn one_unit_short_is_blocked_and_says_so() {
    let said = world()
        .tenant(GPU_QUOTA, 32, 25)
        .project(GPU_QUOTA, None, 25)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    let finding = said.decisive();
    assert_eq!(finding["reason"], "shortage");
    assert_eq!(finding["scope"], "tenant");
    assert_eq!(finding["shortfall"], 1);
    assert_eq!(finding["minimum_limit"], 33);
    assert_eq!(finding["headroom"], 7);
    assert_eq!(said.json()["availability"], "no_quota");
    assert_eq!(said.json()["fits_count"], 0);
}

// 3
#[test]
fn a_project_limit_of_zero_blocks_though_the_tenant_has_room() {
    let said = world()
        .tenant(GPU_QUOTA, 32, 0)
        .project(GPU_QUOTA, 0, 0)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["scope"], "project");
}

// 4
#[test]
fn a_full_tenant_blocks_though_the_project_has_room() {
    let said = world()
        .tenant(GPU_QUOTA, 8, 8)
        .project(GPU_QUOTA, 8, 0)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["scope"], "tenant");
}

// 5
#[test]
fn a_tenant_row_without_a_limit_is_unknown() {
    let said = world()
        .tenant(GPU_QUOTA, None, 3)
        .project(GPU_QUOTA, None, 3)
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "limit-unset");
}

// 7
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

// 8
#[test]
fn a_project_shortage_is_proven_even_when_the_tenant_is_unreadable() {
    let said = world().tenant_denied().project(GPU_QUOTA, 4, 0).check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["scope"], "project");
}

// 9
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

// 11
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

// 13
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

// 14
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

// 17
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

// 19
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

// 20
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

// 21
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

// 22
#[test]
fn disks_of_two_kinds_are_two_rows_and_one_count() {
    let disks = [
        "--disk",
        "network-ssd:1TiB",
        "--disk",
        "network-ssd-io-m3:3TiB",
    ];
    let fits = world()
        .tenant("compute.disk.size.network-ssd", TIB, 0)
        .tenant("compute.disk.size.network-ssd-io-m3", 3 * TIB, 0)
        .tenant("compute.disk.count", 2, 0);
    assert_eq!(fits.check(&disks).quota(), "fits");
    let short = fits.tenant("compute.disk.count", 1, 0).check(&disks);
    assert_eq!(short.quota(), "blocked");
    assert_eq!(short.decisive()["quota"], "compute.disk.count");
}

// 24
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

// 25
#[test]
fn gb200_is_not_b200() {
    let said = world()
        .tenant("compute.instance.gpu.b200", 0, 0)
        .check_type("gpu-gb200 4gpu-140vcpu-900gb", &[]);
    assert_eq!(said.quota(), "fits");
}

// 28
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

// 29
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

// 31
#[test]
fn no_hardware_is_told_apart_from_no_quota() {
    let said = world().advice("on_demand", "FRESH", 0, "LOW").check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unlikely");
    assert_eq!(said.json()["availability"], "no_capacity");
}

// 32
#[test]
fn stale_advice_says_nothing() {
    let said = world().advice("on_demand", "STALE", 0, "LOW").check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unknown");
    assert_eq!(said.json()["availability"], "available");
}

// 34
#[test]
fn advice_counts_instances_not_gpus() {
    let said = world().advice("on_demand", "FRESH", 1, "MEDIUM").check(&[]);
    assert_eq!(said.json()["capacity"], "likely");
    let two = world()
        .advice("on_demand", "FRESH", 1, "MEDIUM")
        .check(&["--count", "2"]);
    assert_eq!(two.json()["capacity"], "unlikely");
}

// design.md, "Capacity advice"
#[test]
fn limit_reached_while_the_rows_fit_is_a_contradiction() {
    let said = world()
        .advice("on_demand", "FRESH", 0, "LIMIT_REACHED")
        .check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unknown");
}

// design.md, "A project list that was read but lacks the row"
#[test]
fn a_project_without_the_row_leaves_it_to_the_tenant() {
    assert_eq!(world().check(&[]).quota(), "fits");
    assert_eq!(world().project_denied().check(&[]).quota(), "unknown");
    let short = world().project_denied().tenant(GPU_QUOTA, 7, 0).check(&[]);
    assert_eq!(short.quota(), "blocked");
}

// design.md, "A tenant list that lacks a demanded row"
#[test]
fn a_tenant_without_the_row_is_unknown() {
    let said = world()
        .without_tenant_row("vpc.allocation.count")
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "row-missing");
    assert_eq!(said.decisive()["quota"], "vpc.allocation.count");
}

// design.md, "`usage_state` unspecified"
#[test]
fn an_unspecified_usage_state_trusts_only_a_number_above_zero() {
    let unspecified = |row: &mut serde_json::Value| {
        row["status"].as_object_mut().unwrap().remove("usage_state");
    };
    let measured = world()
        .tenant(GPU_QUOTA, 16, 8)
        .edit_tenant(GPU_QUOTA, unspecified);
    assert_eq!(measured.check(&[]).quota(), "fits");
    let zero = world()
        .tenant(GPU_QUOTA, 16, 0)
        .edit_tenant(GPU_QUOTA, unspecified);
    assert_eq!(zero.check(&[]).quota(), "unknown");
    let contradictory = world()
        .tenant(GPU_QUOTA, 16, 8)
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"]["usage_state"] = "USAGE_STATE_NOT_USED".into();
        });
    assert_eq!(
        contradictory.check(&[]).decisive()["reason"],
        "contradictory"
    );
}

// design.md, "Twin rows"
#[test]
fn twin_rows_count_once_when_equal_and_prove_nothing_when_not() {
    let twin = row(TENANT, GPU_QUOTA, "count", Some(64), 0);
    assert_eq!(world().extra_tenant_row(twin).check(&[]).quota(), "fits");
    let other = row(TENANT, GPU_QUOTA, "count", Some(63), 0);
    let said = world().extra_tenant_row(other).check(&[]);
    assert_eq!(said.decisive()["reason"], "contradictory");
    assert_eq!(said.quota(), "unknown");
}

// design.md, "A demand of zero asks no row"
#[test]
fn what_is_not_asked_for_cannot_block() {
    let world = world().without_tenant_row("vpc.ipv4-address.public.count");
    assert_eq!(world.check(&[]).quota(), "fits");
    assert_eq!(world.check(&["--public-ip", "dynamic"]).quota(), "unknown");
}

// design.md, "`compute.instance.non-gpu.memory`"
#[test]
fn the_memory_row_is_asked_where_the_tenant_has_it() {
    assert_eq!(world().check_type(CPU, &[]).quota(), "fits");
    let said = world()
        .tenant("compute.instance.non-gpu.memory", 15 << 30, 0)
        .check_type(CPU, &[]);
    assert_eq!(said.quota(), "blocked");
    let gpu = world()
        .tenant("compute.instance.non-gpu.memory", 0, 0)
        .check(&[]);
    assert_eq!(gpu.quota(), "fits");
}

// nebius.md 4.7, worked example
#[test]
fn a_public_address_takes_an_allocation_of_its_own() {
    let said = world()
        .tenant("vpc.allocation.count", 1, 0)
        .check_type(CPU, &["--public-ip", "dynamic"]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["quota"], "vpc.allocation.count");
    assert_eq!(said.decisive()["required"], 2);
}

// nebius.md 4.7: GPU VMs do not consume the vCPU row
#[test]
fn vcpus_count_for_cpu_types_alone() {
    let world = world().tenant("compute.instance.non-gpu.vcpu", 3, 0);
    assert_eq!(world.check(&[]).quota(), "fits");
    assert_eq!(world.check_type(CPU, &[]).quota(), "blocked");
}

// nebius.md 4.5
#[test]
fn usage_above_the_limit_is_a_shortage_not_a_contradiction() {
    let said = world().tenant(GPU_QUOTA, 8, 24).check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["headroom"], 0);
    assert_eq!(said.decisive()["minimum_limit"], 32);
}

// nebius.md 4.6
#[test]
fn a_row_in_another_unit_is_not_compared() {
    let said = world()
        .edit_tenant(GPU_QUOTA, |row| row["status"]["unit"] = "byte".into())
        .check(&[]);
    assert_eq!(said.decisive()["reason"], "wrong-unit");
    let label = world().edit_tenant(GPU_QUOTA, |row| row["status"]["unit"] = "gpu".into());
    assert_eq!(label.check(&[]).quota(), "fits");
}

// nebius.md 8.17
#[test]
fn a_deleted_row_is_no_quota_for_a_tenant_and_unknown_for_a_project() {
    let said = world()
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"]["state"] = "STATE_DELETED".into()
        })
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
}

// Several instances, the other row binding
#[test]
fn fits_count_is_the_least_of_all_rows() {
    let said = world()
        .tenant(GPU_QUOTA, 64, 0)
        .tenant("compute.instance.count", 12, 9)
        .check(&[]);
    assert_eq!(said.json()["fits_count"], 3);
    assert_eq!(said.decisive()["quota"], "compute.instance.count");
    let four = world()
        .tenant("compute.instance.count", 12, 9)
        .check(&["--count", "4"]);
    assert_eq!(four.quota(), "blocked");
}

// design.md, "Reservation"
#[test]
fn reservations_of_several_fabrics_add_up_unless_one_is_named() {
    let world = world()
        .tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-7", 8, 0)
        .block("b", "fabric-8", 8, 0);
    assert_eq!(world.check(&["--count", "2"]).quota(), "fits");
    assert_eq!(
        world
            .check(&["--count", "2", "--fabric", "fabric-7"])
            .quota(),
        "blocked"
    );
    assert_eq!(
        world
            .check(&["--count", "1", "--fabric", "fabric-8"])
            .quota(),
        "fits"
    );
    assert_eq!(
        world.check(&["--count", "2", "--new-cluster"]).quota(),
        "blocked"
    );
    assert_eq!(world.check(&["--count", "3"]).quota(), "blocked");
}

#[test]
fn a_projects_share_of_a_block_caps_it() {
    let world = world()
        .tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-7", 16, 0);
    assert_eq!(world.check(&["--count", "2"]).quota(), "fits");
    let capped = world.capacity_allowance("a", 8, 0);
    assert_eq!(capped.check(&["--count", "1"]).quota(), "fits");
    assert_eq!(capped.check(&["--count", "2"]).quota(), "blocked");
}

#[test]
fn blocks_that_were_not_measured_or_serve_others() {
    let unmeasured = world()
        .tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-7", 16, 0)
        .edit_blocks(|block| {
            block["status"]["usage_state"] = "USAGE_STATE_UNKNOWN".into();
        });
    assert_eq!(unmeasured.check(&[]).quota(), "unknown");
    assert_eq!(
        unmeasured.check(&["--reservation", "strict"]).quota(),
        "unknown"
    );
    assert_eq!(
        unmeasured.check(&["--reservation", "forbid"]).quota(),
        "blocked"
    );
    let other = world()
        .tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-7", 16, 0)
        .edit_blocks(|block| {
            block["status"]["service"] = "tokenfactory".into();
        });
    assert_eq!(other.check(&[]).quota(), "blocked");
    let inactive = world()
        .tenant(GPU_QUOTA, 0, 0)
        .block("a", "fabric-7", 16, 0)
        .edit_blocks(|block| {
            block["status"]["state"] = "STATE_SHUTTING".into();
        });
    assert_eq!(inactive.check(&[]).quota(), "blocked");
}

// design.md, "`--restart`"; nebius.md 8.3
#[test]
fn a_restart_takes_only_what_a_stopped_instance_gave_up() {
    let world = world()
        .tenant("compute.instance.count", 0, 0)
        .tenant("compute.disk.count", 0, 0)
        .tenant("vpc.allocation.count", 1, 0);
    assert_eq!(world.check(&["--restart"]).quota(), "fits");
    assert_eq!(
        world.check(&["--restart", "--public-ip", "static"]).quota(),
        "fits"
    );
    let dynamic = ["--restart", "--count", "2", "--public-ip", "dynamic"];
    assert_eq!(world.check(&dynamic).quota(), "blocked");
    let gpus = WorldBuilder::new()
        .tenant(GPU_QUOTA, 8, 8)
        .check(&["--restart"]);
    assert_eq!(gpus.quota(), "unknown");
    let vcpus = WorldBuilder::new().tenant("compute.instance.non-gpu.vcpu", 4, 4);
    assert_eq!(vcpus.check_type(CPU, &["--restart"]).quota(), "unknown");
}

// nebius.md 8.8
#[test]
fn a_new_cluster_takes_one_whatever_the_count() {
    let world = world().tenant("compute.gpucluster.count", 1, 0);
    assert_eq!(
        world.check(&["--count", "4", "--new-cluster"]).quota(),
        "fits"
    );
    let full = WorldBuilder::new()
        .tenant("compute.gpucluster.count", 1, 1)
        .check(&["--new-cluster"]);
    assert_eq!(full.quota(), "blocked");
}

#[test]
fn a_filesystem_is_created_once_for_the_launch() {
    let world = world().tenant("compute.filesystem.count", 1, 0).tenant(
        "compute.filesystem.size.network-ssd",
        TIB,
        0,
    );
    let options = ["--count", "3", "--filesystem", "network-ssd:1TiB"];
    assert_eq!(world.check(&options).quota(), "fits");
    let short = world
        .tenant("compute.filesystem.size.network-ssd", TIB - 1, 0)
        .check(&options);
    assert_eq!(short.quota(), "blocked");
}

#[test]
fn a_project_row_that_is_short_names_the_command_that_raises_it() {
    let said = world().project(GPU_QUOTA, 4, 0).check(&[]);
    let remedy = said.decisive()["remedy"].as_str().unwrap().to_owned();
    assert!(
        remedy.contains(&format!(
            "--parent-id {PROJECT} --name {GPU_QUOTA} --region {REGION} --limit 8"
        )),
        "{remedy}"
    );
}

#[test]
fn numbers_at_the_end_of_the_range_do_not_wrap() {
    let world = world().tenant(GPU_QUOTA, u64::MAX, u64::MAX - 7);
    assert_eq!(world.check(&[]).quota(), "blocked");
    let world = WorldBuilder::new().tenant(GPU_QUOTA, u64::MAX, u64::MAX - 8);
    assert_eq!(world.check(&[]).quota(), "fits");
    let million = WorldBuilder::new().check(&["--count", "1000000"]);
    assert_eq!(million.quota(), "blocked");
    assert_eq!(million.json()["findings"][0]["required"], 8_000_000);
}

#[test]
fn the_answer_names_what_was_asked() {
    let said = world().check(&[]);
    let answer = said.json();
    assert_eq!(answer["instance_type"], H200);
    assert_eq!(answer["region"], REGION);
    assert_eq!(answer["lifecycle"], "on-demand");
    assert_eq!(
        answer["sources"]["tenant_allowances"]["state"],
        json!("complete")
    );
}
