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
//! | `exchange` | **the request loop**: route, deadline, cluster, tries |
//! | `routing`, `tables`, `clusters` | a configuration as workers use it |
//! | `protocols` | the registry of protocols |
//! | `admin`, `admin_state` | the admin server, and what it shows |
//! | `new_codec` | the crate that a new codec begins with |
//! | `program` | the program with protocols of somebody else's |
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
mod listener;
mod new_codec;
mod program;
pub mod protocols;
mod routing;
pub mod run;
mod tables;
mod worker;

pub use control::{Applied, ApplyError, Proxy};
pub use program::{Extension, Program};
pub use protocols::{Protocols, Registered};

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
