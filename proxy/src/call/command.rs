//! The command: prints the answer to standard output, and anything else to standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use super::{CallError, Failure, call};
use crate::cli::CallArgs;
use crate::run::control_runtime;

/// Sends the request that the command line describes, and tells what became of it.
///
/// The code is 0 for an answer, 1 for an error or none, 2 for what is no request.
pub fn run(args: CallArgs) -> anyhow::Result<ExitCode> {
    match control_runtime()?.block_on(call(&args)) {
        Ok(reply) => {
            for (name, value) in &reply.attachments {
                tracing::info!("attachment {name}={value}");
            }
            if let Some(value) = reply.value {
                let mut out = io::stdout().lock();
                writeln!(out, "{value:#}")?;
                out.flush()?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(CallError::Answered(failure)) => {
            eprintln!("{}", printable(&failure.to_string()));
            if let Failure::Status { message, .. } = failure {
                tracing::debug!("the whole message: {message}");
            }
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            eprintln!("wireloom: {error}");
            Ok(match error {
                CallError::Wrong(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            })
        }
    }
}

/// A server's words, without what would make a terminal do things.
fn printable(text: &str) -> String {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| {
            if odd(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
