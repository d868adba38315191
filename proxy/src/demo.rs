//! A proxy with echo services behind it.

use std::process::ExitCode;

use wireloom_telemetry::LogControl;

use crate::cli::DemoArgs;

/// Runs the demo.
pub fn run(_args: DemoArgs, _log: LogControl) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
