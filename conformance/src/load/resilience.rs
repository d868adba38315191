//! One endpoint of three fails in one of several ways, with and without outlier detection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{sleep, sleep_until};

use super::{Client, Endpoint, Load, Mode, Sample, Talk};
use crate::proxy::Proxy;

/// How the endpoint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its connections are reset and new ones refused.
    Dies,
    /// The same and well again, every half second.
    Flaps,
    /// Its answers take 10 s.
    Slows,
    /// It takes requests and never answers.
    Silent,
    /// The same, and the SYNs of new connections get no answer either.
    Unreachable,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Dies,
        Self::Flaps,
        Self::Slows,
        Self::Silent,
        Self::Unreachable,
    ];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dies => "dies",
            Self::Flaps => "flaps",
            Self::Slows => "slows to 10 s",
            Self::Silent => "never answers",
            Self::Unreachable => "never answers, drops SYNs",
        }
    }
}

/// How long each part of a run takes.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// All endpoints are well.
    pub before: Duration,
    /// One fails.
    pub failing: Duration,
    /// All are well again.
    pub after: Duration,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The protocol.
    pub talk: Talk,
    /// What goes wrong.
    pub fault: Fault,
    /// How outliers are taken out, as the cluster's configuration says it; None: they stay.
    pub outlier: Option<&'static str>,
    /// How the cluster balances.
    pub balance: &'static str,
    /// Requests per second.
    pub rate: u32,
    /// Its parts.
    pub times: Times,
}

/// What a route gives its requests.
pub const ROUTE: &str = "timeout: 1s, retry: {attempts: 1, on: [connect-failure, reset-before-request, refused, unavailable]}";
/// What a cluster with outlier detection has of it in the tables.
pub const OUTLIER: &str = "outlier: {consecutive: {failures: 5}, latency: {factor: 3, floor: 50ms}, interval: 1s, base_ejection: 2s, max_percent: 50}";
/// What every cluster has.
pub const CLUSTER: &str = "connect_timeout: 250ms";

fn yaml(run: &Run, endpoints: &[Endpoint]) -> String {
    let Run {
        talk,
        outlier,
        balance,
        ..
    } = *run;
    let addresses: Vec<String> = endpoints
        .iter()
        .map(|endpoint| format!("\"{}\"", endpoint.address()))
        .collect();
    let outlier = match outlier {
        Some(outlier) => format!(", {outlier}"),
        None => String::new(),
    };
    let (name, addresses) = (talk.name(), addresses.join(", "));
    format!(
        "workers: 2\nadmin: {{address: $ADMIN}}\ndrain_timeout: 1s\nlisteners: [{{address: $LISTEN, routes: main}}]\n\
         routes: {{main: [{{to: servers, {ROUTE}}}]}}\n\
         clusters: {{servers: {{protocol: {name}, endpoints: [{addresses}], {CLUSTER}, balance: {balance}{outlier}}}}}\n"
    )
}

impl Run {
    /// Runs it with the program.
    ///
    /// # Errors
    /// If something does not start, or the proxy breaks.
    pub async fn run(&self, program: &Path, log: PathBuf) -> Result<Vec<Sample>> {
        let mut endpoints = Vec::new();
        for _ in 0..3 {
            endpoints.push(Endpoint::start(self.talk).await?);
        }
        let yaml = yaml(self, &endpoints);
        let mut proxy = Proxy::start(program, &yaml, log).await?;
        let client = Client::connect(self.talk, proxy.address()).await?;
        // Connections are made once, and not what is measured.
        for _ in 0..60 {
            client.call().await?;
        }
        let Times {
            before,
            failing,
            after,
        } = self.times;
        let load = Load::start(client, self.rate, before + failing + after);
        let victim = endpoints.first();
        let set = |mode| {
            if let Some(victim) = victim {
                victim.set(mode);
            }
        };
        sleep_until(load.begun + before).await;
        let end = load.begun + before + failing;
        match self.fault {
            Fault::Dies => set(Mode::Down),
            Fault::Slows => set(Mode::Slow(Duration::from_secs(10))),
            Fault::Silent => set(Mode::Silent),
            Fault::Unreachable => set(Mode::Unreachable),
            Fault::Flaps => {
                let half = Duration::from_millis(500);
                for turn in 0..failing.as_millis() / half.as_millis() {
                    set(if turn % 2 == 0 {
                        Mode::Down
                    } else {
                        Mode::Well
                    });
                    sleep(half).await;
                }
            }
        }
        sleep_until(end).await;
        set(Mode::Well);
        let samples = load.finish().await;
        proxy.check()?;
        let all = endpoints.iter().all(|endpoint| endpoint.requests() > 0);
        ensure!(all, "an endpoint had no request at all");
        Ok(samples)
    }
}
