//! Builds the plugin of each imaginary cloud.

use std::{error::Error, fs, path::PathBuf};

use quotagate_guest_build::{build, variable};

const GUEST: &str = "quotagate-imaginary-clouds";
const MANIFESTS: &[&str] = &[
    "guest/engine/Cargo.toml",
    "guest/sdk/Cargo.toml",
    "tests/clouds/guest/Cargo.toml",
    "wit/Cargo.toml",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    for cloud in ["altus", "cirrus", "cumulus", "stratus", "virga"] {
        fs::copy(
            build(GUEST, &[cloud], MANIFESTS)?,
            out.join(format!("{cloud}.wasm")),
        )?;
    }
    Ok(())
}
