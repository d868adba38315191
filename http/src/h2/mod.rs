//! HTTP/2 connections of both sides, on the h2 crate.
//!
//! h2 owns the wire: frames, HPACK, flow control, the state of streams. Here is what a proxy makes of it: which
//! requests go on, bodies whose credit flows back only as they are taken, ends that are told apart, and bounds.
//!
//! | module | holds |
//! |---|---|
//! | `server` | downstream connections |
//! | `client` | upstream connections |
//! | `incoming`, `outgoing` | bodies from and to a stream |
//! | `settings` | what is announced to peers, and h2's own bounds |

mod client;
mod idle;
mod incoming;
mod outgoing;
mod server;
mod settings;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tests;
mod turn;

pub use client::Http2Connector;
pub use server::Http2;
