//! What a user configures for Dubbo.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the Dubbo protocol. The defaults suit Java consumers and providers of every version.
///
/// The heartbeat needs none: upstream connections are asked once a minute while nothing comes, as Java does,
/// and every peer's heartbeats are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DubboConfig {
    /// Announce a drain with the READONLY event, on which Java consumers choose other connections for new calls.
    /// Turn it off for clients that cannot take a request from their server. Default: true.
    pub readonly_event: bool,
    /// Refuse requests whose attachments name another path or version than their first fields. Java providers
    /// dispatch by the attachments, while routes are matched on the first fields; with this, a client cannot
    /// pass a route for one service and reach another one. It costs a walk over each request's arguments.
    /// Default: false.
    pub verify_attachments: bool,
}

impl Default for DubboConfig {
    fn default() -> Self {
        Self {
            readonly_event: true,
            verify_attachments: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_the_default_and_unknown_keys_are_refused() {
        let config: DubboConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, DubboConfig::default());
        assert!(serde_json::from_str::<DubboConfig>(r#"{"heartbeat": 1}"#).is_err());
    }
}
