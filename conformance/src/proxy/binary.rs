//! Where the `wireloom` program is.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

fn manifest() -> PathBuf {
    // The workspace's own, whose target folder this program came from.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")
}

/// A build of the program that the package at `manifest` is named for.
fn cargo(manifest: &Path, name: &str) -> std::process::Command {
    // Set by cargo for what it runs; a program started by itself finds cargo on the path.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.args(["build", "--quiet", "--package", name, "--bin", name]);
    command
        .arg("--manifest-path")
        .arg(manifest)
        .stdin(Stdio::null());
    command
}

/// The folder that cargo puts programs of the running one's profile into: `target/debug` or another.
fn profile_folder() -> Result<PathBuf> {
    let here = std::env::current_exe().context("where this program is")?;
    let mut folder = here.parent().context("this program is in no folder")?;
    // Test programs are in `deps` under it.
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    Ok(folder.to_owned())
}

/// The target folder, `target` as a rule.
fn target_folder() -> Result<PathBuf> {
    let profile = profile_folder()?;
    Ok(profile
        .parent()
        .context("the profile's folder is the root")?
        .to_owned())
}

fn build(mut command: std::process::Command, program: PathBuf) -> Result<PathBuf> {
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "`cargo build` ended with {status}");
    ensure!(program.is_file(), "cargo built no {}", program.display());
    Ok(program)
}

/// Builds the program as users would run it, and tells where it is.
///
/// # Errors
/// If it does not compile; cargo's own messages went to standard error.
pub async fn build_release() -> Result<PathBuf> {
    let target = target_folder()?;
    let mut command = cargo(&manifest(), "wireloom");
    command.arg("--release").arg("--target-dir").arg(&target);
    tokio::task::spawn_blocking(move || build(command, target.join("release/wireloom"))).await?
}

/// Builds the program of `examples/NAME`, a crate and a workspace of its own, and tells where it is: a proxy with
/// something of somebody else's in it.
///
/// # Errors
/// If there is no such crate, or it does not compile; cargo's own messages went to standard error.
pub async fn build_example(name: &str) -> Result<PathBuf> {
    let target = target_folder()?;
    let folder = manifest().with_file_name("examples").join(name);
    let mut command = cargo(&folder.join("Cargo.toml"), name);
    command.arg("--locked").arg("--target-dir").arg(&target);
    let program = target.join("debug").join(name);
    tokio::task::spawn_blocking(move || build(command, program)).await?
}

/// The program of the profile that the running test was compiled in, brought up to date once per test program:
/// `cargo test` builds no program of a package whose tests do not ask for it. Or the one that `WIRELOOM_PROGRAM` names.
///
/// # Panics
/// If it does not compile.
#[expect(clippy::panic, reason = "used by tests alone")]
pub fn for_tests() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("WIRELOOM_PROGRAM") {
            return program.into();
        }
        let built = profile_folder().and_then(|folder| {
            let mut command = cargo(&manifest(), "wireloom");
            if folder.ends_with("release") {
                command.arg("--release");
            }
            command.arg("--target-dir").arg(target_folder()?);
            build(command, folder.join("wireloom"))
        });
        built.unwrap_or_else(|error| panic!("there is no proxy to test: {error:#}"))
    })
}
