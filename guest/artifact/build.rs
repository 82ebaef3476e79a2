//! Builds every plugin of the workspace with a cargo of its own, and hands the bytes to the library.
//!
//! `QUOTAGATE_PREBUILT_PLUGINS=DIR` takes `DIR/<name>.wasm` instead of building, for packagers.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

use quotagate_guest_build::{build, variable};
use sha2::{Digest, Sha256};

const PREBUILT: &str = "QUOTAGATE_PREBUILT_PLUGINS";

/// Name of the plugin, and the package that builds it.
const PLUGINS: &[(&str, &str)] = &[("nebius", "quotagate-plugin-nebius")];

/// What goes into the plugins.
const MANIFESTS: &[&str] = &["guest/engine/Cargo.toml", "guest/nebius/Cargo.toml"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut constants = String::new();
    let mut names = String::new();
    for (name, package) in PLUGINS {
        let built = match env::var_os(PREBUILT) {
            Some(folder) => {
                let path = PathBuf::from(folder).join(format!("{name}.wasm"));
                println!("cargo::rerun-if-changed={}", path.display());
                path
            }
            None => build(package, &[], MANIFESTS)?,
        };
        let bytes = fs::read(&built)
            .map_err(|error| format!("cannot read {}: {error}", built.display()))?;
        let kept = out.join(format!("{name}.wasm"));
        fs::write(&kept, &bytes)?;
        let constant = name.to_uppercase();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        writeln!(
            constants,
            "/// The plugin for the cloud `{name}`.\n\
             pub const {constant}: Plugin = Plugin {{ name: {name:?}, bytes: include_bytes!({kept:?}), sha256: {digest:?} }};"
        )?;
        write!(names, "{constant}, ")?;
    }
    writeln!(
        constants,
        "/// Every plugin.\n\
         pub const ALL: &[Plugin] = &[{names}];"
    )?;
    fs::write(out.join("plugins.rs"), constants)?;
    Ok(())
}
