//! `wireloom call`: one request, and its answer for people to read.
//!
//! A URL's scheme picks a `Caller`, which sends what was written and hands on what comes back. Where requests and
//! answers are one message each it is enough to make the one and to read the other (`Messages`); in between lies the
//! upstream side of the protocol that the proxy uses. What speaks HTTP uses clients of its own (hyper, tonic,
//! tungstenite), which makes these calls a second opinion on the proxy. A protocol comes in as one file and one line in
//! `caller`.
//!
//! | file | holds |
//! |---|---|
//! | `url` | `scheme://host:port/service/method?key=value`, taken apart |
//! | `caller` | what a protocol does for a call, and which there are |
//! | `dubbo`, `bolt`, `thrift`, `triple`, `grpc`, `http`, `websocket` | one protocol each |
//! | `whole` | connect, send, wait: for protocols of whole messages |
//! | `connection` | connections of HTTP |
//! | `arguments` | JSON and type names to values |
//! | `options` | options that not every protocol has |
//! | `reply` | what comes back |
//! | `send` | a call from its command line to its end |
//! | `error` | what may come of it instead of an answer |
//! | `command` | the command: prints the answer or the error |

mod arguments;
mod bolt;
mod caller;
mod command;
mod connection;
mod dubbo;
mod error;
mod grpc;
mod http;
mod options;
mod reply;
mod send;
mod thrift;
pub(crate) mod triple;
mod url;
mod websocket;
mod whole;

pub(crate) use caller::{Caller, Messages};
pub use command::run;
pub use error::{CallError, Failure, Wrong};
pub(crate) use grpc::RpcStatus;
pub use reply::{Out, Piece, Reply};
pub use send::{call, call_in, call_into};
pub use url::CallUrl;

/// The longest message that is taken, in bytes.
const LONGEST: usize = 256 << 20;

#[cfg(test)]
mod tests;
