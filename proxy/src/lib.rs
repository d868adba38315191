//! The proxy: configuration, the parts put together, and the command line.
//!
//! Two planes. The control plane ([`control`]) runs on the thread that started it: configuration, accepting, admin,
//! signals. The data plane is one thread per worker; a connection is handed to one and stays there.
//!
//! | module | holds |
//! |---|---|
//! | `config` | the file's keys, and what is told of a file that is wrong |
//! | `control` | what runs, and how another configuration takes its place |
//! | `listener`, `worker`, `connection` | the way of a connection: accepted, handed over, secured, recognised, served |
//! | `exchange` | **the request loop**: route, filters, deadline, cluster, tries |
//! | `routing`, `tables`, `clusters`, `filters`, `mirrors` | a configuration as workers use it |
//! | `protocols`, `sources` | the registries of protocols, and of what finds endpoints |
//! | `admin`, `admin_state` | the admin server, and what it shows |
//! | `new_codec` | the crate that a new codec begins with |
//! | `program` | the program with protocols, filters and sources of somebody else's |
//! | `run`, `demo`, `call`, `cli` | the program |

pub mod admin;
mod admin_state;
pub mod call;
pub mod cli;
mod clusters;
pub mod config;
mod connection;
pub mod control;
pub mod demo;
pub mod exchange;
mod filters;
mod listener;
mod mirrors;
mod new_codec;
mod program;
pub mod protocols;
mod routing;
pub mod run;
mod sources;
mod tables;
mod worker;

pub use control::{Applied, ApplyError, Proxy};
pub use program::{Extension, Program};
pub use protocols::{Protocols, Registered};
pub use sources::Sources;
pub use wireloom_cluster::{BoxSource, Discovery, Source, SourceError, Update};

/// The names of the protocols that Wireloom comes with.
pub const PROTOCOLS: &[&str] = &[
    "bolt",
    "dubbo",
    "thrift",
    "dubbo-thrift",
    "http1",
    "http2",
    "grpc",
    "triple",
];
