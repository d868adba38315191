//! Wireloom: one listener for everything.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Command, Driver, Level, Setup};
use crate::grade::case::{Need, Protocol};

pub(super) struct Wireloom {
    pub(super) program: PathBuf,
}

impl Driver for Wireloom {
    fn name(&self) -> &str {
        "wireloom"
    }

    fn level(&self, _protocol: Protocol) -> Level {
        Level::Messages
    }

    fn lacks(&self, _need: Need) -> Option<&'static str> {
        None
    }

    fn sniffs(&self, _protocols: &[Protocol]) -> bool {
        true
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command> {
        let Setup {
            listen, backend, ..
        } = setup;
        let (head, timeout) = (setup.head.as_secs(), setup.timeout.as_secs());
        // Thrift has a limit of its own, which the listener's does not raise or lower.
        let (thrift, limit) = match setup.limit {
            Some(bytes) => (
                format!("protocols: {{thrift: {{max_frame: {bytes}B}}}}\n"),
                format!(", limits: {{frame: {bytes}B}}"),
            ),
            None => Default::default(),
        };
        let proxy = match setup.proxy_header {
            true => ", proxy_protocol: {from: 127.0.0.1}",
            false => "",
        };
        let config = format!(
            "\
workers: 1
drain_timeout: 5s
{thrift}listeners:
  - {{address: \"{listen}\", routes: main, timeouts: {{header: {head}s, sniff: 5s}}{limit}{proxy}}}
routes:
  main: [{{to: main, timeout: {timeout}s}}]
clusters:
  main: {{endpoints: [\"{backend}\"], connect_timeout: 1s}}
"
        );
        let file = folder.join("wireloom.yaml");
        std::fs::write(&file, config)?;
        let program = [&self.program, Path::new("run"), Path::new("-c"), &file];
        Ok(Command {
            program: program.map(|part| part.display().to_string()).into(),
            env: Vec::new(),
        })
    }

    fn crash_marks(&self) -> &'static [&'static str] {
        &["panicked at"]
    }
}
