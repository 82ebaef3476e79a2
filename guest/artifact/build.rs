//! Hands the bytes of every plugin to the library. Inside the workspace it builds them with a cargo of its own; a package
//! brings them along, in the folder `plugins`, so that whoever depends on it needs no WebAssembly target.
//!
//! `QUOTAGATE_PREBUILT_PLUGINS=DIR` takes `DIR/<name>.wasm` instead of either. Before `cargo package`, in the workspace:
//!
//!     cargo build -p quotagate-plugin-nebius --target wasm32-wasip2 --profile plugin
//!     cp target/wasm32-wasip2/plugin/quotagate_plugin_nebius.wasm guest/artifact/plugins/nebius.wasm

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use quotagate_guest_build::{build, variable};
use sha2::{Digest, Sha256};

const PREBUILT: &str = "QUOTAGATE_PREBUILT_PLUGINS";

/// Name of the plugin, and the package that builds it.
const PLUGINS: &[(&str, &str)] = &[("nebius", "quotagate-plugin-nebius")];

/// What goes into the plugins.
const MANIFESTS: &[&str] = &[
    "guest/engine/Cargo.toml",
    "guest/nebius/Cargo.toml",
    "guest/sdk/Cargo.toml",
    "wit/Cargo.toml",
];

/// Where a package has its plugins.
const PACKAGED: &str = "plugins";

/// What is beside this package in the workspace and nowhere else.
const WORKSPACE: &str = "../nebius/Cargo.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut constants = String::new();
    let mut names = String::new();
    for (name, package) in PLUGINS {
        let prebuilt = match env::var_os(PREBUILT) {
            Some(folder) => Some(PathBuf::from(folder)),
            None if Path::new(WORKSPACE).exists() => None,
            None => Some(PathBuf::from(PACKAGED)),
        };
        let built = match prebuilt {
            Some(folder) => {
                let path = folder.join(format!("{name}.wasm"));
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
