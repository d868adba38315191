//! A command of the user's, and no proxy at all.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Command, Driver, LIMIT, Level, Setup};
use crate::grade::case::{Need, Protocol};

/// Any program that a shell can start.
pub(super) struct Other {
    pub(super) name: String,
    pub(super) command: String,
    /// It only relays TCP.
    pub(super) relay: bool,
}

impl Driver for Other {
    fn name(&self) -> &str {
        &self.name
    }

    fn level(&self, protocol: Protocol) -> Level {
        // What a port recognises is asked of whoever is said to recognise something.
        match self.relay && protocol != Protocol::Port {
            true => Level::Bytes,
            false => Level::Messages,
        }
    }

    fn lacks(&self, need: Need) -> Option<&'static str> {
        let (place, why) = match need {
            Need::Timeout => ("{timeout}", "its command has no {timeout}"),
            Need::Limit => ("{limit}", "its command has no {limit}"),
            Need::ProxyHeader => ("{proxy}", "its command has no {proxy}"),
            Need::Messages | Need::Drain => return None,
        };
        (!self.command.contains(place)).then_some(why)
    }

    fn sniffs(&self, _protocols: &[Protocol]) -> bool {
        true
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command> {
        let protocols: Vec<_> = setup.protocols().iter().map(|it| it.as_str()).collect();
        let mut command = self.command.clone();
        for (place, value) in [
            ("{listen}", setup.listen.to_string()),
            ("{backend}", setup.backend.to_string()),
            ("{listen_port}", setup.listen.port().to_string()),
            ("{backend_port}", setup.backend.port().to_string()),
            ("{protocol}", protocols.join(",")),
            ("{timeout}", setup.timeout.as_millis().to_string()),
            ("{limit}", setup.limit.unwrap_or(LIMIT).to_string()),
            ("{proxy}", setup.proxy_header.to_string()),
            ("{dir}", folder.display().to_string()),
        ] {
            command = command.replace(place, &value);
        }
        // It was written for the folder where the user is, not for the one where targets run.
        let here = std::env::current_dir()?.display().to_string();
        let script = format!("cd \"$0\" || exit\n{command}");
        Ok(Command {
            program: vec!["sh".to_owned(), "-c".to_owned(), script, here],
            env: Vec::new(),
        })
    }
}

/// Client and server without anything between them.
pub(super) struct Direct;

impl Driver for Direct {
    fn name(&self) -> &str {
        "direct"
    }

    fn level(&self, _protocol: Protocol) -> Level {
        Level::Bytes
    }

    fn lacks(&self, _need: Need) -> Option<&'static str> {
        None
    }

    fn sniffs(&self, _protocols: &[Protocol]) -> bool {
        true
    }

    fn command(&self, _setup: &Setup, _folder: &Path) -> Result<Command> {
        bail!("there is nothing to start")
    }

    fn is_direct(&self) -> bool {
        true
    }
}
