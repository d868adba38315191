//! A name's addresses as endpoints, looked up again and again.

use std::time::Duration;

use futures_util::stream::unfold;
use tokio::time::{sleep, timeout};
use wireloom_cluster::config::{DnsConfig, RecordKind};
use wireloom_cluster::{BoxSource, EndpointConfig, SourceError, Update};

use crate::query::{Failure, Found, Known, Resolver};
use crate::srv;

/// The pause after a first failure; it doubles up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// Pauses are up to a tenth longer than they need be, so that proxies which started together do not ask together.
const JITTER: f64 = 0.1;

/// A source of the endpoints that `config` describes. It never says that there are none: a name that does not exist, or
/// has no address, is a failure, so that a zone which is being reloaded empties no cluster.
pub fn dns(config: DnsConfig) -> BoxSource {
    let dns = Dns {
        config,
        resolver: None,
        known: Known::default(),
        pause: None,
        failures: 0,
    };
    Box::pin(unfold(dns, |mut dns| async {
        let news = dns.next().await;
        Some((news, dns))
    }))
}

struct Dns {
    config: DnsConfig,
    /// Made anew after a failure, for the system's configuration may have changed.
    resolver: Option<Resolver>,
    /// The last good answers, for where one question of several fails.
    known: Known,
    /// Before the next lookup; None before the first.
    pause: Option<Duration>,
    /// In a row.
    failures: u32,
}

impl Dns {
    async fn next(&mut self) -> Result<Update, SourceError> {
        if let Some(pause) = self.pause.take() {
            let longer = 1.0 + rand::random_range(0.0..JITTER);
            sleep(pause.mul_f64(longer)).await;
        }
        let within = self.config.timeout;
        let looked = timeout(within.0, self.look()).await;
        let looked = looked.unwrap_or_else(|_| {
            let why = format!("no answer within {within}");
            Err(Failure::Failed(why))
        });
        match looked {
            Ok((endpoints, found)) => {
                self.pause = Some(if found.stale {
                    // A part of the answer is an earlier one.
                    self.retry().min(self.keep(found.ttl))
                } else {
                    self.failures = 0;
                    self.keep(found.ttl)
                });
                self.known = found.known;
                Ok(Update::Full(endpoints))
            }
            Err(failure) => {
                let (pause, why) = match failure {
                    Failure::Nothing(Some(ttl), why) => {
                        self.failures = 0;
                        (self.keep(ttl), why)
                    }
                    Failure::Nothing(None, why) => (self.retry(), why),
                    Failure::Failed(why) => {
                        self.resolver = None;
                        (self.retry(), why)
                    }
                };
                self.pause = Some(pause);
                let name = &self.config.name;
                Err(SourceError::new(format!("cannot look up {name}: {why}")))
            }
        }
    }

    /// How long an answer is kept.
    fn keep(&self, ttl: Duration) -> Duration {
        let config = &self.config;
        match config.refresh {
            Some(refresh) => refresh.0,
            // `check` has refused what `clamp` would.
            None => ttl.max(config.min_ttl.0).min(config.max_ttl.0),
        }
    }

    /// The pause after one more failure; no longer than after a success.
    fn retry(&mut self) -> Duration {
        let doubled =
            FIRST_RETRY.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(16);
        let longest = self.config.refresh.unwrap_or(self.config.max_ttl);
        doubled.min(LONGEST_RETRY).min(longest.0)
    }

    async fn look(&mut self) -> Result<(Vec<EndpointConfig>, Found), Failure> {
        let resolver = match self.resolver.take() {
            Some(resolver) => resolver,
            None => Resolver::new(&self.config).map_err(Failure::Failed)?,
        };
        let resolver = self.resolver.insert(resolver);
        let config = &self.config;
        match config.r#type {
            RecordKind::A => {
                let name = resolver.name(&config.name)?;
                let found = resolver.addresses(&name, config.family, &self.known);
                let found = found.await?;
                let port = config.port.unwrap_or_default();
                let endpoints = found.addresses.iter();
                let endpoints = endpoints.map(|ip| srv::endpoint(*ip, port)).collect();
                Ok((endpoints, found))
            }
            RecordKind::Srv => resolver.servers(config, &self.known).await,
        }
    }
}
