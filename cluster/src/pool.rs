//! One worker's connections to one endpoint in a ping-pong protocol: each carries one call at a time.
//!
//! They rest in a bb8 pool, the last one used on top, and are lent out without a question to the server: a connection
//! knows by itself whether its socket was closed meanwhile. A broken one does not come back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use bb8::{ManageConnection, PooledConnection, QueueStrategy};
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};
use wireloom_codecs::{Answer, Call, Channel, ChannelState, Connector, ErrorKind, LocalError};

use crate::counters::Reports;
use crate::lifetime::limited;
use crate::open::{closed_at_once, open};
use crate::outage::Outage;
use crate::upkeep::{Kept, ahead};
use crate::{Cluster, ClusterConfig, Endpoint, Upstream};

/// Connections that one worker keeps to one endpoint where the configuration names no number.
const MOST: u32 = 1024;

/// The same for each downstream connection that has some of its own.
const MOST_OF_A_DOWNSTREAM: u32 = 8;

/// One worker's connections to one endpoint in a ping-pong protocol.
pub(crate) struct Pool {
    manager: Manager,
    /// Made anew when the configuration changes what it fixes.
    current: ArcSwapOption<Sized>,
}

/// A connection in use. Dropping it gives it back.
pub(crate) type Lease = PooledConnection<'static, Manager>;

struct Sized {
    config: Arc<ClusterConfig>,
    pool: bb8::Pool<Manager>,
}

/// Makes connections for a pool.
#[derive(Clone)]
pub(crate) struct Manager(Arc<Shared>);

struct Shared {
    endpoint: Arc<Endpoint>,
    connector: Arc<dyn Connector>,
    upstream: Arc<Upstream>,
    cluster: Arc<Cluster>,
    upkeep: Arc<Notify>,
    config: ArcSwapOption<ClusterConfig>,
    outage: Mutex<Outage>,
    /// Counts failures to connect, so that those who wait hear of them: bb8 tells nobody.
    failures: watch::Sender<u64>,
    open: AtomicUsize,
    /// The connections, where some are to be kept.
    watched: Mutex<Vec<Weak<dyn Channel>>>,
    /// The last refusal of a limit.
    refused: Mutex<Option<LocalError>>,
    /// A connection is being made that no call waits for, since the last attempt failed.
    trying: AtomicBool,
}

/// A pooled connection.
pub(crate) struct Pooled {
    channel: Arc<dyn Channel>,
    /// It has taken a call before.
    used: AtomicBool,
    shared: Arc<Shared>,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.channel.drain();
        self.shared.open.fetch_sub(1, Relaxed);
    }
}

impl Pooled {
    /// Hands the call over; also says whether the connection had carried one before.
    pub(crate) fn send(&self, call: Call) -> Result<(Answer, bool), Box<Call>> {
        let used = self.used.swap(true, Relaxed);
        self.channel.send(call).map(|answer| (answer, used))
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = LocalError;

    async fn connect(&self) -> Result<Pooled, LocalError> {
        let shared = &self.0;
        let config = shared.config.load_full().ok_or(ErrorKind::Internal)?;
        if let Some((error, _)) = shared.outage.lock().pausing() {
            return Err(shared.tell(error));
        }
        let counted = shared.cluster.connection(&shared.endpoint, &config);
        let counted = counted.map_err(|error| shared.refuse(error))?;
        let reports = Arc::new(Reports {
            counters: shared.cluster.counters.clone(),
            set: Default::default(),
            upkeep: shared.upkeep.clone(),
            _connection: counted,
        });
        let opened = open(
            &shared.endpoint,
            &shared.connector,
            &shared.upstream,
            &config,
            reports,
        );
        match opened.await {
            Ok(channel) => {
                let cluster = shared.cluster.name();
                shared.outage.lock().over(cluster, &shared.endpoint);
                shared.open.fetch_add(1, Relaxed);
                let counters = &shared.cluster.counters;
                let channel = limited(channel, &config, counters, Weak::new());
                if config.connects_ahead() {
                    shared.watched.lock().push(Arc::downgrade(&channel));
                }
                Ok(Pooled {
                    channel,
                    used: AtomicBool::new(false),
                    shared: shared.clone(),
                })
            }
            Err(error) => Err(shared.fail(error)),
        }
    }

    async fn is_valid(&self, _: &mut Pooled) -> Result<(), LocalError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.channel.state() != ChannelState::Open || pooled.channel.in_flight() > 0
    }
}

impl Shared {
    /// Whether some connection cannot be used again, as far as they are watched.
    fn some_broken(&self) -> bool {
        let mut watched = self.watched.lock();
        watched.retain(|channel| channel.strong_count() > 0);
        let mut channels = watched.iter().filter_map(Weak::upgrade);
        channels.any(|channel| channel.state() != ChannelState::Open)
    }

    fn fail(&self, error: LocalError) -> LocalError {
        let cluster = self.cluster.name();
        self.outage
            .lock()
            .fail(cluster, &self.endpoint, error.clone());
        self.tell(error)
    }

    /// A limit forbids one more connection. Those who wait for one go on if any of them is to come back here.
    fn refuse(&self, error: LocalError) -> LocalError {
        *self.refused.lock() = Some(error.clone());
        self.tell(error)
    }

    fn tell(&self, error: LocalError) -> LocalError {
        self.failures.send_modify(|failures| *failures += 1);
        error
    }
}

/// Why there is no connection.
pub(crate) enum NoLease {
    /// Connecting has failed a moment ago, with this: another endpoint is the better bet.
    Pausing(LocalError),
    /// Connecting has failed just now.
    Failed(LocalError),
}

impl Pool {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        connector: Arc<dyn Connector>,
        upstream: Arc<Upstream>,
        cluster: Arc<Cluster>,
        upkeep: Arc<Notify>,
    ) -> Arc<Self> {
        let pool = Arc::new(Self {
            manager: Manager(Arc::new(Shared {
                endpoint,
                connector,
                upstream,
                cluster,
                upkeep,
                config: ArcSwapOption::empty(),
                outage: Mutex::default(),
                failures: watch::Sender::new(0),
                open: AtomicUsize::new(0),
                watched: Mutex::default(),
                refused: Mutex::default(),
                trying: AtomicBool::new(false),
            })),
            current: ArcSwapOption::empty(),
        });
        let shared = &pool.manager.0;
        shared.endpoint.register_pool(Arc::downgrade(&pool));
        pool
    }

    /// A connection that rests; None if all are in use. Whether it is still open shows when it is given a call.
    pub(crate) fn idle(&self, config: &Arc<ClusterConfig>) -> Option<Lease> {
        let sized = self.sized(config);
        let idle = sized.pool.state().idle_connections;
        if idle <= 1 && config.connections.preconnect.is_some() {
            self.manager.0.upkeep.notify_one();
        }
        if idle == 0 {
            return None;
        }
        sized.pool.get_owned().now_or_never()?.ok()
    }

    /// Waits for a connection: one that comes back, or a new one if there may be more.
    pub(crate) async fn acquire(
        &self,
        config: &Arc<ClusterConfig>,
        deadline: Instant,
    ) -> Result<Lease, NoLease> {
        let shared = &self.manager.0;
        let sized = self.sized(config);
        let mut failures = shared.failures.subscribe();
        if let Some((error, _)) = shared.outage.lock().pausing() {
            return Err(NoLease::Pausing(error));
        }
        let waiting = async {
            loop {
                tokio::select! {
                    biased;
                    lease = sized.pool.get_owned() => match lease {
                        Ok(lease) if lease.channel.state() == ChannelState::Open => return Ok(lease),
                        Ok(lease) if lease.used.load(Relaxed) => drop(lease),
                        Ok(lease) => {
                            drop(lease);
                            return Err(shared.fail(closed_at_once(&shared.endpoint)));
                        }
                        Err(_) => return Err(self.late()),
                    },
                    _ = failures.changed() => {
                        if let Some(error) = shared.outage.lock().last() {
                            return Err(error);
                        }
                        if shared.open.load(Relaxed) == 0
                            && let Some(error) = shared.refused.lock().take()
                        {
                            return Err(error);
                        }
                    }
                }
            }
        };
        match timeout_at(deadline, waiting).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(error)) if error.kind == ErrorKind::Overloaded => Err(NoLease::Pausing(error)),
            Ok(Err(error)) => Err(NoLease::Failed(error)),
            Err(_) => Err(NoLease::Failed(self.late())),
        }
    }

    /// Sees whether the endpoint can be connected to again, without a call that has to wait for it. What is made rests in
    /// the pool. One attempt at a time, and none within the pause after a failure.
    #[cold]
    pub(crate) fn try_again(self: &Arc<Self>, config: &Arc<ClusterConfig>) {
        if self.manager.0.trying.swap(true, Relaxed) {
            return;
        }
        let (pool, config) = (self.clone(), config.clone());
        tokio::spawn(async move {
            let deadline = Instant::now() + config.connect_timeout.0;
            // A failure begins the next pause.
            drop(pool.acquire(&config, deadline).await);
            pool.manager.0.trying.store(false, Relaxed);
        });
    }

    #[cold]
    fn late(&self) -> LocalError {
        let address = self.manager.0.endpoint.address();
        let detail = format!("no connection to {address} was made or came back in time");
        LocalError::new(ErrorKind::Timeout, detail)
    }

    /// The pool as the configuration wants it. Another number of connections is another pool; what the old one lent
    /// out ends with its last call.
    fn sized(&self, config: &Arc<ClusterConfig>) -> Arc<Sized> {
        let current = self.current.load();
        if let Some(sized) = &*current
            && (Arc::ptr_eq(&sized.config, config) || same(&sized.config, config))
        {
            return sized.clone();
        }
        self.manager.0.config.store(Some(config.clone()));
        let most = most(config);
        let pool = bb8::Pool::builder()
            .max_size(most)
            .min_idle(None)
            .queue_strategy(QueueStrategy::Lifo)
            .test_on_check_out(false)
            .retry_connection(false)
            .max_lifetime(None)
            .idle_timeout(config.idle_timeout.0)
            // Who waits has a deadline of its own.
            .connection_timeout(std::time::Duration::from_secs(3600))
            .build_unchecked(self.manager.clone());
        let sized = Arc::new(Sized {
            config: config.clone(),
            pool,
        });
        self.current.store(Some(sized.clone()));
        sized
    }

    /// Lets go of connections that rest and cannot be used again.
    fn tidy(&self, sized: &Sized) {
        let mut resting = Vec::new();
        while sized.pool.state().idle_connections > 0
            && let Some(Ok(lease)) = sized.pool.get_owned().now_or_never()
        {
            resting.push(lease);
        }
        // From the one that rested longest, so that they lie as they lay; what is broken does not go back.
        while let Some(lease) = resting.pop() {
            drop(lease);
        }
    }

    /// Makes connections until as many rest as should, at least `first`. Says how many were made, and whether that is all.
    pub(crate) async fn keep(&self, config: &Arc<ClusterConfig>, first: u32) -> Kept {
        let sized = self.sized(config);
        let mut kept = Kept::default();
        if self.manager.0.some_broken() {
            self.tidy(&sized);
        }
        let idle = sized.pool.state().idle_connections;
        let state = sized.pool.state();
        let used = state.connections.saturating_sub(state.idle_connections);
        let most = most(config);
        let wanted = ahead(config, used).saturating_sub(used).max(first);
        let wanted = wanted.max(config.connections.min_idle);
        let wanted = wanted.min(most.saturating_sub(used));
        for _ in idle..wanted {
            let Ok(pooled) = self.manager.connect().await else {
                kept.lacks = true;
                break;
            };
            kept.made += 1;
            if sized.pool.add(pooled).is_err() {
                // Requests have made as many as there may be meanwhile.
                break;
            }
        }
        kept
    }

    /// Connections open: in all, and those that rest.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let idle = self.current.load().as_ref().map_or(0, |sized| {
            usize::try_from(sized.pool.state().idle_connections).unwrap_or(usize::MAX)
        });
        (self.manager.0.open.load(Relaxed), idle)
    }

    /// Lets go of what rests; what is lent out ends with its call.
    pub(crate) fn close(&self) {
        self.current.store(None);
    }

    /// How the last attempt to connect ended, if it failed.
    pub(crate) fn last_failure(&self) -> Option<LocalError> {
        self.manager.0.outage.lock().last()
    }

    /// The last failure to connect and when the next attempt is due, while it is not.
    pub(crate) fn backing_off(&self) -> Option<(LocalError, Instant)> {
        self.manager.0.outage.lock().pausing()
    }
}

fn most(config: &ClusterConfig) -> u32 {
    let connections = &config.connections;
    connections
        .per_endpoint
        .unwrap_or(match connections.per_downstream {
            true => MOST_OF_A_DOWNSTREAM,
            false => MOST,
        })
}

/// Whether a pool for one serves the other.
fn same(a: &ClusterConfig, b: &ClusterConfig) -> bool {
    a.connections == b.connections
        && a.idle_timeout == b.idle_timeout
        && a.connect_timeout == b.connect_timeout
        && a.keep_alive == b.keep_alive
        && a.tcp == b.tcp
}
