//! The keys of the file. These comments are the schema's descriptions.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use wireloom_bolt::BoltConfig;
use wireloom_codecs::units::{Size, Span};
use wireloom_codecs::{FrameLimits, ServeLimits};
use wireloom_dubbo::DubboConfig;
use wireloom_http::HttpConfig;
use wireloom_net::Address;
use wireloom_net::tls::TlsConfig;
use wireloom_router::config::{FilterConfig, HeaderEdits, RouteConfig};
use wireloom_telemetry::Format;
use wireloom_thrift::ThriftConfig;

use super::{ClusterEntry, ListenerThrift, ProxyProtocolConfig};

/// Reads an optional key that may be left out but not left empty.
pub(super) fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The configuration of a Wireloom proxy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Threads that carry traffic. Default: one per core.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "usize", range(min = 1, max = 1024))]
    pub workers: Option<usize>,
    /// Where the proxy stands: the zone that clusters with `zone_aware` keep their requests in. Default: not known.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub zone: Option<String>,
    /// The admin server: metrics, readiness, what is configured. Default: none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "AdminConfig")]
    pub admin: Option<AdminConfig>,
    /// The ports that take traffic.
    #[schemars(length(min = 1))]
    pub listeners: Vec<ListenerConfig>,
    /// Route tables by name. In each, the first route that matches a request takes it.
    pub routes: BTreeMap<String, Vec<RouteConfig>>,
    /// Clusters by name: groups of endpoints that serve the same.
    pub clusters: BTreeMap<String, ClusterEntry>,
    /// Settings of each protocol.
    #[serde(default)]
    pub protocols: ProtocolsConfig,
    /// How long requests under way may still take once the proxy is told to stop.
    #[serde(default = "default_drain")]
    pub drain_timeout: Span,
    /// Memory that large messages may take together.
    #[serde(default)]
    pub limits: MemoryLimits,
    /// What goes to standard error.
    #[serde(default)]
    pub log: LogConfig,
}

impl Config {
    /// Lets relative paths start at `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        for tls in self.listeners.iter_mut().filter_map(|l| l.tls.as_mut()) {
            tls.resolve(folder);
        }
    }
}

fn default_drain() -> Span {
    Span(Duration::from_secs(30))
}

/// The admin server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Where it listens. Whoever can connect there can read the configuration and drain the proxy, so keep it on
    /// the loopback interface unless the network is yours.
    pub address: Address,
}

/// A port that takes traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    /// Its name in metrics and logs. Default: its address.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// Where it listens; port 0 takes any that is free.
    pub address: Address,
    /// The protocols it takes; each connection's is recognised by its first bytes. With one entry nothing is
    /// recognised and every connection is taken to speak it. Default: all.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub protocols: Option<Vec<String>>,
    /// How long a client may take for what it does.
    #[serde(default)]
    pub timeouts: ListenerTimeouts,
    /// How much a client may ask for.
    #[serde(default)]
    pub limits: ListenerLimits,
    /// Load balancers that say for whom a connection is, in the PROXY protocol. Default: none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ProxyProtocolConfig")]
    pub proxy_protocol: Option<ProxyProtocolConfig>,
    /// Certificates. With them every connection must begin with a TLS handshake, in which HTTP/2 and HTTP/1.1 are
    /// agreed on by their names; other protocols are recognised as without TLS. Default: no TLS.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "TlsConfig")]
    pub tls: Option<TlsConfig>,
    /// What of `protocols.thrift` is otherwise here. Default: nothing.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ListenerThrift")]
    pub thrift: Option<ListenerThrift>,
    /// What it changes in the header fields of requests and responses, before their route does.
    #[serde(default, skip_serializing_if = "HeaderEdits::is_empty")]
    pub headers: HeaderEdits,
    /// What looks at its requests and answers besides, in this order, before the filters of their group and route. Each runs
    /// once a request has its route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterConfig>,
    /// The route table that its requests go through.
    pub routes: String,
}

impl ListenerConfig {
    /// Its name, or its address for want of one.
    pub fn name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| self.address.to_string())
    }

    /// The bounds of each of its connections, where its protocol has no longest message of its own.
    pub fn serve_limits(&self, drain: Span) -> ServeLimits {
        let frame = self.limits.frame.map(|size| size.0);
        ServeLimits {
            frame: FrameLimits {
                frame: frame.unwrap_or(FrameLimits::default().frame),
                header: self.limits.header.0,
                headers: self.limits.headers,
            },
            in_flight: self.limits.in_flight_per_connection,
            header_timeout: self.timeouts.header.0,
            body_idle: self.timeouts.body_idle.0,
            idle: self.timeouts.idle.0,
            drain: drain.0,
        }
    }
}

/// How long a client may take. None of them can be switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenerTimeouts {
    /// For a TLS handshake, from the accepted connection on.
    pub handshake: Span,
    /// From the accepted connection until its first bytes tell the protocol.
    pub sniff: Span,
    /// From the first byte of a message until its head, or a whole message of fixed length, is there.
    pub header: Span,
    /// Without any byte of a message under way, or of an answer taken.
    pub body_idle: Span,
    /// Without any request.
    pub idle: Span,
}

impl Default for ListenerTimeouts {
    fn default() -> Self {
        let seconds = |seconds| Span(Duration::from_secs(seconds));
        Self {
            handshake: seconds(10),
            sniff: seconds(5),
            header: seconds(10),
            body_idle: seconds(30),
            idle: seconds(3600),
        }
    }
}

/// How much a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenerLimits {
    /// Connections open at once; more are closed as they come.
    #[schemars(range(min = 1))]
    pub connections: usize,
    /// Requests under way at once on one connection; more stay unread. Of pipelined Thrift calls
    /// at most as many as `thrift.pipelined` says.
    #[schemars(range(min = 1))]
    pub in_flight_per_connection: usize,
    /// The longest message, its head included. Default: what each protocol has by itself, which is 8MiB and in Thrift
    /// 4 bytes more than its `max_frame`, 16384004. What servers answer may be as long as the most that any listener
    /// allows, but at least that default.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub frame: Option<Size>,
    /// The longest header block of a message.
    pub header: Size,
    /// The most fields in a header block.
    #[schemars(range(min = 1))]
    pub headers: usize,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        let frame = FrameLimits::default();
        Self {
            connections: 10_000,
            in_flight_per_connection: 1024,
            frame: None,
            header: Size(frame.header),
            headers: frame.headers,
        }
    }
}

/// Settings of each protocol, wherever it is spoken.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProtocolsConfig {
    /// SOFA Bolt.
    pub bolt: BoltConfig,
    /// Dubbo.
    pub dubbo: DubboConfig,
    /// Thrift.
    pub thrift: ThriftConfig,
    /// HTTP/1.1, HTTP/2, and gRPC and Triple over it.
    pub http: HttpConfig,
}

/// Memory that large messages may take together, over all connections. A message waits unread until there is room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryLimits {
    /// For requests.
    pub request_memory: Size,
    /// For responses.
    pub response_memory: Size,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            request_memory: Size(32 << 20),
            response_memory: Size(32 << 20),
        }
    }
}

/// What goes to standard error. `--log` and `WIRELOOM_LOG` override the level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// One of off, error, warn, info, debug and trace, or a filter like `info,wireloom_cluster=debug`.
    pub level: String,
    /// How lines look.
    pub format: Format,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: Format::Text,
        }
    }
}
