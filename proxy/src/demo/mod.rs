//! `wireloom demo`: a proxy with echo services behind it, all in one process.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the command: starts everything, prints, waits |
//! | `example` | the same of a protocol of somebody else's |
//! | `exhibit` | what the demo has for a protocol, and what to try with it |
//! | `grpc`, `websocket`, `http`, `triple`, `dubbo`, `bolt`, `thrift` | one protocol each |
//! | `echo` | what the services of Java's protocols answer |
//! | `framed` | services of protocols that are codecs |
//! | `servers` | the thread and the ports that all of them have |
//! | `mesh` | the proxy's configuration |
//! | `guide` | the commands to try, for people |
//! | `once` | the same requests sent, compared and tabulated |

mod bolt;
mod command;
mod dubbo;
mod echo;
mod example;
mod exhibit;
mod framed;
mod grpc;
mod guide;
mod http;
mod mesh;
mod once;
mod servers;
mod thrift;
mod triple;
mod websocket;

pub use command::run;
pub use example::Example;
pub(crate) use exhibit::{EXHIBITS, Exhibit};

#[cfg(test)]
mod tests;
