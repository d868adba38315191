//! TLS on listeners: who comes in, which protocol is spoken then, and how certificates are changed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod alpn;
mod authority;
mod clients;
mod connections;
mod files;
#[path = "../program/mod.rs"]
mod program;
mod proxy;
mod rotation;
mod routes;
mod upstream;
