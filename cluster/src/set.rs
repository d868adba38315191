//! One worker's connections to one endpoint in one protocol, of either kind.

use std::sync::Arc;

use tokio::sync::Notify;
use wireloom_codecs::{Answer, Call, Connector, Mode};

use crate::channels::{ChannelSet, Refused};
use crate::pool::{Lease, Pool};
use crate::{Cluster, ClusterConfig, Endpoint, Upstream};

/// Connections that carry many calls each, or one at a time.
#[derive(Clone)]
pub(crate) enum Set {
    Shared(Arc<ChannelSet>),
    Exclusive(Arc<Pool>),
}

/// A call that a connection has taken.
pub(crate) struct Taken {
    pub(crate) answer: Answer,
    /// The connection, if it is the call's alone.
    pub(crate) lease: Option<Box<Lease>>,
    /// The connection had carried a call before, and so may have been closed by the server unseen.
    pub(crate) used: bool,
}

impl Set {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        connector: Arc<dyn Connector>,
        upstream: Arc<Upstream>,
        cluster: Arc<Cluster>,
        upkeep: Arc<Notify>,
    ) -> Self {
        match connector.mode() {
            Mode::Multiplexed => Self::Shared(ChannelSet::new(
                endpoint, connector, upstream, cluster, upkeep,
            )),
            Mode::PingPong => {
                Self::Exclusive(Pool::new(endpoint, connector, upstream, cluster, upkeep))
            }
        }
    }

    /// Lets go of the connections: each closes with its last answer. The set goes on if it is asked for another.
    pub(crate) fn close(&self) {
        match self {
            Self::Shared(set) => set.close(),
            Self::Exclusive(pool) => pool.close(),
        }
    }

    /// Hands the call to a connection that is there and takes it.
    pub(crate) fn offer(&self, call: Call, config: &Arc<ClusterConfig>) -> Result<Taken, Refused> {
        match self {
            Self::Shared(set) => set.offer(call, config).map(Taken::shared),
            Self::Exclusive(pool) => {
                let mut call = call;
                // A connection refuses if its server has closed it meanwhile, and then does not go back to the pool.
                while let Some(lease) = pool.idle(config) {
                    match Taken::exclusive(lease, call) {
                        Ok(taken) => return Ok(taken),
                        Err(refused) => call = *refused,
                    }
                }
                Err(Refused::unconnected(Box::new(call)))
            }
        }
    }
}

impl Taken {
    pub(crate) fn shared(answer: Answer) -> Self {
        Self {
            answer,
            lease: None,
            used: false,
        }
    }

    pub(crate) fn exclusive(lease: Lease, call: Call) -> Result<Self, Box<Call>> {
        let (answer, used) = lease.send(call)?;
        Ok(Self {
            answer,
            lease: Some(Box::new(lease)),
            used,
        })
    }
}
