//! Filters of somebody else's in a proxy in this process, with Dubbo (calls multiplexed), HTTP/1.1 and Thrift (one at a
//! time) and gRPC (streams).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]
#![allow(dead_code, reason = "parts of other tests' helpers")]

mod bodies;
#[path = "../grpc/client.rs"]
mod client;
mod decisions;
#[path = "../routing/dubbo.rs"]
mod dubbo;
#[path = "../routing/http1.rs"]
mod http1;
#[path = "../grpc/mesh.rs"]
mod mesh;
mod order;
mod probe;
#[path = "../grpc/server.rs"]
mod server;
mod site;
mod state;
#[path = "../routing/thrift.rs"]
mod thrift;
