//! The search for credentials, in the order of the official tools.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{
    config::{Chosen, Config, Profile},
    environment::Environment,
    error::CredentialsError,
    key::ServiceAccountKey,
    login::BrowserLogin,
    metadata::TokenEndpoint,
    origin::CredentialsOrigin,
    warnings,
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
    /// The service account to act as.
    pub(crate) impersonates: Option<String>,
    /// What a careful owner of these credentials would change.
    pub(crate) warnings: Vec<String>,
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
    /// The metadata service of a virtual machine.
    TokenEndpoint(TokenEndpoint),
    /// A login with a browser.
    Login(BrowserLogin),
    /// A key to trade for tokens.
    Key(ServiceAccountKey),
    /// A file with a token of another issuer, to trade for tokens of a service account.
    Federated {
        /// The service account, by id.
        account: String,
        /// The file.
        file: PathBuf,
    },
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
        let mut found = found(origin, material, profile);
        // The profile tells the account here, not who asks.
        found.impersonates = None;
        return Ok(found);
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
        None => match environment.vm_token() {
            Some(path) if !may_pretend && !has_config(environment) => {
                let path = path.to_owned();
                let origin = CredentialsOrigin::VirtualMachine { path: path.clone() };
                return Ok(found(origin, Material::TokenFile(path), None));
            }
            _ => CredentialsError::NotFound,
        },
        // Whatever listens on this machine gets no login that nobody named.
        Some(located) if may_pretend && located.is_browser_login() => CredentialsError::NotFound,
        Some(located) => match material(&located, options) {
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
        CredentialsError::NotFound if may_pretend => {
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
    let warnings = warnings::of(&origin, &material, &profile);
    Found {
        origin,
        material,
        impersonates: given(profile.impersonate_service_account_id),
        warnings,
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

impl Located {
    /// Whether its credentials are those of a login with a browser.
    fn is_browser_login(&self) -> bool {
        let profile = &self.profile;
        !is_set(&profile.token_file)
            && !is_set(&profile.token_endpoint)
            && profile.auth_type.as_deref() == Some("federation")
    }
}

/// Whether the official tools have a configuration here. Without one they take a virtual machine's own identity.
fn has_config(environment: &Environment) -> bool {
    environment.config_file().is_some_and(|path| path.exists())
}

/// The credentials of a profile: its token file, else its metadata service, else what its `auth-type` says.
fn material(
    located: &Located,
    options: &ConnectOptions,
) -> Result<(Material, String), CredentialsError> {
    let environment = &options.environment;
    let profile = &located.profile;
    let name = || located.name.clone();
    let config = || located.config.clone();
    if let Some(file) = set(&profile.token_file) {
        let path = environment.path(file);
        let holds = format!("token file `{}`", path.display());
        return Ok((Material::TokenFile(path), holds));
    }
    if let Some(address) = set(&profile.token_endpoint) {
        let endpoint =
            TokenEndpoint::parse(address).ok_or_else(|| CredentialsError::TokenEndpoint {
                profile: name(),
                config: config(),
            })?;
        let holds = format!("the metadata service at {address}");
        return Ok((Material::TokenEndpoint(endpoint), holds));
    }
    match profile.auth_type.as_deref().unwrap_or_default() {
        "federation" => {
            let login = BrowserLogin {
                profile: name(),
                entry: format!(
                    "federation/{}/{}/{}",
                    set(&profile.federation_endpoint).unwrap_or_default(),
                    set(&profile.federation_id).unwrap_or_default(),
                    located.name
                ),
                file: environment.login_file().unwrap_or_default(),
                helper: environment.helper(),
            };
            match login.kept(options.clock.now()) {
                Err(reason) if login.helper.is_none() => Err(CredentialsError::BrowserLogin {
                    profile: name(),
                    config: config(),
                    reason,
                }),
                _ => Ok((Material::Login(login), "a login with a browser".to_owned())),
            }
        }
        "" | "service account" | "service-account" => {
            if let Some(file) = set(&profile.federated_subject_credentials_file_path)
                && !has_key(profile)
            {
                let Some(account) = set(&profile.service_account_id) else {
                    return Err(CredentialsError::Incomplete {
                        profile: name(),
                        config: config(),
                        missing: "`service-account-id`",
                    });
                };
                let (account, file) = (account.to_owned(), environment.path(file));
                let holds = format!(
                    "service account {account}, federated by `{}`",
                    file.display()
                );
                return Ok((Material::Federated { account, file }, holds));
            }
            let key = service_account(located, environment)?;
            let holds = format!("service account {}", key.account);
            Ok((Material::Key(key), holds))
        }
        _ => Err(CredentialsError::Unsupported {
            profile: name(),
            config: config(),
            feature: "an unknown `auth-type`".to_owned(),
        }),
    }
}

/// Whether a profile names a key in any way.
fn has_key(profile: &Profile) -> bool {
    is_set(&profile.public_key_id)
        || profile.private_key.is_some()
        || is_set(&profile.private_key_file_path)
        || is_set(&profile.service_account_credentials_file_path)
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
        let beside = [
            (&profile.service_account_id, "service-account-id"),
            (&profile.public_key_id, "public-key-id"),
        ];
        if let Some((_, second)) = beside.into_iter().find(|(value, _)| is_set(value)) {
            return Err(CredentialsError::Twofold {
                profile: located.name.clone(),
                config: located.config.clone(),
                second,
            });
        }
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

pub(super) fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

pub(super) fn is_set(value: &Option<String>) -> bool {
    set(value).is_some()
}
