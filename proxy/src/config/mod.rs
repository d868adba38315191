//! The configuration: one YAML file (JSON is YAML), typed, with unknown keys refused.
//!
//! Each crate owns the keys of its own domain; `types` composes them. A file is read in steps, each of which reports
//! everything it finds:
//!
//! | file | step |
//! |---|---|
//! | `load` | the file becomes text, within a limit |
//! | `yaml` | the text becomes values: syntax, duplicate keys, aliases, nesting |
//! | `typed`, `node` | the values become a [`Config`]: unknown keys, wrong types, missing keys |
//! | `check` | what only the whole can tell: names that nothing has, addresses that collide |
//!
//! `cluster` and `thrift` hold the keys of one protocol that stand beside those of all.
//!
//! `locate` knows the line of every key, `expect` and `suggest` know what would have been right, `error` is how it is told.

mod check;
mod cluster;
mod error;
mod expect;
#[doc(hidden)]
pub mod fuzz;
mod load;
mod locate;
mod node;
mod suggest;
mod thrift;
mod typed;
mod types;
mod yaml;

pub use cluster::{ClusterEntry, ProtocolKeys};
pub use error::{ConfigError, ConfigErrors};
pub use load::{MAX_FILE, load, load_with, parse};
pub use locate::Place;
pub(crate) use suggest::{nearest, or_list};
pub use thrift::ListenerThrift;
pub use types::{
    AdminConfig, Config, ListenerConfig, ListenerLimits, ListenerTimeouts, LogConfig, MemoryLimits,
    ProtocolsConfig,
};

/// The JSON Schema of the configuration file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

#[cfg(test)]
mod tests;
