//! HTTP/2 connections of both sides, on the h2 crate.
//!
//! h2 owns the wire: frames, HPACK, flow control, the state of streams. Here is what a proxy makes of it: which
//! requests go on, bodies whose credit flows back only as they are taken, ends that are told apart, and bounds.
//!
//! | module | holds |
//! |---|---|
//! | `server` | downstream connections |
//! | `client` | upstream connections |
//! | `wire`, `frames` | the bytes under h2: one write a turn, and floods that h2 does not see |
//! | `half` | how long a frame may take that is not whole |
//! | `spare` | a byte of the window for peers that count it wrong |
//! | `incoming`, `outgoing` | bodies from and to a stream |
//! | `upgrade` | what began in HTTP/1.1 |
//! | `settings` | what is announced to peers, and h2's own bounds |

mod client;
mod frames;
mod half;
mod idle;
mod incoming;
mod outgoing;
mod pings;
mod server;
mod settings;
mod spare;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tests;
mod turn;
mod upgrade;
mod websocket;
mod wire;

pub use client::Http2Connector;
pub use server::Http2;
