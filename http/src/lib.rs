//! HTTP/1.1, HTTP/2, gRPC and Triple: the two seams of the framework written by hand, since HTTP's connections have
//! machines of their own.
//!
//! | module | holds |
//! |---|---|
//! | `h1` | HTTP/1.1 connections of both sides, framed over tokio-util and httparse |
//! | `h2` | HTTP/2 connections of both sides, on the h2 crate |
//! | `semantics` | what both versions share: hop-by-hop fields, local replies, RPC names, outcomes |
//! | `grpc` | gRPC's names, statuses, timeouts; gRPC-Web |
//! | `config` | settings |

pub mod config;
pub mod grpc;
pub mod h1;
pub mod h2;
mod json;
pub mod semantics;

pub use config::HttpConfig;
