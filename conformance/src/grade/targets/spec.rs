//! Targets as they are named on the command line.

use anyhow::{Result, bail, ensure};

/// A target that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// This checkout's proxy.
    Wireloom,
    /// Envoy with a proxy of its own for each protocol.
    Envoy,
    /// Envoy with its generic proxy.
    EnvoyGeneric,
    /// HAProxy.
    Haproxy,
    /// nginx.
    Nginx,
    /// No proxy at all.
    Direct,
    /// A command of the user's.
    Command {
        /// Its name in reports.
        name: String,
        /// With `{listen}` and `{backend}` in it.
        command: String,
        /// It only relays TCP.
        relay: bool,
    },
}

impl TargetSpec {
    /// Reads what stands behind each `--target`: names with commas between, or one command, in which commas are its own.
    ///
    /// # Errors
    /// If there is no such target, a command does not say where to listen and connect, or two have one name.
    pub fn parse(arguments: &[String]) -> Result<Vec<Self>> {
        let mut specs = Vec::new();
        for argument in arguments {
            if let Some(command) = Self::command(argument)? {
                specs.push(command);
                continue;
            }
            let names = argument.split(',').map(str::trim);
            for name in names.filter(|name| !name.is_empty()) {
                specs.push(Self::named(name)?);
            }
        }
        let mut names: Vec<_> = specs.iter().map(Self::name).collect();
        names.sort_unstable();
        names.dedup();
        ensure!(
            names.len() == specs.len(),
            "two targets have one name; a command gets another by --target NAME=cmd:…"
        );
        Ok(specs)
    }

    /// `cmd:…`, `tcp:…`, or either with `NAME=` before it.
    fn command(argument: &str) -> Result<Option<Self>> {
        let Some((head, command)) = argument.split_once(':') else {
            return Ok(None);
        };
        let (name, kind) = head.split_once('=').unwrap_or((head, head));
        let relay = match kind {
            "cmd" => false,
            "tcp" => true,
            _ => return Ok(None),
        };
        let odd = |c: char| c.is_whitespace() || c == ',';
        if name.is_empty() || name.contains(odd) {
            return Ok(None);
        }
        ensure!(
            ["{listen", "{backend"]
                .iter()
                .all(|place| command.contains(place)),
            "the command of {name} must say where to listen, {{listen}}, and where to connect, {{backend}}: {command}"
        );
        Ok(Some(Self::Command {
            name: name.to_owned(),
            command: command.to_owned(),
            relay,
        }))
    }

    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "wireloom" => Self::Wireloom,
            "envoy" => Self::Envoy,
            "envoy-generic" => Self::EnvoyGeneric,
            "haproxy" => Self::Haproxy,
            "nginx" => Self::Nginx,
            "direct" => Self::Direct,
            _ => bail!(
                "there is no target {name:?}; known are wireloom, envoy, envoy-generic, haproxy, nginx, direct, \
                 cmd:'PROGRAM … {{listen}} … {{backend}} …' and, for what relays TCP, tcp:'…'"
            ),
        })
    }

    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Wireloom => "wireloom",
            Self::Envoy => "envoy",
            Self::EnvoyGeneric => "envoy-generic",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Direct => "direct",
            Self::Command { name, .. } => name,
        }
        .to_owned()
    }
}
