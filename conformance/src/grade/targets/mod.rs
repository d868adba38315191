//! Who is graded: how each proxy is had, configured, started and asked to end.

mod command;
mod envoy;
mod haproxy;
mod install;
mod nginx;
mod spec;
mod wireloom;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::case::{Need, Protocol};
use super::tongue::Tongue;
use crate::scripted::Dialect;

pub use install::{Prepared, prepare};
pub use spec::TargetSpec;

/// The longest message in cases that are not about it, in bytes, for targets that ask.
const LIMIT: usize = 64 << 20;

/// What a target does with a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It relays its bytes as TCP.
    Bytes,
    /// It reads its messages.
    Messages,
}

/// How a target is asked to end in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// By a signal.
    Signal(Signal),
    /// By a POST of this path to its admin port.
    Post(&'static str),
}

/// What a case wants of its target.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where clients will connect to.
    pub listen: SocketAddr,
    /// The server behind.
    pub backend: SocketAddr,
    /// A free port, for a target that has an admin server.
    pub admin: SocketAddr,
    /// What the case is about.
    pub protocol: Protocol,
    /// All that one port is to tell apart; only `protocol` if empty.
    pub sniffed: Vec<Protocol>,
    /// For a request.
    pub timeout: Duration,
    /// For the head of a request.
    pub head: Duration,
    /// Bytes of the longest message, in cases about that.
    pub limit: Option<usize>,
    /// A PROXY header comes before the protocol.
    pub proxy_header: bool,
}

impl Setup {
    /// What clients will speak.
    pub fn protocols(&self) -> &[Protocol] {
        match self.sniffed.as_slice() {
            [] => std::slice::from_ref(&self.protocol),
            several => several,
        }
    }
}

/// A program with its arguments.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// The program, and its arguments behind it.
    pub program: Vec<String>,
    /// Added to the environment.
    pub env: Vec<(String, OsString)>,
}

/// What the harness knows of a target.
pub trait Driver: Send + Sync {
    /// The target's name.
    fn name(&self) -> &str;

    /// What it does with a protocol.
    fn level(&self, protocol: Protocol) -> Level;

    /// Why it does not have what a case needs, if it does not.
    fn lacks(&self, need: Need) -> Option<&'static str>;

    /// Whether it can tell these protocols apart on one port.
    fn sniffs(&self, protocols: &[Protocol]) -> bool;

    /// The command that starts it, whose files go into `folder`.
    ///
    /// # Errors
    /// If a file cannot be written, or the target cannot do this.
    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command>;

    /// Whether cases about this are for it at all.
    fn is_about(&self, _protocol: Protocol) -> bool {
        true
    }

    /// Whether it takes this dialect, if it reads Thrift.
    fn dialect(&self, _dialect: Dialect) -> bool {
        true
    }

    /// What its server is to speak for clients of this tongue.
    fn upstream(&self, tongue: Tongue) -> Tongue {
        tongue
    }

    /// How it is asked to end.
    fn drain(&self) -> Drain {
        Drain::Signal(Signal::TERM)
    }

    /// What a line says by which it tells that it broke.
    fn crash_marks(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether nothing is between client and server.
    fn is_direct(&self) -> bool {
        false
    }
}

/// Why a case with these needs says nothing about the target, if so.
pub fn inapplicable(driver: &dyn Driver, protocol: Protocol, needs: &[Need]) -> Option<String> {
    if driver.is_direct() {
        let why = || "nothing is between client and server".to_owned();
        return (!needs.is_empty()).then(why);
    }
    if !driver.is_about(protocol) {
        return Some(format!("{} is not what it is for", protocol.title()));
    }
    let reads = |need: &Need| matches!(need, Need::Messages | Need::Timeout | Need::Limit);
    if driver.level(protocol) == Level::Bytes && needs.iter().any(reads) {
        return Some(format!("it relays {} as TCP", protocol.title()));
    }
    needs
        .iter()
        .find_map(|need| driver.lacks(*need))
        .map(str::to_owned)
}

/// Whether it is HTTP of some kind, which many proxies speak that speak nothing else.
const fn is_http(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Http1 | Protocol::Http2 | Protocol::Grpc)
}
