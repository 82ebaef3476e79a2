//! What is asked of the cloud, in words, and what to do when it refuses.

use quotagate::source::SourceErrorKind;
use tonic::Code;

use crate::{
    address::Service,
    credentials::{CredentialsOrigin, WAYS_IN},
    status::Refusal,
};

/// One question, however many calls it takes.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// What is asked, to follow "cannot", such as "list the projects of `tenant-e00acme`".
    pub(crate) asked: String,
    /// The service that knows.
    pub(crate) service: Service,
    /// What the answer is about.
    pub(crate) about: About,
}

/// What an answer is about: it decides which role the credentials need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The credentials themselves.
    Oneself,
    /// The tenant.
    Tenant,
    /// A project.
    Project,
    /// A token for a service account's key.
    Key,
    /// A token of another account, for one's own.
    Impersonation,
    /// A token of a service account, for one of another issuer.
    Federation,
}

impl Question {
    pub(crate) const fn new(service: Service, about: About, asked: String) -> Self {
        Self {
            asked,
            service,
            about,
        }
    }

    /// What to do about a refusal; empty where nothing is known to help.
    pub(crate) fn remedy(&self, refusal: &Refusal, origin: &CredentialsOrigin) -> String {
        if self.about == About::Key {
            return "check that the public key is registered with the service account and active, \
                    and that the clock of this machine is right: the assertion lives for a minute"
                .to_owned();
        }
        if self.about == About::Federation && refusal.kind != SourceErrorKind::Unavailable {
            return "check that the service account trusts the issuer of the token, and that the token has not expired"
                .to_owned();
        }
        match (refusal.kind, refusal.code) {
            (SourceErrorKind::Unauthenticated, _) => unauthenticated(origin),
            (SourceErrorKind::Denied, _) => match self.about {
                About::Tenant => "grant the `viewer` role in the tenant to the account behind \
                                  these credentials"
                    .to_owned(),
                About::Project => "grant the `viewer` role in the project to the account behind \
                                   these credentials, and check the project's id"
                    .to_owned(),
                About::Oneself => "name the tenant or a project".to_owned(),
                About::Impersonation => {
                    "check the profile's `impersonate-service-account-id`, and that \
                                         the account behind these credentials may act as it"
                        .to_owned()
                }
                About::Key | About::Federation => String::new(),
            },
            (SourceErrorKind::RateLimited, _) => "ask again later, and less often".to_owned(),
            (SourceErrorKind::NotFound, _) => {
                "check the id, and that it is of this account".to_owned()
            }
            (_, Code::Unimplemented) => "check that the endpoint serves the Nebius API".to_owned(),
            (SourceErrorKind::Unavailable, _) => "ask again later".to_owned(),
            _ => String::new(),
        }
    }
}

fn unauthenticated(origin: &CredentialsOrigin) -> String {
    match origin {
        CredentialsOrigin::Variable { shadowed } => {
            let instead = match shadowed {
                Some(profile) => format!(" so that the profile `{profile}` is used"),
                None => String::new(),
            };
            format!(
                "the token in NEBIUS_IAM_TOKEN has expired or was never good, and it comes before \
                 every profile: unset it{instead}, or set it to what `nebius iam get-access-token` prints"
            )
        }
        other => format!("the credentials from {other} have expired or were never good; {WAYS_IN}"),
    }
}
