//! Connections to endpoints, seen from outside: how many are made, when, and when they end; in protocols whose connections
//! carry many requests at once (Dubbo, gRPC) and in those where one carries one (HTTP/1.1, Thrift).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adaptive;
mod ahead;
mod example;
mod health;
#[path = "../kits/mod.rs"]
mod kits;
mod leaving;
mod lifetimes;
mod mesh;
mod own;
mod sockets;
