//! Connections before they are needed: a first one to each endpoint, a number that is kept ready, some for each in use.
//!
//! A task of the worker sees to it, in clusters that want any of it. It looks when the members change, when a connection
//! has ended or more of them are in use, and now and then.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use wireloom_codecs::ChannelState;

use crate::channels::ChannelSet;
use crate::local::{LocalCluster, LocalEndpoint, View};
use crate::set::Set;
use crate::upstream::Way;
use crate::{ClusterConfig, Endpoint};

/// Endpoints of a cluster that one worker connects to at the same time.
const TOGETHER: usize = 16;
/// From one look to the next if nothing calls for one.
const NOW_AND_THEN: Duration = Duration::from_secs(1);
/// From one look to the next if something does: the same after connections were made, so that a server which closes them at
/// once is not asked for more all the time.
const SOON: Duration = Duration::from_millis(10);
const AFTER_MAKING: Duration = Duration::from_millis(100);

/// What a worker's side of a cluster has for it.
#[derive(Default)]
pub(crate) struct Upkeep {
    /// Told when it is time for a look.
    pub(crate) poke: Arc<Notify>,
    running: AtomicBool,
    /// Counts the looks that came to their end.
    looks: watch::Sender<u64>,
}

/// What came of it at one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) made: u32,
    /// Some could not be made.
    pub(crate) lacks: bool,
}

/// How many connections there should be if `used` are in use.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand at the most"
)]
pub(crate) fn ahead(config: &ClusterConfig, used: u32) -> u32 {
    let ratio = config.connections.preconnect;
    ratio.map_or(0, |ratio| (f64::from(used) * ratio.get()).ceil() as u32)
}

impl LocalCluster {
    /// Has a task look after connections, if the configuration wants that.
    pub(crate) fn keep_up(self: &Arc<Self>) {
        if !self.view.load().config.connects_ahead() {
            return;
        }
        if self.upkeep.running.swap(true, SeqCst) {
            self.upkeep.poke.notify_one();
        } else if let Some(runtime) = self.upstream.runtime() {
            let poke = self.upkeep.poke.clone();
            runtime.spawn(look_after(Arc::downgrade(self), poke));
        }
    }

    /// Waits until it has been tried to connect to every endpoint that is there now, if the configuration has connections
    /// made ahead: as long as its `warm_up` says, at the most.
    pub async fn warmed_up(&self) {
        let patience = self.view.load().config.warm_up.patience();
        if let Some(patience) = patience {
            let mut looks = self.upkeep.looks.subscribe();
            // One that is under way may not have seen all of them.
            let enough = *looks.borrow_and_update() + 1;
            self.upkeep.poke.notify_one();
            let _ = timeout(patience, looks.wait_for(|looks| *looks >= enough)).await;
        }
    }

    /// The ways of requests, as far as they are known.
    fn ways(&self, view: &View) -> Vec<Way> {
        let own = view.config.protocol.as_deref();
        let mut ways: Vec<_> = own
            .and_then(|own| self.upstream.only_way(own))
            .into_iter()
            .collect();
        for endpoint in &view.endpoints {
            for way in endpoint.ways() {
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        ways
    }

    /// Makes what is wanted and not there.
    async fn look(&self, warm: &mut HashSet<usize>) -> Kept {
        let view = self.view.load_full();
        let there: HashSet<_> = view
            .endpoints
            .iter()
            .map(|one| place(&one.endpoint))
            .collect();
        warm.retain(|endpoint| there.contains(endpoint));
        let ways = self.ways(&view);
        let mut wanted = Vec::new();
        for (member, local) in view.members.iter().zip(&view.endpoints) {
            let warm = warm.contains(&place(&local.endpoint));
            let first = !view.config.warm_up.is_off() && !warm;
            // One without weight may be about to join.
            if (member.weight > 0 || first) && member.condition().takes_calls() {
                wanted.push((local.clone(), u32::from(first)));
            }
        }
        let (ways, config) = (&ways, &view.config);
        let kept = stream::iter(wanted)
            .map(|(local, first)| async move {
                let kept = self.keep(&local, ways, config, first).await;
                (place(&local.endpoint), kept)
            })
            .buffer_unordered(TOGETHER)
            .collect::<Vec<_>>()
            .await;
        let mut all = Kept::default();
        for (endpoint, kept) in kept {
            all.made += kept.made;
            all.lacks |= kept.lacks;
            if !kept.lacks && !ways.is_empty() {
                warm.insert(endpoint);
            }
        }
        all
    }

    async fn keep(
        &self,
        local: &LocalEndpoint,
        ways: &[Way],
        config: &Arc<ClusterConfig>,
        first: u32,
    ) -> Kept {
        let mut all = Kept::default();
        for way in ways {
            let kept = match local.set(*way, self) {
                Some(Set::Shared(set)) => set.keep(config, first).await,
                Some(Set::Exclusive(pool)) => pool.keep(config, first).await,
                None => Kept::default(),
            };
            all.made += kept.made;
            all.lacks |= kept.lacks;
        }
        all
    }
}

/// Where an endpoint is, for as long as a view has it.
fn place(endpoint: &Arc<Endpoint>) -> usize {
    Arc::as_ptr(endpoint).addr()
}

async fn look_after(local: Weak<LocalCluster>, poke: Arc<Notify>) {
    // Endpoints that have had their first connection.
    let mut warm = HashSet::new();
    loop {
        let Some(local) = local.upgrade() else {
            return;
        };
        if !local.view.load().config.connects_ahead() {
            local.upkeep.running.store(false, SeqCst);
            // It may have changed back in between.
            if !local.view.load().config.connects_ahead() || local.upkeep.running.swap(true, SeqCst)
            {
                return;
            }
        }
        let kept = local.look(&mut warm).await;
        local.upkeep.looks.send_modify(|looks| *looks += 1);
        drop(local);
        let now = Instant::now();
        let pause = if kept.lacks {
            NOW_AND_THEN
        } else if kept.made > 0 {
            AFTER_MAKING
        } else {
            SOON
        };
        let _ = timeout_at(now + NOW_AND_THEN, poke.notified()).await;
        sleep_until(now + pause).await;
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        // The task finds out that there is nothing left to look after.
        self.upkeep.poke.notify_one();
    }
}

impl ChannelSet {
    /// Makes connections until as many are open as should be, at least `first`.
    pub(crate) async fn keep(self: &Arc<Self>, config: &Arc<ClusterConfig>, first: u32) -> Kept {
        let mut kept = Kept::default();
        loop {
            let (open, used) = self.open_and_used();
            let wanted = first
                .max(config.connections.min_idle)
                .max(ahead(config, used));
            let wanted = wanted.min(u32::try_from(self.most(config)).unwrap_or(u32::MAX));
            if open >= wanted || kept.made >= wanted {
                return kept;
            }
            let Ok(mut flight) = self.connect(config) else {
                kept.lacks = true;
                return kept;
            };
            let landed = flight.wait_for(Option::is_some).await;
            if !landed.is_ok_and(|landed| matches!(*landed, Some(Ok(())))) {
                kept.lacks = true;
                return kept;
            }
            kept.made += 1;
        }
    }

    fn open_and_used(&self) -> (u32, u32) {
        let (mut open, mut used) = (0, 0);
        for channel in self.open.load().iter() {
            if channel.state() == ChannelState::Open {
                open += 1;
                used += u32::from(channel.in_flight() > 0);
            }
        }
        (open, used)
    }
}
