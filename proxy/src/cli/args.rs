//! What can be written on the command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

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
  2  the command line is wrong
  3  an HTTP request was answered with a status of 400 or more";

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
  wireloom call bolt://127.0.0.1:2045/com.acme.OrderService:1.0/find '[42]' --header zone=a --timeout 500ms
  wireloom call tri://127.0.0.1:2045/com.acme.OrderService/find '[\"42\"]' --type String
  wireloom call thrift://127.0.0.1:2045/OrderService/find '{\"id\": \"42\"}' --idl order.thrift
  wireloom call http://127.0.0.1:2045/echo -X PUT 'some text' -H 'content-type: text/plain' -v
  wireloom call ws://127.0.0.1:2045/ws 'some text'

Thrift's URL has ?transport=framed|buffered|header|ttheader and &protocol=binary|compact|binary_non_strict; default
framed binary. &multiplexed=true puts the service before the method's name, &oneway=true waits for no answer, and the two
header transports take --header. Without --idl FILE, fields go by their ids and types, in calls and in replies:
  wireloom call 'thrift://127.0.0.1:2045/OrderService/find?protocol=compact' '{\"1:string\": \"42\", \"2:list<i32>\": [1, 2]}'
  wireloom call thrift://127.0.0.1:2045/OrderService --idl order.thrift      the service's methods

gRPC's schema comes from the server's reflection, or from --proto FILE:
  wireloom call grpc://127.0.0.1:2045                             the services
  wireloom call grpc://127.0.0.1:2045/wireloom.demo.Echo          a service's methods
  wireloom call grpc://127.0.0.1:2045/wireloom.demo.Echo/Say '{\"text\": \"tea\"}' -H 'x-canary: true'
  wireloom call grpc://127.0.0.1:2045/wireloom.demo.Echo/Chat '{\"text\": \"a\"} {\"text\": \"b\"}'

Exit codes:
  0  there is an answer
  1  there is none, or it is an error
  2  the request is none
  3  an HTTP answer with a status of 400 or more; its body is printed all the same")]
    Call(CallArgs),
    /// Write a crate for a protocol of your own
    #[command(after_help = "\
The crate has a length-prefixed protocol with ids, passes the shared suite, and runs as Wireloom with that protocol in it.

Examples:
  wireloom new-codec acme --wireloom ../wireloom && cd acme && cargo test && cargo run -- run -c mesh.yaml")]
    NewCodec {
        /// The protocol's name, and the folder's: letters a to z, digits and `-`
        name: String,
        /// A checkout of Wireloom
        #[arg(long, value_name = "DIR", default_value = ".")]
        wireloom: PathBuf,
    },
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
    /// PROTOCOL://HOST:PORT/SERVICE/METHOD, or http://HOST[:PORT]/PATH
    pub url: String,
    /// The arguments: a JSON list; for Thrift a JSON object, or a list with --idl; for gRPC a JSON object, or several in a
    /// row for a stream; for HTTP anything
    pub body: Option<String>,
    /// How long to wait for the whole reply; also told to the server where the protocol can
    #[arg(long, value_name = "DURATION", default_value = "15s")]
    pub timeout: Span,
    /// Metadata to send: HTTP headers, gRPC metadata, Dubbo attachments, Bolt headers, THeader pairs; may be repeated
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE or 'KEY: VALUE'")]
    pub headers: Vec<Header>,
    /// Print to standard error what comes with the reply: status, headers, attachments, trailers
    #[arg(short, long)]
    pub verbose: bool,
    /// The types of the arguments, where the protocol needs them: Java's descriptors, like Ljava/lang/String;I
    #[arg(long = "type", value_name = "DESCRIPTOR")]
    pub types: Option<String>,
    /// Which of several forms of the protocol to speak, where it has them
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
    /// HTTP's method [default: POST if there is a body, else GET]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// HTTP/2, which the server must be known to speak, instead of HTTP/1.1
    #[arg(long)]
    pub http2: bool,
    /// A .proto file with the service, for gRPC and Triple; may be repeated [default for gRPC: ask the server]
    #[arg(long = "proto", value_name = "FILE")]
    pub protos: Vec<PathBuf>,
    /// The .thrift file with the service, for Thrift [default: fields go by their ids]
    #[arg(long, value_name = "FILE")]
    pub idl: Option<PathBuf>,
    /// Where the .proto or .thrift files' imports are; may be repeated [default: each file's own directory]
    #[arg(short = 'I', long = "proto-path", value_name = "DIR")]
    pub proto_paths: Vec<PathBuf>,
}

impl CallArgs {
    /// A call without a body and options, as `wireloom call URL` makes it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            body: None,
            timeout: Span(Duration::from_secs(15)),
            headers: Vec::new(),
            verbose: false,
            types: None,
            dialect: None,
            method: None,
            http2: false,
            protos: Vec::new(),
            idl: None,
            proto_paths: Vec::new(),
        }
    }
}

/// One `KEY=VALUE`, or `KEY: VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What stands before the first `=` or `:`.
    pub name: String,
    /// All that follows it; of blanks behind a `:` none.
    pub value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let split = text.find(['=', ':']).map(|at| text.split_at(at));
        match split {
            Some((name, rest)) if !name.is_empty() => {
                let value = match rest.strip_prefix('=') {
                    Some(value) => value,
                    None => rest.get(1..).unwrap_or_default().trim(),
                };
                Ok(Self {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
            }
            _ => Err("write KEY=VALUE or 'KEY: VALUE'"),
        }
    }
}

fn filter(text: &str) -> Result<String, wireloom_telemetry::LogError> {
    wireloom_telemetry::check_filter(text).map(|()| text.to_owned())
}
