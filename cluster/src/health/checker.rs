//! The tasks that ask.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use wireloom_codecs::{ChannelLimits, Probing};

use super::verdict::Verdict;
use crate::config::HealthConfig;
use crate::counters::count;
use crate::local::with_rng;
use crate::{Cluster, ClusterConfig, Endpoint, Mark, Upstream};

/// First checks are spread over so much time for each endpoint.
const APART: Duration = Duration::from_millis(5);
/// Characters of a failure's cause that are kept.
const LONGEST: usize = 200;

/// A task that ends with the handle.
struct Checker {
    task: JoinHandle<()>,
    /// Kept so that its place is not another's as long as checkers are found by it.
    _endpoint: Arc<Endpoint>,
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cluster {
    /// Checks the cluster's endpoints as its `health` says, through all changes of the configuration, over connections that
    /// `upstream` makes. Never ends; to be run once for a cluster, on the control plane's runtime.
    pub async fn check_health(self: Arc<Self>, upstream: Arc<Upstream>) {
        let mut changes = self.changes();
        let mut checkers: HashMap<usize, Checker> = HashMap::new();
        let mut current: Option<HealthConfig> = None;
        let mut known = false;
        loop {
            let config = self.config();
            if config.health != current {
                // They begin anew, and know what they knew.
                checkers.clear();
                current.clone_from(&config.health);
                known = false;
            }
            match &current {
                Some(_) => {
                    self.follow(&mut checkers, &upstream, known);
                    known = true;
                }
                None => self.forget(),
            }
            // The sender is in the cluster, which is here.
            let _ = changes.changed().await;
        }
    }

    /// Has a checker for each endpoint, and none for others. Newcomers among endpoints that were checked are not well before
    /// their first check.
    fn follow(
        self: &Arc<Self>,
        checkers: &mut HashMap<usize, Checker>,
        upstream: &Arc<Upstream>,
        newcomers: bool,
    ) {
        let members = self.members();
        let there: HashMap<_, _> = members
            .iter()
            .map(|member| (Arc::as_ptr(&member.endpoint).addr(), &member.endpoint))
            .collect();
        checkers.retain(|endpoint, _| there.contains_key(endpoint));
        let new: Vec<_> = there
            .iter()
            .filter(|(place, _)| !checkers.contains_key(*place))
            .collect();
        let spread = APART.saturating_mul(u32::try_from(new.len()).unwrap_or(u32::MAX));
        let mut unknown = Vec::new();
        for (place, endpoint) in new {
            if newcomers && endpoint.health.lock().well.is_none() {
                unknown.push((&***endpoint, Mark::FailedCheck, true));
            }
            let first = spread.mul_f64(with_rng(|rng| rng.random::<f64>()));
            let task = check(self.clone(), (*endpoint).clone(), upstream.clone(), first);
            let checker = Checker {
                task: tokio::spawn(task),
                _endpoint: (*endpoint).clone(),
            };
            checkers.insert(*place, checker);
        }
        self.mark_all(unknown);
    }

    /// Nobody is checked, and nothing is known.
    fn forget(&self) {
        let members = self.members();
        let marks = members.iter().map(|member| {
            *member.endpoint.health.lock() = super::Health::default();
            (&*member.endpoint, Mark::FailedCheck, false)
        });
        self.mark_all(marks);
    }

    /// Takes note of a check that began at `begun`.
    fn checked(
        &self,
        endpoint: &Endpoint,
        config: &HealthConfig,
        result: Result<(), String>,
        begun: Instant,
    ) -> Verdict {
        let error = result.as_ref().err().cloned().unwrap_or_default();
        count(match result {
            Ok(()) => &self.counters.checks_passed,
            Err(_) => &self.counters.checks_failed,
        });
        let good = result.is_ok();
        let verdict = {
            let mut health = endpoint.health.lock();
            health.note(result, config.healthy, config.unhealthy)
        };
        let (cluster, address) = (self.name(), endpoint.address());
        match verdict {
            Verdict::First(true) => {
                tracing::debug!(event = "healthy", cluster, endpoint = %address, "passed its first check");
            }
            Verdict::Turned(true) => {
                tracing::info!(event = "healthy", cluster, endpoint = %address, "is well again");
            }
            Verdict::First(false) | Verdict::Turned(false) => {
                tracing::warn!(event = "unhealthy", cluster, endpoint = %address, error, "failed its checks");
            }
            Verdict::Doubtful | Verdict::Same => {}
        }
        if let Verdict::First(well) | Verdict::Turned(well) = verdict {
            self.mark(endpoint, Mark::FailedCheck, !well);
        }
        if good {
            self.absolve(endpoint, begun);
        }
        verdict
    }
}

/// Checks one endpoint until it is dropped.
async fn check(
    cluster: Arc<Cluster>,
    endpoint: Arc<Endpoint>,
    upstream: Arc<Upstream>,
    first: Duration,
) {
    sleep(first).await;
    loop {
        let config = cluster.config();
        let Some(health) = &config.health else {
            return;
        };
        let begun = Instant::now();
        let asked = ask(&endpoint, health, &config, &upstream);
        let result = match timeout(health.timeout.0, asked).await {
            Ok(result) => result.map_err(|error| error.chars().take(LONGEST).collect()),
            Err(_) => Err(format!("no answer within {}", health.timeout)),
        };
        let verdict = cluster.checked(&endpoint, health, result, begun);
        let well = endpoint.health.lock().well == Some(true);
        let jitter = f64::from(health.jitter) / 100.0;
        let part = with_rng(|rng| rng.random_range(-1.0..=1.0)) * jitter + 1.0;
        let pause = health.every(well && verdict != Verdict::Doubtful);
        sleep(pause.mul_f64(part).max(Duration::from_millis(1))).await;
    }
}

async fn ask(
    endpoint: &Endpoint,
    config: &HealthConfig,
    cluster: &ClusterConfig,
    upstream: &Upstream,
) -> Result<(), String> {
    let address = endpoint.address();
    let within = config.timeout.0;
    // A socket's path is no host, and a server behind one is on this host.
    let host = match address.unix_path() {
        Some(_) => "localhost".to_owned(),
        None => address.to_string(),
    };
    let probe = config.probe(&host);
    let connector = match &probe {
        Some(probe) => {
            let connector = upstream.prober(cluster.protocol.as_deref(), probe);
            Some(connector.ok_or_else(|| {
                "no protocol has the question that `health` wants asked".to_owned()
            })?)
        }
        None => None,
    };
    let options = cluster.tcp.options();
    let asked = config.address(address);
    let io = upstream.dialer.dial_with(&asked, within, &options);
    let io = io.await.map_err(|error| error.detail.into_owned())?;
    let (Some(probe), Some(connector)) = (&probe, connector) else {
        return Ok(());
    };
    let mut frame = upstream.frame;
    frame.frame = frame.frame.max(connector.max_frame());
    let over = Probing {
        io,
        limits: ChannelLimits {
            frame,
            idle: within,
            ..ChannelLimits::default()
        },
        budget: upstream.budget.clone(),
        timeout: within,
    };
    connector.probe(probe, over).await
}
