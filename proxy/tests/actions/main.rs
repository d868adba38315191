//! What routes do with requests beside sending them to a cluster, through a proxy in this process: with Dubbo (calls
//! multiplexed), HTTP/1.1 and Thrift (one at a time) and gRPC (streams).

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
#[path = "../routing/dubbo.rs"]
mod dubbo;
mod example;
mod fleet;
mod hash;
#[path = "../routing/http1.rs"]
mod http1;
mod idle;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod mirror;
mod named;
#[path = "../grpc/server.rs"]
mod server;
mod subset;
#[path = "../routing/thrift.rs"]
mod thrift;
