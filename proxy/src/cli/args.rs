//! What can be written on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use wireloom_codecs::units::Span;
use wireloom_net::Address;

const EXAMPLES: &str = "\
Examples:
  wireloom demo                       a proxy with echo services behind it, to play with
  wireloom check mesh.yaml            what is wrong with a configuration, line by line
  wireloom run -c mesh.yaml           runs it; SIGHUP reloads it, SIGTERM drains, SIGINT quits
  wireloom call dubbo://127.0.0.1:2045/com.acme.OrderService/find '[\"42\"]'

Exit codes:
  0  all went well
  1  the configuration is wrong, the proxy could not start, or a request was not answered
  2  the command line is wrong";

/// A mesh proxy for RPC: one port, every protocol.
#[derive(Debug, Parser)]
#[command(name = "wireloom", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// What is logged to standard error: off, error, warn, info, debug, trace, or a filter like
    /// info,wireloom_cluster=debug [default: what the configuration says, else info]
    #[arg(long, global = true, value_name = "FILTER", env = "WIRELOOM_LOG", hide_env_values = true, value_parser = filter)]
    pub log: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a configuration
    #[command(after_help = "\
SIGTERM drains and stops, SIGINT stops at once, SIGHUP reads FILE again; a FILE with errors leaves the old
configuration running.

Examples:
  wireloom run -c mesh.yaml
  wireloom run -c mesh.yaml --workers 4 --log debug")]
    Run(RunArgs),
    /// Check a configuration
    #[command(after_help = "\
Prints what is wrong as FILE:LINE:COLUMN: KEY: MESSAGE, one error a line, and exits with 1.

Examples:
  wireloom check mesh.yaml")]
    Check {
        /// The configuration, in YAML or JSON
        file: PathBuf,
    },
    /// Print the JSON Schema of the configuration
    #[command(after_help = "\
Examples:
  wireloom schema > wireloom.schema.json

Editors with a YAML language server check and complete a file whose first line is
  # yaml-language-server: $schema=wireloom.schema.json")]
    Schema,
    /// Run a proxy with echo services behind it
    #[command(after_help = "\
Examples:
  wireloom demo               prints what to try
  wireloom demo --once        sends a request in each protocol, prints a table, and exits with 0 if all were answered")]
    Demo(DemoArgs),
    /// Send one request and print the reply
    #[command(after_help = "\
Examples:
  wireloom call dubbo://127.0.0.1:2045/com.acme.OrderService/find '[\"42\"]' --type 'Ljava/lang/String;'
  wireloom call bolt://127.0.0.1:2045/com.acme.OrderService:1.0/find '[42]' --header zone=a --timeout 500ms")]
    Call(CallArgs),
    /// Print a script that completes commands in a shell
    #[command(after_help = "\
Examples:
  wireloom completions bash > /etc/bash_completion.d/wireloom
  wireloom completions zsh > ~/.zfunc/_wireloom")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `wireloom run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration, in YAML or JSON
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Threads that carry traffic [default: what the configuration says, else one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
}

/// `wireloom demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Send one real request per protocol, print a table, and exit
    #[arg(long)]
    pub once: bool,
    /// The port that takes every protocol
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2045")]
    pub listen: Address,
    /// The admin server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9901")]
    pub admin: Address,
}

/// `wireloom call`.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// PROTOCOL://HOST:PORT/SERVICE/METHOD
    pub url: String,
    /// The arguments, as a JSON list
    pub body: Option<String>,
    /// How long to wait for the reply
    #[arg(long, value_name = "DURATION", default_value = "15s")]
    pub timeout: Span,
    /// Metadata to send: Dubbo attachments, Bolt headers; may be repeated
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE")]
    pub headers: Vec<Header>,
    /// The types of the arguments, where the protocol needs them: Java's descriptors, like Ljava/lang/String;I
    #[arg(long = "type", value_name = "DESCRIPTOR")]
    pub types: Option<String>,
    /// Which of several forms of the protocol to speak, where it has them
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
}

/// One `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What stands before the first `=`.
    pub name: String,
    /// All that follows it.
    pub value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write KEY=VALUE"),
        }
    }
}

fn filter(text: &str) -> Result<String, wireloom_telemetry::LogError> {
    wireloom_telemetry::check_filter(text).map(|()| text.to_owned())
}
