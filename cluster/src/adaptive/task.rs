//! The task that moves the limit.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use super::controller::Controller;
use super::samples::Histogram;
use crate::Cluster;
use crate::local::with_rng;

impl Cluster {
    /// Moves the limit of requests under way as the cluster's `limits.adaptive` says, through all changes of the
    /// configuration. Never ends; to be run once for a cluster, on the control plane's runtime.
    pub async fn adapt(self: Arc<Self>) {
        let mut changes = self.changes();
        let mut controller: Option<Controller> = None;
        loop {
            let config = self.config();
            let Some(adaptive) = &config.limits.adaptive else {
                controller = None;
                // The sender is in the cluster, which is here.
                let _ = changes.changed().await;
                continue;
            };
            let now = Instant::now();
            let mut answers = Histogram::default();
            for local in self.each_local() {
                local.samples.move_to(&mut answers);
            }
            match &mut controller {
                Some(controller) => {
                    let drawn = with_rng(|rng| rng.random());
                    controller.interval(adaptive, now, &answers, drawn);
                }
                None => controller = Some(Controller::new(adaptive, now)),
            }
            let limit = controller.as_ref().map(|one| one.limit(adaptive));
            self.concurrency.store(limit.unwrap_or(u32::MAX), Relaxed);
            sleep(adaptive.interval.0).await;
        }
    }
}
