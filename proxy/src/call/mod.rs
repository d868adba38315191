//! `wireloom call`: one request, and its answer for people to read.
//!
//! A URL's scheme picks a [`Caller`], which makes a request of what was written and reads the answer; in between lies
//! the same upstream side of the protocol that the proxy uses. A protocol comes in as one file and one line in `caller`.
//!
//! | file | holds |
//! |---|---|
//! | `url` | `scheme://host:port/service/method?key=value`, taken apart |
//! | `caller` | what a protocol does for a call, and which there are |
//! | `dubbo`, `bolt` | one protocol each |
//! | `arguments` | JSON and type names to values |
//! | `send` | connect, send, wait |
//! | `error` | what may come of it instead of an answer |
//! | `command` | the command: prints the answer or the error |

mod arguments;
mod bolt;
mod caller;
mod command;
mod dubbo;
mod error;
mod send;
mod url;

pub use caller::{Caller, Reply};
pub use command::run;
pub use error::{CallError, Failure, Wrong};
pub use send::call;
pub use url::CallUrl;

#[cfg(test)]
mod tests;
