//! The task that takes endpoints out and brings them back.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep_until};

use super::rates::outliers;
use super::{Reason, Seen};
use crate::config::OutlierConfig;
use crate::counters::count;
use crate::local::with_rng;
use crate::{Cluster, ClusterConfig, Endpoint, Mark, Member};

/// From one look at the rows to the next.
const APART: Duration = Duration::from_millis(10);

impl Cluster {
    /// Counts what a request says of an endpoint, if the cluster looks for outliers.
    pub(crate) fn observe(&self, endpoint: &Endpoint, config: &ClusterConfig, seen: Seen) {
        if let Some(outlier) = &config.outlier
            && endpoint.tally.count(seen, outlier.consecutive)
        {
            self.tripped.notify_one();
        }
    }

    /// Watches the cluster's endpoints as its `outlier` says, through all changes of the configuration. Never ends; to be
    /// run once for a cluster, on the control plane's runtime.
    pub async fn detect_outliers(self: Arc<Self>) {
        let mut changes = self.changes();
        let mut interval: Option<Instant> = None;
        loop {
            let config = self.config();
            let now = Instant::now();
            let next = match &config.outlier {
                Some(outlier) => {
                    let due = *interval.get_or_insert(now + outlier.interval.0);
                    // A shorter interval holds at once.
                    let due = due.min(now + outlier.interval.0);
                    interval = Some(due);
                    self.bring_back(now, false);
                    self.eject_full_rows(outlier, now);
                    if due <= now {
                        self.compare(outlier, now);
                        interval = Some(now + outlier.interval.0);
                    }
                    let back = self.members();
                    let back = back
                        .iter()
                        .filter_map(|one| one.endpoint.ejections.lock().until());
                    back.chain(interval).min()
                }
                None => {
                    interval = None;
                    self.bring_back(now, true);
                    None
                }
            };
            let timer = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = timer => {}
                () = self.tripped.notified() => {
                    // Where everything fails rows are filled all the time.
                    sleep_until(now + APART).await;
                }
                _ = changes.changed() => {}
            }
        }
    }

    /// Ends the ejections that are over, or all.
    fn bring_back(&self, now: Instant, all: bool) {
        let members = self.members();
        let over = members.iter().filter(|member| {
            let until = member.endpoint.ejections.lock().until();
            until.is_some_and(|until| all || until <= now)
        });
        let over: Vec<_> = over.collect();
        self.uneject(&over);
    }

    /// Ends an ejection that began before `since`: a health check that began then found the endpoint well.
    pub(crate) fn absolve(&self, endpoint: &Endpoint, since: Instant) {
        if !endpoint.ejections.lock().began_before(since) {
            return;
        }
        let members = self.members();
        let found = members
            .iter()
            .find(|one| std::ptr::eq(&*one.endpoint, endpoint));
        self.uneject(found.as_slice());
    }

    /// Brings endpoints back.
    fn uneject(&self, members: &[&Member]) {
        for member in members {
            member.endpoint.ejections.lock().end();
            member.endpoint.tally.forget_rows();
            let (cluster, endpoint) = (self.name(), member.endpoint.address());
            tracing::info!(event = "unejected", cluster, %endpoint, "takes requests again");
        }
        let marks = members
            .iter()
            .map(|one| (&*one.endpoint, Mark::Ejected, false));
        self.mark_all(marks);
    }

    fn eject_full_rows(&self, config: &OutlierConfig, now: Instant) {
        let members = self.members();
        let full = members.iter().filter_map(|member| {
            let reason = member.endpoint.tally.take_full()?;
            Some((member, reason))
        });
        self.eject(config, now, full.collect());
    }

    fn compare(&self, config: &OutlierConfig, now: Instant) {
        let members = self.members();
        let members: Vec<_> = members.iter().collect();
        let mut reports = Vec::new();
        for (place, member) in members.iter().enumerate() {
            let interval = member.endpoint.tally.take_interval();
            let mut ejections = member.endpoint.ejections.lock();
            if ejections.until().is_none() {
                reports.push((place, interval));
            }
            ejections.interval();
        }
        let draw = || with_rng(|rng| rng.random_range(0..100));
        let found = outliers(config, &reports, draw);
        let found = found
            .into_iter()
            .filter_map(|(place, reason)| Some((*members.get(place)?, reason)));
        self.eject(config, now, found.collect());
    }

    /// Takes as many of them out as may be: one always, unless nobody ever, and never the last one that takes calls.
    fn eject(&self, config: &OutlierConfig, now: Instant, found: Vec<(&Member, Reason)>) {
        if found.is_empty() {
            return;
        }
        let members = self.members();
        let fit = |member: &Member| member.weight > 0 && member.condition().takes_calls();
        let mut left = members.iter().filter(|member| fit(member)).count();
        let marked = |member: &&Member| member.endpoint.is_marked(Mark::Ejected);
        let mut out = members.iter().filter(marked).count();
        let most = usize::try_from(config.max_percent).unwrap_or(100);
        let mut marks = Vec::new();
        for (member, reason) in found {
            let endpoint = &member.endpoint;
            let mut ejections = endpoint.ejections.lock();
            if ejections.until().is_some() {
                continue;
            }
            let (cluster, address) = (self.name(), endpoint.address());
            let others = left.saturating_sub(usize::from(fit(member)));
            let few = (out + 1) * 100 <= most * members.len() || (out == 0 && most > 0);
            let reason_name = reason.as_str();
            if others == 0 || !few {
                count(&self.counters.ejections_refused);
                if ejections.refuse(config, now) {
                    tracing::warn!(
                        event = "ejection_refused", cluster, endpoint = %address, reason = reason_name,
                        "is an outlier, but too few others are left"
                    );
                }
                continue;
            }
            let length = ejections.eject(config, now, with_rng(|rng| rng.random()));
            if let Some(counter) = self.counters.ejections.get(reason as usize) {
                count(counter);
            }
            (left, out) = (others, out + 1);
            marks.push((&**endpoint, Mark::Ejected, true));
            tracing::warn!(
                event = "ejected", cluster, endpoint = %address, reason = reason_name, seconds = length.as_secs_f64(),
                "is an outlier and takes no requests for a while"
            );
        }
        self.mark_all(marks);
    }
}
