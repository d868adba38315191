//! One run of a client: what it was asked for and what it reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::manifest::Peer;
use super::protocol::Link;
use crate::cli::Suite;
use crate::process::{Process, Spec};

/// Whether the client talks to the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Direct,
    Proxied,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Proxied => "proxied",
        }
    }
}

/// What became of a scenario, as its client reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    /// What went wrong, or something worth telling.
    pub(crate) detail: String,
    pub(crate) millis: u64,
}

/// A line of the client's output.
#[derive(Deserialize)]
struct Line {
    scenario: String,
    ok: bool,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    millis: u64,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// In the order in which they were reported.
    pub(crate) order: Vec<String>,
    pub(crate) scenarios: BTreeMap<String, Outcome>,
    /// What is wrong with the run itself: a crash, a hang, silence.
    pub(crate) fault: Option<String>,
}

impl Ran {
    pub(crate) fn passed(&self) -> usize {
        self.scenarios.values().filter(|outcome| outcome.ok).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.scenarios.len() - self.passed() + usize::from(self.fault.is_some())
    }

    fn take(&mut self, line: &str) {
        // Libraries print what they like; only what reads as a result is one.
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            return;
        };
        let mut outcome = Outcome {
            ok: line.ok,
            detail: line.detail,
            millis: line.millis,
        };
        if let Some(before) = self.scenarios.get(&line.scenario) {
            outcome.ok = false;
            outcome.detail = format!(
                "reported twice; first {}, then {}: {}",
                before.ok, line.ok, outcome.detail
            );
        } else {
            self.order.push(line.scenario.clone());
        }
        self.scenarios.insert(line.scenario, outcome);
    }

    /// Judges the end of a client that reported what was taken so far.
    fn conclude(&mut self, ended: Result<std::process::ExitStatus>, process: &Process) {
        let fault = match ended {
            Err(error) => Some(error.to_string()),
            Ok(status) if self.scenarios.is_empty() => Some(format!(
                "the client reported no scenario and ended with {status}{}",
                process.explain()
            )),
            // Exit code 1 says no more than a failed scenario does.
            Ok(status) if !status.success() && (status.code() != Some(1) || self.failed() == 0) => {
                Some(format!(
                    "the client ended with {status}{}",
                    process.explain()
                ))
            }
            Ok(_) => None,
        };
        self.fault = self.fault.take().or(fault);
    }
}

/// A client that runs.
pub(crate) struct Client {
    process: Process,
    ran: Ran,
    deadline: Instant,
}

/// What a client is asked to do.
pub(crate) struct Task<'a> {
    pub(crate) peer: &'a Peer,
    /// Where it is installed.
    pub(crate) out: &'a Path,
    /// The server behind the target.
    pub(crate) with: &'a str,
    /// What the client is to speak, and what the server will hear.
    pub(crate) link: Link,
    /// One address, or several with commas.
    pub(crate) target: String,
    pub(crate) suite: Suite,
    pub(crate) mode: Mode,
    /// More arguments.
    pub(crate) more: Vec<String>,
    pub(crate) log: PathBuf,
}

/// How long a client may take: its own limit, the start of a runtime on a busy machine, and a little more.
const fn limit(suite: Suite) -> Duration {
    match suite {
        Suite::Calls | Suite::Errors | Suite::Thrifttest | Suite::Sniff | Suite::Translate => {
            Duration::from_secs(150)
        }
        Suite::Restart => Duration::from_secs(120),
        Suite::Idle => Duration::from_secs(450),
    }
}

impl Client {
    pub(crate) fn start(task: Task<'_>) -> Result<Self> {
        let mut args: Vec<String> = [
            "--target",
            &task.target,
            "--suite",
            task.suite.as_str(),
            "--with",
            task.with,
            "--mode",
            task.mode.as_str(),
        ]
        .map(str::to_owned)
        .into();
        // What peers with one protocol need not be told.
        if task.link.client.is_http() {
            let (client, server) = (task.link.client.as_str(), task.link.server.as_str());
            args.extend(["--protocol", client, "--upstream", server].map(str::to_owned));
        }
        args.extend(task.more);
        let process = Process::spawn(Spec {
            name: format!("the client {}", task.peer.name),
            command: task.peer.client.as_deref().unwrap_or_default(),
            args,
            dir: &task.peer.folder,
            env: vec![("PEER_OUT", task.out.as_os_str())],
            log: task.log,
        })?;
        Ok(Self {
            process,
            ran: Ran::default(),
            deadline: Instant::now() + limit(task.suite),
        })
    }

    /// Waits until it prints `wanted`. False if it ends, or takes too long, before that.
    pub(crate) async fn reached(&mut self, wanted: &str, within: Duration) -> bool {
        let deadline = self.deadline.min(Instant::now() + within);
        while let Some(line) = self.process.line(deadline).await {
            if line.trim() == wanted {
                return true;
            }
            self.ran.take(&line);
        }
        false
    }

    /// Waits for its end, and kills it if that does not come in time.
    pub(crate) async fn finish(mut self) -> Ran {
        while let Some(line) = self.process.line(self.deadline).await {
            self.ran.take(&line);
        }
        let left = self
            .deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_secs(1));
        let ended = self.process.wait(left).await;
        self.ran.conclude(ended, &self.process);
        self.ran
    }

    /// What can be said of a client that could not even be started.
    pub(crate) fn never_ran(why: &anyhow::Error) -> Ran {
        Ran {
            fault: Some(format!("{why:#}")),
            ..Ran::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::protocol::Protocol;

    async fn run(script: &str) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        let peer = Peer {
            client: Some(["sh", "-c", script, "sh"].map(str::to_owned).into()),
            folder: dir.path().to_owned(),
            ..Peer::named("x")
        };
        let client = Client::start(Task {
            peer: &peer,
            out: dir.path(),
            with: "x",
            link: Link {
                client: Protocol::Http2,
                server: Protocol::Http1,
            },
            target: "127.0.0.1:1".to_owned(),
            suite: Suite::Calls,
            mode: Mode::Direct,
            more: Vec::new(),
            log: dir.path().join("log"),
        });
        client.unwrap().finish().await
    }

    #[tokio::test]
    async fn reads_results_among_noise() {
        let ran = run(r#"
            echo starting
            echo '{"level":"info"}'
            echo '{"scenario":"b","ok":true,"detail":"","millis":12}'
            echo "{\"scenario\":\"a\",\"ok\":true,\"detail\":\"$*\"}"
        "#)
        .await;
        assert_eq!(ran.order, ["b", "a"]);
        assert_eq!((ran.passed(), ran.failed()), (2, 0));
        assert_eq!(
            ran.scenarios["a"].detail,
            "--target 127.0.0.1:1 --suite calls --with x --mode direct --protocol http2 --upstream http1"
        );
    }

    #[tokio::test]
    async fn silence_and_crashes_are_faults() {
        let silent = run("echo hello").await;
        assert!(silent.fault.unwrap().contains("no scenario"));
        let crashed =
            run(r#"echo '{"scenario":"a","ok":true}'; echo boom >&2; sleep 0.2; exit 134"#).await;
        let fault = crashed.fault.unwrap();
        assert!(fault.contains("134") && fault.contains("boom"), "{fault}");
        let liar = run(r#"echo '{"scenario":"a","ok":true}'; exit 1"#).await;
        assert!(liar.fault.is_some());
        let honest = run(r#"echo '{"scenario":"a","ok":false}'; exit 1"#).await;
        assert!(honest.fault.is_none() && honest.failed() == 1);
        let twice =
            run(r#"echo '{"scenario":"a","ok":false}'; echo '{"scenario":"a","ok":true}'"#).await;
        assert_eq!((twice.passed(), twice.failed()), (0, 1));
    }
}
