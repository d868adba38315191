//! `wireloom demo`: a proxy with echo services behind it, all in one process.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the command: starts everything, prints, waits |
//! | `exhibit` | what the demo has for a protocol, and what to try with it |
//! | `dubbo`, `bolt` | one protocol each |
//! | `echo` | the services: what they answer, and the servers that they run in |
//! | `mesh` | the proxy's configuration |
//! | `guide` | the commands to try, for people |
//! | `once` | the same requests sent, compared and tabulated |

mod bolt;
mod command;
mod dubbo;
mod echo;
mod exhibit;
mod guide;
mod mesh;
mod once;

pub use command::run;

#[cfg(test)]
mod tests;
