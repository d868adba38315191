//! gRPC and Triple through a proxy in this process, between a client and servers of the h2 crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]

mod client;
mod counts;
mod deadlines;
mod mesh;
mod retries;
mod routes;
mod server;
