//! TLS as it is: whom the client trusts, what it says of those it does not, and that nothing goes out in clear text.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use quotagate::source::SourceErrorKind;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tonic::transport::Identity;

use super::{Cloud, Misdeed, Questions, acme, connect, must_end};
use crate::{ConnectOptions, Environment, NebiusClient, Retries};

const PROJECT: &str = "project-e00euwest1";
/// This machine, by an address that is not loopback, so that the connection has to be TLS.
const HERE: &str = "0.0.0.0";

/// An authority, whose certificate is in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = format!("authority {}", uuid::Uuid::new_v4());
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a name, good until that year.
    fn sign(&self, name: &str, until: i32) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::from_pem(certificate.pem(), key.serialize_pem())
    }
}

/// Options that trust this file, and ask again where that may help.
fn options(trusted: PathBuf, more: &[(&str, &str)]) -> ConnectOptions {
    let file = trusted.display().to_string();
    let variables = [("NEBIUS_IAM_TOKEN", "mine"), ("SSL_CERT_FILE", &file)];
    ConnectOptions {
        environment: Environment::new(variables.iter().chain(more).copied(), None),
        retries: Retries::default(),
        ..super::options_to(SocketAddr::from(([127, 0, 0, 1], 1)))
    }
}

fn at(port: u16, trusted: PathBuf) -> NebiusClient {
    connect(&ConnectOptions {
        endpoint: Some(format!("{HERE}:{port}")),
        ..options(trusted, &[])
    })
    .unwrap()
}

#[tokio::test]
async fn a_server_that_is_trusted_is_asked_over_tls() {
    let authority = Authority::new();
    let cloud = Cloud::kind_over_tls(authority.sign(HERE, 2999)).await;
    let client = at(cloud.address.port(), authority.file());
    assert!(client.connection().is_encrypted);
    assert!(client.connection().warnings.is_empty());
    client.instance_types(PROJECT).await.unwrap();
    let seen = cloud.seen();
    assert_eq!(seen[0].authorization.as_deref(), Some("Bearer mine"));
}

#[tokio::test]
async fn who_is_not_trusted_is_told_apart_asked_once_and_given_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let cases = [
        (
            authority.sign("other.example.test", 2999),
            authority.file(),
            "its certificate is for another name",
        ),
        (
            authority.sign(HERE, 2999),
            other.file(),
            "an authority that this machine does not trust",
        ),
        (
            authority.sign(HERE, 2002),
            authority.file(),
            "its certificate has expired",
        ),
    ];
    for (identity, trusted, complaint) in cases {
        let cloud = Cloud::kind_over_tls(identity).await;
        let client = at(cloud.address.port(), trusted);
        let error = client.instance_types(PROJECT).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
        for part in ["is not secure: ", complaint, "; "] {
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(!error.message.contains("times)"), "{}", error.message);
        assert!(cloud.seen().is_empty());
    }
}

#[tokio::test]
async fn no_plain_text_leaves_the_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = vec![0; 4_096];
            let length = stream.read(&mut bytes).unwrap();
            bytes.truncate(length);
            notes.lock().unwrap().push(bytes);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let authority = Authority::new();
    let client = at(port, authority.file());
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert!(
        error.message.contains("it does not answer in TLS"),
        "{}",
        error.message
    );
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1, "it is asked once");
    // The greeting of TLS: a handshake record of version 3.
    assert_eq!(heard[0][..2], [0x16, 0x03]);
}

#[tokio::test]
async fn a_machine_that_trusts_nobody_says_so() {
    let client = at(1, PathBuf::from("/nowhere/ca.pem"));
    let error = client.instance_types(PROJECT).await.unwrap_err();
    for part in [
        "no certificate of any authority",
        "/nowhere/ca.pem",
        "SSL_CERT_FILE",
    ] {
        assert!(error.message.contains(part), "{}", error.message);
    }
}

#[tokio::test]
async fn a_proxy_passes_on_what_it_cannot_read() {
    let authority = Authority::new();
    let cloud = Cloud::kind_over_tls(authority.sign("*.api.example.test", 2999)).await;
    let heads = Arc::new(Mutex::new(Vec::<String>::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (notes, target) = (Arc::clone(&heads), cloud.address);
    let proxy = tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            notes.lock().unwrap().push(String::from_utf8(head).unwrap());
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let address = format!("http://user:SECRET@127.0.0.1:{port}");
    let client = connect(&ConnectOptions {
        endpoint: None,
        domain: Some("api.example.test:8443".to_owned()),
        ..options(authority.file(), &[("HTTPS_PROXY", &address)])
    })
    .unwrap();
    assert_eq!(client.connection().proxy, Some(format!("127.0.0.1:{port}")));
    client.instance_types(PROJECT).await.unwrap();
    let seen = cloud.seen();
    assert_eq!(seen[0].authorization.as_deref(), Some("Bearer mine"));
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    assert!(
        heads[0].starts_with("CONNECT compute.api.example.test:8443 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    // `user:SECRET`
    let basic = "basic dXNlcjpTRUNSRVQ=".to_lowercase();
    assert!(heads[0].to_lowercase().contains(&basic), "{heads:?}");
    assert!(!format!("{client:?}").contains("SECRET"));
    proxy.abort();
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_and_none_is_asked_for_this_machine() {
    // Nobody listens on port 1.
    let proxy = [("HTTPS_PROXY", "http://user:SECRET@127.0.0.1:1")];
    let authority = Authority::new();
    let options = options(authority.file(), &proxy);
    let client = connect(&ConnectOptions {
        endpoint: None,
        domain: Some("api.example.test".to_owned()),
        ..options.clone()
    })
    .unwrap();
    let error = client.instance_types(PROJECT).await.unwrap_err();
    let message = error.message;
    assert!(
        message.contains("through the proxy 127.0.0.1:1: "),
        "{message}"
    );
    assert!(!message.contains("SECRET"), "{message}");

    let cloud = Cloud::kind().await;
    let client = connect(&ConnectOptions {
        endpoint: Some(cloud.address.to_string()),
        ..options
    })
    .unwrap();
    assert_eq!(client.connection().proxy, None);
    client.instance_types(PROJECT).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_blamed_on_the_question() {
    let cloud = Cloud::of(acme(), 1, |_| {
        Some(Misdeed::NextPage("x".repeat(5 * 1024 * 1024)))
    })
    .await;
    let error = must_end(cloud.client().instance_types(PROJECT))
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let complaint = "is longer than 4194304 bytes, the most that is accepted";
    assert!(error.message.contains(complaint), "{}", error.message);
    assert!(!error.message.contains("OUT_OF_RANGE"), "{}", error.message);
}
