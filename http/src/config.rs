//! Settings of HTTP, wherever it is spoken. These comments are the schema's descriptions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Size;

/// Settings of HTTP/1.1, HTTP/2 and gRPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// HTTP/1.1.
    pub h1: H1Config,
    /// HTTP/2.
    pub h2: H2Config,
}

/// Settings of HTTP/1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct H1Config {}

/// Settings of HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct H2Config {
    /// Streams that a client may have open at once on one connection; fewer if the listener's
    /// `in_flight_per_connection` says so.
    pub max_streams: u32,
    /// Bytes of one stream's body that may be on their way before any is taken, in either direction of the proxy.
    pub stream_window: Size,
    /// The same for all streams of a connection together.
    pub connection_window: Size,
    /// Whether CONNECT without a protocol is passed on. Extended CONNECT (WebSocket over HTTP/2) always is.
    pub connect: bool,
}

impl Default for H2Config {
    fn default() -> Self {
        Self {
            max_streams: 1024,
            stream_window: Size(256 << 10),
            connection_window: Size(1 << 20),
            connect: false,
        }
    }
}
