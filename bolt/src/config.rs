//! What a user may configure of Bolt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Size;

/// Settings of Bolt connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoltConfig {
    /// Tell clients with command 100 that this proxy drains. Only MOSN understands it; Java and Node clients close
    /// the connection on it and fail what is under way, so it is off by default. Then a drain waits until no request is
    /// under way, and closes.
    pub go_away: bool,
    /// A message longer than the limit is answered with status 9. One up to this size is then read and dropped, and the
    /// connection goes on; behind a longer one it closes. Default 64 MiB.
    pub discard: Size,
}

impl Default for BoltConfig {
    fn default() -> Self {
        Self {
            go_away: false,
            discard: Size(64 << 20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_optional_and_checked() {
        let read = serde_json::from_str::<BoltConfig>;
        assert_eq!(read("{}").unwrap(), BoltConfig::default());
        let all = read(r#"{"go_away": true, "discard": "1MiB"}"#).unwrap();
        assert!(all.go_away && all.discard == Size(1 << 20));
        assert!(read(r#"{"goaway": true}"#).is_err());
    }
}
