//! HAProxy: HTTP in its own mode, all else as TCP.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::process::Signal;

use super::{Command, Drain, Driver, Level, Setup, is_http};
use crate::grade::case::{Need, Protocol};

pub(super) struct Haproxy {
    pub(super) program: PathBuf,
    pub(super) libraries: OsString,
}

impl Driver for Haproxy {
    fn name(&self) -> &str {
        "haproxy"
    }

    fn level(&self, protocol: Protocol) -> Level {
        match protocol {
            Protocol::Dubbo | Protocol::Bolt | Protocol::Thrift => Level::Bytes,
            _ => Level::Messages,
        }
    }

    fn lacks(&self, need: Need) -> Option<&'static str> {
        (need == Need::Limit).then_some("it has no setting for the longest message")
    }

    fn sniffs(&self, protocols: &[Protocol]) -> bool {
        protocols.iter().all(|protocol| is_http(*protocol))
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command> {
        let Setup {
            listen, backend, ..
        } = setup;
        let protocols = setup.protocols();
        let mode = match self.sniffs(protocols) {
            true => "http",
            false => "tcp",
        };
        let framed = |protocol: &Protocol| matches!(protocol, Protocol::Http2 | Protocol::Grpc);
        let upstream = match protocols.iter().all(framed) {
            true => " proto h2",
            false => "",
        };
        let accept = match setup.proxy_header {
            true => " accept-proxy",
            false => "",
        };
        let (head, timeout) = (setup.head.as_secs(), setup.timeout.as_millis());
        let config = format!(
            "\
global
    hard-stop-after 10s
    nbthread 1
    maxconn 4000
defaults
    mode {mode}
    timeout connect 1s
    timeout client 60s
    timeout server {timeout}ms
    timeout http-request {head}s
    timeout http-keep-alive 60s
listen in
    bind {listen}{accept}
    server one {backend}{upstream}
"
        );
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, config)?;
        let program = [&self.program, Path::new("-db"), Path::new("-f"), &file];
        Ok(Command {
            program: program.map(|part| part.display().to_string()).into(),
            env: vec![("LD_LIBRARY_PATH".to_owned(), self.libraries.clone())],
        })
    }

    /// A soft stop; SIGTERM is a hard one.
    fn drain(&self) -> Drain {
        Drain::Signal(Signal::USR1)
    }
}
