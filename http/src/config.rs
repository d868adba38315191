//! Settings of HTTP, wherever it is spoken. These comments are the schema's descriptions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct H2Config {}
