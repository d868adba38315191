//! The filters that Wireloom comes with, through a proxy in this process: with Dubbo (calls multiplexed), HTTP/1.1 and Thrift
//! (one at a time) and gRPC (streams). Every refusal is an answer of the protocol's own, and is counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]
#![allow(dead_code, reason = "parts of other tests' helpers")]

mod access;
#[path = "../grpc/client.rs"]
mod client;
mod concurrency;
#[path = "../routing/dubbo.rs"]
mod dubbo;
mod example;
mod fault;
#[path = "../routing/http1.rs"]
mod http1;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod rate_limit;
mod request_size;
#[path = "../grpc/server.rs"]
mod server;
mod site;
#[path = "../routing/thrift.rs"]
mod thrift;
