//! Why there are no credentials, and what to do about it. No message here quotes what a file holds.

use std::path::PathBuf;

use super::helper::command_line;

/// How to give credentials.
pub(crate) const WAYS_IN: &str = "give others: set NEBIUS_IAM_TOKEN to what `nebius iam get-access-token` prints, \
     set up a profile in ~/.nebius/config.yaml, or name a service-account credentials file";

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Nothing was found anywhere.
    #[error(
        "no Nebius credentials were found: set NEBIUS_IAM_TOKEN to what `nebius iam get-access-token` prints, \
         set up a profile in ~/.nebius/config.yaml, or name a service-account credentials file; \
         to look around without an account run `quotagate demo`"
    )]
    NotFound,
    /// A file cannot be read.
    #[error("cannot read {what} `{}`: {source}", path.display())]
    Unreadable {
        /// What the file is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{what} `{}` is malformed{}: {reason}", path.display(), placed(*at))]
    Malformed {
        /// What the file is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// The line and column, where they are known.
        at: Option<(usize, usize)>,
        /// What is wrong.
        reason: String,
    },
    /// A profile that was asked for is not there.
    #[error(
        "the profile `{profile}`, which {asked_by} names, is not in `{}`, which has {}",
        config.display(),
        listed(known)
    )]
    NoSuchProfile {
        /// Its name.
        profile: String,
        /// Who names it.
        asked_by: &'static str,
        /// The configuration.
        config: PathBuf,
        /// The profiles that are there.
        known: Vec<String>,
    },
    /// Several profiles, and nothing says which.
    #[error(
        "`{}` has {} and no `default`: set NEBIUS_PROFILE to one of them",
        config.display(),
        listed(known)
    )]
    WhichProfile {
        /// The configuration.
        config: PathBuf,
        /// The profiles that are there.
        known: Vec<String>,
    },
    /// A profile of a kind that only a browser can log in to, and nobody is logged in.
    #[error(
        "the profile `{profile}` of `{}` logs in with a browser, but {reason}: \
         run `{}` to log in again, or set NEBIUS_IAM_TOKEN to what it prints",
        config.display(),
        command_line(profile)
    )]
    BrowserLogin {
        /// Its name.
        profile: String,
        /// The configuration.
        config: PathBuf,
        /// Why there is no token of the login.
        reason: String,
    },
    /// A profile that names its credentials twice.
    #[error(
        "the profile `{profile}` of `{}` has both `service-account-credentials-file-path` and `{second}`: \
         remove one of them",
        config.display()
    )]
    Twofold {
        /// Its name.
        profile: String,
        /// The configuration.
        config: PathBuf,
        /// The key that stands beside the credentials file.
        second: &'static str,
    },
    /// A metadata service at an address that is none.
    #[error(
        "the `token-endpoint` of the profile `{profile}` of `{}` is no `http://` address: \
         on a virtual machine of Nebius it is `http://metadata.nebius.internal/v1/iam/sa/token`",
        config.display()
    )]
    TokenEndpoint {
        /// Its name.
        profile: String,
        /// The configuration.
        config: PathBuf,
    },
    /// A profile that uses what is not supported.
    #[error(
        "the profile `{profile}` of `{}` has {feature}, which is not supported: \
         run `nebius iam get-access-token` and set NEBIUS_IAM_TOKEN to what it prints",
        config.display()
    )]
    Unsupported {
        /// Its name.
        profile: String,
        /// The configuration.
        config: PathBuf,
        /// What is not supported.
        feature: String,
    },
    /// A profile that lacks credentials.
    #[error("the profile `{profile}` of `{}` lacks {missing}", config.display())]
    Incomplete {
        /// Its name.
        profile: String,
        /// The configuration.
        config: PathBuf,
        /// The keys that would complete it.
        missing: &'static str,
    },
    /// A private key that is none.
    #[error(
        "the private key in {place} is no RSA key in PEM: give the one that belongs to the public key `{public_key}`"
    )]
    PrivateKey {
        /// Where it was found.
        place: String,
        /// The public key that it should belong to.
        public_key: String,
    },
}

fn placed(at: Option<(usize, usize)>) -> String {
    at.map(|(line, column)| format!(" at line {line} column {column}"))
        .unwrap_or_default()
}

fn listed(profiles: &[String]) -> String {
    if profiles.is_empty() {
        "no profiles".to_owned()
    } else {
        format!("the profiles {}", profiles.join(", "))
    }
}
