//! `~/.nebius/config.yaml`, the configuration of the official tools.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::CredentialsError;

const WHAT: &str = "the configuration";

/// The file. Keys that are not read here are passed over.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    default: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Option<Profile>>,
}

/// A profile: where the account is, and who asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Profile {
    pub(super) endpoint: Option<String>,
    pub(super) parent_id: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) auth_type: Option<String>,
    pub(super) service_account_id: Option<String>,
    pub(super) public_key_id: Option<String>,
    pub(super) private_key: Option<SecretString>,
    pub(super) private_key_file_path: Option<String>,
    pub(super) service_account_credentials_file_path: Option<String>,
    pub(super) federated_subject_credentials_file_path: Option<String>,
    pub(super) token_file: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) federation_endpoint: Option<String>,
    pub(super) federation_id: Option<String>,
    pub(super) impersonate_service_account_id: Option<String>,
}

/// How a profile was chosen.
#[derive(Debug)]
pub(super) enum Chosen<'a> {
    /// By name: it has to be there.
    Named {
        /// The name.
        name: &'a str,
        /// Who named it.
        by: &'static str,
    },
    /// Whatever the file says.
    Default,
}

impl Config {
    /// Reads the file; none where it is not there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CredentialsError> {
        let text = match fs::read_to_string(path) {
            // It may hold a key.
            Ok(text) => SecretString::from(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CredentialsError::Unreadable {
                    what: WHAT,
                    path: path.to_owned(),
                    source,
                });
            }
        };
        match serde_norway::from_str::<Option<Self>>(text.expose_secret()) {
            Ok(config) => Ok(Some(config.unwrap_or_default())),
            Err(error) => Err(CredentialsError::Malformed {
                what: WHAT,
                path: path.to_owned(),
                at: error.location().map(|at| (at.line(), at.column())),
                reason: unquoted(&error.to_string()),
            }),
        }
    }

    /// The profile to use: the one that was named, else `default`, else the only one. None where the file has none.
    pub(super) fn choose(
        self,
        chosen: &Chosen<'_>,
        path: &Path,
    ) -> Result<Option<(String, Profile)>, CredentialsError> {
        let known: Vec<String> = self.profiles.keys().cloned().collect();
        let (name, asked_by) = match (chosen, self.default.filter(|name| !name.is_empty())) {
            (Chosen::Named { name, by }, _) => ((*name).to_owned(), *by),
            (Chosen::Default, Some(name)) => (name, "`default`"),
            (Chosen::Default, None) => match known.as_slice() {
                [] => return Ok(None),
                [only] => (only.clone(), "the file"),
                _ => {
                    return Err(CredentialsError::WhichProfile {
                        config: path.to_owned(),
                        known,
                    });
                }
            },
        };
        let mut profiles = self.profiles;
        match profiles.remove(&name) {
            Some(profile) => Ok(Some((name, profile.unwrap_or_default()))),
            None => Err(CredentialsError::NoSuchProfile {
                profile: name,
                asked_by,
                config: path.to_owned(),
                known,
            }),
        }
    }
}

/// Without what stands between the first and the last quotation mark: parsers quote the text they stumble over, and it
/// may be a key. The place is said elsewhere.
fn unquoted(reason: &str) -> String {
    let mut reason = reason.to_owned();
    for quote in ['"', '`'] {
        if let Some((before, rest)) = reason.split_once(quote) {
            let after = rest.rsplit_once(quote).map_or("", |(_, after)| after);
            reason = format!("{before}...{after}");
        }
    }
    reason
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}
