//! Whom TLS trusts, and what its failures mean.

use std::{error::Error, io, path::Path};

use rustls::{CertificateError, RootCertStore, pki_types::TrustAnchor};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::credentials::Environment;

/// The authorities that are trusted: those of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Reads files.
pub(crate) fn authorities(
    environment: &Environment,
) -> Result<Vec<TrustAnchor<'static>>, Distrust> {
    let file = environment.variable("SSL_CERT_FILE");
    let folder = environment.variable("SSL_CERT_DIR");
    let found = if file.is_some() || folder.is_some() {
        load_certs_from_paths(
            file.as_deref().map(Path::new),
            folder.as_deref().map(Path::new),
        )
    } else {
        load_native_certs()
    };
    for error in &found.errors {
        tracing::warn!(%error, "cannot read some certificates of authorities");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let causes: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let causes = match causes.join("; ") {
            causes if causes.is_empty() => causes,
            causes => format!(" ({causes})"),
        };
        return Err(Distrust {
            reason: format!("this machine has no certificate of any authority{causes}"),
            advice: "install the system's package of CA certificates, or name a file of them in SSL_CERT_FILE",
        });
    }
    Ok(roots.roots)
}

/// Why a connection cannot be trusted, and what to do about it. No further attempt helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distrust {
    /// Why not.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) advice: &'static str,
}

impl Distrust {
    /// What TLS says anywhere among the causes of an error; none where it says nothing.
    pub(crate) fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of(error));
            }
            // An error of a stream passes over what it holds when it is asked for its cause.
            let held = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            cause = match held {
                Some(held) => Some(held),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &rustls::Error) -> Self {
        let (what, advice) = match error {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                    "its certificate is signed by an authority that this machine does not trust",
                    "where a proxy of your network opens TLS, name a file with the certificate of its authority in \
                     SSL_CERT_FILE; else check the endpoint",
                ),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                    "its certificate has expired",
                    "check the clock of this machine, and the endpoint",
                ),
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                    "its certificate is not valid yet",
                    "check the clock of this machine, and the endpoint",
                ),
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => (
                    "its certificate is for another name",
                    "check the name in the endpoint, and any proxy",
                ),
                _ => (
                    "its certificate is not acceptable",
                    "check the endpoint, and any proxy",
                ),
            },
            rustls::Error::InvalidMessage(_) => (
                "it does not answer in TLS, but in plain text or in something else",
                "check the port of the endpoint, and any proxy; plain text goes to this machine alone",
            ),
            _ => ("TLS cannot be set up", "check the endpoint, and any proxy"),
        };
        Self {
            reason: format!("{what} ({error})"),
            advice,
        }
    }
}
