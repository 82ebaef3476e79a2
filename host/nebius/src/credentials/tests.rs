//! Where credentials are found, which ones win, and what is said where there are none.

use std::fs;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::{
    CredentialsError, CredentialsOrigin, Environment,
    find::{Found, Material, find},
};
use crate::{ConnectOptions, CredentialsChoice, tests::PRIVATE_KEY};

pub(super) type Variables = &'static [(&'static str, &'static str)];

/// A home directory with these files, and these variables.
pub(super) struct Desk {
    pub(super) home: TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Desk {
    pub(super) fn new(variables: Variables, config: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".nebius")).unwrap();
        let desk = Self {
            home,
            variables: variables.to_vec(),
        };
        if let Some(config) = config {
            desk.write(".nebius/config.yaml", config);
        }
        desk.write("key.pem", PRIVATE_KEY);
        desk.write(
            "account.json",
            &credentials_file("serviceaccount-file", "RS256"),
        );
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }

    fn options(&self) -> ConnectOptions {
        let home = Some(self.home.path().to_owned());
        ConnectOptions::new(Environment::new(self.variables.clone(), home))
    }

    pub(super) fn find(&self) -> Result<Found, CredentialsError> {
        find(&self.options(), false)
    }

    fn error(&self) -> String {
        self.find().unwrap_err().to_string()
    }
}

fn credentials_file(account: &str, algorithm: &str) -> String {
    serde_json::json!({"subject-credentials": {
        "type": "JWT", "alg": algorithm, "private-key": PRIVATE_KEY, "kid": "publickey-file",
        "iss": account, "sub": account,
    }})
    .to_string()
}

pub(super) fn indented_key() -> String {
    PRIVATE_KEY
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect()
}

/// What was found, in a few words.
fn gist(found: &Found) -> String {
    match (&found.origin, &found.material) {
        (CredentialsOrigin::Profile { name, .. }, Material::TokenFile(path)) => {
            format!("{name}: file {}", path.file_name().unwrap().display())
        }
        (CredentialsOrigin::Profile { name, .. }, Material::Key(key)) => {
            format!("{name}: key {}", key.account)
        }
        (CredentialsOrigin::Profile { name, .. }, Material::Federated { account, file }) => {
            let file = file.file_name().unwrap().display();
            format!("{name}: {account} by {file}")
        }
        (CredentialsOrigin::Profile { name, .. }, Material::TokenEndpoint(_)) => {
            format!("{name}: metadata service")
        }
        (CredentialsOrigin::VirtualMachine { .. }, Material::TokenFile(_)) => "machine".to_owned(),
        (CredentialsOrigin::Variable { shadowed }, Material::Token(token)) => {
            format!("variable {} shadows {shadowed:?}", token.expose_secret())
        }
        (origin, _) => format!("{origin:?}"),
    }
}

#[test]
fn precedence() {
    let two = "profiles:\n  a: {token-file: ~/a}\n  b: {token-file: ~/b}\n";
    let two_default_b = format!("default: b\n{two}");
    let robot =
        "auth-type: service account, service-account-id: serviceaccount-inline, public-key-id: p";
    let key_file = format!("profiles: {{r: {{{robot}, private-key-file-path: ~/key.pem}}}}");
    let all = format!(
        "profiles:\n  r:\n    auth-type: service account\n    service-account-id: serviceaccount-inline\n    \
         public-key-id: p\n    private-key-file-path: ~/none\n    private-key: |\n{}",
        indented_key()
    );
    let key_and_federated = format!("{all}    federated-subject-credentials-file-path: ~/f\n");
    let token_endpoint_too = format!("{all}    token-endpoint: http://169.254.169.254/token\n");
    let token_file_too = format!("{token_endpoint_too}    token-file: ~/t\n");
    let cases: &[(Variables, Option<&str>, &str)] = &[
        (
            &[("NEBIUS_IAM_TOKEN", " v\n")],
            None,
            "variable v shadows None",
        ),
        (
            &[("NEBIUS_IAM_TOKEN", "v")],
            Some(&two_default_b),
            "variable v shadows Some(\"b\")",
        ),
        (
            &[("NEBIUS_IAM_TOKEN", "v")],
            Some(two),
            "variable v shadows None",
        ),
        (
            &[("NEBIUS_IAM_TOKEN", "v")],
            Some("default: gone"),
            "variable v shadows None",
        ),
        (
            &[("NEBIUS_IAM_TOKEN", "")],
            Some(&two_default_b),
            "b: file b",
        ),
        (
            &[("NEBIUS_PROFILE", "a")],
            Some(&two_default_b),
            "a: file a",
        ),
        (&[], Some(&two_default_b), "b: file b"),
        (
            &[],
            Some("profiles: {only: {token-file: /t}}"),
            "only: file t",
        ),
        (&[], Some(&key_file), "r: key serviceaccount-inline"),
        (&[], Some(&all), "r: key serviceaccount-inline"),
        (
            &[],
            Some(&key_and_federated),
            "r: key serviceaccount-inline",
        ),
        (
            &[],
            Some(
                "profiles: {f: {auth-type: service account, service-account-id: s, \
                 federated-subject-credentials-file-path: /s}}",
            ),
            "f: s by s",
        ),
        (&[], Some(&token_endpoint_too), "r: metadata service"),
        (&[], Some(&token_file_too), "r: file t"),
        (
            &[],
            Some("profiles: {f: {auth-type: federation, token-file: ~/t}}"),
            "f: file t",
        ),
        (
            &[],
            Some("profiles: {f: {service-account-credentials-file-path: ~/account.json}}"),
            "f: key serviceaccount-file",
        ),
    ];
    for (variables, config, expected) in cases {
        let found = Desk::new(variables, *config).find();
        assert_eq!(gist(&found.unwrap()), *expected, "{variables:?} {config:?}");
    }
}

#[test]
fn chosen_credentials_come_first_and_leave_profiles_alone() {
    let profile = "profiles: {p: {token-file: ~/t, tenant-id: tenant-p, parent-id: project-p}}";
    let desk = Desk::new(
        &[("NEBIUS_IAM_TOKEN", "v"), ("NEBIUS_PROFILE", "gone")],
        Some(profile),
    );
    let choose = |credentials, profile: Option<&str>| {
        let options = ConnectOptions {
            credentials,
            profile: profile.map(str::to_owned),
            ..desk.options()
        };
        find(&options, false).unwrap()
    };
    let found = choose(CredentialsChoice::Token("t".into()), None);
    assert_eq!(
        (found.origin, found.tenant),
        (CredentialsOrigin::Token, None)
    );
    let file = desk.home.path().join("account.json");
    let found = choose(CredentialsChoice::ServiceAccountFile(file), Some("p"));
    assert_eq!(found.tenant.as_deref(), Some("tenant-p"));
    assert!(found.origin.to_string().contains("serviceaccount-file"));
}

#[test]
fn a_profile_tells_the_account_beside_the_credentials() {
    let config = "profiles: {p: {token-file: ~/t, tenant-id: tenant-p, parent-id: project-p, \
                  endpoint: 'api.example.test:443', impersonate-service-account-id: ''}}";
    let found = Desk::new(&[], Some(config)).find().unwrap();
    assert_eq!(found.profile.as_deref(), Some("p"));
    assert_eq!(found.tenant.as_deref(), Some("tenant-p"));
    assert_eq!(found.project.as_deref(), Some("project-p"));
    assert_eq!(found.domain.as_deref(), Some("api.example.test:443"));
    let with_token = Desk::new(&[("NEBIUS_IAM_TOKEN", "v")], Some(config)).find();
    assert_eq!(with_token.unwrap().tenant.as_deref(), Some("tenant-p"));
}

#[test]
fn no_credentials_at_all_name_the_ways_in() {
    for config in [None, Some(""), Some("profiles: {}"), Some("# nothing\n")] {
        let desk = Desk::new(&[], config);
        assert!(
            matches!(desk.find(), Err(CredentialsError::NotFound)),
            "{config:?}"
        );
        let error = desk.error();
        for way in [
            "NEBIUS_IAM_TOKEN",
            "~/.nebius/config.yaml",
            "credentials file",
            "quotagate demo",
        ] {
            assert!(error.contains(way), "{error}");
        }
    }
    let homeless = ConnectOptions::new(Environment::new([("", ""); 0], None));
    assert!(matches!(
        find(&homeless, false),
        Err(CredentialsError::NotFound)
    ));
}

#[test]
fn profiles_that_cannot_be_used_say_why() {
    let two = "profiles: {a: {token-file: /a}, b: {token-file: /b}}";
    let cases: &[(Variables, &str, &[&str])] = &[
        (
            &[],
            two,
            &["has the profiles a, b and no `default`", "NEBIUS_PROFILE"],
        ),
        (
            &[("NEBIUS_PROFILE", "c")],
            two,
            &["`c`, which NEBIUS_PROFILE names", "profiles a, b"],
        ),
        (&[("NEBIUS_PROFILE", "c")], "{}", &["`c`", "no profiles"]),
        (&[], "default: c", &["`c`, which `default` names"]),
        (
            &[],
            "profiles: {f: {auth-type: federation, federation-id: x}}",
            &[
                "`f`",
                "browser",
                "credentials.yaml`, where a login is kept",
                "`nebius iam get-access-token --profile f`",
                "NEBIUS_IAM_TOKEN",
            ],
        ),
        (
            &[],
            "profiles: {f: {auth-type: magic}}",
            &["unknown `auth-type`"],
        ),
        (
            &[],
            "profiles: {f: {}}",
            &["`f`", "lacks credentials", "token-file"],
        ),
        (&[], "profiles: {f: }", &["lacks credentials"]),
        (
            &[],
            "profiles: {f: {private-key-file-path: ~/key.pem, public-key-id: p}}",
            &["lacks `service-account-id` or `public-key-id`"],
        ),
        (
            &[],
            "profiles: {f: {auth-type: service account, federated-subject-credentials-file-path: /s}}",
            &["lacks `service-account-id`"],
        ),
        (
            &[],
            "profiles: {f: {service-account-id: s, service-account-credentials-file-path: ~/account.json}}",
            &[
                "both `service-account-credentials-file-path` and `service-account-id`",
                "remove one",
            ],
        ),
        (
            &[],
            "profiles: {f: {public-key-id: s, service-account-credentials-file-path: ~/account.json}}",
            &["and `public-key-id`"],
        ),
        (
            &[],
            "profiles: {f: {token-endpoint: 'https://metadata.nebius.internal'}}",
            &[
                "`token-endpoint`",
                "no `http://` address",
                "http://metadata.nebius.internal/v1/iam/sa/token",
            ],
        ),
        (
            &[],
            "profiles: {f: {token-endpoint: 'http://user:SECRET@host/'}}",
            &["no `http://` address: on"],
        ),
        (
            &[],
            "profiles: {f: {service-account-credentials-file-path: ~/none.json}}",
            &[
                "cannot read the credentials file",
                "none.json",
                "No such file",
            ],
        ),
        (
            &[],
            "profiles: {f: {service-account-id: s, public-key-id: p, private-key: no key}}",
            &["the private key in the profile `f` is no RSA key", "`p`"],
        ),
    ];
    for (variables, config, parts) in cases {
        let error = Desk::new(variables, Some(config)).error();
        for part in *parts {
            assert!(error.contains(part), "{config}: {error}");
        }
    }
}

#[test]
fn a_broken_configuration_names_the_file_and_the_line_and_quotes_nothing() {
    let cases = [
        (
            "default: a\nprofiles:\n  a: {token-file: SECRET\n  b: x\n",
            4,
        ),
        ("default: a\nprofiles:\n  a:\n    token-file: [SECRET]\n", 4),
        ("default: a\nprofiles: SECRET at line 7\n", 2),
        ("profiles:\n  a:\n    private-key: {SECRET: SECRET}\n", 3),
        ("profiles:\n  a: 'SECRET\"`SECRET'\n", 2),
        ("- SECRET\n", 1),
    ];
    for (config, line) in cases {
        for variables in [&[][..], &[("NEBIUS_IAM_TOKEN", "v")][..]] {
            let error = Desk::new(variables, Some(config)).find().unwrap_err();
            let texts = [error.to_string(), format!("{error:?}")];
            let place = format!("config.yaml` is malformed at line {line} ");
            assert!(texts[0].contains(&place), "{config}: {}", texts[0]);
            assert!(
                texts.iter().all(|text| !text.contains("SECRET")),
                "{texts:?}"
            );
        }
    }
}

#[test]
fn a_broken_credentials_file_is_not_quoted() {
    let good = credentials_file("s", "RS256");
    let cases = [
        ("not json SECRET".to_owned(), "it is not JSON"),
        (
            r#"{"subject-credentials": "SECRET"}"#.to_owned(),
            "it needs an object",
        ),
        (
            r#"{"subject-credentials": {"private-key": "SECRET"}}"#.to_owned(),
            "it needs an object",
        ),
        (credentials_file("s", "ES256"), "its `alg` is not `RS256`"),
        (
            good.replace(r#""sub":"s""#, r#""sub":"other""#),
            "its `iss` and `sub` differ",
        ),
        (
            good.replace(r#""type":"JWT""#, r#""type":"PASSWORD""#),
            "its `type` is not `JWT`",
        ),
        (credentials_file("", "RS256"), "its `sub` or `kid` is empty"),
        (
            good.replace("BEGIN PRIVATE KEY", "BEGIN SECRET"),
            "is no RSA key in PEM",
        ),
    ];
    let desk = Desk::new(&[], None);
    for (text, complaint) in cases {
        desk.write("broken.json", &text);
        let path = desk.home.path().join("broken.json");
        let options = ConnectOptions {
            credentials: CredentialsChoice::ServiceAccountFile(path),
            ..desk.options()
        };
        let error = find(&options, false).unwrap_err();
        let (words, debug) = (error.to_string(), format!("{error:?}"));
        assert!(
            words.contains("broken.json") && words.contains(complaint),
            "{words}"
        );
        assert!(
            !words.contains("SECRET") && !debug.contains("SECRET"),
            "{words}"
        );
    }
}

#[test]
fn found_credentials_show_no_secret() {
    let inline = format!(
        "profiles:\n  r:\n    service-account-id: s\n    public-key-id: p\n    private-key: |\n{}",
        indented_key()
    );
    let body = PRIVATE_KEY.lines().nth(1).unwrap();
    let desks = [
        Desk::new(&[("NEBIUS_IAM_TOKEN", "SECRET")], None),
        Desk::new(&[], Some(&inline)),
    ];
    for desk in desks {
        let found = desk.find().unwrap();
        for text in [
            format!("{found:?}"),
            found.origin.to_string(),
            format!("{:?}", desk.options()),
        ] {
            assert!(!text.contains("SECRET") && !text.contains(body), "{text}");
        }
    }
}

#[test]
fn a_placeholder_is_for_plain_text_without_credentials_alone() {
    let browser = "profiles: {f: {auth-type: federation, tenant-id: tenant-real}}";
    for config in [None, Some(browser)] {
        let desk = Desk::new(&[], config);
        let found = find(&desk.options(), true).unwrap();
        assert_eq!(found.origin, CredentialsOrigin::Placeholder);
        assert_eq!(
            found.tenant, None,
            "the local server has tenants of its own"
        );
        assert!(find(&desk.options(), false).is_err());
        let strict = ConnectOptions {
            placeholder_on_loopback: false,
            ..desk.options()
        };
        assert!(find(&strict, true).is_err());
    }
    let desk = Desk::new(&[], Some("profiles: {f: {token-file: ~/t}}"));
    assert_eq!(gist(&find(&desk.options(), true).unwrap()), "f: file t");
    let broken = Desk::new(&[], Some("profiles: ["));
    assert!(find(&broken.options(), true).is_err());
}

#[test]
fn a_machine_of_the_cloud_has_an_identity_where_nothing_else_is_configured() {
    let token = tempfile::NamedTempFile::new().unwrap();
    let find_on = |desk: &Desk, is_plain_text| {
        let mut options = desk.options();
        options.environment = options.environment.with_vm_token(token.path().to_owned());
        find(&options, is_plain_text).map(|found| gist(&found))
    };
    let bare = Desk::new(&[], None);
    assert_eq!(find_on(&bare, false).unwrap(), "machine");
    assert!(find_on(&bare, true).unwrap().contains("Placeholder"));
    let with_token = Desk::new(&[("NEBIUS_IAM_TOKEN", "v")], None);
    assert!(find_on(&with_token, false).unwrap().starts_with("variable"));
    let with_profile = Desk::new(&[], Some("profiles: {f: {token-file: ~/t}}"));
    assert_eq!(find_on(&with_profile, false).unwrap(), "f: file t");
    let with_empty_file = Desk::new(&[], Some("profiles: {}"));
    let refused = find_on(&with_empty_file, false);
    assert!(matches!(refused, Err(CredentialsError::NotFound)));
    // A folder, such as one that nothing is mounted on, is no token.
    let mut options = bare.options();
    options.environment = options
        .environment
        .with_vm_token(bare.home.path().to_owned());
    assert!(matches!(
        find(&options, false),
        Err(CredentialsError::NotFound)
    ));
}

#[test]
fn the_profile_says_whom_to_act_as_beside_a_token_of_the_environment_too() {
    let config =
        "profiles: {f: {token-file: ~/t, impersonate-service-account-id: serviceaccount-x}}";
    for variables in [&[][..], &[("NEBIUS_IAM_TOKEN", "v")][..]] {
        let found = Desk::new(variables, Some(config)).find().unwrap();
        assert_eq!(found.impersonates.as_deref(), Some("serviceaccount-x"));
    }
    let desk = Desk::new(&[], Some(config));
    let options = ConnectOptions {
        credentials: CredentialsChoice::Token("t".into()),
        profile: Some("f".to_owned()),
        ..desk.options()
    };
    assert_eq!(find(&options, false).unwrap().impersonates, None);
}
