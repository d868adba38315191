//! One request from the command line.

use std::process::ExitCode;

use crate::cli::CallArgs;

/// Sends it.
pub fn run(_args: CallArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
