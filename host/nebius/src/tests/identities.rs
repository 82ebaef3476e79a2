//! Who asks: the login of a browser, the identity of a virtual machine, and those who act for a service account.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use quotagate::source::SourceErrorKind;
use tempfile::TempDir;
use tonic::Status;

use super::{Cloud, Misdeed, PATIENCE, Questions, acme, connect, must_end, refuse};
use crate::{Clock, ConnectOptions, CredentialsChoice, Deadlines, Environment, Retries};

const PROJECT: &str = "project-e00euwest1";
const LOGIN: &str = "profiles: {human: {auth-type: federation, federation-endpoint: auth.example.test, \
                     federation-id: federation-x}}";

/// A home directory with this configuration.
fn home(config: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".nebius/bin")).unwrap();
    fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    home
}

/// Options for whoever has this home, and these variables.
fn options(cloud: &Cloud, home: &Path, variables: &[(&str, &str)]) -> ConnectOptions {
    ConnectOptions {
        credentials: CredentialsChoice::Find,
        environment: Environment::new(variables.iter().copied(), Some(home.to_owned())),
        placeholder_on_loopback: false,
        ..cloud.options()
    }
}

/// The token of the latest call that was no exchange.
fn sent(cloud: &Cloud) -> String {
    let seen = cloud.seen();
    let call = seen.iter().rfind(|seen| seen.authorization.is_some());
    call.unwrap().authorization.clone().unwrap()
}

/// Keeps a token of the login, which expires at that second.
fn keep(home: &Path, token: &str, expires_at: u64) {
    let text = format!(
        "tokens:\n  federation/auth.example.test/federation-x/human:\n    token: {token}\n    \
         expires_at: {expires_at}\n"
    );
    fs::write(home.join(".nebius/credentials.yaml"), text).unwrap();
}

/// Installs a script as the official CLI.
#[cfg(unix)]
fn install(home: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    let program = home.join(".nebius/bin/nebius");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_token_of_the_environment_acts_as_the_service_account_of_the_profile() {
    let cloud = Cloud::kind().await;
    let home =
        home("profiles: {f: {token-file: ~/t, impersonate-service-account-id: serviceaccount-x}}");
    let options = options(&cloud, home.path(), &[("NEBIUS_IAM_TOKEN", "mine")]);
    let client = connect(&options).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer acting-1");
    let acted = cloud.stub.acted.lock().unwrap().clone();
    assert_eq!(acted, [["serviceaccount-x", "mine", "access_token"]]);
    let who = client.connection().credentials.to_string();
    assert_eq!(
        who,
        "NEBIUS_IAM_TOKEN, impersonating service account serviceaccount-x"
    );
}

#[tokio::test]
async fn who_may_not_act_as_the_account_is_told_so() {
    let cloud = Cloud::of(acme(), 5, |seen| {
        let is_exchange = seen.method == "tokens.Exchange";
        is_exchange.then(|| Misdeed::Refuse(Box::new(Status::permission_denied("mine may not"))))
    })
    .await;
    let home =
        home("profiles: {f: {token-file: ~/t, impersonate-service-account-id: serviceaccount-x}}");
    let options = options(&cloud, home.path(), &[("NEBIUS_IAM_TOKEN", "mine")]);
    let client = connect(&options).unwrap();
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    for part in [
        "cannot impersonate service account `serviceaccount-x`",
        "... may not",
        "`impersonate-service-account-id`",
    ] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert_eq!(cloud.methods(), ["tokens.Exchange"]);
}

#[tokio::test]
async fn who_acts_is_asked_for_another_token_where_the_first_is_refused() {
    let home =
        home("profiles: {f: {token-file: ~/t, impersonate-service-account-id: serviceaccount-x}}");
    let file = home.path().join("t");
    fs::write(&file, "old").unwrap();
    let is_first = AtomicBool::new(true);
    let cloud = Cloud::of(acme(), 1_000, move |seen| {
        if seen.method == "tokens.Exchange" && is_first.swap(false, Ordering::SeqCst) {
            fs::write(&file, "new").unwrap();
            return refuse(Status::unauthenticated("expired"));
        }
        None
    })
    .await;
    let client = connect(&options(&cloud, home.path(), &[])).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    let acted = cloud.stub.acted.lock().unwrap().clone();
    assert_eq!(acted, [["serviceaccount-x", "new", "access_token"]]);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_exchanged_for_one_of_the_account() {
    let cloud = Cloud::kind().await;
    let home = home(
        "profiles: {f: {auth-type: service account, service-account-id: serviceaccount-x, \
         federated-subject-credentials-file-path: ~/foreign}}",
    );
    fs::write(home.path().join("foreign"), "foreign\n").unwrap();
    let client = connect(&options(&cloud, home.path(), &[])).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer acting-1");
    let acted = cloud.stub.acted.lock().unwrap().clone();
    assert_eq!(acted, [["serviceaccount-x", "foreign", "jwt"]]);
}

#[tokio::test]
async fn the_token_of_a_login_is_used_until_it_expires_and_read_again() {
    let cloud = Cloud::kind().await;
    let home = home(LOGIN);
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let hand = Arc::clone(&seconds);
    let clock = Clock::new(move || UNIX_EPOCH + Duration::from_secs(hand.load(Ordering::SeqCst)));
    keep(home.path(), "kept", 1_700_000_100);
    let client = connect(&ConnectOptions {
        clock,
        ..options(&cloud, home.path(), &[])
    })
    .unwrap();
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer kept");
    seconds.fetch_add(99, Ordering::SeqCst);
    client.instance_types(PROJECT).await.unwrap();

    seconds.fetch_add(1, Ordering::SeqCst);
    let error = client.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
    for part in [
        "the browser login of the profile `human`",
        "credentials.yaml` has expired",
        "run `nebius iam get-access-token --profile human` to log in again",
    ] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert!(!error.message.contains("kept"), "{}", error.message);

    keep(home.path(), "renewed", 1_700_003_600);
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer renewed");
}

#[tokio::test]
async fn a_login_of_another_profile_or_a_broken_file_is_none() {
    let cloud = Cloud::kind().await;
    let home = home(LOGIN);
    let file = home.path().join(".nebius/credentials.yaml");
    let entry = "federation/auth.example.test/federation-x";
    for text in [
        String::new(),
        "tokens:".to_owned(),
        "tokens: [SECRET]".to_owned(),
        format!("tokens: {{{entry}/other: {{token: SECRET}}}}"),
        format!("tokens: {{{entry}/human: {{token: '', expires_at: 0}}}}"),
        format!("tokens: {{{entry}/human: {{token: [SECRET]}}}}"),
        format!("tokens: {{{entry}/human: {{token: SECRET, expires_at: 1}}}}"),
    ] {
        fs::write(&file, &text).unwrap();
        let refused = connect(&options(&cloud, home.path(), &[]));
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("to log in again"), "{error}");
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
    }
    fs::write(&file, format!("tokens: {{{entry}/human: {{token: ever}}}}")).unwrap();
    let client = connect(&options(&cloud, home.path(), &[])).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer ever");
}

#[cfg(unix)]
#[tokio::test]
async fn the_official_cli_renews_a_login_that_has_expired() {
    let cloud = Cloud::kind().await;
    let home = home(LOGIN);
    keep(home.path(), "kept", 1);
    let script = r#"echo "a hint" >&2; echo "helped-$*-$HOME" | tr ' /' '__'"#;
    install(home.path(), script);
    let client = connect(&options(&cloud, home.path(), &[])).unwrap();
    client.instance_types(PROJECT).await.unwrap();
    let folder = home.path().display().to_string().replace('/', "_");
    assert_eq!(
        sent(&cloud),
        format!("Bearer helped-iam_get-access-token_--profile_human-{folder}")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_cli_that_fails_is_heard_and_one_that_hangs_is_ended() {
    let cloud = Cloud::kind().await;
    let hangs = Duration::from_millis(300);
    let cases = [
        (
            r#"printf '\033[2Jno browser\n' >&2; exit 3"#,
            PATIENCE,
            "(exit status: 3): \u{fffd}[2Jno browser",
        ),
        ("echo", PATIENCE, "printed no token"),
        ("exec sleep 100000", hangs, "gave no token within 300ms"),
        // What it started keeps its output open.
        ("sleep 9 & exit 1", PATIENCE, "(exit status: 1)"),
    ];
    for (script, helper, complaint) in cases {
        let home = home(LOGIN);
        install(home.path(), script);
        let usual = options(&cloud, home.path(), &[]);
        let client = connect(&ConnectOptions {
            deadlines: Deadlines {
                helper,
                ..usual.deadlines
            },
            ..usual
        })
        .unwrap();
        let error = must_end(client.instance_types(PROJECT)).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unauthenticated);
        assert!(error.message.contains(complaint), "{}", error.message);
    }
    assert!(cloud.seen().is_empty());
}

/// A metadata service that gives these answers, one a connection; hears what is asked.
fn metadata(answers: Vec<(u16, String)>) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = thread::spawn(move || {
        let mut heard = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            heard.push(String::from_utf8(head).unwrap());
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // Who has read enough hangs up.
            let _ = stream.write_all(answer.as_bytes());
        }
        heard
    });
    (port, heard)
}

fn in_an_hour() -> String {
    let end = SystemTime::now() + Duration::from_secs(3_600);
    jiff::Timestamp::try_from(end).unwrap().to_string()
}

#[tokio::test]
async fn a_machine_asks_its_metadata_service() {
    let cloud = Cloud::kind().await;
    let token = serde_json::json!({"access_token": "of-the-machine", "expires_at": in_an_hour()});
    let answers = vec![(503, "busy".to_owned()), (200, token.to_string())];
    let (port, heard) = metadata(answers);
    let home = home(&format!(
        "profiles: {{vm: {{token-endpoint: 'http://127.0.0.1:{port}/v1/iam/sa/token'}}}}"
    ));
    let client = connect(&ConnectOptions {
        retries: Retries {
            attempts: 2,
            ..Retries::default()
        },
        ..options(&cloud, home.path(), &[])
    })
    .unwrap();
    client.instance_types(PROJECT).await.unwrap();
    client.instance_types(PROJECT).await.unwrap();
    assert_eq!(sent(&cloud), "Bearer of-the-machine");
    for request in heard.join().unwrap() {
        let request = request.to_lowercase();
        assert!(
            request.starts_with("get /v1/iam/sa/token http/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("\r\nmetadata: true\r\n"), "{request}");
        assert!(
            request.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_metadata_service_without_a_token_says_so() {
    let cloud = Cloud::kind().await;
    let expired = r#"{"access_token": "SECRET", "expires_at": "2001-01-01T00:00:00Z"}"#;
    let cases = [
        (404, "no account".to_owned(), "it answered 404"),
        (200, "SECRET".to_owned(), "no `access_token`"),
        (
            200,
            r#"{"access_token": ""}"#.to_owned(),
            "no `access_token`",
        ),
        (
            200,
            r#"{"access_token": "SECRET", "expires_at": "SECRET"}"#.to_owned(),
            "no time in `expires_at`",
        ),
        (200, expired.to_owned(), "has expired already"),
        (200, "x".repeat(70_000), "length limit exceeded"),
    ];
    for (status, body, complaint) in cases {
        let (port, heard) = metadata(vec![(status, body)]);
        let home = home(&format!(
            "profiles: {{vm: {{token-endpoint: 'http://127.0.0.1:{port}/token'}}}}"
        ));
        let client = connect(&options(&cloud, home.path(), &[])).unwrap();
        let error = client.instance_types(PROJECT).await.unwrap_err();
        for part in ["metadata service at http://127.0.0.1", complaint] {
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(!error.message.contains("SECRET"), "{}", error.message);
        heard.join().unwrap();
    }
    assert!(cloud.seen().is_empty());
}

#[tokio::test]
async fn a_token_that_goes_out_in_clear_text_is_said() {
    let cloud = Cloud::kind().await;
    let said = cloud.client().connection().warnings.join("\n");
    assert!(said.contains("in clear text"), "{said}");
    assert!(said.contains(&cloud.address.to_string()), "{said}");
    let made_up = ConnectOptions {
        credentials: CredentialsChoice::Find,
        ..cloud.options()
    };
    let client = connect(&made_up).unwrap();
    assert!(client.connection().warnings.is_empty());
}
