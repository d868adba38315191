//! `conformance/peers/NAME/peer.toml`: what a peer is and how it is run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Deserializer};

use super::dialect::Dialects;
use super::protocol::{Link, Protocol};
use crate::cli::Suite;

/// A peer, as its manifest describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// The name of its folder.
    pub(crate) name: String,
    /// What its client speaks, each in runs of its own; and its server, unless `serves` says otherwise.
    #[serde(deserialize_with = "one_or_more")]
    pub(crate) protocol: Vec<Protocol>,
    /// What its server understands, on one port.
    #[serde(default, deserialize_with = "one_or_more")]
    pub(crate) serves: Vec<Protocol>,
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
    /// The crate under `examples/` whose program is the proxy of its pairs, where Wireloom's own does not speak its
    /// protocol.
    pub(crate) proxy: Option<String>,
    /// Whether a scenario that fails without the proxy fails the run. Not where the client judges whom it talks to:
    /// with the proxy that is the proxy, and without it a server that is none of ours.
    #[serde(default = "yes")]
    pub(crate) direct_counts: bool,
    /// The dialects of a peer that speaks Thrift.
    #[serde(default)]
    pub(crate) thrift: Dialects,
    /// Where the manifest is.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// A manifest's key that is one value or a list.
fn one_or_more<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Protocol>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(Protocol),
        More(Vec<Protocol>),
    }
    Ok(match OneOrMore::deserialize(input)? {
        OneOrMore::One(protocol) => vec![protocol],
        OneOrMore::More(protocols) => protocols,
    })
}

const fn yes() -> bool {
    true
}

fn default_suites() -> Vec<String> {
    [Suite::Calls, Suite::Errors, Suite::Idle]
        .map(|suite| suite.as_str().to_owned())
        .into()
}

impl Peer {
    /// What its server understands.
    pub(crate) fn serves(&self) -> &[Protocol] {
        if self.serves.is_empty() {
            &self.protocol
        } else {
            &self.serves
        }
    }

    /// How its client can meet the server of `partner`: without a translation first.
    pub(crate) fn links(&self, partner: &Self) -> Vec<Link> {
        let mut links = Vec::new();
        for client in self.protocol.iter().copied() {
            let all = partner.serves().iter().map(|server| Link {
                client,
                server: *server,
            });
            links.extend(all.filter(|link| link.is_possible()));
        }
        links.sort_by_key(|link| link.is_translated());
        links
    }

    pub(crate) fn knows(&self, suite: Suite) -> bool {
        self.suites.iter().any(|name| name == suite.as_str())
    }

    /// Whether its client can run the suite against that server.
    pub(crate) fn can_run(&self, suite: Suite, link: Link, partner: &Self) -> bool {
        self.knows(suite)
            && (link.client != Protocol::Thrift
                || !self.thrift.expected(suite, &partner.thrift).is_empty())
    }

    /// A peer of which only the name is known yet.
    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            protocol: Vec::new(),
            serves: Vec::new(),
            install: Vec::new(),
            server: None,
            client: None,
            partners: Vec::new(),
            suites: Vec::new(),
            proxy: None,
            direct_counts: true,
            thrift: Dialects::default(),
            folder: PathBuf::new(),
        }
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
        ensure!(!peer.protocol.is_empty(), "it speaks no protocol");
        if let Some(name) = &peer.proxy {
            ensure!(
                !name.is_empty() && !name.contains(['/', '.']),
                "the proxy is no folder under examples/: {name:?}"
            );
        }
        if peer.protocol.contains(&Protocol::Thrift) {
            ensure!(
                peer.client.is_some() != peer.thrift.client.is_empty()
                    && peer.server.is_some() != peer.thrift.server.is_empty(),
                "the dialects of its client or server are missing, or too many"
            );
        }
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
        for name in &peer.partners {
            let mut servers = peers.iter().filter(|other| other.server.is_some());
            let Some(partner) = servers.find(|other| other.name == *name) else {
                bail!("{}: its partner {name} is no peer with a server", peer.name);
            };
            ensure!(
                !peer.links(partner).is_empty(),
                "{}: its partner {name} serves nothing that it could be understood with",
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
        assert!(read(&format!("{GOOD}\nproxy = '../x'"), "/peers/x").contains("no folder"));
        assert!(read(&GOOD.replace("partners", "# partners"), "/peers/x").contains("meets nobody"));
    }

    #[test]
    fn protocols_are_one_or_more() {
        let parse = |text: &str| Peer::parse(text, Path::new("/peers/x")).unwrap();
        assert_eq!(parse(GOOD).serves(), [Protocol::Dubbo]);
        let text = GOOD.replace(r#""dubbo""#, r#"["http1", "http2"]"#);
        let client = parse(&text);
        assert_eq!(client.protocol, [Protocol::Http1, Protocol::Http2]);
        assert_eq!(client.serves(), client.protocol);
        let server = parse(&format!("{text}\nserves = 'http1'"));
        assert_eq!(server.serves(), [Protocol::Http1]);
        let names = |links: Vec<Link>| -> Vec<_> {
            links
                .iter()
                .map(|link| (link.to_string(), link.is_translated()))
                .collect()
        };
        assert_eq!(
            names(client.links(&server)),
            [
                ("http1".to_owned(), false),
                ("http2-http1".to_owned(), true)
            ]
        );
        assert_eq!(client.links(&client).len(), 4);
        assert!(client.links(&parse(GOOD)).is_empty());
        assert!(Peer::parse(&GOOD.replace("dubbo", "http3"), Path::new("/peers/x")).is_err());
    }

    #[test]
    fn the_peers_here_are_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        assert!(!discover(&root).unwrap().is_empty());
    }
}
