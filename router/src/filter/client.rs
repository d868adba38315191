//! Whose address counts as the client's.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::Needs;

use super::Exchanged;
use super::networks::Networks;
use crate::Problem;
use crate::config::OneOrMany;
use crate::matcher::FieldName;

/// The most proxies that may stand one behind another.
const MAX_HOPS: u32 = 16;

/// Takes the client's address from a header field that proxies in front of this one write (`X-Forwarded-For`), and not
/// from the connection. Each of them adds, at the end, the address that it was connected from.
///
/// The field is believed only if it comes from one of `proxies`, because a client may write into it what it likes: a
/// request from anywhere else comes from where its connection does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardedConfig {
    /// The field's name.
    #[serde(default = "forwarded_for")]
    pub header: String,
    /// How many trusted proxies there are one behind another: the client's address is the so many-th from the end.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 16))]
    pub hops: u32,
    /// The networks, or addresses, of the proxies that connect to this one.
    pub proxies: OneOrMany,
}

fn forwarded_for() -> String {
    "x-forwarded-for".to_owned()
}

const fn one() -> u32 {
    1
}

/// Finds a client's address. The default is that of the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Client(Option<Forwarded>);

#[derive(Clone, Debug)]
struct Forwarded {
    header: FieldName,
    hops: usize,
    proxies: Networks,
}

impl Client {
    /// Compiles what stands at `path`, and adds what is wrong with it.
    pub(super) fn compile(
        path: &str,
        config: Option<&ForwardedConfig>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let Some(config) = config else {
            return Self::default();
        };
        if config.header.is_empty() {
            let message = "the name of a field cannot be empty";
            problems.push(Problem::new(format!("{path}.header"), message));
        }
        if !(1..=MAX_HOPS).contains(&config.hops) {
            let message = format!("{} is out of range: 1 to {MAX_HOPS}", config.hops);
            problems.push(Problem::new(format!("{path}.hops"), message));
        }
        let proxies = format!("{path}.proxies");
        Self(Some(Forwarded {
            header: FieldName::new(&config.header),
            hops: config.hops as usize,
            proxies: Networks::compile(&proxies, Some(&config.proxies), problems),
        }))
    }

    /// The field that it reads.
    pub(super) fn needs(&self) -> Needs {
        let forwarded = self.0.iter();
        Needs::fields(forwarded.flat_map(|forwarded| forwarded.header.forms()))
    }

    /// The client's address, IPv4 where it is one. None if a trusted proxy does not say it.
    pub(super) fn of(&self, exchange: &Exchanged<'_>) -> Option<IpAddr> {
        let peer = exchange.downstream.source.ip();
        let Some(forwarded) = &self.0 else {
            return Some(peer);
        };
        if !forwarded.proxies.contain(peer) {
            return Some(peer);
        }
        let head = &exchange.request.head;
        let hops = || {
            let values = forwarded.header.values(head);
            values.flat_map(|value| value.split(|byte| *byte == b','))
        };
        let at = hops().count().checked_sub(forwarded.hops)?;
        address(hops().nth(at)?)
    }
}

/// An address, perhaps with a port or in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    alone.or_else(with_port).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Given, route};
    use super::*;

    fn of(client: &Client, mut given: Given) -> Option<String> {
        let downstream = given.downstream();
        let route = route();
        let exchange = Exchanged::new(&mut given.request, &downstream, &route);
        client.of(&exchange).map(|address| address.to_string())
    }

    fn forwarded(hops: u32) -> Client {
        let config = ForwardedConfig {
            header: "X-Forwarded-For".to_owned(),
            hops,
            proxies: "10.0.0.0/8".into(),
        };
        let mut problems = Vec::new();
        let client = Client::compile("forwarded", Some(&config), &mut problems);
        assert_eq!(problems, []);
        client
    }

    #[test]
    fn a_header_counts_from_its_end_and_only_from_a_proxy() {
        let list = "203.0.113.9, 198.51.100.4 , 192.0.2.33";
        let given = |from| Given::from(from).with("x-forwarded-for", list);
        let client = |hops, given| of(&forwarded(hops), given);
        assert_eq!(client(1, given("10.0.0.1")).unwrap(), "192.0.2.33");
        assert_eq!(client(2, given("10.0.0.1")).unwrap(), "198.51.100.4");
        // A client that says so itself.
        assert_eq!(client(1, given("192.0.2.7")).unwrap(), "192.0.2.7");
        // Several fields are one list.
        let given = given("10.0.0.1").with("x-forwarded-for", "[2001:db8::1]:443");
        assert_eq!(client(1, given).unwrap(), "2001:db8::1");
    }

    #[test]
    fn a_proxy_that_does_not_say_it_leaves_it_unknown() {
        let ask = |hops, value| {
            let given = Given::from("10.0.0.1").with("x-forwarded-for", value);
            of(&forwarded(hops), given)
        };
        assert_eq!(of(&forwarded(1), Given::from("10.0.0.1")), None);
        assert_eq!(ask(2, "192.0.2.1"), None);
        assert_eq!(ask(1, "unknown"), None);
        assert_eq!(ask(1, "192.0.2.1,"), None);
        assert_eq!(ask(1, "::ffff:192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(ask(1, "192.0.2.1:80").unwrap(), "192.0.2.1");
    }

    #[test]
    fn without_it_the_connection_counts() {
        let given = Given::from("10.0.0.1").with("x-forwarded-for", "192.0.2.1");
        assert_eq!(of(&Client::default(), given).unwrap(), "10.0.0.1");
    }
}
