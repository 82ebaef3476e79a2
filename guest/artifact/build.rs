//! Builds every plugin of the workspace with a cargo of its own, and hands the bytes to the library.
//!
//! The inner cargo gets a target directory and a build directory below `OUT_DIR`, both explicitly: the outer cargo holds
//! locks on its own, and a shared build directory set by the user would be locked too.
//!
//! `QUOTAGATE_PREBUILT_PLUGINS=DIR` takes `DIR/<name>.wasm` instead of building, for packagers.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-wasip2";
const PREBUILT: &str = "QUOTAGATE_PREBUILT_PLUGINS";

/// Name of the plugin, and the package that builds it.
const PLUGINS: &[(&str, &str)] = &[("nebius", "quotagate-plugin-nebius")];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut constants = String::new();
    for (name, package) in PLUGINS {
        let built = match env::var_os(PREBUILT) {
            Some(folder) => {
                let path = PathBuf::from(folder).join(format!("{name}.wasm"));
                println!("cargo::rerun-if-changed={}", path.display());
                path
            }
            None => build(package, &out)?,
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
    }
    fs::write(out.join("plugins.rs"), constants)?;
    Ok(())
}

fn build(package: &str, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    check_target()?;
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    let target_dir = out.join("target");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&root)
        .args(["build", "--locked", "--package", package])
        .args(["--target", TARGET, "--profile", "plugin"])
        .env("CARGO_TARGET_DIR", &target_dir)
        .env("CARGO_BUILD_BUILD_DIR", &target_dir)
        // What is meant for the outer build does not fit the inner one.
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env("RUSTFLAGS", "");
    let output = cargo
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "building the plugin `{package}` failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let built = target_dir
        .join(TARGET)
        .join("plugin")
        .join(format!("{}.wasm", package.replace('-', "_")));
    rerun_if_changed(&built.with_extension("d"), &root)?;
    Ok(built)
}

/// Watches what went into the plugin: the sources and the contract, as the compiler lists them, and the manifests. Paths
/// are given relative to this package, so that two checkouts that share a target directory do not take each other's
/// plugin for fresh.
fn rerun_if_changed(dep_info: &Path, root: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(dep_info)?;
    let sources = text.split_once(": ").map_or("", |(_, sources)| sources);
    // Blanks inside a path are written as `\ `.
    for source in sources.replace("\\ ", "\0").split_whitespace() {
        let source = PathBuf::from(source.replace('\0', " "));
        match source.strip_prefix(root) {
            Ok(inside) => println!("cargo::rerun-if-changed=../../{}", inside.display()),
            Err(_) => println!("cargo::rerun-if-changed={}", source.display()),
        }
    }
    for manifest in [
        "Cargo.toml",
        "Cargo.lock",
        "guest/engine/Cargo.toml",
        "guest/nebius/Cargo.toml",
    ] {
        println!("cargo::rerun-if-changed=../../{manifest}");
    }
    Ok(())
}

/// Says how to get the target, instead of the hundred lines that a build without it ends in.
fn check_target() -> Result<(), Box<dyn Error>> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "the plugins need the Rust target {TARGET}; get it with: rustup target add {TARGET}"
    )
    .into())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo sets {name}"))
}
