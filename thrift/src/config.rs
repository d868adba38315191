//! What a user may configure of Thrift.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use wireloom_codecs::units::Size;

use crate::types::{MAX_FRAME, Protocol, Transport};

/// Settings of Thrift connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThriftConfig {
    /// The transport that clients use: `framed`, `buffered`, `header` or `ttheader`. Default: each connection's first
    /// message tells.
    pub transport: Option<Transport>,
    /// The protocol that clients use: `binary`, `compact` or `binary_non_strict`. Default: each connection's first message
    /// tells. `binary_non_strict` lets the oldest clients in beside the strict ones; they are taken to be framed unless
    /// `transport` says `buffered`, and nothing detects them on a port that other protocols share.
    pub protocol: Option<Protocol>,
    /// The service of a call that names none.
    pub service: Option<String>,
    /// The THeader or TTHeader pair that names the service. Default `service`.
    pub service_header: String,
    /// Calls that get no answer though they do not say so, as `Service.method`, or `method` for any service: clients older than 0.9.3
    /// send their one-way calls like that, and those for Go to this day.
    pub one_way: Vec<String>,
    /// How many calls of one connection are carried out beside each other if a client sends them without waiting for answers, 1 to
    /// 1024. The answers leave in the order of the calls. Each call has an upstream connection of its own for as long as it takes, so
    /// with more than 1 a call may take effect before one that was sent before it, and a server with a thread for each connection needs that
    /// many threads. Default 8.
    pub pipelined: Pipelined,
    /// The longest frame, without its length word. Default 16384000 bytes, as in Thrift's own libraries.
    pub max_frame: Size,
    /// A frame longer than the limit is answered with a PROTOCOL_ERROR. One up to this size is then read and dropped, and
    /// the connection goes on; behind a longer one it closes. Default 64 MiB.
    pub discard: Size,
}

/// How many calls of one connection are carried out beside each other, 1 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(transparent)]
pub struct Pipelined(#[schemars(range(min = 1, max = 1024))] pub usize);

impl<'de> Deserialize<'de> for Pipelined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = usize::deserialize(deserializer)?;
        if !(1..=1024).contains(&number) {
            let what = format!("{number} is out of range: 1 to 1024");
            return Err(de::Error::custom(what));
        }
        Ok(Self(number))
    }
}

/// What a cluster's servers speak, whatever dialect the request came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThriftUpstream {
    /// `framed`, `buffered`, `header` or `ttheader`. Default: each request's own.
    pub transport: Option<Transport>,
    /// `binary`, `compact` or `binary_non_strict`. Default: each request's own.
    pub protocol: Option<Protocol>,
}

/// All that a connection's codec is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThriftSettings {
    /// Of the protocol as a whole.
    pub config: ThriftConfig,
    /// Of the cluster that upstream connections belong to.
    pub upstream: ThriftUpstream,
    /// Upstream connections carry many calls at once: the cluster's servers answer in any order and repeat the seqid.
    pub multiplexed: bool,
}

impl From<ThriftConfig> for ThriftSettings {
    fn from(config: ThriftConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }
}

impl Default for ThriftConfig {
    fn default() -> Self {
        Self {
            transport: None,
            protocol: None,
            service: None,
            service_header: "service".to_owned(),
            one_way: Vec::new(),
            pipelined: Pipelined(8),
            max_frame: Size(MAX_FRAME),
            discard: Size(64 << 20),
        }
    }
}

impl ThriftConfig {
    /// True if the list says that nobody waits for an answer to this call.
    pub(crate) fn is_one_way(&self, service: &[u8], method: &[u8]) -> bool {
        self.one_way.iter().any(|entry| {
            let (of, name) = entry
                .rsplit_once('.')
                .map_or((None, &**entry), |(of, name)| (Some(of), name));
            name.as_bytes() == method && of.is_none_or(|of| of.as_bytes() == service)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_optional_and_checked() {
        let read = serde_json::from_str::<ThriftConfig>;
        assert_eq!(read("{}").unwrap(), ThriftConfig::default());
        let some = read(
            r#"{"transport": "ttheader", "protocol": "binary_non_strict", "max_frame": "1MiB"}"#,
        );
        let some = some.unwrap();
        assert_eq!(some.transport, Some(Transport::TtHeader));
        assert_eq!(some.protocol, Some(Protocol::BinaryNonStrict));
        assert_eq!(some.max_frame, Size(1 << 20));
        assert!(read(r#"{"oneway": []}"#).is_err());
        assert!(read(r#"{"pipelined": 0}"#).is_err());
        assert!(read(r#"{"transport": "carrier pigeon"}"#).is_err());
    }

    #[test]
    fn one_way_calls_go_by_service_and_method() {
        let config = ThriftConfig {
            one_way: vec!["a.b.Log.write".to_owned(), "notify".to_owned()],
            ..ThriftConfig::default()
        };
        assert!(config.is_one_way(b"a.b.Log", b"write"));
        assert!(!config.is_one_way(b"Log", b"write"));
        assert!(!config.is_one_way(b"", b"write"));
        assert!(config.is_one_way(b"", b"notify") && config.is_one_way(b"x", b"notify"));
    }
}
