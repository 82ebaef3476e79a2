//! What a component asks for and offers: whether it is a plugin of this contract, among others perhaps, and asks for nothing else.

use wasmtime::{
    Engine,
    component::{Component, Linker, types::ComponentItem},
};

use super::{CONTRACT_VERSION, LoadError, linker::State};

const GATE: &str = "quotagate:plugin/gate@";
const GIVEN: [&str; 2] = ["quotagate:plugin/inventory@", "quotagate:plugin/types@"];
const WALL_CLOCK: &str = "wasi:clocks/wall-clock@0.2.";

/// Checks a component's exports and imports; gives the names of its imports.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<Vec<String>, LoadError> {
    let world = component.component_type();
    let spoken: Vec<&str> = world
        .exports(engine)
        .filter_map(|(name, _)| name.strip_prefix(GATE))
        .collect();
    if spoken.is_empty() {
        return Err(LoadError::OtherWorld);
    }
    if !spoken.iter().any(|version| is_ours(version)) {
        let found = spoken.join(", ");
        return Err(LoadError::OtherContract { found });
    }
    let imports: Vec<String> = world
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let foreign: Vec<String> = imports
        .iter()
        .filter(|name| version_given(name).is_none() && !name.starts_with(WALL_CLOCK))
        .cloned()
        .collect();
    if foreign.is_empty() {
        Ok(imports)
    } else {
        Err(LoadError::ForeignImports(foreign))
    }
}

/// A plugin that speaks other versions too imports theirs beside ours. Nothing that we call calls them; what does, traps.
pub(super) fn refuse_other_versions(
    linker: &mut Linker<State>,
    component: &Component,
    engine: &Engine,
) -> wasmtime::Result<()> {
    for (name, item) in component.component_type().imports(engine) {
        let is_other = version_given(name).is_some_and(|version| !is_ours(version));
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        if !is_other {
            continue;
        }
        let mut refused = linker.instance(name)?;
        for (function, item) in interface.exports(engine) {
            if let ComponentItem::ComponentFunc(_) = item.ty {
                refused.func_new(function, |_, _, _, _| Err(OtherVersion.into()))?;
            }
        }
    }
    Ok(())
}

/// A plugin called an import of another version of the contract.
#[derive(Debug, thiserror::Error)]
#[error("the host speaks version {CONTRACT_VERSION} of the contract alone")]
struct OtherVersion;

/// The version of an import that plugins are given.
fn version_given(name: &str) -> Option<&str> {
    GIVEN.iter().find_map(|given| name.strip_prefix(given))
}

/// Whether a version is ours but for the patch: within a minor version nothing changes that there is.
fn is_ours(version: &str) -> bool {
    let line = |version: &str| -> Option<(u64, u64)> {
        let mut numbers = version.split('.');
        let major = numbers.next()?.parse().ok()?;
        Some((major, numbers.next()?.parse().ok()?))
    };
    line(version).is_some_and(|found| line(CONTRACT_VERSION) == Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_same_up_to_the_patch() {
        assert!(is_ours(CONTRACT_VERSION));
        for version in ["0.2.0", "0.2.7", "0.2.10-rc.1"] {
            assert!(is_ours(version), "{version}");
        }
        for version in [
            "0.1.0", "0.3.0", "1.2.0", "0.20.0", "0", "", "x.2.0", "0.-2.0",
        ] {
            assert!(!is_ours(version), "{version}");
        }
    }
}
