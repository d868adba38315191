//! Doing what the command line says.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use wireloom_telemetry::{Format, LogControl};

use super::{Cli, Command, RunArgs};
use crate::Program;
use crate::config::{self, Config};

/// The program: reads the command line, does it, and tells how it went.
pub fn main() -> ExitCode {
    run(&Program::new())
}

pub(crate) fn run(program: &Program) -> ExitCode {
    match dispatch(program, Cli::parse()) {
        Ok(code) => code,
        // Whoever read our output has seen enough of it.
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wireloom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(program: &Program, cli: Cli) -> anyhow::Result<ExitCode> {
    let log = cli.log;
    match cli.command {
        Command::Run(args) => serve(program, args, log),
        Command::Check { file } => check(program, &file),
        Command::Schema => {
            let schema = config::schema_with(program.filters());
            print(|out| writeln!(out, "{schema:#}"))
        }
        Command::Demo(args) => {
            let log = start_log(log.as_deref().unwrap_or("warn"), Format::Text)?;
            crate::demo::run(program, args, log)
        }
        Command::Call(args) => {
            let _log = start_log(log.as_deref().unwrap_or("warn"), Format::Text)?;
            crate::call::run(program, args)
        }
        Command::NewCodec { name, wireloom } => {
            crate::new_codec::write(&name, Path::new(""), &wireloom)?;
            print(|out| {
                writeln!(
                    out,
                    "{name}: `cargo test` runs the suite, `cargo run -- run -c mesh.yaml` a proxy"
                )
            })
        }
        Command::Completions { shell } => print(|out| {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "wireloom", &mut script);
            out.write_all(&script)
        }),
    }
}

fn serve(program: &Program, args: RunArgs, log: Option<String>) -> anyhow::Result<ExitCode> {
    let mut config = match load(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Some(workers) = args.workers {
        config.workers = Some(workers.into());
    }
    let filter = log.as_deref().unwrap_or(&config.log.level);
    let control = start_log(filter, config.log.format)?;
    crate::run::run(program, config, &args.config, control)?;
    Ok(ExitCode::SUCCESS)
}

fn check(program: &Program, file: &Path) -> anyhow::Result<ExitCode> {
    let config = match load(program, file) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let routes = config.routes.values().map(Vec::len).sum();
    let file = file.display();
    let (listeners, routes, clusters) = (
        counted(config.listeners.len(), "listener"),
        counted(routes, "route"),
        counted(config.clusters.len(), "cluster"),
    );
    print(|out| writeln!(out, "{file}: ok, {listeners}, {routes}, {clusters}"))
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Loads, or tells what is wrong.
fn load(program: &Program, file: &Path) -> Result<Config, ExitCode> {
    let (filters, sources) = (program.filters(), program.sources());
    config::load_with(file, &program.names(), filters, sources).map_err(|errors| {
        eprintln!("{errors}");
        ExitCode::FAILURE
    })
}

fn start_log(filter: &str, format: Format) -> anyhow::Result<LogControl> {
    Ok(wireloom_telemetry::init(filter, format)?)
}

/// Writes to standard output; `println!` would panic once the reader is gone.
fn print(
    write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>,
) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    write(&mut out)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
