//! Requests at a steady rate.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Client, Sample};

/// How long an answer is waited for; the proxy's own timeouts are shorter.
const SILENCE: Duration = Duration::from_secs(20);
/// Requests under way at most; more would be the machine's end and not the proxy's.
const MOST: usize = 50_000;

/// A load that runs.
pub struct Load {
    /// When its first request was due.
    pub begun: Instant,
    task: JoinHandle<Vec<Sample>>,
}

impl Load {
    /// So many requests per second, for that long.
    pub fn start(client: Client, rate: u32, length: Duration) -> Self {
        Self::until(client, rate, length, None)
    }

    /// The same, unless it is told to stop before.
    pub fn until(
        client: Client,
        rate: u32,
        length: Duration,
        stop: Option<watch::Receiver<bool>>,
    ) -> Self {
        let begun = Instant::now();
        let client = Arc::new(client);
        let task = tokio::spawn(async move {
            let mut calls = JoinSet::new();
            let mut samples = Vec::new();
            for number in 0.. {
                let due = Duration::from_secs(1) * number / rate;
                if due >= length || stop.as_ref().is_some_and(|stop| *stop.borrow()) {
                    break;
                }
                sleep_until(begun + due).await;
                let client = client.clone();
                if calls.len() < MOST {
                    calls.spawn(async move {
                        let answered = timeout(SILENCE, client.call()).await;
                        let ok = matches!(answered, Ok(Ok(())));
                        let took = begun.elapsed() - due;
                        Sample { due, took, ok }
                    });
                }
                while let Some(sample) = calls.try_join_next() {
                    samples.extend(sample.ok());
                }
            }
            while let Some(sample) = calls.join_next().await {
                samples.extend(sample.ok());
            }
            samples
        });
        Self { begun, task }
    }

    /// What came of it, once every request has ended.
    pub async fn finish(self) -> Vec<Sample> {
        self.task.await.unwrap_or_default()
    }
}
