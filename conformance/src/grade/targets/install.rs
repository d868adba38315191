//! Getting a target: building Wireloom, and running the install scripts of others.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::timeout;

use super::command::{Direct, Other};
use super::envoy::Envoy;
use super::haproxy::Haproxy;
use super::nginx::Nginx;
use super::wireloom::Wireloom;
use super::{Driver, TargetSpec};
use crate::peers::install_script;
use crate::proxy::build_release;

/// How long a program may take to tell its version.
const VERSION: Duration = Duration::from_secs(30);

/// A target that is there, or why it is not.
pub struct Prepared {
    /// Its name in reports.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What starts it, or why nothing does.
    pub driver: Result<Arc<dyn Driver>, String>,
}

/// Installs or builds the target. `wireloom` is used instead of this checkout's program. A failure is part of what is
/// returned, for it counts as one of every case.
pub async fn prepare(spec: &TargetSpec, wireloom: Option<&Path>) -> Prepared {
    let name = spec.name();
    match driver(spec, wireloom).await {
        Ok((driver, version)) => Prepared {
            name,
            version,
            driver: Ok(driver),
        },
        Err(error) => Prepared {
            name,
            version: "not installed".to_owned(),
            driver: Err(format!("{error:#}")),
        },
    }
}

async fn driver(spec: &TargetSpec, wireloom: Option<&Path>) -> Result<(Arc<dyn Driver>, String)> {
    Ok(match spec {
        TargetSpec::Wireloom => {
            let program = match wireloom {
                // Relative to where the user is; targets run elsewhere.
                Some(program) => std::path::absolute(program)?,
                None => build_release().await?,
            };
            let version = version(&program).await?;
            (Arc::new(Wireloom { program }), version)
        }
        TargetSpec::Envoy | TargetSpec::EnvoyGeneric => {
            let (folder, version) = installed("envoy").await?;
            let program = folder.join("envoy");
            let generic = *spec == TargetSpec::EnvoyGeneric;
            (Arc::new(Envoy { program, generic }), version)
        }
        TargetSpec::Haproxy => {
            let (folder, version) = installed("haproxy").await?;
            let haproxy = Haproxy {
                program: folder.join("root/usr/sbin/haproxy"),
                libraries: libraries(&folder)?,
            };
            (Arc::new(haproxy), version)
        }
        TargetSpec::Nginx => {
            let (folder, version) = installed("nginx").await?;
            let nginx = Nginx {
                program: folder.join("root/usr/sbin/nginx"),
                module: folder.join("root/usr/lib/nginx/modules/ngx_stream_module.so"),
                libraries: libraries(&folder)?,
            };
            (Arc::new(nginx), version)
        }
        TargetSpec::Direct => (Arc::new(Direct), "no proxy".to_owned()),
        TargetSpec::Command {
            name,
            command,
            relay,
        } => {
            let other = Other {
                name: name.clone(),
                command: command.clone(),
                relay: *relay,
            };
            (Arc::new(other), format!("`{command}`"))
        }
    })
}

/// Runs a target's install script, which does nothing the second time, and tells the folder and the version in it.
async fn installed(name: &str) -> Result<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.parent().context("this crate is in no workspace")?;
    let out = workspace.join("target/targets").join(name);
    std::fs::create_dir_all(&out)?;
    let command = ["bash", "install.sh"].map(str::to_owned);
    install_script(name, &command, &here.join("targets").join(name), &out).await?;
    let file = out.join("version");
    let version = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok((out, version.trim().to_owned()))
}

/// Where the unpacked packages of a target have their libraries, as the dynamic linker wants to be told.
fn libraries(folder: &Path) -> Result<OsString> {
    let mut folders = Vec::new();
    for base in ["root/lib", "root/usr/lib"] {
        let Ok(entries) = std::fs::read_dir(folder.join(base)) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.display().to_string().ends_with("-linux-gnu") {
                folders.push(path);
            }
        }
    }
    Ok(std::env::join_paths(folders)?)
}

/// What the program says with `--version`.
async fn version(program: &Path) -> Result<String> {
    let mut command = tokio::process::Command::new(program);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(VERSION, command.output())
        .await
        .context("`wireloom --version` hangs")?;
    let output = output.context("cannot run the proxy")?;
    ensure!(
        output.status.success(),
        "`wireloom --version` ended with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
