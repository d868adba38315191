//! What of a connection routes match.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{StringMatch, not_null};

/// What a client showed in its TLS handshake. A request that came without TLS matches none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsMatch {
    /// The name of the server that the client asked for (SNI), in lower case.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub sni: Option<StringMatch>,
    /// A name in the client's certificate, a URI (`spiffe://…`) or a DNS name, of which one must match. Clients have
    /// certificates where their listener has a `client_ca`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StringMatch")]
    pub identity: Option<StringMatch>,
}
