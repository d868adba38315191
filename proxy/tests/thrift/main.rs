//! Thrift through a running proxy: raw bytes on both ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod clusters;
mod failures;
mod frames;
mod mesh;
mod reload;
mod routes;
mod wire;
