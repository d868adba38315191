//! Wireloom with the filter `token`: everything that `wireloom` does, and one filter more.

use std::process::ExitCode;

fn main() -> ExitCode {
    wireloom::Program::new().filter::<filter_token::Token>().main()
}
