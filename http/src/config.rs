//! Settings of HTTP, wherever it is spoken. These comments are the schema's descriptions.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::{Size, Span};

/// Settings of HTTP/1.1, HTTP/2 and gRPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// HTTP/1.1.
    pub h1: H1Config,
    /// HTTP/2.
    pub h2: H2Config,
    /// Whether gRPC-Web requests go to their cluster as gRPC. Off, they are plain HTTP, for servers that speak gRPC-Web
    /// by themselves.
    pub grpc_web: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            h1: H1Config::default(),
            h2: H2Config::default(),
            grpc_web: true,
        }
    }
}

/// Settings of HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct H1Config {
    /// The longest request target; a longer one is answered with 414.
    pub uri: Size,
    /// Whether CONNECT requests are taken and routed by their host; else they are answered with 405.
    pub connect: bool,
    /// A client that closes its sending side still gets the answer to what it has asked. Off, it counts as gone and
    /// its request is cancelled.
    pub half_close: bool,
    /// Lines of a head may end in LF alone. Two parsers may then read one head differently.
    pub allow_bare_lf: bool,
    /// HTTP/1.1 requests may come without a Host field, or with an empty one.
    pub allow_missing_host: bool,
}

impl Default for H1Config {
    fn default() -> Self {
        Self {
            uri: Size(8 << 10),
            connect: false,
            half_close: false,
            allow_bare_lf: false,
            allow_missing_host: false,
        }
    }
}

/// Settings of HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct H2Config {
    /// Streams that a client may have open at once on one connection; fewer if the listener's
    /// `in_flight_per_connection` says so.
    pub max_streams: u32,
    /// Bytes of one stream's body that may be on their way before any is taken, in either direction of the proxy.
    pub stream_window: Size,
    /// The same for all streams of a client's connection together.
    pub connection_window: Size,
    /// The same for all streams of an upstream connection together. Clients share it, so it is wide: those that do not
    /// read their answers must not use it up for the others.
    pub upstream_connection_window: Size,
    /// Whether CONNECT without a protocol is passed on. Extended CONNECT (WebSocket over HTTP/2) always is.
    pub connect: bool,
    /// Streams that a client resets at once, or makes the proxy reset, within ten seconds: from so many on the
    /// connection is ended with ENHANCE_YOUR_CALM, if they are more than half of its streams in that time; 0 for never.
    /// An application that gives up all that it has under way is no attack, though it cancels hundreds of calls at once.
    pub resets: u32,
    /// A PING after this long without a byte from a peer; `0s` for none. Where a cluster sets a keep-alive of its own,
    /// that counts for its connections.
    pub keep_alive: Span,
    /// How long the peer may take to answer it before the connection is closed.
    pub keep_alive_timeout: Span,
}

impl Default for H2Config {
    fn default() -> Self {
        Self {
            max_streams: 1024,
            stream_window: Size(256 << 10),
            connection_window: Size(1 << 20),
            upstream_connection_window: Size(32 << 20),
            connect: false,
            resets: 300,
            keep_alive: Span(Duration::ZERO),
            keep_alive_timeout: Span(Duration::from_secs(20)),
        }
    }
}
