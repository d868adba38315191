//! Who says for whom a connection is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::OneOrMany;
use wireloom_router::Problem;
use wireloom_router::filter::Networks;

/// Load balancers that relay connections and begin each with a PROXY header, of version 1 or 2: `accept-proxy` of HAProxy,
/// `proxy_protocol` of nginx. The address in it is the client's from then on, wherever a client's address counts.
///
/// The header comes before TLS and within `timeouts.header`. A connection from there without one is closed; from
/// elsewhere it is no header, and part of no protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyProtocolConfig {
    /// The networks, or addresses, of the balancers. Whoever can connect from there can name any client, so 0.0.0.0/0 is for
    /// listeners that nobody else reaches.
    pub from: OneOrMany,
}

impl ProxyProtocolConfig {
    /// The networks, and what is wrong with them at `path`.
    pub(crate) fn networks(&self, path: &str) -> (Networks, Vec<Problem>) {
        let mut problems = Vec::new();
        let from = Networks::compile(&format!("{path}.from"), Some(&self.from), &mut problems);
        (from, problems)
    }
}
