//! The command: prints the answer to standard output, and all else to standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use super::{CallError, Failure, Piece, call_into};
use crate::Program;
use crate::cli::CallArgs;
use crate::run::control_runtime;

/// Sends the request that the command line describes, prints what comes back as it comes, and tells how it ended.
///
/// The code is 0 for an answer, 1 for an error or none, 2 for what is no request, 3 for an HTTP status of 400 or more.
pub fn run(program: &Program, args: CallArgs) -> anyhow::Result<ExitCode> {
    let verbose = args.verbose;
    let mut print = |piece| print(piece, verbose);
    match control_runtime()?.block_on(call_into(program, &args, &mut print)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(CallError::Answered(failure)) => {
            eprintln!("{}", printable(&failure.to_string()));
            if let Failure::Status { message, .. } = &failure {
                tracing::debug!("the whole message: {message}");
            }
            Ok(match failure {
                Failure::Http { .. } => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            })
        }
        Err(CallError::Output(error)) => Err(error.into()),
        Err(error) => {
            eprintln!("wireloom: {}", printable(&error.to_string()));
            Ok(match error {
                CallError::Wrong(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            })
        }
    }
}

fn print(piece: Piece, verbose: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match piece {
        Piece::Status(status) if verbose => eprintln!("{}", printable(&status)),
        Piece::Attachment(name, value) if verbose => {
            eprintln!("{}", printable(&format!("{name}: {value}")));
        }
        Piece::Status(_) | Piece::Attachment(..) => {}
        Piece::Value(value) => writeln!(out, "{value:#}")?,
        Piece::Line(line) => writeln!(out, "{line}")?,
        Piece::Bytes(bytes) => out.write_all(&bytes)?,
    }
    // Whoever reads a stream wants each part of it as it comes.
    out.flush()
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
