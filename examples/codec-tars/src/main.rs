//! Wireloom with Tars: everything that `wireloom` does, and one protocol more.

use std::process::ExitCode;

fn main() -> ExitCode {
    wireloom::Program::new().with::<codec_tars::Tars>().main()
}
