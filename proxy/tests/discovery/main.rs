//! Endpoints that the configuration does not list, through a proxy in this process: with Dubbo (calls multiplexed), HTTP/1.1
//! (one at a time) and gRPC (streams).

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
mod destinations;
mod dns;
#[path = "../routing/dubbo.rs"]
mod dubbo;
mod example;
#[path = "../routing/http1.rs"]
mod http1;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod names;
mod ready;
#[path = "../grpc/server.rs"]
mod server;
mod sources;
mod unix;
mod users;
