//! What may come of a call instead of an answer.

use std::{fmt, io};

use wireloom_codecs::units::Span;
use wireloom_net::{Address, ConnectError};

/// What was written is not a call. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The URL.
    #[error("the URL is wrong: {0}")]
    Url(String),
    /// The arguments.
    #[error("the arguments are wrong: {0}")]
    Arguments(String),
    /// `--type`.
    #[error("--type is wrong: {0}")]
    Types(String),
    /// `--dialect`.
    #[error("--dialect is wrong: {0}")]
    Dialect(String),
    /// `--header`.
    #[error("--header is wrong: {0}")]
    Header(String),
    /// `--proto`, or the schema in it.
    #[error("--proto is wrong: {0}")]
    Proto(String),
    /// Another option, by its name.
    #[error("{0} is wrong: {1}")]
    Option(&'static str, String),
}

impl Wrong {
    pub(super) fn url(what: impl fmt::Display) -> Self {
        Self::Url(what.to_string())
    }

    pub(super) fn arguments(what: impl fmt::Display) -> Self {
        Self::Arguments(what.to_string())
    }
}

/// The answer is that there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An error status, of the server or of a proxy before it.
    ///
    /// Displayed with the first line of its message: Java's have a stack trace behind it.
    #[error("status {code} {name}{}", behind(message.lines().next().unwrap_or_default()))]
    Status {
        /// As the wire has it.
        code: u32,
        /// What the protocol calls it.
        name: &'static str,
        /// Empty where the protocol carries none.
        message: String,
    },
    /// An HTTP status of 400 or more.
    #[error("status {status}{}{reason}", if reason.is_empty() { "" } else { " " })]
    Http {
        /// The status code.
        status: u16,
        /// What the code stands for; empty if it is no known one.
        reason: &'static str,
    },
    /// A status of gRPC.
    #[error("status {code} {name}{}{}", behind(message), lines(details))]
    Grpc {
        /// The status code.
        code: u32,
        /// What gRPC calls it.
        name: &'static str,
        /// May be empty.
        message: String,
        /// What came with it, a line each.
        details: Vec<String>,
    },
    /// The service threw.
    #[error("exception {class}{}", behind(message))]
    Exception {
        /// The exception's class.
        class: String,
        /// Its message; may be empty.
        message: String,
    },
    /// Thrift's own exception, of the server or of a proxy before it.
    #[error("TApplicationException {code} {name}{}", behind(message))]
    Application {
        /// Its type.
        code: i32,
        /// What Thrift calls it.
        name: &'static str,
        /// May be empty.
        message: String,
    },
    /// The server could not call the method: there is no such service or method, or the arguments do not fit.
    #[error("refused{}", behind(.0))]
    Refused(String),
    /// The answer is not understood.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

fn behind(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

fn lines(details: &[String]) -> String {
    let each = details.iter().map(|detail| format!("\n  {detail}"));
    each.collect()
}

/// Why a call has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is none.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Not in time.
    #[error("no answer from {0} within {1}")]
    Timeout(Address, Span),
    /// The connection ended or broke.
    #[error("no answer from {0}: {1}")]
    Lost(Address, String),
    /// The server does not tell the schema of its services.
    #[error("the schema is not known, for {0} {1}; `--proto FILE` gives it")]
    NoSchema(Address, String),
    /// The answer has nowhere to go.
    #[error("the answer cannot be written: {0}")]
    Output(#[from] io::Error),
    /// There is an answer, and it is an error.
    #[error(transparent)]
    Answered(#[from] Failure),
}
