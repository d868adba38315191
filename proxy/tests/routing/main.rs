//! What routes match, through a proxy in this process: with Dubbo (calls multiplexed), HTTP/1.1 (one at a time) and gRPC
//! (streams).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]
#![allow(dead_code, reason = "parts of other tests' helpers")]

mod arguments;
#[path = "../tls/authority.rs"]
mod authority;
#[path = "../grpc/client.rs"]
mod client;
mod connections;
mod dubbo;
mod example;
mod headers;
mod hosts;
mod http1;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod relayed;
#[path = "../grpc/server.rs"]
mod server;
mod servers;
mod thrift;
