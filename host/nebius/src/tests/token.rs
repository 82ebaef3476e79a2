//! Which token is sent: made once for many, renewed in time, and renewed when it is refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures::future::join_all;
use quotagate::source::SourceErrorKind;
use tonic::Status;

use super::{Cloud, PATIENCE, Questions, acme, connect, impatient, key_in, must_end, refuse};
use crate::{
    Clock, ConnectOptions, CredentialsChoice, CredentialsOrigin, Environment, NebiusClient,
};

const PROJECT: &str = "project-e00euwest1";

/// A clock to be turned by hand, in seconds since the epoch.
fn clock() -> (Clock, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let hand = Arc::clone(&seconds);
    let clock = Clock::new(move || {
        SystemTime::UNIX_EPOCH + Duration::from_secs(hand.load(Ordering::SeqCst))
    });
    (clock, seconds)
}

fn with_key(cloud: &Cloud, folder: &std::path::Path, clock: Clock) -> NebiusClient {
    connect(&ConnectOptions {
        credentials: key_in(folder),
        tenant: Some("tenant-e00acme".to_owned()),
        clock,
        ..cloud.options()
    })
    .unwrap()
}

#[tokio::test]
async fn a_key_is_exchanged_once_for_many_and_again_at_nine_tenths() {
    let cloud = Cloud::kind().await;
    let folder = tempfile::tempdir().unwrap();
    let (clock, seconds) = clock();
    let client = with_key(&cloud, folder.path(), clock);
    let reads = join_all((0..20).map(|_| client.capacities())).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(exchanges(&cloud), 1);
    let seen = cloud.seen();
    let exchange = seen.first().unwrap();
    assert_eq!(
        (exchange.method, &exchange.authorization),
        ("tokens.Exchange", &None)
    );
    assert!(exchange.idempotency_key.is_some());
    assert_eq!(
        seen.last().unwrap().authorization.as_deref(),
        Some("Bearer exchanged-1")
    );
    let assertion = cloud
        .stub
        .assertions
        .lock()
        .unwrap()
        .first()
        .unwrap()
        .clone();
    let expected = serde_json::json!({
        "iss": "serviceaccount-e00robot", "sub": "serviceaccount-e00robot", "kid": "publickey-e00robot",
        "aud": "token-service.iam.new.nebiuscloud.net", "iat": 1_700_000_000, "exp": 1_700_000_060,
    });
    assert_eq!(assertion, expected);

    seconds.fetch_add(899, Ordering::SeqCst);
    client.capacities().await.unwrap();
    assert_eq!(exchanges(&cloud), 1);
    seconds.fetch_add(1, Ordering::SeqCst);
    let sent = sent_until(&cloud, &client, "Bearer exchanged-2").await;
    assert!(sent.iter().all(|token| token == "Bearer exchanged-1"));
    assert_eq!(exchanges(&cloud), 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
    let cloud = Cloud::of(acme(), 1_000, |seen| {
        (seen.authorization.as_deref() == Some("Bearer exchanged-1"))
            .then(|| super::Misdeed::Refuse(Box::new(Status::unauthenticated("revoked"))))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let client = with_key(&cloud, folder.path(), clock().0);
    let reads = join_all((0..10).map(|_| client.capacities())).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(exchanges(&cloud), 2);
    let mut keys = std::collections::HashMap::<String, u32>::new();
    for seen in cloud
        .seen()
        .iter()
        .filter(|seen| seen.method == "advice.List")
    {
        *keys
            .entry(seen.idempotency_key.clone().unwrap())
            .or_default() += 1;
    }
    assert!(keys.values().all(|attempts| *attempts <= 2));
    assert_eq!(
        keys.len(),
        10,
        "the second attempt has the key of the first"
    );
}

#[tokio::test]
async fn a_cloud_that_refuses_every_token_is_asked_twice() {
    let cloud = Cloud::of(acme(), 5, |seen| {
        let is_list = seen.method == "advice.List";
        is_list.then(|| super::Misdeed::Refuse(Box::new(Status::unauthenticated("who?"))))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let client = with_key(&cloud, folder.path(), clock().0);
    let error = client.capacities().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    let expected = [
        "tokens.Exchange",
        "advice.List",
        "tokens.Exchange",
        "advice.List",
    ];
    assert_eq!(cloud.methods(), expected);
}

#[tokio::test]
async fn an_exchange_that_is_refused_or_hangs_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::of(acme(), 5, |_| {
        refuse(Status::invalid_argument("bad assertion"))
    })
    .await;
    let client = with_key(&cloud, folder.path(), clock().0);
    let reads = join_all((0..10).map(|_| client.capacities())).await;
    for read in reads {
        let error = read.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
        for part in [
            "cannot list the capacity advice for `tenant-e00acme`: no access token: ",
            "cannot exchange the key of service account `serviceaccount-e00robot`",
            "INVALID_ARGUMENT: bad assertion",
            "the clock of this machine",
        ] {
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
    assert_eq!(exchanges(&cloud), 1, "those who waited share the failure");

    let cloud = Cloud::of(acme(), 5, |_| Some(super::Misdeed::Hang)).await;
    let client = connect(&ConnectOptions {
        credentials: key_in(folder.path()),
        deadlines: impatient(),
        ..cloud.options()
    })
    .unwrap();
    let reads = join_all((0..10).map(|_| client.instance_types(PROJECT)));
    for read in must_end(reads).await {
        let error = read.unwrap_err();
        assert_eq!(
            error.kind,
            SourceErrorKind::Unavailable,
            "{}",
            error.message
        );
    }
    // On a busy machine it may be given up before it has arrived.
    assert!(exchanges(&cloud) <= 1, "those who waited share the failure");
}

#[tokio::test]
async fn a_token_that_was_handed_in_is_not_renewed() {
    let cloud = Cloud::of(acme(), 5, |_| refuse(Status::unauthenticated("expired"))).await;
    let environment = Environment::new([("NEBIUS_IAM_TOKEN", "stale")], None);
    let client = connect(&ConnectOptions {
        credentials: CredentialsChoice::Find,
        environment,
        ..cloud.options()
    })
    .unwrap();
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    assert!(
        error
            .message
            .contains("the token in NEBIUS_IAM_TOKEN has expired"),
        "{}",
        error.message
    );
    assert!(
        error.message.contains("before every profile: unset it"),
        "{}",
        error.message
    );
    assert_eq!(cloud.methods(), ["platforms.List"]);

    let error = cloud.client().instance_types(PROJECT).await.unwrap_err();
    for way in [
        "NEBIUS_IAM_TOKEN",
        "~/.nebius/config.yaml",
        "credentials file",
    ] {
        assert!(error.message.contains(way), "{}", error.message);
    }
}

#[tokio::test]
async fn a_token_file_is_read_again_after_five_minutes_and_when_refused() {
    let cloud = Cloud::of(acme(), 1_000, |seen| {
        (seen.authorization.as_deref() == Some("Bearer revoked"))
            .then(|| super::Misdeed::Refuse(Box::new(Status::unauthenticated("revoked"))))
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let config = "profiles: {robot: {token-file: ~/token, tenant-id: tenant-e00acme}}";
    std::fs::create_dir(home.path().join(".nebius")).unwrap();
    std::fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    let write = |token: &str| std::fs::write(home.path().join("token"), token).unwrap();
    write("first\n");
    let (clock, seconds) = clock();
    let client = connect(&ConnectOptions {
        credentials: CredentialsChoice::Find,
        environment: Environment::new([("", ""); 0], Some(home.path().to_owned())),
        clock,
        ..cloud.options()
    })
    .unwrap();
    assert!(sent_until(&cloud, &client, "Bearer first").await.is_empty());
    write("second");
    seconds.fetch_add(299, Ordering::SeqCst);
    assert!(sent_until(&cloud, &client, "Bearer first").await.is_empty());
    seconds.fetch_add(1, Ordering::SeqCst);
    let sent = sent_until(&cloud, &client, "Bearer second").await;
    assert_eq!(sent.first().unwrap(), "Bearer first", "nobody waits");

    write("revoked");
    seconds.fetch_add(300, Ordering::SeqCst);
    sent_until(&cloud, &client, "Bearer revoked").await;
    let before = cloud.seen().len();
    assert!(client.capacities().await.is_err());
    assert_eq!(
        cloud.seen().len(),
        before + 1,
        "the file had no other token"
    );
    write("third");
    assert!(client.capacities().await.is_ok());
    let last = cloud.seen().last().unwrap().authorization.clone();
    assert_eq!(last.as_deref(), Some("Bearer third"));
}

#[tokio::test]
async fn a_token_file_that_is_not_there_is_the_cause() {
    let cloud = Cloud::kind().await;
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".nebius")).unwrap();
    let config = format!(
        "default: p\nprofiles:\n  p:\n    token-file: {}/token\n",
        home.path().display()
    );
    std::fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    let client = connect(&ConnectOptions {
        credentials: CredentialsChoice::Find,
        environment: Environment::new([("", ""); 0], Some(home.path().to_owned())),
        ..cloud.options()
    })
    .unwrap();
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    let cause = error.cause.unwrap();
    let io = cause.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
    assert!(
        error.message.contains("cannot read the token file"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_local_server_needs_no_credentials() {
    let cloud = Cloud::kind().await;
    let options = ConnectOptions {
        credentials: CredentialsChoice::Find,
        ..cloud.options()
    };
    let client = connect(&options).unwrap();
    assert_eq!(
        client.connection().credentials,
        CredentialsOrigin::Placeholder
    );
    client.account().await.unwrap();
    let refused = connect(&ConnectOptions {
        placeholder_on_loopback: false,
        ..options.clone()
    });
    assert!(refused.unwrap_err().to_string().contains("quotagate demo"));
    let remote = connect(&ConnectOptions {
        endpoint: Some("api.example.test:443".to_owned()),
        ..options
    });
    assert!(remote.is_err());
}

/// Asks until that is what is sent, since a token is renewed in the background: what was sent before.
async fn sent_until(cloud: &Cloud, client: &NebiusClient, expected: &str) -> Vec<String> {
    let mut others = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let _ = client.capacities().await;
        let seen = cloud.seen();
        let lists = seen.iter().rfind(|seen| seen.method == "advice.List");
        let sent = lists.unwrap().authorization.clone().unwrap();
        if sent == expected {
            return others;
        }
        others.push(sent);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{expected} was never sent, but {others:?}");
}

fn exchanges(cloud: &Cloud) -> usize {
    let methods = cloud.methods();
    methods
        .iter()
        .filter(|method| **method == "tokens.Exchange")
        .count()
}
