//! A large configuration is replaced by another one again and again, under load.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::{Client, Endpoint, Load, Sample, Talk};
use crate::proxy::Proxy;

/// How large the configurations are, and what happens meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Clusters that nobody calls, besides the three that the load goes to.
    pub clusters: usize,
    /// Routes to them.
    pub routes: usize,
    /// Requests per second of each protocol.
    pub rate: u32,
    /// Times that the configuration is replaced.
    pub reloads: usize,
    /// From one of them done to the next.
    pub pause: Duration,
}

/// What came of it.
pub struct Outcome {
    /// The same load for as long as the reloads took, without any.
    pub quiet: Vec<Sample>,
    /// With them.
    pub reloading: Vec<Sample>,
}

impl Run {
    /// Every route and every cluster of it is otherwise in each `edition`.
    fn yaml(&self, endpoints: &[(Talk, Vec<Endpoint>)], edition: usize) -> String {
        let mut text = String::from(
            "workers: 2\nadmin: {address: $ADMIN}\ndrain_timeout: 1s\nlisteners: [{address: $LISTEN, routes: main}]\nroutes:\n  main:\n",
        );
        for at in 0..self.routes {
            let to = at % self.clusters.max(1);
            let _ = writeln!(
                text,
                "    - {{match: {{service: com.acme.S{at}, method: {{prefix: get}}}}, to: c{to}, timeout: {}s, retry: {{attempts: 2}}}}",
                10 + edition
            );
        }
        for (talk, _) in endpoints {
            let name = talk.name();
            let _ = writeln!(
                text,
                "    - {{match: {{protocol: {name}}}, to: {name}, timeout: {}s}}",
                10 + edition
            );
        }
        text.push_str("clusters:\n");
        for (talk, servers) in endpoints {
            let addresses: Vec<_> = servers.iter().map(|s| s.address().to_string()).collect();
            let _ = writeln!(
                text,
                "  {}: {{protocol: {}, balance: least_request, outlier: {{}}, endpoints: [{{address: \"{}\"}}, {{address: \"{}\", weight: {}}}]}}",
                talk.name(),
                talk.name(),
                addresses.first().map_or("", String::as_str),
                addresses.last().map_or("", String::as_str),
                edition + 1,
            );
        }
        for at in 0..self.clusters {
            let port = 30_000 + at % 30_000;
            let _ = writeln!(
                text,
                "  c{at}: {{balance: least_request, outlier: {{}}, endpoints: [{{address: 127.0.0.1:{port}}}, {{address: 127.0.0.2:{port}, weight: {}}}]}}",
                edition + 1
            );
        }
        text
    }

    /// Runs it with the program.
    ///
    /// # Errors
    /// If something does not start, a reload fails, or the proxy breaks.
    pub async fn run(&self, program: &Path, log: PathBuf) -> Result<Outcome> {
        let mut endpoints = Vec::new();
        for talk in Talk::ALL {
            let servers = vec![Endpoint::start(talk).await?, Endpoint::start(talk).await?];
            endpoints.push((talk, servers));
        }
        let editions = [self.yaml(&endpoints, 0), self.yaml(&endpoints, 1)];
        let [first, _] = &editions;
        let mut proxy = Proxy::start(program, first, log).await?;
        let mut took = Duration::ZERO;
        let mut parts = Vec::new();
        for reloads in [self.reloads, 0] {
            let most = Duration::from_secs(3600);
            let stop = tokio::sync::watch::Sender::new(false);
            let mut loads = Vec::new();
            for talk in Talk::ALL {
                let client = Client::connect(talk, proxy.address()).await?;
                for _ in 0..30 {
                    client.call().await?;
                }
                loads.push(Load::until(client, self.rate, most, Some(stop.subscribe())));
            }
            let begun = Instant::now();
            for number in 0..reloads {
                let [even, odd] = &editions;
                proxy.reload(if number % 2 == 0 { odd } else { even })?;
                reloaded(&proxy, number + 1).await?;
                sleep(self.pause).await;
            }
            match reloads {
                0 => sleep(took).await,
                _ => took = begun.elapsed(),
            }
            stop.send_replace(true);
            let mut samples = Vec::new();
            for load in loads {
                samples.extend(load.finish().await);
            }
            parts.push(samples);
        }
        proxy.check()?;
        let quiet = parts.pop().unwrap_or_default();
        let reloading = parts.pop().unwrap_or_default();
        Ok(Outcome { quiet, reloading })
    }
}

/// Waits until so many reloads are done.
async fn reloaded(proxy: &Proxy, count: usize) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(120);
    // Not by its metrics, which a proxy of a thousand clusters has a good deal to do for.
    while proxy.lines(&["configuration reloaded"]) < count {
        ensure!(Instant::now() < end, "reload {count} is not done");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
