//! Who asks, as the command line tells it: a login with a browser, somebody who acts as a service account, and what a
//! careful owner of the credentials would change.

use std::fs;

use nebius_api::world::World;
use nebius_emulator::Emulator;
use tempfile::TempDir;

use crate::harness::{acme, quotagate_with};

/// A home directory with a configuration of the official tools.
fn home(config: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".nebius")).unwrap();
    fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    home
}

#[test]
fn a_login_that_is_gone_names_the_command_that_renews_it() {
    let home = home("profiles: {human: {auth-type: federation, federation-id: federation-x}}");
    let kept = "tokens: {federation//federation-x/human: {token: very-secret, expires_at: 1}}";
    fs::write(home.path().join(".nebius/credentials.yaml"), kept).unwrap();
    let variables = [("HOME", home.path().to_str().unwrap())];
    for command in ["doctor", "offers"] {
        let said = quotagate_with(&[command], &variables);
        assert_eq!(said.code, 1, "{said:?}");
        let all = format!("{}{}", said.stdout, said.stderr).replace('\n', " ");
        let words: Vec<_> = all.split_whitespace().collect();
        let all = words.join(" ");
        for part in [
            "the profile `human`",
            "has expired",
            "run `nebius iam get-access-token --profile human` to log in again",
        ] {
            assert!(all.contains(part), "{all}");
        }
        assert!(!all.contains("very-secret"), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_who_is_acted_as_and_what_goes_out_in_clear_text() {
    let emulator = Emulator::builder(World::read(&acme()).unwrap())
        .spawn()
        .await
        .unwrap();
    let address = emulator.addr().to_string();
    let home =
        home("profiles: {f: {token-file: ~/t, impersonate-service-account-id: serviceaccount-x}}");
    let said = tokio::task::spawn_blocking(move || {
        let variables = [
            ("HOME", home.path().to_str().unwrap()),
            ("NEBIUS_IAM_TOKEN", "very-secret"),
            ("COLUMNS", "1000"),
        ];
        quotagate_with(&["doctor", "--endpoint", &address], &variables)
    })
    .await
    .unwrap();
    for part in [
        "NEBIUS_IAM_TOKEN, impersonating service account serviceaccount-x",
        "the access token goes in clear text to whatever listens on 127.0.0.1",
    ] {
        assert!(said.stdout.contains(part), "{said:?}");
    }
    assert!(!format!("{said:?}").contains("very-secret"), "{said:?}");
}
