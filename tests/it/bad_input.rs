//! Bad input: each kind gets a clear error or an `unknown` that says why, and never a verdict that is wrong.

use std::{fs, io::Read as _, net::TcpListener};

use nebius_api::world::World;
use nebius_emulator::{Emulator, Faults};

use crate::{
    harness::{
        GPU_QUOTA, H200, PROJECT, REGION, Said, WorldBuilder, acme, quotagate, quotagate_with,
    },
    offers::ask,
};

/// A failure that says what it is about.
fn assert_error(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:?}");
    assert_eq!(said.stdout, "", "stdout is for data: {said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "no {word:?} in {said:?}");
    }
    assert!(!said.stderr.contains("panicked"), "{said:?}");
}

#[test]
fn no_credentials_names_the_three_ways_in_and_the_demo() {
    let said = quotagate(&["offers"]);
    assert_error(
        &said,
        1,
        &[
            "NEBIUS_IAM_TOKEN",
            ".nebius/config.yaml",
            "credentials",
            "quotagate demo",
        ],
    );
}

#[test]
fn a_world_that_is_none_and_a_file_that_is_malformed_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    assert_error(
        &quotagate(&["offers", "--recorded", nowhere.to_str().unwrap()]),
        2,
        &["nowhere"],
    );

    let world = WorldBuilder::new().build();
    fs::write(
        world.path().join("tenant/allowances.json"),
        "{\"items\": [\n  {\"spec\": 7}\n]}",
    )
    .unwrap();
    let said = quotagate(&["offers", "--recorded", world.path().to_str().unwrap()]);
    assert_error(&said, 2, &["allowances.json", "line 2"]);
}

#[test]
fn a_missing_file_of_a_world_is_a_source_that_could_not_be_read() {
    let world = WorldBuilder::new().build();
    fs::remove_file(world.path().join("tenant/allowances.json")).unwrap();
    let path = world.path().to_str().unwrap();
    let said = quotagate(&[
        "check",
        H200,
        "--region",
        REGION,
        "--recorded",
        path,
        "--format",
        "json",
    ]);
    assert_eq!(said.quota(), "unknown");
    assert_eq!(
        said.json()["sources"]["tenant_allowances"]["state"],
        "unavailable"
    );
    let detail = said.json()["sources"]["tenant_allowances"]["detail"].to_string();
    assert!(detail.contains("tenant/allowances.json"), "{detail}");
}

#[test]
fn unknown_names_get_the_nearest_ones() {
    let world = WorldBuilder::new().build();
    let path = world.path().to_str().unwrap();
    let check = |instance_type: &str, region: &str, more: &[&str]| {
        let mut arguments = vec![
            "check",
            instance_type,
            "--region",
            region,
            "--recorded",
            path,
        ];
        arguments.extend(more);
        quotagate(&arguments)
    };
    assert_error(&check(H200, "eu-nort1", &[]), 2, &["eu-nort1", "eu-north1"]);
    assert_error(
        &check("gpu-h200-sxm 8gpu-128vcpu-1601gb", REGION, &[]),
        2,
        &["8gpu-128vcpu-1600gb"],
    );
    assert_error(
        &check(H200, REGION, &["--project", "project-e00tset"]),
        2,
        &[PROJECT],
    );
    let said = quotagate(&["offers", "--recorded", path, "--gpu", "H20O:8"]);
    assert_error(&said, 2, &["H200"]);
}

#[test]
fn sizes_and_kinds_that_make_no_sense_are_refused() {
    let world = WorldBuilder::new().build();
    let path = world.path().to_str().unwrap();
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", H200, "--region", REGION, "--recorded", path];
        arguments.extend(more);
        quotagate(&arguments)
    };
    assert_error(&check(&["--disk", "network-ssd:100GB"]), 2, &["GiB"]);
    assert_error(
        &check(&["--disk", "network-ssd:99999999999TiB"]),
        2,
        &["99999999999TiB"],
    );
    assert_error(
        &check(&["--disk", "floppy:100GiB"]),
        2,
        &["floppy", "network-ssd"],
    );
    assert_error(&check(&["--count", "0"]), 2, &["count"]);
    assert_error(&check(&["--count", "-1"]), 2, &[]);
}

#[test]
fn a_file_that_is_no_plugin_is_refused_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let text = file("text.wasm", b"hello");
    assert_error(
        &quotagate(&["plugin", "inspect", &text]),
        1,
        &["not a WebAssembly component"],
    );
    let core = file("core.wasm", b"\0asm\x01\0\0\0");
    assert_error(
        &quotagate(&["plugin", "inspect", &core]),
        1,
        &["core module"],
    );
    let cut = file("cut.wasm", &quotagate_plugins::NEBIUS.bytes[..4096]);
    assert_error(&quotagate(&["plugin", "inspect", &cut]), 1, &["malformed"]);
    // The version of the contract is part of the names; another of the same length is another contract.
    let other = replace(
        quotagate_plugins::NEBIUS.bytes,
        b"gate@0.2.0",
        b"gate@0.9.0",
    );
    let other = file("other.wasm", &other);
    assert_error(
        &quotagate(&["plugin", "inspect", &other]),
        1,
        &["0.9.0", "0.2.0"],
    );
    let empty = file("empty.wasm", b"\0asm\x0d\0\x01\0");
    assert_error(
        &quotagate(&["plugin", "inspect", &empty]),
        1,
        &["quotagate:plugin/gate"],
    );
}

/// The same bytes with every `from` replaced by a `to` of the same length.
pub(crate) fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!at.is_empty());
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn the_shipped_plugin_is_inspected_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nebius.wasm");
    fs::write(&path, quotagate_plugins::NEBIUS.bytes).unwrap();
    let said = quotagate(&[
        "plugin",
        "inspect",
        path.to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["sha256"], quotagate_plugins::NEBIUS.sha256);
    assert_eq!(said.json()["cloud"], "nebius");
}

async fn check_against(faults: &str, more: &[&str]) -> Said {
    let emulator = Emulator::builder(World::read(&acme()).unwrap())
        .faults(Faults::from_json(faults).unwrap())
        .spawn()
        .await
        .unwrap();
    let address = emulator.addr().to_string();
    let mut arguments = vec![
        "check",
        "gpu-h200-sxm 8gpu-128vcpu-1600gb",
        "--region",
        "eu-west1",
    ];
    arguments.extend(["--endpoint", &address, "--format", "json"]);
    arguments.extend(more);
    ask(&arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_denied_is_unknown_and_says_which() {
    let said = check_against(
        r#"{"rules": [{"method": "QuotaAllowanceService/List", "parent_id": "tenant-e00acme",
            "status": {"code": "PERMISSION_DENIED", "message": "no viewer"}}]}"#,
        &[],
    )
    .await;
    assert_eq!(said.quota(), "unknown");
    let source = said.json()["sources"]["tenant_allowances"].clone();
    assert_eq!(source["state"], "denied");
    assert!(source["detail"].to_string().contains("viewer"), "{source}");
    assert_eq!(
        said.json()["sources"]["project_allowances"]["state"],
        "complete"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up_after_the_timeout() {
    let hangs = r#"{"rules": [{"method": "*", "hang": true}]}"#;
    let said = check_against(hangs, &["--timeout", "1s"]).await;
    assert_error(&said, 1, &["the list of projects could not be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_hangs_is_unknown_and_the_others_are_read() {
    let hangs = r#"{"rules": [{"method": "QuotaAllowanceService/List", "hang": true}]}"#;
    // Short for one who waits, and long enough for the other lists on a machine that has other things to do.
    let said = check_against(hangs, &["--timeout", "20s"]).await;
    assert_eq!(said.quota(), "unknown");
    assert_eq!(
        said.json()["sources"]["tenant_allowances"]["state"],
        "unavailable"
    );
    assert_eq!(
        said.json()["sources"]["instance_types"]["state"],
        "complete"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_list_is_never_taken_for_the_whole() {
    for rule in [
        r#"{"method": "QuotaAllowanceService/List", "page_size": 5, "page": 2, "status": {"code": "UNAVAILABLE", "message": "gone"}}"#,
        r#"{"method": "QuotaAllowanceService/List", "page_size": 5, "repeat_page_token": true}"#,
    ] {
        let faults = format!(
            r#"{{"rules": [{rule}, {{"method": "QuotaAllowanceService/List", "page_size": 5}}]}}"#
        );
        let said = check_against(&faults, &[]).await;
        assert_eq!(said.quota(), "unknown", "{rule}");
        assert_eq!(
            said.json()["sources"]["tenant_allowances"]["state"],
            "incomplete",
            "{rule}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_says_so_and_keeps_the_secret() {
    let emulator = Emulator::builder(World::read(&acme()).unwrap())
        .faults(Faults::from_json(r#"{"rules": [{"method": "*", "status": {"code": "UNAUTHENTICATED", "message": "expired"}}]}"#).unwrap())
        .spawn()
        .await
        .unwrap();
    let address = emulator.addr().to_string();
    let said = tokio::task::spawn_blocking(move || {
        quotagate_with(
            &["doctor", "-vv", "--endpoint", &address],
            &[("NEBIUS_IAM_TOKEN", "very-secret-token")],
        )
    })
    .await
    .unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains("UNAUTHENTICATED"), "{all}");
    assert!(all.contains("NEBIUS_IAM_TOKEN"), "{all}");
    assert!(!all.contains("very-secret"), "{all}");
}

#[test]
fn a_plain_text_connection_goes_to_loopback_alone() {
    let signed = rcgen::generate_simple_self_signed(vec![String::from("localhost")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("ca.pem");
    std::fs::write(&trusted, signed.cert.pem()).unwrap();
    // The first words that whoever listens on this machine hears, by an address of it.
    let hear = |host: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("{host}:{}", listener.local_addr().unwrap().port());
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 3];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        });
        let said = quotagate_with(
            &["doctor", "--endpoint", &endpoint],
            &[
                ("NEBIUS_IAM_TOKEN", "very-secret-token"),
                ("SSL_CERT_FILE", trusted.to_str().unwrap()),
            ],
        );
        assert_eq!(said.code, 1, "{said:?}");
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(!all.contains("very-secret"), "{all}");
        (heard.join().unwrap(), all)
    };
    let (words, all) = hear("127.0.0.1");
    assert_eq!(&words, b"PRI", "the greeting of HTTP/2");
    assert!(all.contains("goes in clear text"), "{all}");
    // The same machine, by an address that is not loopback.
    let (words, all) = hear("0.0.0.0");
    assert_eq!(words[..2], [0x16, 0x03], "the greeting of TLS");
    assert!(!all.contains("in clear text"), "{all}");
}

#[test]
fn a_shortage_in_a_row_of_its_own_is_never_hidden_by_an_unknown_one() {
    let said = WorldBuilder::new()
        .tenant(GPU_QUOTA, None, 0)
        .tenant("compute.disk.count", 0, 0)
        .check(&[]);
    assert_eq!(said.quota(), "blocked");
    assert_eq!(said.decisive()["quota"], "compute.disk.count");
}

#[test]
fn an_old_recording_says_so_in_every_command_and_changes_no_answer() {
    let world = WorldBuilder::new().build();
    let path = world.path().to_str().unwrap();
    let check = [
        "check",
        H200,
        "--region",
        REGION,
        "--recorded",
        path,
        "--format",
        "json",
    ];
    let undated = quotagate(&check);
    fs::write(
        world.path().join("recorded.json"),
        r#"{"recorded_at": "2020-01-01T00:00:00Z"}"#,
    )
    .unwrap();
    for command in [
        &["check", H200, "--region", REGION][..],
        &["offers"],
        &["quotas"],
        &["doctor"],
    ] {
        let said = quotagate(&[command, &["--recorded", path]].concat());
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(
            all.contains("days ago (2020-01-01T00:00:00Z)"),
            "{command:?}: {said:?}"
        );
        let quiet = quotagate(&[command, &["--recorded", path, "--quiet"]].concat());
        assert!(!quiet.stderr.contains("recorded"), "{quiet:?}");
    }
    let dated = quotagate(&check);
    assert_eq!(dated.json()["findings"], undated.json()["findings"]);
    let age = dated.json()["sources"]["tenant_allowances"]["age_ms"].as_u64();
    assert!(age > Some(150_000_000_000), "{age:?}");
}

#[test]
fn a_file_of_a_world_that_is_something_else_is_named_for_what_it_is() {
    let usual = WorldBuilder::new().build();
    let list = fs::read_to_string(usual.path().join("tenant/allowances.json")).unwrap();
    let utf16: Vec<u8> = list.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let half = list.get(..list.len() / 2).unwrap();
    for (bytes, words) in [
        (utf16.as_slice(), "is UTF-16"),
        (b"<html><title>Sign in</title>", "is a web page"),
        (
            b"Error: rpc error: code = PermissionDenied desc = no",
            "holds the text of an error",
        ),
        (b"items:\n- metadata:\n    id: x\n", "is YAML"),
        (half.as_bytes(), "ends in the middle"),
    ] {
        let world = WorldBuilder::new().build();
        fs::write(world.path().join("tenant/allowances.json"), bytes).unwrap();
        let path = world.path().to_str().unwrap();
        let said = quotagate(&["check", H200, "--region", REGION, "--recorded", path]);
        assert_error(&said, 2, &["tenant/allowances.json", words]);
    }
}

#[test]
fn a_world_in_the_forms_that_people_have_is_judged_alike() {
    let check = |path: &std::path::Path| {
        let path = path.to_str().unwrap();
        let recorded = ["--recorded", path, "--format", "json"];
        quotagate(&[&["check", H200, "--region", REGION][..], &recorded].concat())
    };
    let usual = check(WorldBuilder::new().build().path());
    let world = WorldBuilder::new().build();
    let change = |name: &str, change: &dyn Fn(serde_json::Value) -> String| {
        let path = world.path().join(name);
        let list = fs::read_to_string(&path).unwrap();
        fs::write(&path, change(serde_json::from_str(&list).unwrap())).unwrap();
    };
    change("tenant/allowances.json", &|list| list["items"].to_string());
    change("tenant/projects.json", &|mut list| {
        for project in list["items"].as_array_mut().unwrap() {
            let region = project["spec"]["region"].take();
            project["spec"] = serde_json::json!({});
            project["status"] = serde_json::json!({"container_state": "ACTIVE", "region": region});
        }
        format!("\u{feff}listing ...\n{list:#}\ndone\n")
    });
    let said = check(world.path());
    assert_eq!(said.json()["findings"], usual.json()["findings"]);
    assert_eq!(said.code, usual.code, "{said:?}");

    change("tenant/allowances.json", &|list| {
        list.to_string().replace("STATE_ACTIVE", "STATE_DREAMING")
    });
    let said = check(world.path());
    assert_eq!(said.quota(), "unknown");
    assert!(
        said.stderr.contains("`STATE_DREAMING` in `state`"),
        "{said:?}"
    );
}
