//! Damaged configurations of the official tools: what is read stands in the file, and no error shows a key.

use std::fs;

use secrecy::ExposeSecret as _;

use super::config::{Chosen, Config, Profile};

#[path = "../../../../tests/fuzz/checks/mutate.rs"]
mod mutate;

const KEY: &str = "aHVzaA";
const SEED: &str = "\
default: work
profiles:
  work:
    endpoint: api.example.test
    parent-id: project-e00work
    tenant-id: tenant-e00work
    token-file: ~/token
    impersonate-service-account-id: serviceaccount-e00other
  machine:
    service-account-id: serviceaccount-e00machine
    public-key-id: publickey-e00machine
    private-key: aHVzaA
";

fn without_spaces(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

fn values(profile: &Profile) -> impl Iterator<Item = String> {
    let Profile {
        endpoint,
        parent_id,
        tenant_id,
        service_account_id,
        public_key_id,
        private_key,
        token_file,
        impersonate_service_account_id,
        ..
    } = profile.clone();
    let key = private_key.map(|key| key.expose_secret().to_owned());
    [
        endpoint,
        parent_id,
        tenant_id,
        service_account_id,
        public_key_id,
        key,
        token_file,
        impersonate_service_account_id,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn damaged_configurations_are_read_as_they_stand_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let (mut read, mut refused) = (0, 0);
    for run in 0..5_000 {
        let damaged = mutate::mutated(SEED.as_bytes(), run);
        fs::write(&file, &damaged).unwrap();
        let chosen = if run % 2 == 0 {
            Chosen::Default
        } else {
            Chosen::Named {
                name: "machine",
                by: "--profile",
            }
        };
        let found = Config::read(&file)
            .and_then(|config| config.unwrap_or_default().choose(&chosen, &file));
        match found {
            Ok(found) => {
                read += 1;
                let text = String::from_utf8_lossy(&damaged);
                // In quotation marks a backslash begins another spelling of the same.
                let stands = |value: &String| {
                    text.contains('\\') || without_spaces(&text).contains(&without_spaces(value))
                };
                let made_up = found
                    .iter()
                    .flat_map(|(_, profile)| values(profile))
                    .find(|value| !stands(value));
                assert_eq!(made_up, None, "of {text}");
            }
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                assert!(said.contains("config.yaml"), "{said}");
                assert!(!said.contains(KEY), "{said}");
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} {refused}");
}
