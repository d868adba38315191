//! Who meets whom.

use anyhow::{Result, bail};

use super::manifest::Peer;
use super::protocol::Link;
use super::report::Names;
use crate::cli::Suite;

/// A client and a server that it runs against.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
    /// What they speak.
    pub(crate) link: Link,
    /// The suites that the client knows, of those that were asked for.
    pub(crate) suites: Vec<Suite>,
}

impl Pair {
    /// As tables name it.
    pub(crate) fn name(&self) -> String {
        let names = self.names();
        format!("{} → {}", names.client, names.server)
    }

    /// The names of both in tables.
    pub(crate) fn names(&self) -> Names {
        let (client, server) = self.link.labels();
        Names {
            client: self.client.name.clone() + &client,
            server: self.server.name.clone() + &server,
            direct_counts: self.client.direct_counts,
        }
    }

    /// The folder for what they print.
    pub(crate) fn folder(&self) -> String {
        let (client, server) = (&self.client, &self.server);
        let mut folder = format!("{}-{}", client.name, server.name);
        if client.links(server).len() > 1 {
            folder = format!("{folder}-{}", self.link);
        }
        folder
    }
}

/// The pairs for the peers that were `chosen`: each chosen client with those of its partners that were chosen too, or
/// with its first partner if none was; over all that they can meet over.
///
/// # Errors
/// If a name is unknown or nothing would run.
pub(crate) fn pairs(peers: &[Peer], chosen: &[String], suites: &[Suite]) -> Result<Vec<Pair>> {
    let find = |name: &str| peers.iter().find(|peer| peer.name == name);
    for name in chosen {
        if name != "all" && find(name).is_none() {
            let known: Vec<_> = peers.iter().map(|peer| peer.name.as_str()).collect();
            bail!(
                "there is no peer {name:?}; known are all, {}",
                known.join(", ")
            );
        }
    }
    let is_chosen = |name: &str| chosen.iter().any(|other| other == "all" || other == name);
    let mut pairs = Vec::new();
    for client in peers
        .iter()
        .filter(|peer| peer.client.is_some() && is_chosen(&peer.name))
    {
        let known: Vec<_> = suites
            .iter()
            .copied()
            .filter(|suite| client.knows(*suite))
            .collect();
        if known.is_empty() {
            continue;
        }
        let mut partners: Vec<_> = client
            .partners
            .iter()
            .filter(|name| is_chosen(name))
            .collect();
        if partners.is_empty() {
            partners.extend(client.partners.first());
        }
        for server in partners.into_iter().filter_map(|name| find(name)) {
            for link in client.links(server) {
                let mut suites = known.clone();
                suites.retain(|suite| client.can_run(*suite, link, server));
                if !suites.is_empty() {
                    pairs.push(Pair {
                        client: client.clone(),
                        server: server.clone(),
                        link,
                        suites,
                    });
                }
            }
        }
    }
    if pairs.is_empty() {
        bail!(
            "nothing to run: none of the chosen peers has a client that knows a suite that was asked for"
        );
    }
    Ok(pairs)
}

/// Every peer of the pairs, once.
pub(crate) fn involved<'a>(peers: &'a [Peer], pairs: &[Pair]) -> Vec<&'a Peer> {
    let is_in = |peer: &&Peer| {
        pairs
            .iter()
            .any(|pair| pair.client.name == peer.name || pair.server.name == peer.name)
    };
    peers.iter().filter(is_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::protocol::Protocol;

    fn peer(name: &str, partners: &[&str], suites: &[&str]) -> Peer {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        Peer {
            protocol: vec![Protocol::Bolt],
            server: Some(Vec::new()),
            client: (!partners.is_empty()).then(Vec::new),
            partners: words(partners),
            suites: words(suites),
            ..Peer::named(name)
        }
    }

    fn names(chosen: &[&str], suites: &[Suite]) -> Vec<String> {
        let peers = [
            peer("a", &["a", "b"], &["calls", "restart"]),
            peer("b", &["b", "a"], &["calls"]),
            peer("c", &["b", "a"], &["calls"]),
            peer("mute", &[], &["calls"]),
        ];
        let chosen: Vec<_> = chosen.iter().map(|name| (*name).to_owned()).collect();
        match pairs(&peers, &chosen, suites) {
            Ok(pairs) => pairs.iter().map(Pair::name).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn a_client_meets_its_chosen_partners() {
        let calls = [Suite::Calls];
        assert_eq!(names(&["all"], &calls).len(), 6);
        assert_eq!(
            names(&["a", "b"], &calls),
            ["a → a", "a → b", "b → b", "b → a"]
        );
        assert_eq!(names(&["c"], &calls), ["c → b"]);
        assert_eq!(names(&["all"], &[Suite::Restart]), ["a → a", "a → b"]);
    }

    #[test]
    fn versions_of_http_are_pairs_of_their_own() {
        let mut peers = [peer("a", &["b"], &["calls"]), peer("b", &[], &[])];
        peers[0].protocol = vec![Protocol::Http1, Protocol::Http2];
        peers[1].protocol = vec![Protocol::Http1];
        let pairs = pairs(&peers, &["all".to_owned()], &[Suite::Calls]).unwrap();
        let seen: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.name(), pair.folder()))
            .collect();
        let expected = [
            ("a/http1 → b/http1", "a-b-http1"),
            ("a/http2 → b/http1", "a-b-http2-http1"),
        ];
        assert_eq!(
            seen,
            expected.map(|(name, folder)| (name.to_owned(), folder.to_owned()))
        );
    }

    #[test]
    fn nothing_to_run_is_an_error() {
        assert!(names(&["d"], &[Suite::Calls])[0].contains("known are all, a, b, c, mute"));
        assert!(names(&["mute"], &[Suite::Calls])[0].contains("nothing to run"));
        assert!(names(&["b"], &[Suite::Restart])[0].contains("nothing to run"));
    }
}
