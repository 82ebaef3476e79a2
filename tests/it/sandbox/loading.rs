//! Components that are refused before they are asked anything, by what they are.

use quotagate::{CallError, Limits, LoadError, Plugin, PluginOptions};
use quotagate_bad_plugins::{
    NEWER_CONTRACT, OLDER_CONTRACT, OTHER_WORLD, SPEECHLESS, SPY, TWO_CONTRACTS, UNRULY,
};

use super::{assert_next_call_works, limits, load, unruly};
use crate::{bad_input::replace, live};

#[test]
fn components_that_are_no_plugins_are_refused_by_what_they_are() {
    let refused = |bytes: &[u8]| load(bytes, live::limits()).unwrap_err();
    assert!(matches!(refused(OTHER_WORLD), LoadError::OtherWorld));
    for (bytes, version) in [(OLDER_CONTRACT, "0.1.0"), (NEWER_CONTRACT, "0.3.0")] {
        let error = refused(bytes);
        assert!(
            matches!(&error, LoadError::OtherContract { found } if found == version),
            "{error:?}"
        );
        assert!(error.to_string().contains("0.2"), "{error}");
    }
    let error = refused(SPY);
    assert!(
        matches!(&error, LoadError::ForeignImports(names) if names == &["quotagate:bad/vault"]),
        "{error:?}"
    );
    let error = refused(SPEECHLESS);
    assert!(
        matches!(error, LoadError::Describe(CallError::Trapped { .. })),
        "{error:?}"
    );
    // An interface that the contract does not have, under the contract's own name.
    let alike = replace(UNRULY, b"plugin/inventory@", b"plugin/inventori@");
    let error = refused(&alike);
    assert!(
        matches!(&error, LoadError::ForeignImports(names) if names == &["quotagate:plugin/inventori@0.2.0"]),
        "{error:?}"
    );
    let poor = Limits {
        memory: 1 << 16,
        ..live::limits()
    };
    let error = load(UNRULY, poor).unwrap_err();
    assert!(
        matches!(error, LoadError::Describe(CallError::OutOfMemory { .. })),
        "{error:?}"
    );
}

#[test]
fn a_plugin_that_speaks_this_contract_among_others_is_loaded() {
    let plugin = load(TWO_CONTRACTS, limits()).unwrap();
    assert_next_call_works(&plugin);
}

#[test]
fn a_pinned_digest_is_accepted_and_another_refused() {
    let pinned = |sha256: &str| {
        let options = PluginOptions {
            sha256: Some(sha256.to_owned()),
            limits: limits(),
            ..PluginOptions::default()
        };
        Plugin::load_with(UNRULY, &options)
    };
    let digest = unruly(limits()).sha256().to_owned();
    assert_next_call_works(&pinned(&digest).unwrap());
    let other = quotagate_plugins::NEBIUS.sha256;
    for wrong in [other, "", &digest[..63]] {
        let error = pinned(wrong).unwrap_err();
        assert!(
            matches!(&error, LoadError::WrongDigest { expected, found } if expected == wrong && *found == digest),
            "{error:?}"
        );
    }
}
