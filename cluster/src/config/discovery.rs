//! How endpoints are found that the configuration does not list: `discovery: {dns: …}`, `discovery: original_destination`, or
//! the name of a source that somebody has registered, with its settings.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use wireloom_codecs::units::Span;

/// The port of a DNS server that is written without one.
const DNS_PORT: u16 = 53;

const DNS: &str = "dns";
const ORIGINAL_DESTINATION: &str = "original_destination";

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryConfig {
    /// The addresses that a name has.
    Dns(DnsConfig),
    /// Wherever each client wanted to go.
    OriginalDestination(OriginalDestination),
    /// A source of that name.
    Other(String, Value),
}

impl DiscoveryConfig {
    /// True if a source tells the endpoints.
    pub const fn is_followed(&self) -> bool {
        !matches!(self, Self::OriginalDestination(_))
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Dns(_) => DNS,
            Self::OriginalDestination(_) => ORIGINAL_DESTINATION,
            Self::Other(name, _) => name,
        }
    }

    /// The names of those that need not be registered.
    pub const BUILTIN: [&'static str; 2] = [DNS, ORIGINAL_DESTINATION];
}

/// Every address of a name is an endpoint. It is looked up when the cluster is made and then again and again; requests that
/// come before the first answer wait for it, as long as for a connection. A lookup that fails, and one that says that the
/// name does not exist or has no address, changes nothing: the last addresses stay.
///
/// An endpoint that is written as `host:port` is something else: one endpoint, whose name is looked up for every connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsConfig {
    /// The name. One without a dot at its end is looked up with the system's search domains too, unless `servers` are
    /// given.
    pub name: String,
    /// The port of every endpoint. SRV records have their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What is asked for.
    #[serde(default)]
    pub r#type: RecordKind,
    /// Which addresses are taken.
    #[serde(default)]
    pub family: Family,
    /// Time between two lookups, whatever the answers say of how long they hold. Default: as long as the answer holds,
    /// within `min_ttl` and `max_ttl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Span>,
    /// The least time that an answer is kept, also one that says that there is no address.
    #[serde(default = "min_ttl", deserialize_with = "super::positive")]
    pub min_ttl: Span,
    /// The longest time that an answer is kept. Failures are tried again sooner: after a second at first, then after twice
    /// as long each time, and never more than 30 s later.
    #[serde(default = "max_ttl", deserialize_with = "super::positive")]
    pub max_ttl: Span,
    /// How long a lookup may take, repetitions and further servers included.
    #[serde(default = "timeout", deserialize_with = "super::positive")]
    pub timeout: Span,
    /// The DNS servers, tried in this order; port 53 if none is written. Default: those of /etc/resolv.conf, with its options,
    /// and /etc/hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<DnsServer>,
}

const fn min_ttl() -> Span {
    Span(Duration::from_secs(1))
}

const fn max_ttl() -> Span {
    Span(Duration::from_secs(300))
}

const fn timeout() -> Span {
    Span(Duration::from_secs(5))
}

impl DnsConfig {
    /// What cannot be meant: the key, and the sentence.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if wireloom_net::Address::of_name(&self.name, 0).is_none() {
            let message = match self.name.parse::<IpAddr>() {
                Ok(_) => {
                    "is an address already: write it into `endpoints`, and leave `discovery` out"
                }
                Err(_) => "is no name that DNS can have, like orders.example",
            };
            return Some(("name", format!("{:?} {message}", self.name)));
        }
        let no_port = self.port.is_none_or(|port| port == 0);
        match (self.r#type, self.port) {
            (RecordKind::A, _) if no_port => {
                let message = "addresses in DNS have no port: write the one that the servers listen on, 1 to 65535";
                return Some(("port", message.to_owned()));
            }
            (RecordKind::Srv, Some(_)) => {
                let message =
                    "SRV records have their own ports: leave this key out, or write `type: a`";
                return Some(("port", message.to_owned()));
            }
            _ => {}
        }
        if self.min_ttl > self.max_ttl {
            let message = format!("{} is more than `max_ttl`, {}", self.min_ttl, self.max_ttl);
            return Some(("min_ttl", message));
        }
        if self.refresh.is_some_and(|refresh| refresh.0.is_zero()) {
            let message = "0s is too short: leave the key out to look up when the last answer ends";
            return Some(("refresh", message.to_owned()));
        }
        None
    }
}

/// What DNS is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Addresses: A and AAAA records, as `family` says.
    #[default]
    A,
    /// SRV records: names with a port, a priority and a weight each, whose addresses are looked up in turn. The lowest
    /// priority is asked first, and the others as their order says; weights are scaled to at most 10000, and 0 counts as 1.
    Srv,
}

/// Which addresses of a name are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4; IPv6 if there is none.
    #[default]
    PreferV4,
    /// IPv6; IPv4 if there is none.
    PreferV6,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// All. A server that has both is two endpoints, with twice its share.
    Any,
}

/// A DNS server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsServer(pub SocketAddr);

impl Serialize for DnsServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DnsServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let with_port = text.parse().ok();
        let address = with_port.or_else(|| {
            let ip = text.parse::<IpAddr>().ok()?;
            Some(SocketAddr::new(ip, DNS_PORT))
        });
        address.map(Self).ok_or_else(|| {
            let message =
                "is no address of a DNS server, like 10.0.0.53, 10.0.0.53:53 or [fd00::53]:53";
            de::Error::custom(format!("{text:?} {message}"))
        })
    }
}

impl JsonSchema for DnsServer {
    fn schema_name() -> Cow<'static, str> {
        "DnsServer".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "ip or ip:port",
            "examples": ["10.0.0.53", "10.0.0.53:5353", "[fd00::53]:53"],
        })
    }
}

/// Requests go where their client had connected to before the connection was redirected to the proxy (iptables' REDIRECT or
/// TPROXY). Endpoints come with the first request for them and go when nobody has asked for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OriginalDestination {
    /// The field that names the endpoint instead, as `10.0.0.1:20880`, like Envoy's x-envoy-original-dst-host. Whoever can
    /// send it can have the proxy connect anywhere. Default: none is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The most endpoints at once, 1 to 10000; requests for more are refused as overload.
    #[serde(deserialize_with = "super::within::<1, 10_000, _>")]
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: u32,
    /// How long an endpoint is kept without any request.
    #[serde(deserialize_with = "super::positive")]
    pub idle: Span,
}

impl Default for OriginalDestination {
    fn default() -> Self {
        Self {
            header: None,
            limit: 1000,
            idle: Span(Duration::from_secs(300)),
        }
    }
}

impl Serialize for DiscoveryConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Dns(dns) => map.serialize_entry(DNS, dns)?,
            Self::OriginalDestination(own) => map.serialize_entry(ORIGINAL_DESTINATION, own)?,
            Self::Other(name, settings) => map.serialize_entry(name, settings)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for DiscoveryConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = DiscoveryConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a source's name, or a map of its name and its settings like {dns: {…}}",
                )
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<DiscoveryConfig, E> {
                match name {
                    DNS => Err(E::custom(
                        "dns needs settings: write {dns: {name: …, port: …}}",
                    )),
                    ORIGINAL_DESTINATION => Ok(DiscoveryConfig::OriginalDestination(
                        OriginalDestination::default(),
                    )),
                    other => Ok(DiscoveryConfig::Other(other.to_owned(), Value::Null)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<DiscoveryConfig, A::Error> {
                let Some(name) = map.next_key::<String>()? else {
                    return Err(de::Error::custom(
                        "names no source: write one, like {dns: {…}}",
                    ));
                };
                let read = match &*name {
                    DNS => DiscoveryConfig::Dns(map.next_value()?),
                    ORIGINAL_DESTINATION => DiscoveryConfig::OriginalDestination(map.next_value()?),
                    _ => DiscoveryConfig::Other(name, map.next_value()?),
                };
                match map.next_key::<String>()? {
                    None => Ok(read),
                    Some(more) => {
                        let name = read.name();
                        let message = format!("a cluster has one source: {name} or {more}");
                        Err(de::Error::custom(message))
                    }
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for DiscoveryConfig {
    fn schema_name() -> Cow<'static, str> {
        "Discovery".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let dns = generator.subschema_for::<DnsConfig>();
        let destination = generator.subschema_for::<OriginalDestination>();
        schemars::json_schema!({
            "anyOf": [
                {"type": "string", "examples": [ORIGINAL_DESTINATION]},
                {
                    "type": "object",
                    "properties": {DNS: dns, ORIGINAL_DESTINATION: destination},
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        })
    }
}
