//! Rules that need more than one row to show, and what the project chose where no document decides. The comment before a
//! test cites the rule that it holds.

use serde_json::json;

use crate::harness::{
    CPU, GPU_QUOTA, H200, PROJECT, REGION, TENANT, WorldBuilder, quotagate, quotagate_with, row,
};

const TIB: u64 = 1 << 40;

fn world() -> WorldBuilder {
    WorldBuilder::new()
}

// nebius rule 34
#[test]
fn limit_reached_while_the_rows_fit_is_a_contradiction() {
    let said = world()
        .advice("on_demand", "FRESH", 0, "LIMIT_REACHED")
        .check(&[]);
    assert_eq!(said.quota(), "fits");
    assert_eq!(said.json()["capacity"], "unknown");
}

// nebius rule 6
#[test]
fn a_project_without_the_row_leaves_it_to_the_tenant() {
    assert_eq!(world().check(&[]).quota(), "fits");
    assert_eq!(world().project_denied().check(&[]).quota(), "unknown");
    let short = world().project_denied().tenant(GPU_QUOTA, 7, 0).check(&[]);
    assert_eq!(short.quota(), "blocked");
}

// nebius rule 8
#[test]
fn a_tenant_without_the_row_is_unknown() {
    let said = world()
        .without_tenant_row("vpc.allocation.count")
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.decisive()["reason"], "row-missing");
    assert_eq!(said.decisive()["quota"], "vpc.allocation.count");
}

// nebius rule 10
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

// nebius rule 4
#[test]
fn twin_rows_count_once_when_equal_and_prove_nothing_when_not() {
    let twin = row(TENANT, GPU_QUOTA, "count", Some(64), 0);
    assert_eq!(world().extra_tenant_row(twin).check(&[]).quota(), "fits");
    let other = row(TENANT, GPU_QUOTA, "count", Some(63), 0);
    let said = world().extra_tenant_row(other).check(&[]);
    assert_eq!(said.decisive()["reason"], "contradictory");
    assert_eq!(said.quota(), "unknown");
}

// nebius rule 16
#[test]
fn what_is_not_asked_for_cannot_block() {
    let world = world().without_tenant_row("vpc.ipv4-address.public.count");
    assert_eq!(world.check(&[]).quota(), "fits");
    assert_eq!(world.check(&["--public-ip", "dynamic"]).quota(), "unknown");
}

// nebius rule 18
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

// nebius rule 23
#[test]
fn a_public_address_takes_an_allocation_of_its_own() {
    let said = world()
        .tenant("vpc.allocation.count", 1, 0)
        .check_type(CPU, &["--public-ip", "dynamic"]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["quota"], "vpc.allocation.count");
    assert_eq!(said.decisive()["required"], 2);
}

// nebius rule 24
#[test]
fn a_node_of_managed_kubernetes_takes_an_allocation_for_its_pods() {
    let allocations = |limit: u64| world().tenant("vpc.allocation.count", limit, 0);
    let eight = ["--count", "8", "--node-group"];
    assert_eq!(allocations(16).check(&eight).quota(), "fits");
    let short = allocations(15).check(&eight);
    assert_eq!(short.quota(), "blocked");
    assert_eq!(short.decisive()["quota"], "vpc.allocation.count");
    assert_eq!(short.decisive()["required"], 16);
    assert_eq!(allocations(8).check(&["--count", "8"]).quota(), "fits");
    let public = allocations(2).check(&["--node-group", "--public-ip", "dynamic"]);
    assert_eq!(public.decisive()["required"], 3);
    // A list and a plan say the same.
    let folder = allocations(1).build();
    let recorded = folder.path().to_str().unwrap();
    let list = [
        "offers",
        "--recorded",
        recorded,
        "--gpu",
        "8",
        "--format",
        "json",
    ];
    let quota = |said: &serde_json::Value| said["offers"][0]["quota"].clone();
    assert_eq!(quota(&quotagate(&list).json()), "fits");
    let nodes = [&list[..], &["--node-group"]].concat();
    assert_eq!(quota(&quotagate(&nodes).json()), "blocked");
    let launch = json!({"instance_type": H200, "region": REGION, "node_group": true});
    let plan = folder.path().join("plan.json");
    std::fs::write(&plan, json!({ "launches": [launch] }).to_string()).unwrap();
    let plan = [
        "check",
        "--recorded",
        recorded,
        "--format",
        "json",
        "--plan",
        plan.to_str().unwrap(),
    ];
    assert_eq!(quotagate(&plan).quota(), "blocked");
}

// nebius rule 18
#[test]
fn vcpus_count_for_cpu_types_alone() {
    let world = world().tenant("compute.instance.non-gpu.vcpu", 3, 0);
    assert_eq!(world.check(&[]).quota(), "fits");
    assert_eq!(world.check_type(CPU, &[]).quota(), "blocked");
}

// nebius rule 12
#[test]
fn usage_above_the_limit_is_a_shortage_not_a_contradiction() {
    let said = world().tenant(GPU_QUOTA, 8, 24).check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["headroom"], 0);
    assert_eq!(said.decisive()["minimum_limit"], 32);
}

// nebius rule 9
#[test]
fn a_row_in_another_unit_is_not_compared() {
    let said = world()
        .edit_tenant(GPU_QUOTA, |row| row["status"]["unit"] = "byte".into())
        .check(&[]);
    assert_eq!(said.decisive()["reason"], "wrong-unit");
    let label = world().edit_tenant(GPU_QUOTA, |row| row["status"]["unit"] = "gpu".into());
    assert_eq!(label.check(&[]).quota(), "fits");
}

// nebius rule 5
#[test]
fn a_deleted_row_is_no_quota_for_a_tenant_and_unknown_for_a_project() {
    let said = world()
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"]["state"] = "STATE_DELETED".into()
        })
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    let said = world()
        .project(GPU_QUOTA, 64, 0)
        .edit_project(GPU_QUOTA, |row| {
            row["status"]["state"] = "STATE_DELETED".into()
        })
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    let decisive = said.decisive();
    assert_eq!(
        (&decisive["level"], &decisive["quota"]),
        (&"project".into(), &GPU_QUOTA.into())
    );
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

// nebius rule 29
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

// nebius rule 29
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

// nebius rule 30
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

// nebius rule 26
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

// nebius rule 25
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

// nebius rule 22
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

// nebius rule 31
#[test]
fn a_change_of_a_reservation_within_a_day_is_said_in_every_output() {
    let world = world().block("a", "fabric-7", 16, 0).edit_blocks(|block| {
        block["status"]["next_change_at"] = "2026-03-01T17:30:00Z".into();
        block["status"]["next_change_to"] = "8".into();
    });
    let folder = world.build();
    let recorded = folder.path().to_str().unwrap();
    let at = |instant: &str| {
        let text = json!({ "recorded_at": instant }).to_string();
        std::fs::write(folder.path().join("recorded.json"), text).unwrap();
    };
    let plan = folder.path().join("plan.json");
    let launch = json!({"instance_type": H200, "region": REGION});
    let two = json!({ "launches": [launch, launch] });
    std::fs::write(&plan, two.to_string()).unwrap();
    let plan = plan.to_str().unwrap();
    let commands = [
        vec!["check", H200, "--region", REGION],
        vec!["check", "--plan", plan],
        vec!["offers", "--gpu", "8"],
    ];
    let outputs = || {
        commands.iter().flat_map(|command| {
            ["table", "json"].map(|format| {
                let mut arguments = command.clone();
                arguments.extend(["--recorded", recorded, "--format", format]);
                let said = quotagate_with(&arguments, &[("COLUMNS", "400")]);
                assert_eq!(said.code, 0, "{said:?}");
                said.stdout
            })
        })
    };
    at("2026-03-01T12:00:00Z");
    for output in outputs() {
        let said = "reservation a changes from 16 GPUs to 8 GPUs in 5 h";
        assert_eq!(output.matches(said).count(), 1, "{output}");
    }
    let json = world_said(recorded);
    let finding = json["findings"].as_array().unwrap().iter();
    let finding = finding
        .clone()
        .find(|finding| finding["reason"] == "changes-soon");
    assert_eq!(finding.unwrap()["limit"], 16);
    // Two days before, it is no matter of this launch.
    at("2026-02-27T12:00:00Z");
    for output in outputs() {
        assert!(!output.contains("changes-soon"), "{output}");
    }
}

fn world_said(recorded: &str) -> serde_json::Value {
    let check = ["check", H200, "--region", REGION, "--format", "json"];
    let said = quotagate(&[&check[..], &["--recorded", recorded]].concat());
    said.json()
}

// nebius rule 31
#[test]
fn a_change_that_is_due_is_in_force_although_the_list_does_not_show_it() {
    let world = |to: Option<u64>, usage: u64| {
        world()
            .tenant(GPU_QUOTA, 0, 0)
            .block("a", "fabric-7", 32, usage)
            .edit_blocks(move |block| {
                block["status"]["next_change_at"] = "2026-03-01T12:00:00Z".into();
                if let Some(to) = to {
                    block["status"]["next_change_to"] = to.to_string().into();
                }
            })
    };
    for reservation in ["auto", "strict"] {
        let check = |to, usage, count: &str| {
            world(to, usage).check(&["--reservation", reservation, "--count", count])
        };
        // From 32 to 16 GPUs: two instances fit either way, three by the list alone, five by neither.
        assert_eq!(check(Some(16), 0, "2").quota(), "fits", "{reservation}");
        let differs = check(Some(16), 0, "3");
        assert_eq!(differs.quota(), "unknown", "{reservation}");
        assert!(
            differs
                .stdout
                .contains("was to change from 32 GPUs to 16 GPUs"),
            "{differs:?}"
        );
        assert_eq!(check(Some(16), 0, "5").quota(), "blocked", "{reservation}");
        // Grown, it may have room that the list does not show.
        assert_eq!(check(Some(64), 32, "4").quota(), "unknown", "{reservation}");
        assert_eq!(check(Some(64), 32, "5").quota(), "blocked", "{reservation}");
        // To an amount that nobody told: nothing is known.
        assert_eq!(check(None, 0, "1").quota(), "unknown", "{reservation}");
        assert_eq!(check(Some(32), 0, "4").quota(), "fits", "{reservation}");
        assert_eq!(check(Some(32), 0, "5").quota(), "blocked", "{reservation}");
    }
}

// nebius rule 11
#[test]
fn a_fraction_contradicts_a_usage_that_is_left_out() {
    let told = |fraction: &str, state: &str| {
        let (fraction, state) = (fraction.to_owned(), format!("USAGE_STATE_{state}"));
        world()
            .tenant(GPU_QUOTA, 64, 0)
            .edit_tenant(GPU_QUOTA, move |row| {
                row["status"]["usage_percentage"] = fraction.clone().into();
                row["status"]["usage_state"] = state.clone().into();
            })
    };
    // Of 64 GPUs 0.17 are used, which is 11: seven instances of 8 are too many for certain, and six may fit.
    for state in ["USED", "UNSPECIFIED"] {
        let may_fit = told("0.17", state).check(&["--count", "6"]);
        assert_eq!(may_fit.quota(), "unknown", "{state}");
        assert_eq!(may_fit.decisive()["reason"], "usage-unmeasured", "{state}");
        assert_eq!(may_fit.decisive()["usage"], json!(null), "{state}");
        let detail = "no usage is given, yet 0.17 of the limit is said to be used, which is 11";
        assert_eq!(may_fit.decisive()["detail"], detail, "{state}");
        let short = told("0.17", state).check(&["--count", "7"]);
        assert_eq!(short.quota(), "blocked", "{state}");
        assert_eq!(short.decisive()["reason"], "shortage", "{state}");
        assert_eq!(short.decisive()["detail"], detail, "{state}");
    }
    // What was not measured, or contradicts itself, bounds nothing.
    for (state, reason) in [
        ("UNKNOWN", "usage-unmeasured"),
        ("NOT_USED", "contradictory"),
    ] {
        let said = told("0.17", state).check(&["--count", "7"]);
        assert_eq!(said.quota(), "unknown", "{state}");
        assert_eq!(said.decisive()["reason"], reason, "{state}");
    }
    // A fraction that is no number above zero says so little, and one beside a usage is not asked.
    assert_eq!(
        told("0.00", "USED").check(&["--count", "8"]).quota(),
        "fits"
    );
    assert_eq!(
        told("1e-05", "USED").check(&["--count", "8"]).quota(),
        "unknown"
    );
    let given = world()
        .tenant(GPU_QUOTA, 64, 8)
        .edit_tenant(GPU_QUOTA, |row| {
            row["status"]["usage_percentage"] = "0.90".into()
        });
    assert_eq!(given.check(&["--count", "7"]).quota(), "fits");
    // A list of rows shows no zero that nobody measured.
    let folder = told("0.17", "USED").build();
    let recorded = folder.path().to_str().unwrap();
    let shown = quotagate(&[
        "quotas",
        "--all",
        "--recorded",
        recorded,
        "--format",
        "table",
    ]);
    let row = shown.stdout.lines().find(|line| line.contains("gpu.h200"));
    assert!(row.unwrap().contains("? of 64"), "{shown:?}");
}

// nebius rule 11
#[test]
fn a_fraction_contradicts_the_usage_of_a_block_and_of_a_share() {
    let full = || world().tenant(GPU_QUOTA, 0, 0);
    let set = |row: &mut serde_json::Value| {
        row["status"].as_object_mut().unwrap().remove("usage");
        row["status"]["usage_percentage"] = "0.17".into();
    };
    let block = full().block("a", "fabric-7", 64, 0).edit_blocks(set);
    let share = full()
        .block("a", "fabric-7", 640, 0)
        .capacity_allowance("a", 64, 0)
        .edit_capacity_allowances(set);
    for world in [block, share] {
        for reservation in ["auto", "strict"] {
            let check = |count: &str| {
                world
                    .check(&["--reservation", reservation, "--count", count])
                    .quota()
            };
            assert_eq!(check("6"), "unknown", "{reservation}");
            assert_eq!(check("7"), "blocked", "{reservation}");
        }
    }
}

// nebius rule 20
#[test]
fn kinds_of_storage_go_by_every_spelling() {
    let check = |option: &str, quota: &str, kind: &str| {
        let size = format!("{kind}:93GiB");
        let said = world().tenant(quota, 0, 0).check(&[option, &size]);
        assert_eq!(said.quota(), "blocked", "{kind}");
        assert_eq!(said.decisive()["quota"], quota, "{kind}");
        assert_eq!(said.decisive()["required"], 93_u64 << 30, "{kind}");
    };
    for (quota, spellings) in [
        (
            "compute.disk.size.network-ssd-io-m3",
            [
                "network-ssd-io-m3",
                "network_ssd_io_m3",
                "NETWORK_SSD_IO_M3",
            ],
        ),
        (
            "compute.disk.size.network-ssd",
            ["network-ssd", "network_ssd", "NETWORK_SSD"],
        ),
    ] {
        for kind in spellings {
            check("--disk", quota, kind);
        }
    }
    for (quota, kind) in [
        ("compute.filesystem.size.network-ssd", "NETWORK_SSD"),
        ("compute.filesystem.size.network-hdd", "network_hdd"),
        ("compute.filesystem.size.weka", "WEKA"),
        ("compute.filesystem.size.vast", "vast"),
    ] {
        check("--filesystem", quota, kind);
    }
    let said = world().check(&["--filesystem", "network-ssd-io-m3:93GiB"]);
    assert_eq!(said.code, 2, "{said:?}");
    let known = "Nebius has network-ssd, network-hdd, weka, vast";
    assert!(said.stderr.contains(known), "{said:?}");
}

// nebius rule 21
#[test]
fn disks_that_come_in_steps_have_no_other_size() {
    for kind in ["network-ssd-io-m3", "NETWORK_SSD_NON_REPLICATED"] {
        for (size, nearest) in [
            (
                "92GiB",
                "92 GiB: disks of this kind come in multiples of 93 GiB; the smallest is 93 GiB",
            ),
            ("100GiB", "the nearest are 93 GiB and 186 GiB"),
            ("1TiB", "the nearest are 1023 GiB and 1116 GiB"),
            ("99857989633B", "99857989633 bytes: disks"),
        ] {
            let said = world().check(&["--disk", &format!("{kind}:{size}")]);
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.stderr.contains(nearest), "{said:?}");
        }
        for size in ["93GiB", "1023GiB"] {
            let said = world()
                .tenant("compute.disk.size.network-ssd-non-replicated", TIB, 0)
                .check(&["--disk", &format!("{kind}:{size}")]);
            assert_eq!(said.quota(), "fits");
        }
    }
}

// nebius rule 37
#[test]
fn a_project_row_that_is_short_names_the_command_that_raises_it() {
    let said = world().project(GPU_QUOTA, 4, 0).check(&[]);
    let command = said.decisive()["remedy"]["command"].clone();
    let words: Vec<&str> = command
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    let create = ["nebius", "quotas", "quota-allowance", "create"];
    let options = [
        "--parent-id",
        PROJECT,
        "--name",
        GPU_QUOTA,
        "--region",
        REGION,
        "--limit",
        "8",
    ];
    assert_eq!(words, [&create[..], &options].concat());
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

// nebius rule 19
#[test]
fn rows_that_a_preemptible_instance_does_not_draw_on_are_reported_all_the_same() {
    let said = world().check(&["--lifecycle", "preemptible", "--explain"]);
    assert_eq!(said.quota(), "fits");
    for quota in [GPU_QUOTA, "compute.instance.count"] {
        let findings = said.json()["findings"].clone();
        let found = findings
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["quota"] == quota);
        assert_eq!(found.unwrap()["reason"], "not-decisive", "{quota}");
    }
}

// A project whose state is not ACTIVE launches nothing.
#[test]
fn a_project_that_is_not_active_launches_nothing_and_says_why() {
    for (state, why) in [
        ("CREATING", "is being created"),
        ("CREATED", "was created and is not active yet"),
        ("ACTIVATING", "is being activated"),
        ("PURGING", "is being purged"),
        ("PARKING", "is being parked"),
        ("PARKED", "is parked"),
        ("PROJECT_STATE_PARKED", "is parked"),
    ] {
        let said = world()
            .project_status(json!({"project_state": state}))
            .check(&[]);
        assert_eq!(said.quota(), "unknown", "{state}");
        assert_eq!(said.json()["availability"], "no_capacity", "{state}");
        assert_eq!(said.decisive()["reason"], "not-offered", "{state}");
        let detail = format!("project {PROJECT} {why}, and launches nothing");
        assert_eq!(said.decisive()["detail"], detail, "{state}");
    }
    for active in [
        json!({"project_state": "ACTIVE"}),
        json!({"project_state": "PROJECT_STATE_ACTIVE"}),
        json!({"projectState": 2}),
        json!(null),
    ] {
        let said = world().project_status(active.clone()).check(&[]);
        assert_eq!(said.quota(), "fits", "{active}");
    }
    // A word that nobody knows proves nothing either way.
    let said = world()
        .project_status(json!({"project_state": 99}))
        .check(&[]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(said.json()["availability"], "unknown");
    assert_eq!(said.decisive()["reason"], "state-unknown");
    let detail = said.decisive()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains(PROJECT) && detail.contains("`99`"),
        "{detail}"
    );
}

// The list of offers shows the offers of such a project, and that they are not to be had.
#[test]
fn a_list_shows_the_offers_of_a_project_that_is_not_active() {
    let folder = world()
        .project_status(json!({"project_state": "PURGING"}))
        .build();
    let recorded = folder.path().to_str().unwrap();
    let list = |options: &[&str]| {
        let mut arguments = vec!["offers", "--recorded", recorded];
        arguments.extend(options);
        let said = quotagate(&arguments);
        assert_eq!(said.code, 0, "{said:?}");
        said
    };
    let listed = list(&["--format", "json"]).json();
    let offers = listed["offers"].as_array().unwrap();
    assert!(offers.len() >= 5, "{listed}");
    for offer in offers {
        assert_eq!(offer["availability"], "no_capacity", "{offer}");
        assert_eq!(offer["quota"], "unknown", "{offer}");
        assert_eq!(offer["findings"][0]["reason"], "not-offered", "{offer}");
    }
    let table = list(&["--format", "table"]).stdout;
    assert!(table.contains("is being purged"), "{table}");
    let available = list(&["--available", "--format", "json"]).json();
    assert_eq!(available["offers"], json!([]));
}

// A remedy fits the cause: a role where the list was denied, patience where it did not answer, neither where it was read to
// its end.
#[test]
fn a_remedy_fits_the_cause() {
    let remedy = |world: WorldBuilder| {
        let finding = world.check(&[]).decisive();
        finding["remedy"]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let denied = remedy(world().tenant_denied());
    assert!(denied.contains("viewer role in the tenant"), "{denied}");
    let denied = remedy(world().project_denied());
    assert!(denied.contains("viewer role in the project"), "{denied}");
    let failed = remedy(world().tenant_fails("UNAVAILABLE"));
    assert!(failed.contains("ask again later"), "{failed}");
    assert!(!failed.contains("role"), "{failed}");
    let missing = remedy(world().without_tenant_row(GPU_QUOTA));
    assert_eq!(missing, "");
}

// What reservations take needs no hardware of the ordinary kind.
#[test]
fn advice_is_asked_for_the_instances_that_need_it() {
    let world = || {
        world()
            .block("a", "fabric-7", 8, 0)
            .advice("reserved", "FRESH", 1, "HIGH")
            .advice("on_demand", "FRESH", 1, "HIGH")
    };
    let capacity = |count: &str| {
        let said = world().check(&["--count", count]);
        assert_eq!(said.quota(), "fits");
        said.json()["capacity"].clone()
    };
    assert_eq!(capacity("1"), "likely");
    assert_eq!(capacity("2"), "likely");
    assert_eq!(capacity("3"), "unlikely");
}

// A platform may name a row that launches draw on anyway.
#[test]
fn what_a_launch_takes_of_one_quota_is_added_up_whoever_names_it() {
    let world = |limit: u64| {
        world()
            .tenant("compute.disk.count", limit, 0)
            .edit_platforms(|platform| {
                platform["spec"]["gpu_count_quota_type"] = "compute.disk.count".into();
            })
            .check(&[])
    };
    // Eight GPUs and the boot disk.
    assert_eq!(world(9).quota(), "fits");
    let short = world(8);
    assert_eq!(short.quota(), "blocked");
    assert_eq!(short.decisive()["quota"], "compute.disk.count");
    assert_eq!(short.decisive()["required"], 9);
}
