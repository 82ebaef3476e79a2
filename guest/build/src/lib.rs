//! Builds a package of this workspace to a component, from the build script of another one.
//!
//! The inner cargo gets a target directory and a build directory below `OUT_DIR`, both explicitly: the outer cargo holds
//! locks on its own, and a shared build directory set by the user would be locked too.

// What a build script says to cargo, it says on stdout.
#![allow(clippy::print_stdout, reason = "instructions to cargo")]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-wasip2";

/// Builds `package` with `features` and gives the component. `manifests` are those of the workspace's packages that go into
/// it; they, the sources and the contract are watched.
///
/// Called from a build script whose package lies two folders below the workspace. The next call may overwrite the file.
///
/// # Errors
/// When the target is not installed, the package does not build, or this is no build script.
pub fn build(
    package: &str,
    features: &[&str],
    manifests: &[&str],
) -> Result<PathBuf, Box<dyn Error>> {
    check_target()?;
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    let target_dir = PathBuf::from(variable("OUT_DIR")?).join("target");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&root)
        .args(["build", "--locked", "--package", package])
        .args(["--features", &features.join(",")])
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
    rerun_if_changed(&built.with_extension("d"), &root, manifests)?;
    Ok(built)
}

/// A variable that cargo sets for build scripts.
///
/// # Errors
/// When it does not.
pub fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo sets {name}"))
}

/// Watches what went into the plugin: the sources and the contract, as the compiler lists them, and the manifests. Paths
/// are given relative to the package, so that two checkouts that share a target directory do not take each other's plugin
/// for fresh.
fn rerun_if_changed(
    dep_info: &Path,
    root: &Path,
    manifests: &[&str],
) -> Result<(), Box<dyn Error>> {
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
    for manifest in ["Cargo.toml", "Cargo.lock"].iter().chain(manifests) {
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
