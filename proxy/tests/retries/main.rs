//! Tries after the first and beside it, through a proxy in this process: with Dubbo (calls multiplexed), HTTP/1.1 (one at a
//! time) and gRPC (streams).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]
#![allow(dead_code, reason = "parts of other tests' helpers")]

mod budget;
#[path = "../grpc/client.rs"]
mod client;
mod dubbo;
mod hedging;
mod http1;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod policy;
#[path = "../grpc/server.rs"]
mod server;
