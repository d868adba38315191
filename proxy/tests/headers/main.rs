//! Changes of header fields, through a proxy in this process: with Dubbo and Bolt (calls multiplexed), Thrift's THeader and
//! HTTP/1.1 (one at a time) and gRPC (streams).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]
#![allow(dead_code, reason = "parts of other tests' helpers")]

#[path = "../grpc/client.rs"]
mod client;
mod example;
#[path = "../routing/http1.rs"]
mod http1;
mod layers;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod peers;
#[path = "../grpc/server.rs"]
mod server;
