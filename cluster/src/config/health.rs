//! How endpoints are asked whether they are well, as configurations write it.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use wireloom_codecs::Probe;
use wireloom_codecs::units::Span;
use wireloom_net::Address;

use super::{positive, within};

/// Asks every endpoint again and again whether it is well, over connections of its own. Of the questions one at most may be
/// given; without one, that it can be connected to is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthConfig {
    /// From one check's end to the next.
    #[serde(deserialize_with = "positive")]
    pub interval: Span,
    /// The same while an endpoint is not well, or the last check says otherwise than those before. Default: `interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_unhealthy: Option<Span>,
    /// By how many percent intervals are made longer or shorter by chance, 0 to 100, so that checks do not come at once.
    #[serde(deserialize_with = "within::<0, 100, _>")]
    #[schemars(range(max = 100))]
    pub jitter: u32,
    /// How long a check may take, connecting included.
    #[serde(deserialize_with = "positive")]
    pub timeout: Span,
    /// Good checks in a row that make an endpoint well again, 1 to 1000. At first one is enough.
    #[serde(deserialize_with = "within::<1, 1000, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub healthy: u32,
    /// Failed checks in a row that take it out, 1 to 1000. At first one is enough.
    #[serde(deserialize_with = "within::<1, 1000, _>")]
    #[schemars(range(min = 1, max = 1000))]
    pub unhealthy: u32,
    /// The port that is asked, 1 to 65535, where it is another than the one that serves. Default: the endpoint's.
    #[serde(
        deserialize_with = "super::some_within::<1, 65_535, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1, max = 65535))]
    pub port: Option<u32>,
    /// It can be connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpCheck>,
    /// It answers a GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    /// gRPC's health service says that it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcCheck>,
    /// It answers the heartbeat of the cluster's `protocol` (Dubbo, Bolt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatCheck>,
    /// A Dubbo service answers `$echo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<EchoCheck>,
    /// A Thrift method without arguments answers, if need be with an exception that it declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thrift: Option<MethodCheck>,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            interval: Span(Duration::from_secs(5)),
            interval_unhealthy: None,
            jitter: 20,
            timeout: Span(Duration::from_secs(1)),
            healthy: 2,
            unhealthy: 3,
            port: None,
            tcp: None,
            http: None,
            grpc: None,
            heartbeat: None,
            echo: None,
            thrift: None,
        }
    }
}

/// A connection, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {}

/// A heartbeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatCheck {}

/// A GET, in HTTP/1.1 or in what the cluster's `protocol` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// The path, with its query if it has one.
    pub path: String,
    /// The host that is asked for. Default: the endpoint's address, or localhost behind a Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The good statuses: numbers, or ranges like `200-299`. Default: 200.
    #[serde(default = "ok")]
    pub codes: Vec<Codes>,
}

/// `Check` of `grpc.health.v1.Health`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcCheck {
    /// The service that is asked after. Default: the server as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The authority that is asked for. Default: the endpoint's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// `$echo` of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoCheck {
    /// The interface.
    pub service: String,
    /// Its version. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its group. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A method without arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodCheck {
    /// The method.
    pub method: String,
    /// The service, where one server has several (`TMultiplexedProcessor`). Default: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
}

/// A status, or the statuses from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes(RangeInclusive<u16>);

fn ok() -> Vec<Codes> {
    vec![Codes(200..=200)]
}

impl HealthConfig {
    /// The time to the next check.
    pub(crate) fn every(&self, well: bool) -> Duration {
        match self.interval_unhealthy {
            Some(interval) if !well => interval.0.max(Duration::from_millis(1)),
            _ => self.interval.0,
        }
    }

    /// Where an endpoint is asked.
    pub(crate) fn address(&self, endpoint: &Address) -> Address {
        let Some(port) = self.port.and_then(|port| u16::try_from(port).ok()) else {
            return endpoint.clone();
        };
        if let Some(address) = endpoint.as_socket_addr() {
            return SocketAddr::new(address.ip(), port).into();
        }
        let named = endpoint.name().map(|name| format!("{name}:{port}").parse());
        // What has no port has no other one.
        named
            .and_then(Result::ok)
            .unwrap_or_else(|| endpoint.clone())
    }

    /// What is asked of the endpoint at `address`; None if a connection is enough.
    pub(crate) fn probe(&self, address: &str) -> Option<Probe> {
        let host = |host: &Option<String>| host.clone().unwrap_or_else(|| address.to_owned());
        if let Some(http) = &self.http {
            return Some(Probe::Http {
                host: host(&http.host),
                path: http.path.clone(),
                codes: http.codes.iter().map(|codes| codes.0.clone()).collect(),
            });
        }
        if let Some(grpc) = &self.grpc {
            return Some(Probe::Grpc {
                host: host(&grpc.host),
                service: grpc.service.clone(),
            });
        }
        if let Some(EchoCheck {
            service,
            version,
            group,
        }) = self.echo.clone()
        {
            return Some(Probe::Echo {
                service,
                version,
                group,
            });
        }
        if let Some(MethodCheck { method, service }) = self.thrift.clone() {
            return Some(Probe::Method { service, method });
        }
        self.heartbeat.map(|_| Probe::Heartbeat)
    }

    /// What cannot be meant: the key below `health`, and why.
    pub(super) fn problem(&self, protocol: Option<&str>) -> Option<(&'static str, String)> {
        let given = [
            ("tcp", self.tcp.is_some()),
            ("http", self.http.is_some()),
            ("grpc", self.grpc.is_some()),
            ("heartbeat", self.heartbeat.is_some()),
            ("echo", self.echo.is_some()),
            ("thrift", self.thrift.is_some()),
        ];
        let mut given = given
            .iter()
            .filter(|(_, given)| *given)
            .map(|(key, _)| *key);
        if let (Some(one), Some(other)) = (given.next(), given.next()) {
            return Some((
                other,
                format!("there is `{one}` already: leave one of the two out"),
            ));
        }
        if self.heartbeat.is_some() && protocol.is_none() {
            let why = "whose heartbeat? Give the cluster its `protocol`, like dubbo or bolt";
            return Some(("heartbeat", why.to_owned()));
        }
        if let Some(problem) = self.unfit(protocol) {
            return Some(problem);
        }
        let http = self.http.as_ref();
        if http.is_some_and(|http| !http.path.starts_with('/')) {
            return Some(("http.path", "a path starts with `/`".to_owned()));
        }
        if http.is_some_and(|http| http.codes.is_empty()) {
            return Some((
                "http.codes",
                "no status is good: leave it out for 200".to_owned(),
            ));
        }
        let zero = |span: &Span| span.0.is_zero();
        if self.interval_unhealthy.as_ref().is_some_and(zero) {
            let why = "0s would check without a pause";
            return Some(("interval_unhealthy", why.to_owned()));
        }
        None
    }
}

/// The protocols that each question is asked in, of those that are known here.
const ASKED_IN: [(&str, &[&str]); 5] = [
    ("http", &["http1", "http2", "grpc", "triple"]),
    ("grpc", &["http2", "grpc", "triple"]),
    ("heartbeat", &["dubbo", "bolt"]),
    ("echo", &["dubbo"]),
    ("thrift", &["thrift"]),
];
const KNOWN: [&str; 7] = [
    "http1", "http2", "grpc", "triple", "dubbo", "bolt", "thrift",
];

impl HealthConfig {
    /// A question that is asked in another protocol than the port's that it goes to.
    fn unfit(&self, protocol: Option<&str>) -> Option<(&'static str, String)> {
        let protocol = protocol.filter(|name| KNOWN.contains(name))?;
        let given = [
            self.http.is_some(),
            self.grpc.is_some(),
            self.heartbeat.is_some(),
            self.echo.is_some(),
            self.thrift.is_some(),
        ];
        let asked = ASKED_IN.iter().zip(given).find(|(_, given)| *given);
        let ((key, fit), _) = asked?;
        if fit.contains(&protocol) {
            return None;
        }
        if *key == "heartbeat" {
            let why = format!(
                "{protocol} has no heartbeat that can be asked for: take `tcp`, or a question of its own"
            );
            return Some((key, why));
        }
        // Another port may speak another protocol.
        let why = format!(
            "the cluster speaks {protocol}, in which nobody can be asked that: take another question, or name the `port` \
             that understands it"
        );
        self.port.is_none().then_some((*key, why))
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.start(), self.0.end())
    }
}

impl Serialize for Codes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.start() == self.0.end() {
            true => serializer.serialize_u16(*self.0.start()),
            false => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Codes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status from 100 to 599, or a range like 200-299")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Codes, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Codes, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Codes, E> {
                let (low, high) = text.split_once('-').unwrap_or((text, text));
                let status = |text: &str| {
                    let number = text.trim().parse::<u16>().ok();
                    number.filter(|number| (100..=599).contains(number))
                };
                match (status(low), status(high)) {
                    (Some(low), Some(high)) if low <= high => Ok(Codes(low..=high)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Codes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Codes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5][0-9][0-9] *- *[1-5][0-9][0-9]$" },
        ] })
    }
}
