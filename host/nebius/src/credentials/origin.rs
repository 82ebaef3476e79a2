//! Where credentials come from, in words without secrets.

use std::{fmt, path::PathBuf};

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsOrigin {
    /// A token that was handed in.
    Token,
    /// `NEBIUS_IAM_TOKEN`.
    Variable {
        /// The profile that would be used without it.
        shadowed: Option<String>,
    },
    /// A profile of the official tools.
    Profile {
        /// Its name.
        name: String,
        /// The file that holds it.
        config: PathBuf,
        /// What it holds, such as `service account serviceaccount-e00...`.
        holds: String,
    },
    /// A service-account credentials file.
    ServiceAccountFile {
        /// The file.
        path: PathBuf,
        /// The service account.
        account: String,
    },
    /// A service account's key.
    ServiceAccountKey {
        /// The file of the private key.
        path: PathBuf,
        /// The service account.
        account: String,
    },
    /// The token that a virtual machine finds in a file.
    VirtualMachine {
        /// The file.
        path: PathBuf,
    },
    /// Another account, for which a service account's token is asked.
    Impersonated {
        /// The service account.
        account: String,
        /// Where the credentials of the other account come from.
        by: Box<Self>,
    },
    /// A made-up token for a server on this machine.
    Placeholder,
}

impl fmt::Display for CredentialsOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => formatter.write_str("the token that was handed in"),
            Self::Variable { .. } => formatter.write_str("NEBIUS_IAM_TOKEN"),
            Self::Profile {
                name,
                config,
                holds,
            } => write!(
                formatter,
                "the profile `{name}` of `{}` ({holds})",
                config.display()
            ),
            Self::ServiceAccountFile { path, account } => write!(
                formatter,
                "the credentials file `{}` (service account {account})",
                path.display()
            ),
            Self::ServiceAccountKey { path, account } => write!(
                formatter,
                "the private key `{}` (service account {account})",
                path.display()
            ),
            Self::VirtualMachine { path } => write!(
                formatter,
                "the identity of this virtual machine (token file `{}`)",
                path.display()
            ),
            Self::Impersonated { account, by } => {
                write!(formatter, "{by}, impersonating service account {account}")
            }
            Self::Placeholder => formatter.write_str("a placeholder for a local server"),
        }
    }
}
