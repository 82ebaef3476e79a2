//! `quotagate watch`: what changes is told as it happens, and measured for Prometheus.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use nebius_api::world::World;
use nebius_emulator::{Control, Emulator, Faults, Running};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    harness::{GPU_QUOTA, H200, PATIENCE, REGION, TENANT, WorldBuilder},
    process::Process,
};

/// A child that watches; it ends with the test.
struct Watching {
    process: Process,
    /// What it told so far.
    told: Vec<Value>,
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
        command
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
            .env("QUOTAGATE_PLUGIN__TIME", "10min");
        Self {
            process: Process::start(&mut command),
            told: Vec::new(),
        }
    }

    /// Reads on until a line is about this, unless one was already: offers may change a moment before the row that they
    /// rest on is told, or after it.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut known = 0;
        loop {
            if let Some(change) = self.told.iter().skip(known).find(|change| is_it(change)) {
                return change.clone();
            }
            known = self.told.len();
            let line = self.process.stdout.next();
            let line =
                line.unwrap_or_else(|| panic!("it ended without saying so: {:#?}", self.told));
            self.told.push(serde_json::from_str(&line).unwrap());
        }
    }

    fn metrics_address(&mut self) -> String {
        loop {
            let line = self.process.stderr.next().expect("no address");
            if let Some((_, address)) = line.split_once("http://") {
                return address.split_once('/').unwrap().0.to_owned();
            }
        }
    }
}

fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
        let row = ["quota=\"compute.instance.gpu.h200\"", "level=\"tenant\"", "region=\"eu-north1\""];
        assert_eq!(value(&metrics, "quotagate_quota_limit", &row), 8.0);
        assert_eq!(value(&metrics, "quotagate_quota_headroom", &row), 8.0);
        let source = ["source=\"tenant_allowances\""];
        assert_eq!(value(&metrics, "quotagate_source_up", &source), 1.0);
        assert!(value(&metrics, "quotagate_fetch_seconds_count", &source) >= 1.0);
        let calls = ["function=\"explain\"", "result=\"answered\""];
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
        let begun = Instant::now();
        while !scrape(&address).contains(failed) {
            assert!(begun.elapsed() < PATIENCE, "{}", scrape(&address));
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(value(&scrape(&address), "quotagate_source_up", &source), 1.0);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_told_to_and_logs_what_it_does_without_secrets() {
    let cloud = cloud().await;
    let mut watching = Watching::start(&cloud, &["--format", "json", "-vv"]);
    let control = Control::clone(&cloud);
    let said = tokio::task::spawn_blocking(move || {
        watching.until(|change| change["change"] == "summary");
        // From the first change on it has been waiting for a signal too.
        control.set_limit(TENANT, GPU_QUOTA, REGION, Some(4));
        watching.until(|change| change["change"] == "limit");
        let child = i32::try_from(watching.process.id()).unwrap();
        kill_process(Pid::from_raw(child).unwrap(), Signal::TERM).unwrap();
        let ended = watching.process.end();
        assert!(ended.status.success(), "{ended:?}");
        ended.stderr
    })
    .await
    .unwrap();
    // The way of one request: the list, the sources, the call of the plugin.
    for span in [
        "quotagate.explain{cloud.provider=\"nebius\"",
        "quotagate.fetch{cloud.provider=\"nebius\" source=\"tenant_allowances\"",
        "quotagate.plugin{function=\"explain\"",
    ] {
        assert!(said.contains(span), "no {span} in\n{said}");
    }
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_time_is_up() {
    let cloud = cloud().await;
    let watching = Watching::start(&cloud, &["--for", "100ms"]);
    let ended = tokio::task::spawn_blocking(move || watching.process.end());
    let ended = ended.await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
}
