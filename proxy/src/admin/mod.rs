//! The admin server: metrics, readiness, what is configured; and the two things that can be told to a running proxy.
//!
//! HTTP/1.1 on a port of its own, served by the control runtime, so that a scrape costs no request its time. One
//! request per connection, a bound on everything. `endpoints` lists what there is and answers it from an
//! [`AdminState`]; `server` accepts.

mod endpoints;
mod server;

pub use server::{AdminServer, Bounds};

use serde_json::Value;

/// What the admin server shows of the proxy, and what it can tell it. Asked on the control runtime; must not block.
pub trait AdminState: Send + Sync + 'static {
    /// True while new requests are welcome.
    fn ready(&self) -> bool;
    /// The configuration at work, with its generation.
    fn config(&self) -> Value;
    /// The listeners, with what they are bound to and how many connections they have.
    fn listeners(&self) -> Value;
    /// The route tables.
    fn routes(&self) -> Value;
    /// The clusters, with their endpoints' states.
    fn clusters(&self) -> Value;
    /// Everything counted, in Prometheus' text format.
    fn metrics(&self) -> String;
    /// Changes the log filter. An error is a sentence.
    fn set_log(&self, filter: &str) -> Result<(), String>;
    /// Starts to drain; again is harmless.
    fn drain(&self);
}

#[cfg(test)]
mod tests;
