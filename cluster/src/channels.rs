//! One worker's connections to one endpoint in one protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use wireloom_codecs::{Answer, Call, Channel, ChannelState, Connector, LocalError};

use crate::outage::Outage;
use crate::{Cluster, ClusterConfig, Endpoint, Upstream};

/// One worker's connections to one endpoint in one protocol.
///
/// The open ones are a snapshot, so that handing a call over takes no lock and no reference count. What changes the
/// snapshot, and what waits for a connection, goes through the lock.
pub(crate) struct ChannelSet {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) cluster: Arc<Cluster>,
    pub(super) upkeep: Arc<Notify>,
    pub(crate) open: ArcSwap<Vec<Arc<dyn Channel>>>,
    /// Whether the newest connection has taken a call.
    pub(super) proven: AtomicBool,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Connections that finish what they have. Kept so that they are counted, and closed with the set.
    pub(super) draining: Vec<Arc<dyn Channel>>,
    /// The connection that is being made.
    pub(super) flight: Option<Flight>,
    pub(super) outage: Outage,
}

/// Told how an attempt to connect ended: None while it lasts.
pub(crate) type Flight = watch::Receiver<Option<Result<(), LocalError>>>;

/// A call that found no connection to take it.
pub(crate) struct Refused {
    pub(crate) call: Box<Call>,
    /// True if no connection is open; false if those that are take no more now.
    pub(crate) unconnected: bool,
}

impl Refused {
    /// A call that its endpoint has no room for.
    pub(crate) fn unadmitted(call: Box<Call>) -> Self {
        Self {
            call,
            unconnected: false,
        }
    }

    /// A call for which no connection is there.
    pub(crate) fn unconnected(call: Box<Call>) -> Self {
        Self {
            call,
            unconnected: true,
        }
    }
}

impl ChannelSet {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        connector: Arc<dyn Connector>,
        upstream: Arc<Upstream>,
        cluster: Arc<Cluster>,
        upkeep: Arc<Notify>,
    ) -> Arc<Self> {
        let set = Arc::new(Self {
            endpoint,
            connector,
            upstream,
            cluster,
            upkeep,
            open: ArcSwap::default(),
            proven: AtomicBool::new(false),
            state: Mutex::default(),
        });
        set.endpoint.register(Arc::downgrade(&set));
        set
    }

    /// Hands the call to the open connection with the fewest under way, and has another made if all are busy.
    pub(crate) fn offer(
        self: &Arc<Self>,
        call: Call,
        config: &Arc<ClusterConfig>,
    ) -> Result<Answer, Refused> {
        let channels = self.open.load();
        let mut least: Option<(&Arc<dyn Channel>, usize)> = None;
        let mut open = 0;
        for channel in channels.iter() {
            if channel.state() == ChannelState::Open {
                open += 1;
                let load = channel.in_flight();
                if least.is_none_or(|(_, least)| load < least) {
                    least = Some((channel, load));
                }
            }
        }
        if open < channels.len() || open == 0 {
            self.sweep();
        }
        let Some((channel, load)) = least else {
            // A server that drained its connections may have taken that back (Bolt and Dubbo can).
            return offer_any(Box::new(call), &self.open.load(), None);
        };
        if load > 0 && open < count(config.connections.per_endpoint.unwrap_or(1)) {
            // In the background: this call does not wait for it.
            let _ = self.connect(config);
        }
        if load == 0 && config.connections.preconnect.is_some() {
            self.upkeep.notify_one();
        }
        channel
            .send(call)
            .or_else(|call| offer_any(call, &channels, Some(channel)))
    }

    /// Sorts the connections anew: draining ones take no calls, closed ones are forgotten.
    pub(crate) fn sweep(&self) {
        let mut gone = Vec::new();
        let mut state = self.state.lock();
        let mut open = Vec::new();
        let all = self.open.load_full();
        let draining = std::mem::take(&mut state.draining);
        for channel in all.iter().cloned().chain(draining) {
            match channel.state() {
                ChannelState::Open => open.push(channel),
                ChannelState::Draining => state.draining.push(channel),
                ChannelState::Closed => gone.push(channel),
            }
        }
        self.open.store(Arc::new(open));
        drop(state);
        // Past the lock, since dropping a connection may run code of its own.
        drop((all, gone));
    }

    /// Takes in a connection that was just made. The state shows that the lock is held.
    pub(super) fn add(&self, channel: Arc<dyn Channel>, _: &State) {
        let mut open = Vec::clone(&self.open.load());
        open.push(channel);
        self.open.store(Arc::new(open));
    }

    /// Connections that this worker keeps at most.
    pub(crate) fn most(&self, config: &ClusterConfig) -> usize {
        let named = config.connections.per_endpoint;
        let least = config.connections.min_idle;
        count(
            named.unwrap_or_else(|| match config.connections.per_downstream {
                true => 1,
                false => self.connector.connections().max(least),
            }),
        )
    }

    /// Notes that a call was taken by a connection that it had waited for.
    pub(crate) fn prove(&self) {
        self.proven.store(true, Relaxed);
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Asks the connections in turn, but for the one that looked best and has refused.
#[cold]
fn offer_any(
    mut call: Box<Call>,
    channels: &[Arc<dyn Channel>],
    refused: Option<&Arc<dyn Channel>>,
) -> Result<Answer, Refused> {
    for channel in channels {
        let asked = refused.is_some_and(|refused| Arc::ptr_eq(channel, refused));
        if asked || channel.state() != ChannelState::Open {
            continue;
        }
        match channel.send(*call) {
            Ok(answer) => return Ok(answer),
            Err(back) => call = back,
        }
    }
    Err(Refused {
        call,
        unconnected: channels
            .iter()
            .all(|channel| channel.state() != ChannelState::Open),
    })
}

impl ChannelSet {
    /// Has the connections close with their last answers.
    pub(crate) fn close(&self) {
        for channel in self.open.load().iter() {
            channel.drain();
        }
    }
}

impl Drop for ChannelSet {
    fn drop(&mut self) {
        self.close();
    }
}
