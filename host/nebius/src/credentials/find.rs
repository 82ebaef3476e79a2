//! The search for credentials, in the order of the official tools.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{
    config::{Chosen, Config, Profile},
    environment::Environment,
    error::CredentialsError,
    key::ServiceAccountKey,
    origin::CredentialsOrigin,
};
use crate::options::{ConnectOptions, CredentialsChoice};

const TOKEN_VARIABLE: &str = "NEBIUS_IAM_TOKEN";
const PROFILE_VARIABLE: &str = "NEBIUS_PROFILE";
/// What a server on this machine is sent where nobody has credentials.
const PLACEHOLDER: &str = "placeholder";

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where the credentials come from.
    pub(crate) origin: CredentialsOrigin,
    /// The credentials.
    pub(crate) material: Material,
    /// The profile in use, by name, also where the credentials come from elsewhere.
    pub(crate) profile: Option<String>,
    /// The profile's `tenant-id`.
    pub(crate) tenant: Option<String>,
    /// The profile's `parent-id`, which is a project.
    pub(crate) project: Option<String>,
    /// The profile's `endpoint`, which is a domain.
    pub(crate) domain: Option<String>,
}

/// What credentials are made of.
#[derive(Debug)]
pub(crate) enum Material {
    /// An access token.
    Token(SecretString),
    /// A file that somebody else keeps fresh.
    TokenFile(PathBuf),
    /// A key to trade for tokens.
    Key(ServiceAccountKey),
}

/// A profile and where it stands.
struct Located {
    name: String,
    config: PathBuf,
    profile: Profile,
}

/// Looks for credentials. `is_plain_text` says that the server is on this machine, where a placeholder may do.
pub(crate) fn find(
    options: &ConnectOptions,
    is_plain_text: bool,
) -> Result<Found, CredentialsError> {
    let environment = &options.environment;
    let may_pretend = is_plain_text && options.placeholder_on_loopback;
    if let Some((origin, material)) = chosen(&options.credentials)? {
        // A profile that nobody named may belong to another account.
        let profile = match &options.profile {
            Some(_) => locate(options)?,
            None => None,
        };
        return Ok(found(origin, material, profile));
    }
    if let Some(token) = environment.variable(TOKEN_VARIABLE) {
        let profile = match locate(options) {
            Ok(profile) => profile,
            // The token needs no profile; the file merely does not say which one would tell the tenant.
            Err(
                error @ (CredentialsError::WhichProfile { .. }
                | CredentialsError::NoSuchProfile {
                    asked_by: "`default`",
                    ..
                }),
            ) => {
                tracing::warn!(%error, "no profile is used beside {TOKEN_VARIABLE}");
                None
            }
            Err(error) => return Err(error),
        };
        let shadowed = profile.as_ref().map(|located| located.name.clone());
        let origin = CredentialsOrigin::Variable { shadowed };
        return Ok(found(origin, Material::Token(token.into()), profile));
    }
    let error = match locate(options)? {
        None => CredentialsError::NotFound,
        Some(located) => match material(&located, environment) {
            Ok((material, holds)) => {
                let origin = CredentialsOrigin::Profile {
                    name: located.name.clone(),
                    config: located.config.clone(),
                    holds,
                };
                return Ok(found(origin, material, Some(located)));
            }
            Err(error) => error,
        },
    };
    match error {
        // Nor is the profile's tenant the local server's.
        CredentialsError::NotFound | CredentialsError::BrowserLogin { .. } if may_pretend => {
            let material = Material::Token(PLACEHOLDER.into());
            Ok(found(CredentialsOrigin::Placeholder, material, None))
        }
        error => Err(error),
    }
}

fn found(origin: CredentialsOrigin, material: Material, located: Option<Located>) -> Found {
    let (name, profile) = located.map_or_else(
        || (None, Profile::default()),
        |located| (Some(located.name), located.profile),
    );
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    Found {
        origin,
        material,
        profile: name,
        tenant: given(profile.tenant_id),
        project: given(profile.parent_id),
        domain: given(profile.endpoint),
    }
}

/// The credentials that the options themselves name.
fn chosen(
    choice: &CredentialsChoice,
) -> Result<Option<(CredentialsOrigin, Material)>, CredentialsError> {
    Ok(match choice {
        CredentialsChoice::Find => None,
        CredentialsChoice::Token(token) => {
            Some((CredentialsOrigin::Token, Material::Token(token.clone())))
        }
        CredentialsChoice::ServiceAccountFile(path) => {
            let key = ServiceAccountKey::from_credentials_file(path)?;
            let origin = CredentialsOrigin::ServiceAccountFile {
                path: path.clone(),
                account: key.account.clone(),
            };
            Some((origin, Material::Key(key)))
        }
        CredentialsChoice::ServiceAccountKey {
            service_account,
            public_key,
            private_key_file,
        } => {
            let key = ServiceAccountKey::from_key_file(
                service_account.clone(),
                public_key.clone(),
                private_key_file,
            )?;
            let origin = CredentialsOrigin::ServiceAccountKey {
                path: private_key_file.clone(),
                account: service_account.clone(),
            };
            Some((origin, Material::Key(key)))
        }
    })
}

/// The profile to use, if there is one. One that was named has to be there.
fn locate(options: &ConnectOptions) -> Result<Option<Located>, CredentialsError> {
    let environment = &options.environment;
    let variable = environment.variable(PROFILE_VARIABLE);
    let choice = match (&options.profile, &variable) {
        (Some(name), _) => Chosen::Named {
            name,
            by: "the caller",
        },
        (None, Some(name)) => Chosen::Named {
            name,
            by: PROFILE_VARIABLE,
        },
        (None, None) => Chosen::Default,
    };
    let (path, config) = match environment.config_file() {
        Some(path) => {
            let config = Config::read(&path)?;
            (path, config)
        }
        None => (PathBuf::from("~/.nebius/config.yaml"), None),
    };
    let config = config.unwrap_or_default();
    let chosen = config.choose(&choice, &path)?;
    Ok(chosen.map(|(name, profile)| Located {
        name,
        config: path,
        profile,
    }))
}

/// The credentials of a profile: its token file, else what its `auth-type` says.
fn material(
    located: &Located,
    environment: &Environment,
) -> Result<(Material, String), CredentialsError> {
    let profile = &located.profile;
    let unsupported = |feature: String| CredentialsError::Unsupported {
        profile: located.name.clone(),
        config: located.config.clone(),
        feature,
    };
    // Asking as another account than the profile means would judge another account.
    if is_set(&profile.impersonate_service_account_id) {
        return Err(unsupported("`impersonate-service-account-id`".to_owned()));
    }
    if let Some(file) = set(&profile.token_file) {
        let path = environment.path(file);
        let holds = format!("token file `{}`", path.display());
        return Ok((Material::TokenFile(path), holds));
    }
    match profile.auth_type.as_deref().unwrap_or_default() {
        "federation" => Err(CredentialsError::BrowserLogin {
            profile: located.name.clone(),
            config: located.config.clone(),
        }),
        "" | "service account" | "service-account" => {
            if is_set(&profile.federated_subject_credentials_file_path) {
                let feature = "`federated-subject-credentials-file-path`";
                return Err(unsupported(feature.to_owned()));
            }
            let key = service_account(located, environment)?;
            let holds = format!("service account {}", key.account);
            Ok((Material::Key(key), holds))
        }
        _ => Err(unsupported("an unknown `auth-type`".to_owned())),
    }
}

/// The key of a profile: its credentials file, else its inline key, else its key file.
fn service_account(
    located: &Located,
    environment: &Environment,
) -> Result<ServiceAccountKey, CredentialsError> {
    let profile = &located.profile;
    let incomplete = |missing| CredentialsError::Incomplete {
        profile: located.name.clone(),
        config: located.config.clone(),
        missing,
    };
    if let Some(file) = set(&profile.service_account_credentials_file_path) {
        return ServiceAccountKey::from_credentials_file(&environment.path(file));
    }
    let key_file = set(&profile.private_key_file_path);
    if profile.private_key.is_none() && key_file.is_none() {
        return Err(incomplete(
            "credentials: `token-file`, `service-account-credentials-file-path`, or `service-account-id` with \
             `public-key-id` and `private-key-file-path`",
        ));
    }
    let (Some(account), Some(public_key)) = (
        set(&profile.service_account_id),
        set(&profile.public_key_id),
    ) else {
        return Err(incomplete("`service-account-id` or `public-key-id`"));
    };
    let (account, public_key) = (account.to_owned(), public_key.to_owned());
    match (&profile.private_key, key_file) {
        (Some(inline), _) => ServiceAccountKey::new(account, public_key, inline.clone(), || {
            format!("the profile `{}`", located.name)
        }),
        (None, Some(file)) => {
            ServiceAccountKey::from_key_file(account, public_key, &environment.path(file))
        }
        (None, None) => Err(incomplete("`private-key-file-path`")),
    }
}

fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn is_set(value: &Option<String>) -> bool {
    set(value).is_some()
}
