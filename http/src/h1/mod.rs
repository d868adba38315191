//! HTTP/1.1 and 1.0 (RFC 9110, 9112), both sides, with framing of our own over httparse.
//!
//! | module | holds |
//! |---|---|
//! | `scan` | finds the end of a head, and refuses what httparse lets pass |
//! | `fields` | the fields that framing turns on |
//! | `target`, `request`, `response` | heads, read |
//! | `chunked`, `body` | bodies, read |
//! | `encode` | heads, chunks and trailers, written in one canonical form |
//! | `wire` | a socket with its buffers and its one coarse timer |
//! | `downstream`, `server`, `respond` | a client's connection: the seam, its requests, its answers |
//! | `inflow`, `outflow` | bodies on their way in and out |
//! | `upstream`, `carry`, `pull` | a server's connection, an exchange on it, and the body of its answer |
//! | `tunnel` | what both sides do once a protocol was switched |
//!
//! A message that two parsers could read differently is refused and the connection closed: the list is in `scan`,
//! `fields` and `chunked`. A client that closes its sending side while it waits for an answer counts as gone, as it does
//! with nginx and Envoy (`H1Config::half_close` turns that off).

mod body;
mod carry;
mod chunked;
mod downstream;
mod encode;
mod fields;
#[doc(hidden)]
#[allow(
    clippy::panic,
    reason = "a promise that does not hold is told by a panic"
)]
pub mod fuzz;
mod inflow;
mod outflow;
mod pull;
mod refusal;
mod request;
mod respond;
mod response;
mod scan;
mod server;
mod sniff;
mod target;
mod tunnel;
mod upstream;
mod wire;

pub use downstream::{Handover, Http1, NoHandover, Switched};
pub(crate) use target::is_authority;
pub use upstream::Http1Connector;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]
mod tests;
