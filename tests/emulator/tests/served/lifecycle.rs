//! Where it listens, and how it stops.

use std::{future, process::Command};

use nebius_emulator::{Emulator, EmulatorError, worlds};
use tokio::{net::TcpListener, time::timeout};
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

use crate::{
    harness::{LIST, TENANT, acme, list, set_faults, start},
    process::{PATIENCE, Process, run},
};

const WORLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/worlds/acme");

#[tokio::test]
async fn stopping_answers_the_calls_that_hang() {
    let (running, channel) = start(acme()).await;
    set_faults(&running, r#"{"rules": [{"method": "*", "hang": true}]}"#);
    let hung = tokio::spawn(async move { list(&channel, TENANT, 0, "").await });
    let arrived = running.wait_for_calls(LIST, 1);
    timeout(PATIENCE, arrived).await.unwrap();
    let address = running.addr();
    running.stop().await.unwrap();
    assert_eq!(hung.await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(TcpListener::bind(address).await.is_ok());
}

#[tokio::test]
async fn plain_text_stays_on_the_machine() {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    let emulator = Emulator::builder(worlds::acme().unwrap()).build();
    let refused = emulator.serve(listener, future::pending()).map(|_| ());
    assert!(matches!(
        refused,
        Err(EmulatorError::PlainTextBeyondLoopback(_))
    ));
}

#[tokio::test]
async fn tls_serves_and_breaks_off_too() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = signed.cert.pem();
    let tls = acme().tls(&certificate, signed.signing_key.serialize_pem());
    let running = tls.spawn().await.unwrap();
    let client = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(certificate))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", running.addr())).unwrap();
    let channel = endpoint
        .tls_config(client)
        .unwrap()
        .connect()
        .await
        .unwrap();
    assert!(list(&channel, TENANT, 0, "").await.is_ok());
    set_faults(
        &running,
        r#"{"rules": [{"method": "*", "disconnect": true}]}"#,
    );
    assert!(list(&channel, TENANT, 0, "").await.is_err());
}

#[cfg(unix)]
#[test]
fn the_program_says_where_it_listens_and_stops_when_told() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nebius-emulator"));
    let mut program = Process::start(command.args(["--world", WORLD]));
    let line = program.stdout.next().unwrap();
    let port = line.strip_prefix("listening on 127.0.0.1:").unwrap();
    assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());

    let pid = program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = program.end();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, format!("{line}\n"));
}

#[test]
fn the_program_refuses_what_it_cannot_do() {
    for (arguments, named) in [
        (["--world", "/nowhere"].as_slice(), "no world at `/nowhere`"),
        (
            &["--world", WORLD, "--listen", "0.0.0.0:0"],
            "not a loopback address",
        ),
        (
            &["--world", WORLD, "--faults", "/nowhere.json"],
            "cannot read `/nowhere.json`",
        ),
        (
            &["--world", WORLD, "--settings", "/nowhere.json"],
            "cannot read `/nowhere.json`",
        ),
        (&["--world", WORLD, "--tenant", "token"], "TOKEN=DIR"),
        (
            &["--world", WORLD, "--tenant", "token=/nowhere"],
            "no world at `/nowhere`",
        ),
        (
            &["--world", WORLD, "--public-key", "account"],
            "SERVICE_ACCOUNT:KEY_ID=PEM_FILE",
        ),
    ] {
        let program = env!("CARGO_BIN_EXE_nebius-emulator");
        let ended = run(Command::new(program).args(arguments));
        assert!(!ended.status.success());
        assert!(ended.stderr.contains(named), "{ended:?}");
    }
}
