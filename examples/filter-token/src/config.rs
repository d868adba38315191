//! What stands behind `token:` in a configuration. These comments are the schema's descriptions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use wireloom_codecs::units::{Secret, Span};

/// Lets requests pass that carry a known token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The field that has the token.
    #[serde(default = "field")]
    pub field: String,
    /// The header of HTTP and gRPC answers that says whose token it was.
    #[serde(default = "stamp")]
    pub stamp: String,
    /// Who there is, and the token that shows it. The admin server shows the names alone.
    pub tokens: BTreeMap<String, Secret>,
    /// How long a lookup takes; a directory on the network would need no such key.
    #[serde(default = "lookup")]
    pub lookup: Span,
    /// How many lookups are remembered.
    #[serde(default = "remember")]
    pub remember: usize,
}

fn field() -> String {
    "x-token".to_owned()
}

fn stamp() -> String {
    "x-caller".to_owned()
}

fn lookup() -> Span {
    Span(std::time::Duration::from_millis(1))
}

fn remember() -> usize {
    1024
}
