//! `quotagate watch`: what changes is told as it happens, and measured for Prometheus.

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::TcpStream,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use nebius_api::world::World;
use nebius_emulator::{Control, Emulator, Faults, Running};
use serde_json::Value;

use crate::harness::{GPU_QUOTA, H200, REGION, TENANT, WorldBuilder};

/// A child that watches; it ends with the test.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    errors: BufReader<ChildStderr>,
}

async fn cloud() -> Running {
    let world = WorldBuilder::new().tenant(GPU_QUOTA, 8, 0).build();
    Emulator::builder(World::read(world.path()).unwrap())
        .spawn()
        .await
        .unwrap()
}

impl Watching {
    fn start(cloud: &Running, options: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_quotagate"))
            .args([
                "watch",
                "--interval",
                "1s",
                "--endpoint",
                &cloud.addr().to_string(),
            ])
            .args(options)
            .env_clear()
            .env("HOME", home.path())
            .env("NEBIUS_IAM_TOKEN", "a-token-that-is-secret")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            errors: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Reads on until a line is about this.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        for line in &mut self.lines {
            let change: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if is_it(&change) {
                return change;
            }
        }
        panic!("it ended without saying so");
    }

    fn metrics_address(&mut self) -> String {
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(self.errors.read_line(&mut line).unwrap() > 0, "no address");
        }
        let (_, address) = line.split_once("http://").unwrap();
        address.split_once('/').unwrap().0.to_owned()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

/// The value of the one series of that name with these labels.
fn value(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let mut series = metrics.lines().filter(|line| {
        line.split(['{', ' ']).next() == Some(name)
            && labels.iter().all(|label| line.contains(label))
    });
    let line = series
        .next()
        .unwrap_or_else(|| panic!("no {name} {labels:?}"));
    assert_eq!(series.next(), None, "several {name} {labels:?}");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_told_as_it_happens() {
    let cloud = cloud().await;
    let mut watching = Watching::start(&cloud, &["--format", "json"]);
    let control = Control::clone(&cloud);
    tokio::task::spawn_blocking(move || {
        let summary = watching.until(|change| change["change"] == "summary");
        assert!(summary["available"].as_u64() > Some(3), "{summary}");
        control.set_limit(TENANT, GPU_QUOTA, REGION, Some(4));
        let limit = watching.until(|change| change["change"] == "limit");
        assert_eq!(limit["quota"], GPU_QUOTA);
        assert_eq!((&limit["from"], &limit["to"]), (&8.into(), &4.into()));
        let offer = watching.until(|change| change["instance_type"] == H200);
        assert_eq!(
            (offer["from"].as_str(), offer["to"].as_str()),
            (Some("available"), Some("no_quota"))
        );
        assert!(offer["reason"].as_str().unwrap().contains('8'), "{offer}");
        control.set_base_usage(TENANT, GPU_QUOTA, REGION, 3);
        let usage = watching.until(|change| change["change"] == "usage");
        assert_eq!((&usage["to"], &usage["limit"]), (&3.into(), &4.into()));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_watched_is_measured() {
    let cloud = cloud().await;
    let mut watching = Watching::start(&cloud, &["--format", "json", "--metrics", "127.0.0.1:0"]);
    let control = Control::clone(&cloud);
    tokio::task::spawn_blocking(move || {
        watching.until(|change| change["change"] == "summary");
        let address = watching.metrics_address();
        let metrics = scrape(&address);
        let row = ["quota=\"compute.instance.gpu.h200\"", "scope=\"tenant\"", "region=\"eu-north1\""];
        assert_eq!(value(&metrics, "quotagate_quota_limit", &row), 8.0);
        assert_eq!(value(&metrics, "quotagate_quota_headroom", &row), 8.0);
        let source = ["source=\"tenant_allowances\""];
        assert_eq!(value(&metrics, "quotagate_source_up", &source), 1.0);
        assert!(value(&metrics, "quotagate_fetch_seconds_count", &source) >= 1.0);
        let calls = ["function=\"assess\"", "result=\"answered\""];
        assert!(value(&metrics, "quotagate_plugin_calls_total", &calls) >= 1.0);
        assert!(metrics.contains("quotagate_verdicts_total{phase=\"list\",outcome=\"fits\""), "{metrics}");
        assert!(metrics.contains("quotagate_fetch_seconds_bucket"));
        // A source that fails is seen before what it said is too old.
        control.set_faults(
            Faults::from_json(r#"{"rules": [{"method": "QuotaAllowanceService/List", "status": {"code": "PERMISSION_DENIED"}}]}"#)
                .unwrap(),
        );
        control.set_limit(TENANT, "compute.instance.count", REGION, Some(1));
        let failed = r#"quotagate_source_errors_total{source="tenant_allowances",kind="denied"}"#;
        let errors = || scrape(&address).contains(failed);
        while !errors() {
            std::thread::yield_now();
        }
        assert_eq!(value(&scrape(&address), "quotagate_source_up", &source), 1.0);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_told_to_and_logs_what_it_does_without_secrets() {
    let cloud = cloud().await;
    let mut watching = Watching::start(&cloud, &["--for", "1500ms", "-vv"]);
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        watching.errors.read_to_string(&mut said).unwrap();
        assert!(watching.child.wait().unwrap().success());
        said
    })
    .await
    .unwrap();
    // The way of one request: the list, the sources, the call of the plugin.
    for span in [
        "quotagate.filter{cloud.provider=\"nebius\"",
        "quotagate.fetch{cloud.provider=\"nebius\" source=\"tenant_allowances\"",
        "quotagate.plugin{function=\"assess\"",
    ] {
        assert!(said.contains(span), "no {span} in\n{said}");
    }
    assert!(!said.contains("secret"), "{said}");
}
