//! `conformance/peers/NAME/peer.toml`: what a peer is and how it is run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::cli::Suite;

/// A peer, as its manifest describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// The name of its folder.
    pub(crate) name: String,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// Prepares it in `$PEER_OUT`.
    pub(crate) install: Vec<String>,
    /// Serves, if it can: with `--port N` it prints READY.
    pub(crate) server: Option<Vec<String>>,
    /// Calls, if it can: with `--target HOST:PORT --suite SUITE --with PEER --mode MODE` it prints a JSON line per
    /// scenario.
    pub(crate) client: Option<Vec<String>>,
    /// The peers whose servers its client can talk to, the best first.
    #[serde(default)]
    pub(crate) partners: Vec<String>,
    /// The suites that its client knows.
    #[serde(default = "default_suites")]
    pub(crate) suites: Vec<String>,
    /// Where the manifest is.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// What peers speak, by its name in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Dubbo,
    Bolt,
    /// Dubbo 3 over HTTP/2: gRPC and more.
    Triple,
}

fn default_suites() -> Vec<String> {
    [Suite::Calls, Suite::Errors, Suite::Idle]
        .map(|suite| suite.as_str().to_owned())
        .into()
}

impl Peer {
    pub(crate) fn knows(&self, suite: Suite) -> bool {
        self.suites.iter().any(|name| name == suite.as_str())
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("peer.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, folder).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut peer: Self = toml::from_str(text)?;
        ensure!(
            folder
                .file_name()
                .is_some_and(|name| name == peer.name.as_str()),
            "the name is {:?}, not that of the folder",
            peer.name
        );
        ensure!(
            peer.server.is_some() || peer.client.is_some(),
            "neither a server nor a client"
        );
        ensure!(
            peer.client.is_none() || !peer.partners.is_empty(),
            "a client without partners meets nobody"
        );
        peer.folder = folder.to_owned();
        Ok(peer)
    }
}

/// Every peer under `root`, by name. A folder without a manifest is shared sources and no peer.
///
/// # Errors
/// If there is none, or a manifest is wrong: a peer that is not understood must not go missing.
pub(crate) fn discover(root: &Path) -> Result<Vec<Peer>> {
    let entries =
        std::fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    let mut peers = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        if folder.join("peer.toml").is_file() {
            peers.push(Peer::read(&folder)?);
        }
    }
    if peers.is_empty() {
        bail!("no peer in {}", root.display());
    }
    peers.sort_by(|a, b| a.name.cmp(&b.name));
    for peer in &peers {
        for partner in &peer.partners {
            ensure!(
                peers
                    .iter()
                    .any(|other| other.name == *partner && other.server.is_some()),
                "{}: its partner {partner} is no peer with a server",
                peer.name
            );
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "x"
        protocol = "dubbo"
        install = ["true"]
        server = ["serve"]
        client = ["call"]
        partners = ["x"]
    "#;

    #[test]
    fn the_suites_have_a_default() {
        let peer = Peer::parse(GOOD, Path::new("/peers/x")).unwrap();
        assert!(peer.knows(Suite::Calls) && peer.knows(Suite::Errors) && peer.knows(Suite::Idle));
        assert!(!peer.knows(Suite::Restart));
        let more = format!("{GOOD}\nsuites = ['calls', 'restart']");
        let peer = Peer::parse(&more, Path::new("/peers/x")).unwrap();
        assert!(peer.knows(Suite::Restart) && !peer.knows(Suite::Errors));
    }

    #[test]
    fn a_wrong_manifest_is_refused() {
        let read = |text: &str, folder: &str| {
            Peer::parse(text, Path::new(folder))
                .unwrap_err()
                .to_string()
        };
        assert!(read(GOOD, "/peers/y").contains("not that of the folder"));
        assert!(read(&format!("{GOOD}\nclents = []"), "/peers/x").contains("clents"));
        let mute = GOOD
            .replace("client", "# client")
            .replace("server", "# server");
        assert!(read(&mute, "/peers/x").contains("neither"));
        assert!(read(&GOOD.replace("partners", "# partners"), "/peers/x").contains("meets nobody"));
    }

    #[test]
    fn the_peers_here_are_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        assert!(!discover(&root).unwrap().is_empty());
    }
}
