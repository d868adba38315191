//! A steady load through the proxy while something happens to its endpoints or its configuration.
//!
//! Requests begin when they are due, whether or not those before them are answered, and their latency counts from then:
//! a proxy that stalls is charged for what it kept waiting. `Talk` is the protocol, `Endpoint` a server that can be made
//! to fail, `Client` the connections that the load shares, `Load` the load, `Tally` what came of it.

mod client;
mod endpoint;
mod generator;
pub mod reload;
pub mod resilience;
mod serve;
mod tally;

pub use client::Client;
pub use endpoint::{Endpoint, Mode};
pub use generator::Load;
pub use tally::{Sample, Tally};

/// A protocol that the load speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// Dubbo 2, many requests at once on a connection.
    Dubbo,
    /// gRPC, likewise.
    Grpc,
    /// HTTP/1.1, one at a time.
    Http1,
}

impl Talk {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dubbo, Self::Grpc, Self::Http1];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dubbo => "dubbo",
            Self::Grpc => "grpc",
            Self::Http1 => "http1",
        }
    }
}
