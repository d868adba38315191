//! The sockets of connections to a cluster's endpoints, as configurations write them.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Span;
use wireloom_net::{Keepalive, SocketOptions};

use super::within;

/// The sockets of connections to the endpoints, health checks included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcpConfig {
    /// When the kernel asks whether the other host still exists.
    pub keepalive: TcpKeepalive,
    /// Small writes go out at once. Writes are batched already: without it, the last of them would wait for an
    /// acknowledgement.
    pub nodelay: bool,
    /// The mark of the packets (`SO_MARK`), which routing and firewall rules can tell them by, 1 to 4294967295. Linux only,
    /// and the proxy needs `CAP_NET_ADMIN`, else connecting fails. Default: none.
    #[serde(
        deserialize_with = "super::some_within::<1, { u32::MAX }, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1))]
    pub mark: Option<u32>,
    /// The address of this host that connections come from. Default: the routing table tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
}

/// When the kernel asks whether a quiet connection's other host still exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcpKeepalive {
    /// Quiet time before the first question, in whole seconds; 0s: it never asks.
    pub idle: Span,
    /// Time between two questions, in whole seconds.
    pub interval: Span,
    /// Unanswered questions that end the connection, 1 to 127.
    #[serde(deserialize_with = "within::<1, 127, _>")]
    #[schemars(range(min = 1, max = 127))]
    pub probes: u32,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            keepalive: TcpKeepalive::default(),
            nodelay: true,
            mark: None,
            source: None,
        }
    }
}

impl Default for TcpKeepalive {
    fn default() -> Self {
        let Keepalive {
            idle,
            interval,
            probes,
        } = Keepalive::default();
        Self {
            idle: Span(idle),
            interval: Span(interval),
            probes,
        }
    }
}

/// The longest of the kernel's times: `MAX_TCP_KEEPIDLE` and `MAX_TCP_KEEPINTVL`.
const LONGEST: Duration = Duration::from_secs(32_767);

impl TcpConfig {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The same in the sockets' words.
    pub(crate) fn options(&self) -> SocketOptions {
        let TcpKeepalive {
            idle,
            interval,
            probes,
        } = self.keepalive;
        let keepalive = Keepalive {
            idle: idle.0,
            interval: interval.0,
            probes,
        };
        SocketOptions {
            keepalive: (!idle.0.is_zero()).then_some(keepalive),
            nodelay: self.nodelay,
            mark: self.mark,
            source: self.source,
        }
    }

    /// What cannot be meant: the key below `tcp`, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let whole = |time: Duration| time.subsec_nanos() == 0 && time <= LONGEST;
        let (idle, interval) = (self.keepalive.idle, self.keepalive.interval);
        if !whole(idle.0) {
            let why =
                format!("the kernel counts in whole seconds up to 32767: {idle} is none of these");
            return Some(("keepalive.idle", why));
        }
        if !whole(interval.0) || interval.0.is_zero() {
            let why = format!(
                "the kernel counts in whole seconds from 1 to 32767: {interval} is none of these"
            );
            return Some(("keepalive.interval", why));
        }
        if self
            .source
            .is_some_and(|source| source.is_unspecified() || source.is_multicast())
        {
            let why = "this is no host's own address: name one, or leave the key out";
            return Some(("source", why.to_owned()));
        }
        None
    }
}
