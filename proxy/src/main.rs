//! The wireloom program.

use std::process::ExitCode;

fn main() -> ExitCode {
    wireloom::cli::main()
}
