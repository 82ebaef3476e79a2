//! What a careful owner of the credentials would change: files that others may read, and settings that are passed over.

use std::path::Path;

use super::{
    config::Profile,
    find::{Material, is_set},
    origin::CredentialsOrigin,
};

/// What a careful owner of these credentials would change.
pub(super) fn of(
    origin: &CredentialsOrigin,
    material: &Material,
    profile: &Profile,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_profile = matches!(origin, CredentialsOrigin::Profile { .. });
    let is_key = matches!(material, Material::Key(_));
    if is_profile && is_key && is_set(&profile.federated_subject_credentials_file_path) {
        warnings.push(
            "the profile's `federated-subject-credentials-file-path` is not used, since the profile has a key"
                .to_owned(),
        );
    }
    if is_profile
        && is_key
        && is_set(&profile.service_account_credentials_file_path)
        && (profile.private_key.is_some() || is_set(&profile.private_key_file_path))
    {
        warnings.push(
            "the profile's own private key is not used, since the profile names a credentials file"
                .to_owned(),
        );
    }
    let secret_file = match (origin, material) {
        // The machine decides on the mode of that one.
        (CredentialsOrigin::VirtualMachine { .. }, _) => None,
        (_, Material::TokenFile(path)) => Some(("the token file", path.as_path())),
        (_, Material::Federated { file, .. }) => Some(("the token file", file.as_path())),
        (CredentialsOrigin::Profile { config, .. }, Material::Key(key)) => {
            let file = key.file.as_ref();
            let what = (
                "the key file",
                "the configuration, which holds a private key,",
            );
            Some(file.map_or((what.1, config.as_path()), |file| (what.0, file.as_path())))
        }
        (_, Material::Key(key)) => key.file.as_deref().map(|file| ("the key file", file)),
        _ => None,
    };
    warnings.extend(secret_file.and_then(|(what, path)| open_to_others(what, path)));
    warnings
}

/// What to say of a file that others than its owner may read.
#[cfg(unix)]
fn open_to_others(what: &str, path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "{what} `{}` is open to others than its owner (mode {mode:04o}): run `chmod 600` on it",
            path.display()
        )
    })
}

/// Where files have no mode, nothing is known.
#[cfg(not(unix))]
fn open_to_others(_what: &str, _path: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::{Desk, indented_key};

    #[test]
    fn what_is_passed_over_is_said() {
        let config = "profiles: {f: {service-account-credentials-file-path: ~/account.json, \
                      private-key-file-path: ~/key.pem, federated-subject-credentials-file-path: ~/f}}";
        let found = Desk::new(&[], Some(config)).find().unwrap();
        let said = found.warnings.join("\n");
        assert!(
            said.contains("`federated-subject-credentials-file-path` is not used"),
            "{said}"
        );
        assert!(said.contains("own private key is not used"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_may_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt as _;

        let inline = format!(
            "profiles:\n  r:\n    service-account-id: s\n    public-key-id: p\n    private-key: |\n{}",
            indented_key()
        );
        let cases = [
            ("profiles: {f: {token-file: ~/key.pem}}", "key.pem"),
            (
                "profiles: {f: {service-account-credentials-file-path: ~/account.json}}",
                "account.json",
            ),
            (
                "profiles: {f: {service-account-id: s, public-key-id: p, private-key-file-path: ~/key.pem}}",
                "key.pem",
            ),
            (
                "profiles: {f: {service-account-id: s, federated-subject-credentials-file-path: ~/key.pem}}",
                "key.pem",
            ),
            (&inline, ".nebius/config.yaml"),
        ];
        for (config, file) in cases {
            let desk = Desk::new(&[], Some(config));
            let path = desk.home.path().join(file);
            let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            mode(0o640);
            let said = desk.find().unwrap().warnings.join("\n");
            for part in [file, "(mode 0640)", "chmod 600"] {
                assert!(said.contains(part), "{config}: {said}");
            }
            mode(0o600);
            assert!(desk.find().unwrap().warnings.is_empty(), "{config}");
        }
    }
}
