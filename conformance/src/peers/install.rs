//! Preparing a peer: downloads and builds, once.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::manifest::Peer;
use crate::process::{Process, Spec};

/// Attempts beyond those that the script makes for each download.
const TRIES: u32 = 2;
/// One attempt, with everything still to be downloaded and compiled.
const LIMIT: Duration = Duration::from_secs(900);

/// Runs the peer's install command into `out`. Instant if that was done before.
///
/// # Errors
/// With the last lines of the log, which is `install.log` in `out`.
pub(crate) async fn install(peer: &Peer, out: &Path) -> Result<Duration> {
    install_with(peer, out, Duration::from_secs(5)).await
}

/// The same for anything that a script installs: what `command`, run in `folder`, puts into `$PEER_OUT`.
pub(crate) async fn install_script(
    name: &str,
    command: &[String],
    folder: &Path,
    out: &Path,
) -> Result<Duration> {
    install_command(name, command, folder, out, Duration::from_secs(5)).await
}

async fn install_with(peer: &Peer, out: &Path, pause: Duration) -> Result<Duration> {
    install_command(&peer.name, &peer.install, &peer.folder, out, pause).await
}

async fn install_command(
    name: &str,
    command: &[String],
    folder: &Path,
    out: &Path,
    pause: Duration,
) -> Result<Duration> {
    let start = Instant::now();
    for attempt in 1..=TRIES {
        let mut process = Process::spawn(Spec {
            name: format!("the installation of {name}"),
            command,
            args: Vec::new(),
            dir: folder,
            env: vec![("PEER_OUT", out.as_os_str())],
            log: out.join("install.log"),
        })?;
        match process.wait(LIMIT).await {
            Ok(status) if status.success() => break,
            Ok(status) if attempt == TRIES => {
                // What it printed last may be on its way here still.
                tokio::time::sleep(Duration::from_millis(100)).await;
                bail!("the installation ended with {status}{}", process.explain());
            }
            Ok(_) => tokio::time::sleep(pause).await,
            Err(error) => return Err(error),
        }
    }
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(script: &str, folder: &Path) -> Peer {
        Peer {
            install: ["sh", "-c", script].map(str::to_owned).into(),
            folder: folder.to_owned(),
            ..Peer::named("x")
        }
    }

    #[tokio::test]
    async fn installs_into_the_folder_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let script = r#"echo fetching >&2; echo done > "$PEER_OUT/stamp""#;
        install(&peer(script, dir.path()), &out).await.unwrap();
        assert!(out.join("stamp").is_file() && out.join("install.log").is_file());
    }

    #[tokio::test]
    async fn a_failure_is_tried_again_and_then_explained() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let script = r#"echo again >> "$PEER_OUT/tries"; echo "no such package" >&2; exit 4"#;
        let error = install_with(&peer(script, dir.path()), &out, Duration::ZERO)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("exit status: 4") && error.contains("no such package"),
            "{error}"
        );
        assert_eq!(
            std::fs::read_to_string(out.join("tries"))
                .unwrap()
                .lines()
                .count(),
            2
        );
    }
}
