//! The configuration: one YAML file (JSON is YAML), typed, with unknown keys refused.
//!
//! Each crate owns the keys of its own domain; `types` composes them. A file is read in steps, each of which reports
//! everything it finds:
//!
//! | file | step |
//! |---|---|
//! | `load` | the file becomes text, within a limit |
//! | `yaml` | the text becomes values: syntax, duplicate keys, aliases, nesting |
//! | `typed` | the values become a [`Config`]: unknown keys, wrong types, missing keys |
//! | `filters` | what filters make of their parts of it |
//! | `check` | what only the whole can tell: names that nothing has, addresses that collide |
//!
//! `schema` tells editors and people what may be written, `shown` is what the admin server shows of what was.
//!
//! `proxy_protocol` holds the keys of that, `cluster` and `thrift` the keys of one protocol that stand beside those of all.
//!
//! `locate` knows the line of every key, `expect` and `suggest` know what would have been right, `error` is how it is told.

mod check;
mod cluster;
mod error;
mod expect;
mod filters;
#[doc(hidden)]
pub mod fuzz;
mod load;
mod locate;
mod proxy_protocol;
mod schema;
mod shown;
mod suggest;
mod thrift;
mod typed;
mod types;
mod yaml;

pub use cluster::{ClusterEntry, ProtocolKeys};
pub use error::{ConfigError, ConfigErrors};
pub use load::{MAX_FILE, load, load_with, parse, parse_with};
pub use locate::Place;
pub use proxy_protocol::ProxyProtocolConfig;
pub use schema::{schema, schema_with};
pub(crate) use suggest::{nearest, or_list};
pub use thrift::ListenerThrift;
pub use types::{
    AdminConfig, Config, ListenerConfig, ListenerLimits, ListenerTimeouts, LogConfig, MemoryLimits,
    ProtocolsConfig,
};

#[cfg(test)]
mod tests;
