//! The dialects of Thrift: a server has a port for each, in one process, and a client is told all of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::client::Ran;
use crate::cli::Suite;

/// How messages are framed and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dialect {
    FramedBinary,
    FramedCompact,
    BufferedBinary,
    BufferedCompact,
    HeaderBinary,
    HeaderCompact,
    TtheaderBinary,
}

impl Dialect {
    const ALL: [Self; 7] = [
        Self::FramedBinary,
        Self::FramedCompact,
        Self::BufferedBinary,
        Self::BufferedCompact,
        Self::HeaderBinary,
        Self::HeaderCompact,
        Self::TtheaderBinary,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FramedBinary => "framed-binary",
            Self::FramedCompact => "framed-compact",
            Self::BufferedBinary => "buffered-binary",
            Self::BufferedCompact => "buffered-compact",
            Self::HeaderBinary => "header-binary",
            Self::HeaderCompact => "header-compact",
            Self::TtheaderBinary => "ttheader-binary",
        }
    }

    /// The names of its transport and its protocol in configurations.
    pub(crate) fn parts(self) -> (&'static str, &'static str) {
        // Every name is of these two.
        self.as_str().split_once('-').unwrap_or_default()
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == name)
    }
}

/// What a peer speaks, as its manifest says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialects {
    #[serde(default)]
    pub(crate) client: Vec<Dialect>,
    /// Its server has a port for each.
    #[serde(default)]
    pub(crate) server: Vec<Dialect>,
    /// Its server has ThriftTest on another port for each.
    #[serde(default)]
    pub(crate) thrifttest: Vec<Dialect>,
}

impl Dialects {
    /// What the client of these can speak to the server of `partner`.
    fn shared(&self, suite: Suite, partner: &Self) -> Vec<Dialect> {
        let served = match suite {
            Suite::Thrifttest => &partner.thrifttest,
            // The runner has only one target for it.
            Suite::Restart => return Vec::new(),
            _ => &partner.server,
        };
        let mut shared = served.clone();
        // Behind a translation a server is within reach of every client.
        if suite != Suite::Translate {
            shared.retain(|dialect| self.client.contains(dialect));
        }
        shared
    }

    /// How the names of scenarios begin that a run must report at least one of each of.
    pub(crate) fn expected(&self, suite: Suite, partner: &Self) -> Vec<String> {
        let shared = self.shared(suite, partner);
        if suite != Suite::Translate {
            return shared
                .into_iter()
                .map(|dialect| format!("{}/", dialect.as_str()))
                .collect();
        }
        let from = |from: &Dialect| {
            let from = from.as_str();
            let to = shared.iter();
            to.map(move |to| format!("{from}>{}", to.as_str()))
                .collect::<Vec<_>>()
        };
        self.client.iter().flat_map(from).collect()
    }

    /// Blames a run that left a dialect out.
    pub(crate) fn check(&self, suite: Suite, partner: &Self, ran: &mut Ran) {
        let mut missing = self.expected(suite, partner);
        missing.retain(|begin| !ran.order.iter().any(|name| name.starts_with(begin)));
        if !missing.is_empty() && ran.fault.is_none() {
            ran.fault = Some(format!(
                "there is no scenario of {}",
                missing.join(", ").replace('/', "")
            ));
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    plain: BTreeMap<Dialect, SocketAddr>,
    thrifttest: BTreeMap<Dialect, SocketAddr>,
}

impl Ports {
    /// Reads what a server printed before it was ready.
    ///
    /// # Errors
    /// If that is not what its manifest says: a dialect must not go missing.
    pub(crate) fn read(lines: &[String], promised: &Dialects) -> Result<Self> {
        let mut ports = Self::default();
        for line in lines {
            let Some(port) = line.trim().strip_prefix("ready ") else {
                continue;
            };
            let (name, address) = port.split_once('=').context("a port has no address")?;
            let (of, name) = match name.strip_prefix("thrifttest/") {
                Some(name) => (&mut ports.thrifttest, name),
                None => (&mut ports.plain, name),
            };
            let dialect =
                Dialect::named(name).with_context(|| format!("{name:?} is no dialect"))?;
            let address = address
                .parse()
                .with_context(|| format!("{address:?} is no address"))?;
            ensure!(of.insert(dialect, address).is_none(), "{name} came twice");
        }
        let same = |ports: &BTreeMap<Dialect, SocketAddr>, promised: &[Dialect]| {
            ports.len() == promised.len() && promised.iter().all(|it| ports.contains_key(it))
        };
        ensure!(
            same(&ports.plain, &promised.server) && same(&ports.thrifttest, &promised.thrifttest),
            "the server's ports are not those of its manifest: {ports:?}"
        );
        Ok(ports)
    }

    /// Those that a run of the suite is about.
    pub(crate) fn of(
        &self,
        suite: Suite,
        client: &Dialects,
        server: &Dialects,
    ) -> Vec<(Dialect, SocketAddr)> {
        let ports = match suite {
            Suite::Thrifttest => &self.thrifttest,
            _ => &self.plain,
        };
        let shared = client.shared(suite, server);
        let mut of: Vec<_> = ports.iter().map(|(key, value)| (*key, *value)).collect();
        of.retain(|(dialect, _)| shared.contains(dialect));
        of
    }
}

/// The ports as clients are told them.
pub(crate) fn target(ports: impl IntoIterator<Item = (Dialect, SocketAddr)>) -> String {
    let mut text = String::new();
    for (dialect, address) in ports {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{}={address}", dialect.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialects(client: &[Dialect], server: &[Dialect]) -> Dialects {
        Dialects {
            client: client.to_vec(),
            server: server.to_vec(),
            thrifttest: Vec::new(),
        }
    }

    #[test]
    fn names_are_transport_and_protocol() {
        for dialect in Dialect::ALL {
            let (transport, protocol) = dialect.parts();
            assert!(["framed", "buffered", "header", "ttheader"].contains(&transport));
            assert!(["binary", "compact"].contains(&protocol));
            assert_eq!(Dialect::named(dialect.as_str()), Some(dialect));
        }
    }

    #[test]
    fn a_dialect_that_is_left_out_is_missed() {
        use Dialect::{FramedBinary, FramedCompact, TtheaderBinary};
        let client = dialects(&[FramedBinary, FramedCompact], &[]);
        let server = dialects(&[], &[FramedBinary, TtheaderBinary]);
        assert_eq!(client.expected(Suite::Calls, &server), ["framed-binary/"]);
        assert!(client.expected(Suite::Thrifttest, &server).is_empty());
        assert_eq!(client.expected(Suite::Translate, &server).len(), 4);
        let mut ran = Ran {
            order: vec!["framed-binary>ttheader-binary".to_owned()],
            ..Ran::default()
        };
        client.check(Suite::Calls, &server, &mut ran);
        let fault = ran.fault.take();
        assert_eq!(
            fault.as_deref(),
            Some("there is no scenario of framed-binary")
        );
        ran.order.push("framed-binary/types".to_owned());
        client.check(Suite::Calls, &server, &mut ran);
        assert!(ran.fault.is_none());
        client.check(Suite::Translate, &server, &mut ran);
        assert!(ran.fault.is_some());
    }

    #[test]
    fn a_server_has_the_ports_of_its_manifest() {
        let promised = dialects(&[], &[Dialect::FramedBinary]);
        let read = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
            Ports::read(&lines, &promised)
        };
        let good = "ready framed-binary=127.0.0.1:7";
        let ports = read(&["hello", good]).unwrap();
        let client = dialects(&[Dialect::FramedBinary], &[]);
        let ports = ports.of(Suite::Calls, &client, &promised);
        assert_eq!(target(ports), "framed-binary=127.0.0.1:7");
        for bad in [
            &[][..],
            &[good, good],
            &[good, "ready framed-compact=127.0.0.1:8"],
            &[good, "ready thrifttest/framed-binary=127.0.0.1:8"],
            &[good, "ready telepathy=127.0.0.1:8"],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
