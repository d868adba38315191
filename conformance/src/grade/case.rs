//! What a case is, and how it can end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use super::arena::Arena;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// gRPC.
    Grpc,
    /// Dubbo 2.
    Dubbo,
    /// SOFA Bolt.
    Bolt,
    /// Apache Thrift.
    Thrift,
    /// The listener itself: what it recognises, and what stands before the first byte of a protocol.
    Port,
}

impl Protocol {
    /// Its name in cases and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Dubbo => "dubbo",
            Self::Bolt => "bolt",
            Self::Thrift => "thrift",
            Self::Port => "port",
        }
    }

    /// As people write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Grpc => "gRPC",
            Self::Dubbo => "Dubbo",
            Self::Bolt => "Bolt",
            Self::Thrift => "Thrift",
            Self::Port => "One port",
        }
    }
}

/// What a target must be able to do for a case to apply to it. All must carry bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Reads the protocol's messages; a relay of TCP does not.
    Messages,
    /// The harness knows the target's request timeout, or the target has none though it reads the protocol.
    Timeout,
    /// The harness can set the longest message.
    Limit,
    /// It can be asked to end in an orderly way.
    Drain,
    /// It takes a PROXY header before the protocol's bytes.
    ProxyHeader,
}

/// A case that says why it does not apply.
#[derive(Debug)]
pub struct NotApplicable(pub String);

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotApplicable {}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should.
    Pass,
    /// Not as it should.
    Fail(String),
    /// It says nothing about this target.
    NotApplicable(String),
    /// The target ended by itself, or said that it broke.
    Crashed(String),
    /// The target could not be had or started.
    NotStarted(String),
}

impl Verdict {
    /// Whether the run is to end with a failure.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Fail(_) | Self::Crashed(_) | Self::NotStarted(_))
    }

    /// One word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "FAIL",
            Self::NotApplicable(_) => "n/a",
            Self::Crashed(_) => "CRASHED",
            Self::NotStarted(_) => "NOT STARTED",
        }
    }

    /// Why, where there is a why.
    pub fn reason(&self) -> &str {
        match self {
            Self::Pass => "",
            Self::Fail(why)
            | Self::NotApplicable(why)
            | Self::Crashed(why)
            | Self::NotStarted(why) => why,
        }
    }
}

type Run = dyn Fn(Arena) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync;

/// A question to a proxy, which bytes answer.
pub struct Case {
    /// Stable: `dubbo/wire/byte-at-a-time`.
    pub name: String,
    /// What it is about.
    pub protocol: Protocol,
    /// What is asked, why it matters, and where it is written.
    pub why: String,
    /// What a target needs for it.
    pub needs: Vec<Need>,
    run: Box<Run>,
}

impl Case {
    /// A case that `run` decides: an error is a failure, [`NotApplicable`] among them.
    pub fn new<F, R>(protocol: Protocol, name: impl Into<String>, run: F) -> Self
    where
        F: Fn(Arena) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        Self {
            name: name.into(),
            protocol,
            why: String::new(),
            needs: Vec::new(),
            run: Box::new(move |arena| Box::pin(run(arena))),
        }
    }

    /// Its rationale and the source of that.
    pub fn why(mut self, why: &str, source: &str) -> Self {
        self.why = format!("{why} Source: {source}.");
        self
    }

    /// What it needs.
    pub fn needs(mut self, needs: &[Need]) -> Self {
        self.needs.extend(needs);
        self
    }

    /// The name without its last part, by which tables sum up.
    pub fn group(&self) -> &str {
        self.name
            .rsplit_once('/')
            .map_or(&self.name, |(group, _)| group)
    }

    /// Runs it.
    pub async fn run(&self, arena: Arena) -> Result<()> {
        (self.run)(arena).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A name as a part of a case's: lower-case words joined by hyphens.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c {
            'A'..='Z' => slug.push(c.to_ascii_lowercase()),
            'a'..='z' | '0'..='9' => slug.push(c),
            '+' => slug.push_str("plus"),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}
