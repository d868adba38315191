//! The command line.
//!
//! `args` says what can be written, `dispatch` does it. Data goes to standard output, all else to standard error.

mod args;
mod dispatch;

pub use args::{CallArgs, Cli, Command, DemoArgs, Header, RunArgs};
pub use dispatch::main;
pub(crate) use dispatch::run;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests;
