//! The conformance suite as a program: grades of proxies by scripted cases, or a table of real clients and servers with
//! Wireloom between them.

use std::process::ExitCode;

use clap::Parser;
use wireloom_conformance::{cli::Cli, grade, peers};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Whatever ends the run drops it, and with it every process that it started.
    let outcome = tokio::select! {
        outcome = run(&cli) => outcome,
        signal = interrupted() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<bool> {
    match cli.grading() {
        Some(options) => grade::main(&options).await,
        None => peers::run(cli).await,
    }
}

/// Waits for a signal that asks to stop.
async fn interrupted() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
