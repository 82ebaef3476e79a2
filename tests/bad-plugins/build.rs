//! Builds the guest once for every way in which a whole component can be wrong, and one plugin in which nothing is.

use std::{error::Error, fs, path::PathBuf};

use quotagate_guest_build::{build, variable};

const GUEST: &str = "quotagate-bad-guest";
const MANIFESTS: &[&str] = &["tests/bad-plugins/guest/Cargo.toml"];

const MINIMAL: &str = "quotagate-minimal-plugin";
const MINIMAL_MANIFESTS: &[&str] = &[
    "guest/engine/Cargo.toml",
    "guest/minimal/Cargo.toml",
    "guest/sdk/Cargo.toml",
    "wit/Cargo.toml",
];

/// Name of the file, and the features that make it.
const COMPONENTS: &[(&str, &[&str])] = &[
    ("unruly", &["plugin"]),
    ("speechless", &["speechless"]),
    ("spy", &["spy"]),
    ("two-contracts", &["two-contracts"]),
    ("other-world", &["other-world"]),
    ("older-contract", &["older-contract"]),
    ("newer-contract", &["newer-contract"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    for (name, features) in COMPONENTS {
        fs::copy(
            build(GUEST, features, MANIFESTS)?,
            out.join(format!("{name}.wasm")),
        )?;
    }
    fs::copy(
        build(MINIMAL, &[], MINIMAL_MANIFESTS)?,
        out.join("minimal.wasm"),
    )?;
    Ok(())
}
